//! Moves bytes between a machine and its wire until the machine ends.
//!
//! Neither direction runs ahead of the other end: input is read only while little of it waits on the wire, and the
//! machine stands still while much of its output waits for being taken.
//!
//! A machine *hangs* when it has come to rest with nothing to wake it, and input that it was given waits for it, or has
//! ended without ending it.

use std::{
    future::poll_fn,
    io,
    pin::Pin,
    task::{Context, Poll},
};

use kernel::platform::Stop;
use sim_host::{Outcome, Sim, Wait};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{
    ending::HostError,
    wire::{Mode, Wire},
};

/// Bytes that may wait on the wire to the machine.
const INPUT: usize = 1024;
/// Bytes of output that may wait for being taken; with more, the machine stands still.
const OUTPUT: usize = 64 * 1024;

/// The UART that the wire is plugged into.
const UART: usize = 0;

/// Ctrl-D.
const END_OF_INPUT: u8 = 4;

/// How a machine ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stopped {
    /// For a reason of its own.
    By(Stop),
    /// It did not end, but will never do anything again.
    Hang,
}

/// What is on its way, from one machine to the next.
#[derive(Debug, Default)]
pub(crate) struct Link {
    /// Nothing more will be read.
    input_ended: bool,
    /// The machine has been told so.
    end_sent: bool,
    /// Taken from the machine, and not yet by the wire.
    output: Vec<u8>,
    written: usize,
    unflushed: bool,
}

impl Link {
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
            let fed = self.feed(sim, wire, context)?;
            if self.output.len() < OUTPUT
                && let Poll::Ready(outcome) = sim.poll_machine(context)
            {
                return Poll::Ready(Ok(match outcome {
                    Outcome::Stopped(stop) => Stopped::By(stop),
                    // A driven machine ends for no other reason.
                    _ => Stopped::Hang,
                }));
            }
            self.output.append(&mut sim.uart(UART).take_output());
            let held = self.output.len() >= OUTPUT;
            let taken = self.poll_output(wire, context)?.is_ready();
            if held && self.output.len() < OUTPUT || fed && sim.uart(UART).on_wire() < INPUT {
                continue;
            }
            if taken && wire.can_hang && self.waits(sim) {
                match sim.step().wait {
                    Wait::Forever if self.waits(sim) => return Poll::Ready(Ok(Stopped::Hang)),
                    Wait::Forever | Wait::Until(_) => {}
                    // Something came in since the machine was driven: that is no rest.
                    Wait::Nothing | Wait::Stopped(_) => continue,
                }
            }
            return Poll::Pending;
        }
    }

    /// The machine has input that it does not take, or knows that there is no more.
    fn waits(&self, sim: &Sim) -> bool {
        self.end_sent || sim.uart(UART).on_wire() > 0
    }

    /// Feeds the machine what there is to read, if it is hungry; `true` when it was fed.
    fn feed(&mut self, sim: &Sim, wire: &mut Wire, context: &mut Context<'_>) -> Result<bool, HostError> {
        let uart = sim.uart(UART);
        if self.input_ended {
            if self.end_sent {
                return Ok(false);
            }
            // The first ends a line that is unfinished, the second the input. A terminal's line cannot be ended for it.
            uart.send(match wire.mode {
                Mode::Plain => &[END_OF_INPUT, END_OF_INPUT],
                Mode::Terminal => &[END_OF_INPUT],
            });
            self.end_sent = true;
            return Ok(true);
        }
        let mut bytes = [0; INPUT];
        let room = INPUT.saturating_sub(uart.on_wire());
        if room == 0 {
            return Ok(false);
        }
        let mut buffer = ReadBuf::new(bytes.get_mut(..room).unwrap_or_default());
        match Pin::new(&mut wire.input).poll_read(context, &mut buffer) {
            Poll::Pending => return Ok(false),
            Poll::Ready(Ok(())) => {}
            // A terminal that is gone, which is its way to end.
            Poll::Ready(Err(_)) if wire.mode == Mode::Terminal => {}
            Poll::Ready(Err(error)) => return Err(HostError::Input(error)),
        }
        if buffer.filled().is_empty() {
            self.input_ended = true;
        } else {
            uart.send(buffer.filled());
        }
        Ok(true)
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
                    self.written += count;
                    self.unflushed = true;
                }
            }
        }
        self.output.clear();
        self.written = 0;
        if self.unflushed {
            std::task::ready!(output.poll_flush(context)).map_err(HostError::Output)?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests;
