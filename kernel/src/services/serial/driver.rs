//! The driver of a serial port, over any [`Uart`].
//!
//! It has two halves. The [`Handler`] runs in the interrupt: it moves bytes between the chip's FIFOs and two byte pipes, and
//! counts what went wrong. The [`Driver`] is a task that serves the [`Serial`] contract from the pipes.
//!
//! ```text
//!   line ──▶ chip ──▶ Handler ──▶ pipe ──▶ Driver ──▶ Read replies
//!   line ◀── chip ◀── Handler ◀── pipe ◀── Driver ◀── Write requests
//! ```

use core::{
    convert::Infallible,
    fmt,
    future::{Future, poll_fn},
    pin::pin,
    ptr::NonNull,
    task::Poll,
};

use super::{
    Chunk, Error, Request, Response, Serial, Stats,
    device::{Received, Uart},
};
use crate::{
    Handle,
    comms::pipe::{Consumer, PipeError, Producer, pipe},
    heap::{AllocError, FixedVec},
    interrupt::{Line, Trigger},
    registry::{BindError, Incoming, Reply, Server},
    services::supervise::InUse,
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
    time::Duration,
};

/// Entries that one interrupt takes from the receive FIFO at most, so that it ends; the rest raises the next one.
const BURST: usize = 64;

/// Readers that may wait at a time.
pub const READERS: usize = 8;

/// Writers and flushers that may wait at a time; more are left in their connections until it is their turn.
pub const WRITERS: usize = 8;

/// How often a flush looks whether the last byte has left the chip.
const FLUSH_LOOK: Duration = Duration::from_micros(100);

/// Why a port was not set up, or its driver ended.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SerialError {
    /// A pipe could not be made.
    Pipe(PipeError),
    /// No memory.
    Memory(AllocError),
    /// The service could not be bound.
    Bind(BindError),
    /// Somebody serves the port already.
    InUse(InUse),
}

impl fmt::Display for SerialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pipe(error) => error.fmt(f),
            Self::Memory(error) => write!(f, "no memory for the port: {error}"),
            Self::Bind(error) => error.fmt(f),
            Self::InUse(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for SerialError {}

/// Sets a port up with pipes of so many bytes in either direction. The handler is to be called whenever the device's
/// interrupt is pending; `line` is its name in `irq`.
///
/// # Errors
///
/// When there is no memory, or a pipe would be empty.
pub fn set_up<U: Uart>(
    kernel: &Handle,
    uart: U,
    line: &'static str,
    capacity: usize,
) -> Result<(Driver<U>, Handler<U>), SerialError> {
    let heap = kernel.heap();
    let (received, to_read) = pipe(heap, capacity).map_err(SerialError::Pipe)?;
    let (to_send, sending) = pipe(heap, capacity).map_err(SerialError::Pipe)?;
    let line = kernel.interrupt_line(line).map_err(SerialError::Memory)?;
    let counters = heap.try_permanent(Counters::default()).map_err(SerialError::Memory)?;
    let handler = Handler {
        uart: uart.clone(),
        received,
        sending,
        counters: Shared(counters),
        trigger: line.trigger(),
    };
    Ok((Driver { uart, to_read, to_send, counters: Shared(counters), line }, handler))
}

#[derive(Default)]
struct Counters {
    received: AtomicU32,
    sent: AtomicU32,
    overruns: AtomicU32,
    framing_errors: AtomicU32,
    breaks: AtomicU32,
    /// The far end was asked to hold its bytes back. Set by the handler, when the pipe is full; taken by the driver, after
    /// it has made room there.
    held_back: AtomicBool,
}

/// Counters that stay with the region, which both halves hold through their pipes.
struct Shared(NonNull<Counters>);

#[expect(unsafe_code, reason = "the counters are shared with an interrupt handler")]
// SAFETY: counters are atomic and outlive both halves: each half's pipes hold the region.
unsafe impl Send for Shared {}

impl Shared {
    #[expect(unsafe_code, reason = "the counters are shared with an interrupt handler")]
    fn get(&self) -> &Counters {
        // SAFETY: placed for as long as the region exists.
        unsafe { self.0.as_ref() }
    }
}

fn count(counter: &AtomicU32) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// The interrupt's half.
pub struct Handler<U> {
    uart: U,
    received: Producer,
    sending: Consumer,
    counters: Shared,
    trigger: Trigger,
}

impl<U: Uart> Handler<U> {
    /// Serves the device. To be called when its interrupt is pending; calling it for nothing does no harm.
    ///
    /// It does a bounded amount of work, allocates nothing and never waits.
    pub fn interrupt(&mut self) {
        self.receive();
        self.transmit();
        self.trigger.fire();
    }

    fn receive(&mut self) {
        let counters = self.counters.get();
        for _ in 0..BURST {
            if self.received.is_full() && self.uart.hold_back(true) {
                counters.held_back.store(true, Ordering::Release);
                return;
            }
            let byte = match self.uart.receive() {
                None => return,
                Some(Received::Byte(byte)) => byte,
                Some(Received::AfterOverrun(byte)) => {
                    count(&counters.overruns);
                    byte
                }
                Some(Received::Garbled) => {
                    count(&counters.framing_errors);
                    continue;
                }
                Some(Received::Break) => {
                    count(&counters.breaks);
                    continue;
                }
            };
            match self.received.write(&[byte]) {
                Ok(1) => count(&counters.received),
                // The pipe is full, or the driver is gone: either way the byte is lost.
                _ => count(&counters.overruns),
            }
        }
    }

    fn transmit(&mut self) {
        while let Some(waiting) = self.sending.peek() {
            let sent = waiting.iter().take_while(|byte| self.uart.transmit(**byte)).count();
            let all = sent == waiting.len();
            waiting.release(sent);
            self.counters.get().sent.fetch_add(u32::try_from(sent).unwrap_or(u32::MAX), Ordering::Relaxed);
            if !all {
                return;
            }
        }
        self.uart.set_transmit_interrupt(false);
    }
}

/// The task's half.
pub struct Driver<U> {
    uart: U,
    to_read: Consumer,
    to_send: Producer,
    counters: Shared,
    line: Line,
}

/// A write that waits for room, or a flush.
struct Outgoing {
    chunk: Chunk,
    written: usize,
    flush: bool,
    reply: Reply<Serial>,
}

impl<U: Uart> Driver<U> {
    /// The interrupt line, for whoever wires the handler up.
    pub fn line(&self) -> &Line {
        &self.line
    }

    /// Serves the port under a label until the task is ended.
    ///
    /// # Errors
    ///
    /// When the service cannot be bound, or there is no memory for its queues.
    pub async fn serve(&mut self, kernel: Handle, label: &str) -> Result<Infallible, SerialError> {
        let mut server =
            kernel.services().bind_for_programs::<Serial>(label).await.map_err(SerialError::Bind)?;
        let mut readers = kernel.heap().vec(READERS).await.map_err(SerialError::Memory)?;
        let mut writers = kernel.heap().vec(WRITERS).await.map_err(SerialError::Memory)?;
        kernel.ready();
        loop {
            self.feed_readers(&mut readers);
            self.drain_writers(&mut writers);
            if let Some(incoming) = self.wait(&kernel, &mut server, &readers, &writers).await {
                match incoming {
                    // Who has given up connecting is not missed.
                    Incoming::Hello(hello) => drop(hello.accept().ok()),
                    Incoming::Call(call) => {
                        let (request, reply) = call.split();
                        self.take(request, reply, &mut readers, &mut writers);
                    }
                }
            }
        }
    }

    /// Waits for a request, or for something to do about those that wait.
    async fn wait(
        &mut self,
        kernel: &Handle,
        server: &mut Server<Serial>,
        readers: &[Reply<Serial>],
        writers: &FixedVec<Outgoing>,
    ) -> Option<Incoming<Serial>> {
        let first = writers.first();
        let flushing = first.is_some_and(|outgoing| outgoing.flush);
        let mut next = pin!(server.next());
        let mut filled = pin!(self.to_read.filled());
        let mut drained = pin!(self.to_send.drained());
        let mut look = pin!(kernel.sleep(FLUSH_LOOK));
        poll_fn(|context| {
            // Who has given up lacks the slot until the reply is dropped.
            if readers.iter().any(Reply::is_abandoned) {
                return Poll::Ready(None);
            }
            if !readers.is_empty() && filled.as_mut().poll(context).is_ready() {
                return Poll::Ready(None);
            }
            if first.is_some() && drained.as_mut().poll(context).is_ready() {
                return Poll::Ready(None);
            }
            if flushing && look.as_mut().poll(context).is_ready() {
                return Poll::Ready(None);
            }
            // With its queue full the driver takes no more until there is room.
            if writers.len() == WRITERS { Poll::Pending } else { next.as_mut().poll(context).map(Some) }
        })
        .await
    }

    fn take(
        &mut self,
        request: Request,
        reply: Reply<Serial>,
        readers: &mut FixedVec<Reply<Serial>>,
        writers: &mut FixedVec<Outgoing>,
    ) {
        // Clients that have given up meanwhile do not miss their answers.
        match request {
            Request::Read => {
                if let Err(reply) = readers.push(reply) {
                    let _ = reply.send(Err(Error::TooManyReaders));
                }
            }
            Request::Stats => drop(reply.send(Ok(Response::Stats(self.stats()))).ok()),
            Request::Write(chunk) => queue(writers, Outgoing { chunk, written: 0, flush: false, reply }),
            Request::Flush => {
                queue(writers, Outgoing { chunk: Chunk::new(), written: 0, flush: true, reply })
            }
        }
    }

    fn stats(&self) -> Stats {
        let counters = self.counters.get();
        let read = |counter: &AtomicU32| counter.load(Ordering::Relaxed);
        Stats {
            received: read(&counters.received),
            sent: read(&counters.sent),
            overruns: read(&counters.overruns),
            framing_errors: read(&counters.framing_errors),
            breaks: read(&counters.breaks),
        }
    }

    /// Answers readers in their order for as long as there are bytes. Who has given up eats none.
    fn feed_readers(&mut self, readers: &mut FixedVec<Reply<Serial>>) {
        while let Some(gone) = readers.iter().position(Reply::is_abandoned) {
            drop(readers.remove(gone));
        }
        while !readers.is_empty() {
            let mut bytes = [0; super::CHUNK];
            let Ok(len @ 1..) = self.to_read.read(&mut bytes) else { return };
            if self.counters.get().held_back.swap(false, Ordering::AcqRel) {
                self.uart.hold_back(false);
            }
            let chunk = Chunk::cut(bytes.get(..len).unwrap_or_default());
            let _ = readers.remove(0).send(Ok(Response::Data(chunk)));
        }
    }

    /// Moves what is to be sent into the pipe, in order, as far as there is room.
    fn drain_writers(&mut self, writers: &mut FixedVec<Outgoing>) {
        let mut wrote = false;
        while let Some(first) = writers.first_mut() {
            let rest = first.chunk.as_slice().get(first.written..).unwrap_or_default();
            // The other half is gone only with the machine.
            let written = self.to_send.write(rest).unwrap_or(rest.len());
            wrote |= written > 0;
            first.written += written;
            let done = match first.flush {
                true => self.to_send.is_drained() && !self.uart.is_transmitting(),
                false => first.written == first.chunk.len(),
            };
            if !done {
                break;
            }
            let _ = writers.remove(0).reply.send(Ok(Response::Done));
        }
        if wrote {
            self.uart.set_transmit_interrupt(true);
        }
    }
}

/// Adds to a queue that has room: requests are taken only while it has. Dropping the token would tell the client otherwise.
fn queue(writers: &mut FixedVec<Outgoing>, outgoing: Outgoing) {
    drop(writers.push(outgoing));
}
