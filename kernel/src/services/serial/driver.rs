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
    comms::pipe::{Closed, Consumer, PipeError, Producer, pipe},
    heap::{AllocError, FixedVec},
    interrupt::{Line, Trigger},
    registry::{BindError, Call, Incoming, Reply, Server},
    services::supervise::InUse,
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
    time::Duration,
};

/// Entries that one interrupt takes from the receive FIFO at most, so that it ends; the rest raises the next one.
const BURST: usize = 64;

/// Readers that may wait at a time.
pub const READERS: usize = 8;

/// Writes and flushes that may wait at a time. More are refused rather than left in their connections: what came behind
/// them, reads among it, would have to wait for the line, too.
pub const WRITERS: usize = 16;

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
    /// The interrupt handler was dropped: the device is gone.
    HandlerGone(Closed),
}

impl fmt::Display for SerialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pipe(error) => error.fmt(f),
            Self::Memory(error) => write!(f, "no memory for the port: {error}"),
            Self::Bind(error) => error.fmt(f),
            Self::InUse(error) => error.fmt(f),
            Self::HandlerGone(_) => {
                f.write_str("the port's interrupt handler is gone, and its device with it")
            }
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

impl Counters {
    /// Lets the bytes come again that were held back.
    fn let_go<U: Uart>(&self, uart: &U) {
        if self.held_back.swap(false, Ordering::AcqRel) {
            uart.hold_back(false);
        }
    }
}

fn count(counter: &AtomicU32, more: usize) {
    counter.fetch_add(u32::try_from(more).unwrap_or(u32::MAX), Ordering::Relaxed);
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
        let room = self.received.room();
        let mut bytes = [0; BURST];
        let mut len = 0;
        for _ in 0..BURST {
            if len >= room && self.uart.hold_back(true) {
                counters.held_back.store(true, Ordering::Release);
                break;
            }
            let byte = match self.uart.receive() {
                None => break,
                Some(Received::Byte(byte)) => byte,
                Some(Received::AfterOverrun(byte)) => {
                    count(&counters.overruns, 1);
                    byte
                }
                Some(Received::Garbled) => {
                    count(&counters.framing_errors, 1);
                    continue;
                }
                Some(Received::Break) => {
                    count(&counters.breaks, 1);
                    continue;
                }
            };
            if let Some(place) = bytes.get_mut(len) {
                *place = byte;
                len += 1;
            }
        }
        let bytes = bytes.get(..len).unwrap_or_default();
        if !bytes.is_empty() {
            // What the pipe has no room for is lost, and so is everything once the driver is gone.
            let kept = self.received.write(bytes).unwrap_or(0);
            count(&counters.received, kept);
            count(&counters.overruns, len - kept);
        }
        // The driver, if it is on another core or thread, may have made room before it could see that it has to let go.
        if !self.received.is_full() {
            self.counters.get().let_go(&self.uart);
        }
    }

    fn transmit(&mut self) {
        // Twice: up to the end of the pipe's ring, and from its start on.
        for _ in 0..2 {
            let Some(waiting) = self.sending.peek() else { break };
            let sent = waiting.iter().take_while(|byte| self.uart.transmit(**byte)).count();
            let all = sent == waiting.len();
            waiting.release(sent);
            count(&self.counters.get().sent, sent);
            if !all {
                return;
            }
        }
        if self.sending.is_empty() {
            self.uart.set_transmit_interrupt(false);
            // A task on another core or thread may have written, and switched it on, just before it was switched off.
            if !self.sending.is_empty() {
                self.uart.set_transmit_interrupt(true);
            }
        }
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

/// What waits for the line.
struct Outgoing {
    /// Bytes to write; none for a flush.
    chunk: Chunk,
    /// How many of them are in the pipe.
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
    /// When the service cannot be bound, there is no memory for its queues, or the handler is gone.
    pub async fn serve(&mut self, kernel: Handle, label: &str) -> Result<Infallible, SerialError> {
        let mut readers = kernel.heap().vec(READERS).await.map_err(SerialError::Memory)?;
        let mut writers = kernel.heap().vec(WRITERS).await.map_err(SerialError::Memory)?;
        // Dropped before the queues are, so that who waits in them is told that the server is gone.
        let mut server =
            kernel.services().bind_for_programs::<Serial>(label).await.map_err(SerialError::Bind)?;
        kernel.ready();
        loop {
            self.feed_readers(&mut readers).map_err(SerialError::HandlerGone)?;
            self.drain_writers(&mut writers).map_err(SerialError::HandlerGone)?;
            if let Some(incoming) = self.wait(&kernel, &mut server, &readers, &writers).await {
                match incoming {
                    // Who has given up connecting is not missed.
                    Incoming::Hello(hello) => drop(hello.accept().ok()),
                    Incoming::Call(call) => self.take(call, &mut readers, &mut writers),
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
        writers: &[Outgoing],
    ) -> Option<Incoming<Serial>> {
        // The chip does not tell when its last byte has left.
        let flushing = self.to_send.is_drained() && writers.first().is_some_and(|outgoing| outgoing.flush);
        let mut next = pin!(server.next());
        let mut filled = pin!(self.to_read.filled());
        let mut drained = pin!(self.to_send.drained());
        let mut look = pin!(kernel.sleep(FLUSH_LOOK));
        poll_fn(|context| {
            // Who has given up lacks the slot until the reply is dropped.
            let mut waiting = readers.iter().chain(writers.iter().map(|outgoing| &outgoing.reply));
            if waiting.any(Reply::is_abandoned) {
                return Poll::Ready(None);
            }
            if !readers.is_empty() && filled.as_mut().poll(context).is_ready() {
                return Poll::Ready(None);
            }
            if !writers.is_empty() && drained.as_mut().poll(context).is_ready() {
                return Poll::Ready(None);
            }
            if flushing && look.as_mut().poll(context).is_ready() {
                return Poll::Ready(None);
            }
            next.as_mut().poll(context).map(Some)
        })
        .await
    }

    fn take(
        &mut self,
        call: Call<Serial>,
        readers: &mut FixedVec<Reply<Serial>>,
        writers: &mut FixedVec<Outgoing>,
    ) {
        let (request, reply) = call.split();
        let queued = match request {
            Request::Read => readers.push(reply).map_err(|reply| (reply, Err(Error::TooManyReaders))),
            Request::Write(chunk) => queue(writers, Outgoing { chunk, written: 0, flush: false, reply }),
            Request::Flush => {
                queue(writers, Outgoing { chunk: Chunk::new(), written: 0, flush: true, reply })
            }
            Request::Stats => Err((reply, Ok(Response::Stats(self.stats())))),
        };
        if let Err((reply, answer)) = queued {
            // A client that has given up meanwhile does not miss its answer.
            let _ = reply.send(answer);
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
    fn feed_readers(&mut self, readers: &mut FixedVec<Reply<Serial>>) -> Result<(), Closed> {
        while let Some(gone) = readers.iter().position(Reply::is_abandoned) {
            drop(readers.remove(gone));
        }
        while !readers.is_empty() {
            let mut bytes = [0; super::CHUNK];
            let len = self.to_read.read(&mut bytes)?;
            if len == 0 {
                break;
            }
            self.counters.get().let_go(&self.uart);
            let chunk = Chunk::cut(bytes.get(..len).unwrap_or_default());
            let _ = readers.remove(0).send(Ok(Response::Data(chunk)));
        }
        Ok(())
    }

    /// Moves what is to be sent into the pipe, in order, as far as there is room. A write that is given up ends where
    /// it is.
    fn drain_writers(&mut self, writers: &mut FixedVec<Outgoing>) -> Result<(), Closed> {
        while let Some(gone) = writers.iter().position(|outgoing| outgoing.reply.is_abandoned()) {
            drop(writers.remove(gone));
        }
        let mut wrote = false;
        while let Some(first) = writers.first_mut() {
            let rest = first.chunk.as_slice().get(first.written..).unwrap_or_default();
            let written = self.to_send.write(rest)?;
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
        Ok(())
    }
}

type Refused = (Reply<Serial>, Result<Response, Error>);

fn queue(writers: &mut FixedVec<Outgoing>, outgoing: Outgoing) -> Result<(), Refused> {
    writers.push(outgoing).map_err(|refused| (refused.reply, Err(Error::TooManyWriters)))
}
