//! Moves bytes between a machine and its wire until the machine ends.
//!
//! Neither direction runs ahead of the other end. The machine stands still while much of its output waits for being
//! taken. Keys of a person go to the machine as they come, a few at a time; a script's next line goes there only when
//! somebody reads the port and all that was sent before has been read: so no line is lost in a reboot, and none in the
//! port's buffer, however long the script.
//!
//! A machine *hangs* when it has come to rest with nothing to wake it, and a script goes on that nobody reads.

use std::{
    collections::VecDeque,
    future::poll_fn,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use kernel::{platform::Stop, time::Duration};
use sim_host::{Outcome, Rest, Sim, Wait};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{
    ending::HostError,
    wire::{Mode, Wire},
};

/// Bytes that may wait for the machine.
const INPUT: usize = 1024;
/// Bytes of output that may wait for being taken; with more, the machine stands still.
const OUTPUT: usize = 64 * 1024;

/// The UART that the wire is plugged into.
const UART: usize = 0;

/// Ctrl-], typed on this process's terminal: the way out of a machine whose console does not answer, where Ctrl-C and
/// Ctrl-D are bytes like any other.
const LEAVE: u8 = 0x1d;

/// How a machine ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stopped {
    /// For a reason of its own.
    By(Stop),
    /// The power failed.
    PowerCut,
    /// It did not end, but will never do anything again.
    Hang,
    /// It did not end until the time that was given to it.
    TimeReached,
}

/// What is on its way, from one machine to the next.
#[derive(Debug, Default)]
pub(crate) struct Link {
    /// Read from the wire, and not yet sent to the machine.
    input: VecDeque<u8>,
    /// Nothing more will be read.
    input_ended: bool,
    /// The machine has been told so.
    end_sent: bool,
    /// Taken from the machine, and not yet by the wire.
    output: Vec<u8>,
    written: usize,
    unflushed: bool,
    /// What the wire has taken last.
    last: Option<u8>,
    /// How long the machine is to live, over all of its boots; until it ends otherwise.
    until: Option<Duration>,
}

impl Link {
    /// A link to a machine that is to live for so long, or until it ends.
    pub(crate) fn new(until: Option<Duration>) -> Self {
        Self { until, ..Self::default() }
    }

    /// Runs a machine to its end, and sees its output off.
    ///
    /// # Errors
    ///
    /// When the wire fails.
    pub(crate) async fn run(&mut self, sim: &mut Sim, wire: &mut Wire) -> Result<Stopped, HostError> {
        // A machine that has just booted has not heard that there will be no input.
        self.end_sent = false;
        let stopped = poll_fn(|context| self.poll(sim, wire, context)).await?;
        poll_fn(|context| {
            self.output.append(&mut sim.uart(UART).take_output());
            self.poll_output(wire, context)
        })
        .await?;
        Ok(stopped)
    }

    fn poll(
        &mut self,
        sim: &mut Sim,
        wire: &mut Wire,
        context: &mut Context<'_>,
    ) -> Poll<Result<Stopped, HostError>> {
        loop {
            self.read(wire, context)?;
            if wire.takes_terminal && self.input.contains(&LEAVE) {
                return Poll::Ready(Ok(Stopped::By(Stop::PowerOff)));
            }
            // With so much output the machine stands still; the wire wakes this task when it takes more.
            let held = self.output.len() >= OUTPUT;
            if !held {
                let end = self
                    .until
                    .map(|until| sim.now().saturating_add(until.saturating_sub(sim.uptime_of_all_boots())));
                if wire.mode == Mode::Terminal {
                    // Keys are not kept from a machine that is busy: one of them may be Ctrl-C.
                    self.feed(sim, wire.mode);
                }
                let mut hangs = false;
                let polled = sim.poll_machine_until(context, end, |sim, _| {
                    let rest = self.at_rest(sim, wire.mode);
                    hangs = rest == Rest::Pass && wire.can_hang && self.goes_on();
                    rest
                });
                self.output.append(&mut sim.uart(UART).take_output());
                match polled {
                    Poll::Ready(Outcome::Stopped(stop)) => return Poll::Ready(Ok(Stopped::By(stop))),
                    Poll::Ready(Outcome::TimeReached) => return Poll::Ready(Ok(Stopped::TimeReached)),
                    Poll::Ready(Outcome::PowerCut) => return Poll::Ready(Ok(Stopped::PowerCut)),
                    // A driven machine ends for no other reason.
                    Poll::Ready(_) => return Poll::Ready(Ok(Stopped::Hang)),
                    Poll::Pending if hangs && end.is_none() && sim.waits() == Wait::Forever => {
                        return Poll::Ready(Ok(Stopped::Hang));
                    }
                    Poll::Pending => {}
                }
            }
            let taken = self.poll_output(wire, context)?.is_ready();
            let more = self.read(wire, context)?;
            let goes_on = more || (held && taken);
            if !goes_on {
                return Poll::Pending;
            }
        }
    }

    /// The machine is at rest: gives it what there is for it.
    fn at_rest(&mut self, sim: &Sim, mode: Mode) -> Rest {
        match mode {
            Mode::Terminal if self.feed(sim, mode) => Rest::Again,
            Mode::Terminal => Rest::Pass,
            Mode::Plain if self.end_sent || !sim.awaits_bytes(UART) => Rest::Pass,
            Mode::Plain if self.feed(sim, mode) => Rest::Again,
            // What a script does must not depend on how fast it is read.
            Mode::Plain if !self.input_ended => Rest::Hold,
            Mode::Plain => Rest::Pass,
        }
    }

    /// The script has not come to its end: there is more of it, or it waits for the machine.
    pub(crate) fn is_unfinished(&self, sim: &Sim, is_script: bool) -> bool {
        !self.input.is_empty() || is_script && !self.input_ended || !sim.awaits_bytes(UART)
    }

    /// What has gone out last does not end a line.
    pub(crate) fn is_amid_a_line(&self) -> bool {
        self.last.is_some_and(|byte| byte != b'\n')
    }

    /// There is input for the machine to read, or an end of it to see.
    fn goes_on(&self) -> bool {
        self.input_ended || !self.input.is_empty()
    }

    /// Reads from the wire as far as there is room; `true` when there was something.
    fn read(&mut self, wire: &mut Wire, context: &mut Context<'_>) -> Result<bool, HostError> {
        let mut bytes = [0; INPUT];
        let mut something = false;
        while !self.input_ended && self.input.len() < INPUT {
            let mut buffer = ReadBuf::new(bytes.get_mut(self.input.len()..).unwrap_or_default());
            match Pin::new(&mut wire.input).poll_read(context, &mut buffer) {
                Poll::Pending => break,
                Poll::Ready(Ok(())) => {}
                // A terminal that is gone, which is its way to end.
                Poll::Ready(Err(_)) if wire.mode == Mode::Terminal => {}
                Poll::Ready(Err(error)) => return Err(HostError::Input(error)),
            }
            self.input_ended = buffer.filled().is_empty();
            self.input.extend(buffer.filled());
            something = true;
        }
        Ok(something)
    }

    /// Feeds a person's keys, or a script's next line; `true` when there was something.
    fn feed(&mut self, sim: &Sim, mode: Mode) -> bool {
        let uart = sim.uart(UART);
        let len = match mode {
            Mode::Terminal => self.input.len().min(INPUT.saturating_sub(uart.on_wire())),
            Mode::Plain => match self.input.iter().position(|byte| *byte == b'\n') {
                Some(end) => end + 1,
                // The rest of the line comes before the machine is to have it, unless the line is too long for that.
                None if self.input.len() < INPUT && !self.input_ended => 0,
                None => self.input.len(),
            },
        };
        if len > 0 {
            let bytes: Vec<u8> = self.input.drain(..len).collect();
            uart.send(&bytes);
            return true;
        }
        // A machine that is to live until a time does not end with its script.
        let at_end = self.input.is_empty() && self.input_ended && !self.end_sent && self.until.is_none();
        if at_end {
            self.end_sent = true;
            // The first ends a line that is unfinished, the second the input. An unfinished line on a terminal stays.
            if mode == Mode::Plain {
                uart.end_input();
            }
            uart.end_input();
        }
        at_end
    }

    /// Ready when all output is taken and flushed.
    fn poll_output(&mut self, wire: &mut Wire, context: &mut Context<'_>) -> Poll<Result<(), HostError>> {
        let mut output = Pin::new(&mut wire.output);
        while let Some(rest) = self.output.get(self.written..).filter(|rest| !rest.is_empty()) {
            match output.as_mut().poll_write(context, rest).map_err(HostError::Output)? {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(0) => {
                    return Poll::Ready(Err(HostError::Output(io::ErrorKind::WriteZero.into())));
                }
                Poll::Ready(count) => {
                    self.last = rest.get(..count).and_then(|taken| taken.last().copied());
                    self.written += count;
                    self.unflushed = true;
                }
            }
        }
        self.output.clear();
        self.written = 0;
        if self.unflushed {
            ready!(output.poll_flush(context)).map_err(HostError::Output)?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests;
