//! What happens to a machine from outside: values, never code, so that it can be written down and happen again.
//!
//! ```text
//!  other threads ──post──▶ inbox ──at the next step──▶ ┌───────┐
//!                                                      │ queue │ ──when due──▶ devices
//!  tests, scripts, tapes ──schedule at a time────────▶ └───────┘
//! ```
//!
//! There is one queue for each machine, in the order of time, and first come first served among equals. Whatever comes
//! without a time, such as a key, comes at the time at which the machine sees it: at the beginning of a step. So nothing
//! changes within one.

mod displaced;
mod text;

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    sync::{Arc, Mutex},
};

use kernel::time::Instant;

use self::displaced::{Displaced, Wire};
pub use self::text::{ExternalError, Quoted};
pub(crate) use self::text::{split_word, target_address, uart_number};
use crate::{
    explore::Schedule,
    mailbox::{Doorbell, lock},
    mistake::listed,
};

/// Something that happens to a machine from outside. As text, on tapes and in scripts, it reads as in the examples.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum External {
    /// Bytes are on their way to a UART: `send uart0 "help\n"`.
    Bytes {
        /// The UART's number.
        uart: usize,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// A byte comes without its stop bit, or with the wrong parity: `garble uart0`.
    Garbled {
        /// The UART's number.
        uart: usize,
    },
    /// The line is held low for longer than a byte: `break uart0`.
    Break {
        /// The UART's number.
        uart: usize,
    },
    /// A byte comes, before which the chip lost others: `overrun uart0 "x"`.
    Overrun {
        /// The UART's number.
        uart: usize,
        /// The byte that was not lost.
        byte: u8,
    },
    /// Whoever types has nothing more to say, which on a serial line is Ctrl-D: `end uart0`.
    EndOfInput {
        /// The UART's number.
        uart: usize,
    },
    /// A pin is driven, or left alone: `pin 3 high`.
    Pin {
        /// The pin's number.
        pin: u8,
        /// How it is driven.
        drive: Drive,
    },
    /// An interrupt line becomes pending once: `interrupt button`. If there is no such line any more, nothing happens.
    Interrupt {
        /// The line's name.
        line: String,
    },
    /// Every task of a name is ended where it waits: `kill echo`. A driver that is killed stays away until somebody has it
    /// started again, as with the console's `kill` and `spawn`.
    Kill {
        /// The task's name.
        task: String,
    },
    /// An interrupt line is not taken any more, and stays pending meanwhile: `mask uart0`.
    Mask {
        /// The line's name.
        line: String,
    },
    /// An interrupt line is taken again: `unmask uart0`.
    Unmask {
        /// The line's name.
        line: String,
    },
    /// Every task of a name is refused memory: `refuse echo`. This holds from the beginning of a step on, for the tasks that
    /// there are then.
    Refuse {
        /// The task's name.
        task: String,
    },
    /// Tasks of a name get memory again: `allow echo`.
    Allow {
        /// The task's name.
        task: String,
    },
    /// All memory that is free is taken away: `exhaust heap`.
    Exhaust,
    /// Memory that is free is cut into pieces of 64 bytes, and every other one taken away: `fragment heap`.
    Fragment,
    /// Memory that was taken away is given back: `relieve heap`.
    Relieve,
    /// What a target on the I²C bus measures has changed: `sense 0x48 "25.5"`, which the thermometer takes for degrees.
    Sense {
        /// The target's address.
        address: u8,
        /// What it makes of that is the target's.
        text: Vec<u8>,
    },
    /// The next byte for a target on the I²C bus, or its address, is not acknowledged: `nak i2c`.
    Nak,
    /// The clock of the I²C bus is held low: `stick i2c`.
    Stick,
    /// The clock of the I²C bus is not held low any more: `free i2c`.
    Free,
    /// A bit is wrong in what is being read from storage: `flip storage`. If nothing is, nothing happens.
    Flip,
    /// What storage is doing ends with an error, and if it was to change something, that is torn: `fail storage`. If it is
    /// doing nothing, nothing happens.
    Fail,
    /// A bit of what storage holds goes bad for good: `rot storage`.
    Rot,
    /// The power fails: `power cut`. What storage is doing is torn. The machine stops where it is, and stays off until it is booted again.
    PowerCut,
}

/// How a pin is driven from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drive {
    /// High.
    High,
    /// Low.
    Low,
    /// Not at all.
    Released,
}

impl Drive {
    pub(crate) const fn level(self) -> Option<bool> {
        match self {
            Self::High => Some(true),
            Self::Low => Some(false),
            Self::Released => None,
        }
    }
}

impl From<bool> for Drive {
    fn from(high: bool) -> Self {
        if high { Self::High } else { Self::Low }
    }
}

/// The machine has no such device, or the device makes nothing of what is to happen, so nothing can happen to it.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoSuchDevice {
    /// No UART of this number.
    Uart {
        /// The number.
        uart: usize,
        /// How many there are.
        count: usize,
    },
    /// No pin of this number.
    Pin {
        /// The number.
        pin: u8,
        /// How many there are.
        count: u8,
    },
    /// No target at this address of the I²C bus.
    Target {
        /// The address.
        address: u8,
    },
    /// A target on the I²C bus makes nothing of this text.
    Sense {
        /// The target's address.
        address: u8,
        /// The text.
        text: Vec<u8>,
        /// What the target wants instead.
        wanted: String,
    },
    /// No storage.
    Storage,
    /// No interrupt line of this name.
    Interrupt {
        /// The name.
        line: String,
        /// The lines that there are.
        lines: Vec<&'static str>,
    },
}

impl fmt::Display for NoSuchDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uart { uart, count } => {
                write!(f, "the machine has no uart{uart}: it has {count}, counted from 0")
            }
            Self::Pin { pin, count } => {
                write!(f, "the machine has no pin {pin}: it has {count}, counted from 0")
            }
            Self::Target { address } => {
                write!(f, "the machine has no target at {address:#04x} of its I²C bus")
            }
            Self::Sense { address, text, wanted } => {
                write!(f, "the target at {address:#04x} makes nothing of {}: it wants {wanted}", Quoted(text))
            }
            Self::Storage => f.write_str("the machine has no storage"),
            Self::Interrupt { line, lines } => {
                write!(f, "the machine has no interrupt line `{line}`: there are {}", listed(lines))
            }
        }
    }
}

impl std::error::Error for NoSuchDevice {}

/// Where what happens without a time waits for the machine's next step. For any thread.
#[derive(Clone, Default)]
pub(crate) struct Inbox {
    posted: Arc<Mutex<VecDeque<External>>>,
    doorbell: Doorbell,
}

impl Inbox {
    pub(crate) fn new(doorbell: Doorbell) -> Self {
        Self { posted: Arc::default(), doorbell }
    }

    /// Lets something happen as soon as possible.
    pub(crate) fn post(&self, external: External) {
        lock(&self.posted).push_back(external);
        self.doorbell.ring();
    }

    /// Takes all that was posted.
    pub(crate) fn take(&self) -> VecDeque<External> {
        std::mem::take(&mut *lock(&self.posted))
    }

    pub(crate) fn is_empty(&self) -> bool {
        lock(&self.posted).is_empty()
    }

    /// Signals that have been posted to a UART.
    pub(crate) fn signals_to(&self, number: usize) -> usize {
        let signals = |external: &External| match external {
            External::Bytes { uart, bytes } if *uart == number => bytes.len(),
            External::Garbled { uart }
            | External::Break { uart }
            | External::EndOfInput { uart }
            | External::Overrun { uart, .. }
                if *uart == number =>
            {
                1
            }
            _ => 0,
        };
        lock(&self.posted).iter().map(signals).sum()
    }
}

/// What will happen to one machine, and when.
#[derive(Default)]
pub(crate) struct Queue {
    queue: BTreeMap<(u64, u64), (External, Cause)>,
    next: u64,
    /// What comes later than scheduled, when schedules are explored.
    displaced: Option<Displaced>,
}

/// Why something happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// Whoever is outside wants it.
    Outside,
    /// It has come through the faults of its line, late.
    Late,
    /// A fault of this number does it.
    Fault(usize),
}

impl Queue {
    /// A queue in which a schedule may displace what happens.
    pub(crate) fn displaced_by(schedule: Option<&Schedule>) -> Self {
        Self { displaced: schedule.map(Displaced::new), ..Self::default() }
    }

    /// Lets something happen at a time; in the past means as soon as possible. What a fault does is not displaced.
    pub(crate) fn schedule(&mut self, at: Instant, external: External, cause: Cause) {
        match &mut self.displaced {
            Some(displaced) if cause == Cause::Outside => {
                for (at, external) in displaced.pieces(at, external) {
                    // Nothing overtakes on a wire.
                    let wire = external.wire();
                    let before = self.queue.iter().filter(|(_, (before, _))| before.wire() == wire);
                    let behind_us = before.map(|((at_us, _), _)| *at_us).max().unwrap_or(0);
                    self.insert(at.max(Instant::from_micros(behind_us)), external, cause);
                }
            }
            _ => self.insert(at, external, cause),
        }
    }

    fn insert(&mut self, at: Instant, external: External, cause: Cause) {
        self.queue.insert((at.as_micros(), self.next), (external, cause));
        self.next += 1;
    }

    /// Bytes are on their way to a UART, but not on its wire yet.
    pub(crate) fn has_bytes_for(&self, uart: usize) -> bool {
        self.queue.values().any(|(external, _)| external.wire() == Wire::Uart(uart))
    }

    /// The bytes of each input so far, if a schedule is in force.
    pub(crate) fn input_lens(&self) -> &[usize] {
        self.displaced.as_ref().map_or(&[], Displaced::input_lens)
    }

    /// Takes what is due.
    pub(crate) fn take_due(&mut self, now: Instant) -> Option<(External, Cause)> {
        let first = self.queue.first_entry()?;
        (first.key().0 <= now.as_micros()).then(|| first.remove())
    }

    /// When the next thing happens.
    pub(crate) fn next_at(&self) -> Option<Instant> {
        self.queue.keys().next().map(|(at_us, _)| Instant::from_micros(*at_us))
    }

    /// Forgets the bytes that were to come to a UART by then, and says how many.
    pub(crate) fn lose_bytes(&mut self, uart: usize, until: Instant) -> usize {
        let mut lost = 0;
        self.queue.retain(|(at_us, _), (external, _)| match external {
            External::Bytes { uart: to, bytes } if *to == uart && *at_us <= until.as_micros() => {
                lost += bytes.len();
                false
            }
            _ => true,
        });
        lost
    }

    /// Counts time from `boot` on: the machine's clock starts again at 0.
    pub(crate) fn restart_at(&mut self, boot: Instant) {
        let moved = std::mem::take(&mut self.queue);
        let earlier = |at_us: u64| at_us.saturating_sub(boot.as_micros());
        self.queue
            .extend(moved.into_iter().map(|((at_us, number), happens)| ((earlier(at_us), number), happens)));
    }
}

#[cfg(test)]
mod tests;
