//! The event stream: what the kernel did, as small typed records with timestamps.
//!
//! The console's `events`, the host's trace bridge, timelines and test assertions all read this one stream. Where
//! nobody listens to a kind of event, emitting it costs a load and a branch: see [`Events::listen`].
//!
//! Records are kept in a ring of [`Settings::events`](crate::limits::Settings::events) entries. Writers never wait
//! for readers: a reader has a [`Cursor`], and one that is too slow is told how many records it missed.
//!
//! Beside the ring, a machine may bring a [`Probe`], which is told of events as they happen. It has kinds of its own, so
//! the machine's programs, who see the ring only, cannot tell whether somebody looks on from outside.
//!
//! Emitting and reading may happen in tasks and in interrupts, in a short critical section; neither allocates.

use core::{cell::RefCell, fmt, mem::MaybeUninit};

use critical_section::Mutex;

mod ring;
#[cfg(test)]
mod tests;

pub(crate) use self::ring::Ring;
pub use self::ring::{Cursor, Entry};
use crate::{
    platform::Clock,
    sync::atomic::{AtomicU32, Ordering},
};

/// How a task ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Its future was ready.
    Finished,
    /// It was aborted, or the kernel shut down.
    Cancelled,
    /// It panicked, on a host that unwinds.
    Panicked,
}

macro_rules! events {
    ($($(#[$doc:meta])* $name:ident = $text:literal { $($(#[$field_doc:meta])* $field:ident: $type:ty),* $(,)? })*) => {
        /// What happened. Tasks, services, connections and requests are named by their numbers.
        #[non_exhaustive]
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Event {
            $($(#[$doc])* $name { $($(#[$field_doc])* $field: $type),* },)*
        }

        /// The kinds of events, to choose from when listening.
        #[non_exhaustive]
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u8)]
        pub enum Kind {
            $($(#[$doc])* $name,)*
        }

        impl Kind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The kind's name, as `events` prints it.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }

        impl Event {
            /// The event's kind.
            pub const fn kind(&self) -> Kind {
                match self { $(Self::$name { .. } => Kind::$name,)* }
            }
        }

        impl fmt::Display for Event {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.kind().name())?;
                match self {
                    $(Self::$name { $($field),* } => {
                        $(write!(f, concat!(" ", stringify!($field), "={}"), Show($field))?;)*
                    })*
                }
                Ok(())
            }
        }
    };
}

/// Prints a field of an event: numbers and names as they are, endings by their name.
struct Show<'f, T>(&'f T);

macro_rules! show {
    ($($type:ty),*) => {
        $(impl fmt::Display for Show<'_, $type> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self.0, f)
            }
        })*
    };
}

show!(u32, usize, &'static str, Ending);

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Finished => "finished",
            Self::Cancelled => "cancelled",
            Self::Panicked => "panicked",
        })
    }
}

events! {
    /// A task was spawned.
    Spawn = "spawn" { /// The task.
        task: u32, /// Its name.
        name: &'static str }
    /// A task ended.
    Exit = "exit" { /// The task.
        task: u32, /// How.
        ending: Ending }
    /// A task was polled.
    Poll = "poll" { /// The task.
        task: u32, /// How long the poll took, in microseconds.
        us: u32 }
    /// A poll took longer than the limit: the task stalled all others.
    LongPoll = "long-poll" { /// The task.
        task: u32, /// How long the poll took, in microseconds.
        us: u32 }
    /// An interrupt fired.
    Interrupt = "interrupt" { /// The interrupt line.
        line: &'static str }
    /// Memory was allocated.
    Allocate = "allocate" { /// Who it was charged to.
        owner: &'static str, /// Bytes charged.
        bytes: usize }
    /// Memory was freed.
    Free = "free" { /// Who it was charged to.
        owner: &'static str, /// Bytes charged.
        bytes: usize }
    /// Memory was asked for and not given.
    OutOfMemory = "out-of-memory" { /// Who asked.
        owner: &'static str, /// Bytes asked for.
        bytes: usize }
    /// An owner allocated after it had declared itself ready.
    Violation = "violation" { /// Who allocated.
        owner: &'static str, /// Bytes asked for.
        bytes: usize }
    /// A service was registered.
    Register = "register" { /// Its name.
        service: &'static str, /// The instance's number.
        instance: u32 }
    /// A service was unregistered: its server is gone.
    Unregister = "unregister" { /// Its name.
        service: &'static str, /// The instance's number.
        instance: u32 }
    /// A client connected.
    Connect = "connect" { /// The service's instance.
        instance: u32, /// The connection.
        connection: u32 }
    /// A client that had connected closed its connection, or ended with it. Whatever it had under way is given up.
    Disconnect = "disconnect" { /// The connection.
        connection: u32 }
    /// A client sent a request.
    Request = "request" { /// The connection.
        connection: u32, /// The request.
        request: u32 }
    /// A server answered a request.
    Reply = "reply" { /// The connection.
        connection: u32, /// The request.
        request: u32 }
    /// A request ended without an answer.
    Unanswered = "unanswered" { /// The connection.
        connection: u32, /// The request.
        request: u32 }
    /// Tasks wait for each other in a circle, this one among them.
    WaitCycle = "wait-cycle" { /// A task of the circle.
        task: u32, /// The service it waits for.
        service: &'static str }
    /// A supervised driver was started again.
    Restart = "restart" { /// The driver.
        driver: &'static str, /// How often it has been started again.
        restarts: u32 }
    /// A supervised driver was given up: it failed too often.
    GiveUp = "give-up" { /// The driver.
        driver: &'static str }
}

/// A set of kinds of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kinds(u32);

impl Kinds {
    /// No kind.
    pub const NONE: Self = Self(0);
    /// Every kind.
    pub const ALL: Self = Self(u32::MAX);
    /// What is rare and worth remembering: recorded from boot.
    pub const DEFAULT: Self = Self::ALL
        .without(Kind::Poll)
        .without(Kind::Allocate)
        .without(Kind::Free)
        .without(Kind::Disconnect)
        .without(Kind::Request)
        .without(Kind::Reply)
        .without(Kind::Interrupt);

    /// The set and one kind more.
    #[must_use]
    pub const fn with(self, kind: Kind) -> Self {
        Self(self.0 | (1 << kind as u32))
    }

    /// The set without a kind.
    #[must_use]
    pub const fn without(self, kind: Kind) -> Self {
        Self(self.0 & !(1 << kind as u32))
    }

    /// The kind is in the set.
    pub const fn contains(self, kind: Kind) -> bool {
        self.0 & (1 << kind as u32) != 0
    }

    /// What is in either set.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// Sees events from outside of the machine, the moment they happen: a trace port of a chip, or whoever simulates one.
pub trait Probe: Sync {
    /// An event happens now. Called in tasks and in interrupts, and from other threads if those wake tasks; it may not
    /// wait, allocate from the kernel's heap, or call the kernel in any other way. It should not panic: what was being done is
    /// cut short then.
    fn event(&self, event: &Event);
}

/// A probe, and the kinds of events that it is told of.
#[derive(Clone, Copy)]
pub struct Probed {
    /// The kinds. Of polls, allocations and releases the probe is told from the first tick on.
    pub kinds: Kinds,
    /// The probe.
    pub probe: &'static dyn Probe,
}

impl fmt::Debug for Probed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Probed").field("kinds", &self.kinds).finish_non_exhaustive()
    }
}

/// An event and when it happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record {
    /// Microseconds since boot.
    pub at_us: u64,
    /// What happened.
    pub event: Event,
}

/// The event stream of one kernel.
pub struct Events {
    /// What the ring or the probe wants: the one thing that is looked at when nobody wants anything.
    heard: AtomicU32,
    /// What the ring wants.
    kinds: AtomicU32,
    probed: Option<Probed>,
    ring: Mutex<RefCell<Option<Inner>>>,
}

struct Inner {
    clock: &'static dyn Clock,
    ring: Ring<Record>,
}

impl Events {
    /// A stream that remembers as many records as there are slots.
    pub(crate) fn new(
        slots: &'static mut [MaybeUninit<Record>],
        clock: &'static dyn Clock,
        probed: Option<Probed>,
    ) -> Self {
        let kinds = if slots.is_empty() { Kinds::NONE } else { Kinds::DEFAULT };
        let inner = Inner { clock, ring: Ring::new(slots) };
        let events = Self {
            heard: AtomicU32::new(Kinds::NONE.0),
            kinds: AtomicU32::new(Kinds::NONE.0),
            probed,
            ring: Mutex::new(RefCell::new(Some(inner))),
        };
        events.listen(kinds);
        events
    }

    /// Chooses the kinds that are recorded from now on; returns the choice before. Polls, allocations and releases are
    /// recorded from the next tick on.
    pub fn listen(&self, kinds: Kinds) -> Kinds {
        let before = self.listening();
        let probed = self.probed.map_or(Kinds::NONE, |probed| probed.kinds);
        self.kinds.store(kinds.0, Ordering::Relaxed);
        self.heard.store(kinds.or(probed).0, Ordering::Relaxed);
        before
    }

    /// The kinds that are recorded.
    pub fn listening(&self) -> Kinds {
        Kinds(self.kinds.load(Ordering::Relaxed))
    }

    /// The kinds that are recorded, or that the probe is told of.
    #[inline]
    pub(crate) fn heard(&self) -> Kinds {
        Kinds(self.heard.load(Ordering::Relaxed))
    }

    /// Records an event, if anybody listens to its kind; otherwise `event` is not even made.
    #[inline]
    pub(crate) fn emit(&self, kind: Kind, event: impl FnOnce() -> Event) {
        if self.heard().contains(kind) {
            self.record(event());
        }
    }

    #[cold]
    fn record(&self, event: Event) {
        if let Some(probed) = &self.probed
            && !self.probe(probed, &event)
        {
            return;
        }
        critical_section::with(|cs| {
            if let Some(inner) = self.ring.borrow_ref_mut(cs).as_mut() {
                let at_us = inner.clock.now_us();
                inner.ring.write(Record { at_us, event });
            }
        });
    }

    /// Tells the probe, if it wants to know; `true` if the ring does.
    #[cold]
    fn probe(&self, probed: &Probed, event: &Event) -> bool {
        let kind = event.kind();
        if probed.kinds.contains(kind) {
            probed.probe.event(event);
        }
        self.listening().contains(kind)
    }

    /// The time in microseconds since boot, for those who cannot reach the kernel; `None` once that has ended.
    pub(crate) fn now_us(&self) -> Option<u64> {
        critical_section::with(|cs| Some(self.ring.borrow_ref(cs).as_ref()?.clock.now_us()))
    }

    /// The next record after the cursor, with how many were missed before it; `None` when all has been read.
    pub fn read(&self, cursor: &mut Cursor) -> Option<Entry<Record>> {
        critical_section::with(|cs| self.ring.borrow_ref(cs).as_ref()?.ring.read(cursor))
    }

    /// How many events have been recorded since boot.
    pub fn recorded(&self) -> u64 {
        critical_section::with(|cs| self.ring.borrow_ref(cs).as_ref().map_or(0, |inner| inner.ring.written()))
    }

    /// A cursor from which the last `count` records are read.
    pub fn last(&self, count: u64) -> Cursor {
        Cursor::before_last(self.recorded(), count)
    }

    /// Records nothing any more and lets go of the clock and the slots.
    pub(crate) fn close(&self) {
        self.kinds.store(Kinds::NONE.0, Ordering::Relaxed);
        self.heard.store(Kinds::NONE.0, Ordering::Relaxed);
        let _inner = critical_section::with(|cs| self.ring.borrow_ref_mut(cs).take());
    }
}
