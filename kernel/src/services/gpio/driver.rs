//! The driver of GPIO, over any [`Pins`].
//!
//! It has two halves. The [`Handler`] runs in the interrupt: it notes edges with their time, and wakes the task. The
//! [`Driver`] is a task that serves the [`Gpio`] contract; who waits for an edge is answered when it comes.
//!
//! ```text
//!   pin ──▶ chip ──▶ Handler ──▶ note of the pin ──▶ Driver ──▶ replies to all who wait for that edge
//! ```
//!
//! Edges are listened to only while somebody waits for them, and each kind once: the handler stops listening to the kind
//! that it has seen, since whoever waits for it wants the first. So a bouncing contact or a line that swings cannot flood
//! the machine with interrupts.

use core::{
    cell::Cell,
    convert::Infallible,
    fmt,
    future::{Future, poll_fn},
    pin::pin,
    ptr::NonNull,
    task::Poll,
};

use critical_section::{CriticalSection, Mutex};

use super::{
    Edge, Error, Gpio, Mode, Pin, Request, Response,
    device::{Pins, Taken},
};
use crate::{
    Handle,
    heap::{AllocError, FixedVec},
    interrupt::{Line, Trigger},
    registry::{BindError, Incoming, Reply, Server},
    services::supervise::InUse,
};

/// Pins of one device at most.
pub const PINS: usize = 32;

/// Clients that may wait for edges at a time.
pub const WAITERS: usize = 16;

/// Edges that one interrupt takes at most, so that it ends; the rest raises the next one.
const BURST: usize = 2 * PINS;

/// Why GPIO was not set up, or its driver ended.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GpioError {
    /// The device has more pins than a driver can serve.
    TooManyPins {
        /// So many.
        count: u8,
    },
    /// No memory.
    Memory(AllocError),
    /// The service could not be bound.
    Bind(BindError),
    /// Somebody serves the pins already.
    InUse(InUse),
}

impl fmt::Display for GpioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooManyPins { count } => {
                write!(f, "the device has {count} pins, and a driver {PINS} at most")
            }
            Self::Memory(error) => write!(f, "no memory for GPIO: {error}"),
            Self::Bind(error) => error.fmt(f),
            Self::InUse(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for GpioError {}

/// Sets GPIO up, once for a device. The handler is to be called whenever the device's interrupt is pending; `line` is
/// its name in `irq`.
///
/// # Errors
///
/// When there is no memory, or the device has more than [`PINS`] pins.
pub fn set_up<P: Pins>(
    kernel: &Handle,
    pins: P,
    line: &'static str,
) -> Result<(Driver<P>, Handler<P>), GpioError> {
    let count = pins.count();
    if usize::from(count) > PINS {
        return Err(GpioError::TooManyPins { count });
    }
    let line = kernel.interrupt_line(line).map_err(GpioError::Memory)?;
    let notes = Notes([const { Mutex::new(Cell::new(Note::NOTHING)) }; PINS]);
    let notes = kernel.heap().try_permanent(notes).map_err(GpioError::Memory)?;
    let handler = Handler { pins: pins.clone(), notes: Shared(notes), trigger: line.trigger() };
    Ok((Driver { pins, notes: Shared(notes), line }, handler))
}

/// What the handler notes of a pin.
#[derive(Clone, Copy)]
struct Note {
    /// Edges seen since boot.
    edges: u32,
    listening: Wanted,
    seen: Seen,
}

/// The first edges of a pin that the task has not looked at, in microseconds since boot.
#[derive(Clone, Copy)]
struct Seen {
    rising_us: Option<u64>,
    falling_us: Option<u64>,
    rising_first: bool,
}

/// The edges of a pin that somebody waits for.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Wanted {
    rising: bool,
    falling: bool,
}

impl Seen {
    const NOTHING: Self = Self { rising_us: None, falling_us: None, rising_first: false };

    /// When the edge came, and whether the level was high after it.
    fn first(self, edge: Edge) -> Option<(u64, bool)> {
        let rising = self.rising_us.map(|at_us| (at_us, true));
        let falling = self.falling_us.map(|at_us| (at_us, false));
        match edge {
            Edge::Rising => rising,
            Edge::Falling => falling,
            Edge::Both if self.rising_first => rising,
            Edge::Both => falling.or(rising),
        }
    }
}

impl Wanted {
    const NONE: Self = Self { rising: false, falling: false };

    fn and(self, edge: Edge) -> Self {
        Self { rising: self.rising || edge != Edge::Falling, falling: self.falling || edge != Edge::Rising }
    }
}

impl Note {
    const NOTHING: Self = Self { edges: 0, listening: Wanted::NONE, seen: Seen::NOTHING };

    fn edge(&mut self, rising: bool, at_us: u64) {
        self.edges = self.edges.wrapping_add(1);
        let seen = &mut self.seen;
        if rising {
            self.listening.rising = false;
            seen.rising_first |= seen.falling_us.is_none();
            seen.rising_us.get_or_insert(at_us);
        } else {
            self.listening.falling = false;
            seen.falling_us.get_or_insert(at_us);
        }
    }
}

/// A note for each pin, changed with interrupts off.
struct Notes([Mutex<Cell<Note>>; PINS]);

impl Notes {
    /// Changes a pin's note, with interrupts off.
    fn change<R>(&self, pin: u8, change: impl FnOnce(&mut Note, CriticalSection<'_>) -> R) -> Option<R> {
        let note = self.0.get(usize::from(pin))?;
        Some(critical_section::with(|cs| {
            let cell = note.borrow(cs);
            let mut note = cell.get();
            let result = change(&mut note, cs);
            cell.set(note);
            result
        }))
    }
}

/// Notes that stay with the region, which both halves hold through their interrupt line.
struct Shared(NonNull<Notes>);

#[expect(unsafe_code, reason = "the notes are shared with an interrupt handler")]
// SAFETY: notes are changed with interrupts off, and outlive both halves: each half's trigger holds the region.
unsafe impl Send for Shared {}

impl Shared {
    #[expect(unsafe_code, reason = "the notes are shared with an interrupt handler")]
    fn get(&self) -> &Notes {
        // SAFETY: placed for as long as the region exists.
        unsafe { self.0.as_ref() }
    }
}

/// The interrupt's half.
pub struct Handler<P> {
    pins: P,
    notes: Shared,
    trigger: Trigger,
}

impl<P: Pins> Handler<P> {
    /// Serves the device. To be called when its interrupt is pending; calling it for nothing does no harm.
    ///
    /// It does a bounded amount of work, allocates nothing and never waits.
    pub fn interrupt(&mut self) {
        let at_us = self.trigger.now().as_micros();
        for _ in 0..BURST {
            let Some(Taken { pin, rising }) = self.pins.take_edge() else { break };
            self.notes.get().change(pin, |note, _| {
                note.edge(rising, at_us);
                self.pins.listen(pin, note.listening.rising, note.listening.falling);
            });
        }
        self.trigger.fire();
    }
}

/// The task's half.
pub struct Driver<P> {
    pins: P,
    notes: Shared,
    line: Line,
}

/// A client that waits for an edge.
struct Waiter {
    pin: u8,
    edge: Edge,
    reply: Reply<Gpio>,
}

impl<P: Pins> Driver<P> {
    /// The interrupt line, for whoever wires the handler up.
    pub fn line(&self) -> &Line {
        &self.line
    }

    /// Serves the pins under a label until the task is ended.
    ///
    /// # Errors
    ///
    /// When the service cannot be bound, or there is no memory for its waiters.
    pub async fn serve(&mut self, kernel: Handle, label: &str) -> Result<Infallible, GpioError> {
        let mut server = kernel.services().bind_for_programs::<Gpio>(label).await.map_err(GpioError::Bind)?;
        let mut waiters = kernel.heap().vec(WAITERS).await.map_err(GpioError::Memory)?;
        // An instance before this one may have listened to edges.
        for pin in 0..self.pins.count() {
            self.look(pin, &mut waiters);
        }
        kernel.ready();
        loop {
            match self.wait(&mut server, &waiters).await {
                None => self.look_at_all(&mut waiters),
                // Who has given up connecting is not missed.
                Some(Incoming::Hello(hello)) => drop(hello.accept().ok()),
                Some(Incoming::Call(call)) => {
                    let (request, reply) = call.split();
                    self.take(request, reply, &mut waiters);
                }
            }
        }
    }

    /// Waits for a request, or with `None` for an interrupt, or a client that does not wait any more.
    async fn wait(&mut self, server: &mut Server<Gpio>, waiters: &[Waiter]) -> Option<Incoming<Gpio>> {
        let (mut edge, mut next) = (pin!(self.line.wait()), pin!(server.next()));
        poll_fn(|context| {
            let gave_up = waiters.iter().any(|waiter| waiter.reply.is_abandoned());
            if gave_up || edge.as_mut().poll(context).is_ready() {
                return Poll::Ready(None);
            }
            next.as_mut().poll(context).map(Some)
        })
        .await
    }

    fn take(&self, request: Request, reply: Reply<Gpio>, waiters: &mut FixedVec<Waiter>) {
        let answer = match request {
            Request::Pin(pin) => Ok(Response::Pin(self.check(pin).ok().map(|pin| self.row(pin)))),
            Request::Configure { pin, mode } => self.check_free(pin).map(|pin| {
                self.pins.set_mode(pin, mode);
                Response::Done
            }),
            Request::Read(pin) => self.check(pin).map(|pin| Response::Level(self.pins.read(pin))),
            Request::Write { pin, high } => self.check_free(pin).and_then(|pin| {
                if self.pins.mode(pin) != Mode::Output {
                    return Err(Error::NotAnOutput);
                }
                self.pins.write(pin, high);
                Ok(Response::Done)
            }),
            Request::Wait { pin, edge } => match self.check(pin) {
                Ok(pin) => return self.listen(Waiter { pin, edge, reply }, waiters),
                Err(error) => Err(error),
            },
        };
        // A client that has given up meanwhile does not miss the answer.
        let _ = reply.send(answer);
    }

    fn check(&self, pin: u8) -> Result<u8, Error> {
        if pin < self.pins.count() { Ok(pin) } else { Err(Error::NoSuchPin) }
    }

    /// As [`check`](Self::check), for changes.
    fn check_free(&self, pin: u8) -> Result<u8, Error> {
        let pin = self.check(pin)?;
        if self.pins.is_reserved(pin) { Err(Error::Reserved) } else { Ok(pin) }
    }

    fn row(&self, pin: u8) -> Pin {
        let edges = self.notes.get().change(pin, |note, _| note.edges).unwrap_or(0);
        Pin { pin, mode: self.pins.mode(pin), high: self.pins.read(pin), edges }
    }

    /// Puts a client on the list of those who wait.
    fn listen(&self, waiter: Waiter, waiters: &mut FixedVec<Waiter>) {
        // What came before is for those who wait already.
        let pin = waiter.pin;
        self.look(pin, waiters);
        if waiters.len() == waiters.capacity() {
            self.look_at_all(waiters);
        }
        match waiters.push(waiter) {
            Ok(()) => self.set_listening(pin, waiters),
            Err(waiter) => drop(waiter.reply.send(Err(Error::TooManyWaiters)).ok()),
        }
    }

    fn look_at_all(&self, waiters: &mut FixedVec<Waiter>) {
        for pin in 0..self.pins.count() {
            self.look(pin, waiters);
        }
    }

    /// Answers those who wait for an edge of this pin that has come, and forgets those who do not wait any more.
    fn look(&self, pin: u8, waiters: &mut FixedVec<Waiter>) {
        let seen = self.notes.get().change(pin, |note, _| core::mem::replace(&mut note.seen, Seen::NOTHING));
        let seen = seen.unwrap_or(Seen::NOTHING);
        let mut at = 0;
        while let Some(waiter) = waiters.get(at) {
            let came = if waiter.pin == pin { seen.first(waiter.edge) } else { None };
            if came.is_none() && !waiter.reply.is_abandoned() {
                at += 1;
                continue;
            }
            let waiter = waiters.remove(at);
            if let Some((at_us, high)) = came {
                // A client that has given up meanwhile does not miss the answer.
                let _ = waiter.reply.send(Ok(Response::Edge { at_us, high }));
            }
        }
        self.set_listening(pin, waiters);
    }

    /// Listens to the edges of a pin that somebody waits for, and to no others.
    fn set_listening(&self, pin: u8, waiters: &[Waiter]) {
        let waiting = waiters.iter().filter(|waiter| waiter.pin == pin);
        let wanted = waiting.fold(Wanted::NONE, |wanted, waiter| wanted.and(waiter.edge));
        self.notes.get().change(pin, |note, _| {
            // An edge that was seen since the last look is on its way to those who wait for it.
            let wanted = Wanted {
                rising: wanted.rising && note.seen.rising_us.is_none(),
                falling: wanted.falling && note.seen.falling_us.is_none(),
            };
            if note.listening != wanted {
                note.listening = wanted;
                self.pins.listen(pin, wanted.rising, wanted.falling);
            }
        });
    }
}
