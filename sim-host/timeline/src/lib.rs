//! Timelines: what a kernel did, as a trace that [Perfetto](https://ui.perfetto.dev) shows.
//!
//! A [`Timeline`] is told of events and log lines in the order in which they happen, with their times, and writes
//! packets of Perfetto's trace format. It knows nothing of where they come from: a simulator's kernel, or a board's over
//! a wire. Each boot is a group of tracks:
//!
//! | track | shows |
//! |---|---|
//! | one for each task | its polls as slices, its beginning and its end |
//! | `interrupts`, `log`, `events` | what their names say, as instants |
//! | `memory in use`, `memory of ...` | bytes in use, all and by owner |
//!
//! Several kernels may share a trace, each with a [part](Timeline::part) of it, which has its name before its boots.
//!
//! Arrows lead from the poll that sends a request to the one that answers it, and from there to the client's next poll.
//!
//! Polls are known when they are over, so a timeline holds back what happens until the poll is known in which it happened;
//! a bounded number of events. Without [`Kind::Poll`](kernel::event::Kind::Poll) there are neither slices nor arrows.
//!
//! ```
//! # use host_critical_section as _;
//! use kernel::event::Event;
//! use timeline::Timeline;
//!
//! let mut timeline = Timeline::new(Vec::new())?;
//! timeline.event(10, &Event::Spawn { task: 1, name: "blink" })?;
//! timeline.event(25, &Event::Interrupt { line: "timer" })?;
//! timeline.event(40, &Event::Poll { task: 1, us: 12 })?;
//! let trace = timeline.finish()?;
//! std::fs::write(std::env::temp_dir().join("blink.pftrace"), trace)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod boot;
mod packets;
mod proto;
mod requests;

use std::{
    fmt,
    io::{self, Write},
};

use kernel::{
    event::{Event, Kinds},
    log::Level,
};

use self::{
    boot::{Boot, Moment},
    packets::{Packets, numbers},
};

/// The kinds of events that a timeline makes use of.
pub const KINDS: Kinds = Kinds::ALL;

/// A trace that is being written; see the [crate].
///
/// Times are in microseconds since boot, and do not go back: what claims to have happened earlier than what was told
/// before is shown at that time. Dropping a timeline loses what it holds back, and the rest of the trace is good.
#[derive(Debug)]
pub struct Timeline<W: Write> {
    packets: Packets<W>,
    /// What stands before the numbers of boots.
    whose: String,
    boot: Boot,
    boots: u32,
    /// When this boot was, in microseconds since the first.
    booted_us: u64,
    /// Flows so far.
    flows: u64,
}

impl<W: Write> Timeline<W> {
    /// Begins a trace, and in it the first boot.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn new(writer: W) -> Result<Self, TimelineError> {
        Self::part(writer, 0, "mnemOS", 0)
    }

    /// Begins a part of a trace that several kernels share, and in it the first boot of this one, which is at a time of the
    /// trace. The name tells its boots from those of others. No two parts have the same number; the smaller numbers are,
    /// the better.
    ///
    /// Each part has a writer of its own, and all go to the same place: only whole packets are written, at once, so the
    /// parts need nothing else to agree on.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn part(writer: W, number: u32, name: &str, booted_us: u64) -> Result<Self, TimelineError> {
        let mut packets = Packets::new(writer, number);
        packets.at(booted_us);
        let boot = Boot::new(&mut packets, name, 1)?;
        Ok(Self { packets, whose: name.to_owned(), boot, boots: 1, booted_us, flows: numbers(number) })
    }

    /// An owner of memory has so many bytes already: where its counter starts. Several owners may have the same name.
    ///
    /// # Errors
    ///
    /// When the trace cannot be written.
    pub fn account(&mut self, at_us: u64, owner: &str, bytes: usize) -> Result<(), TimelineError> {
        self.settle(at_us)?;
        Ok(self.boot.count(&mut self.packets, owner, signed(bytes))?)
    }

    /// An event has happened.
    ///
    /// # Errors
    ///
    /// When the trace cannot be written.
    pub fn event(&mut self, at_us: u64, event: &Event) -> Result<(), TimelineError> {
        let at_us = self.since_first(at_us);
        Ok(self.boot.event(&mut self.packets, &mut self.flows, at_us, *event)?)
    }

    /// A line was logged.
    ///
    /// # Errors
    ///
    /// When the trace cannot be written.
    pub fn log(&mut self, at_us: u64, level: Level, target: &str, text: &str) -> Result<(), TimelineError> {
        let at_us = self.since_first(at_us);
        let line = Moment::Line(level, format!("{target}: {text}"));
        Ok(self.boot.hold(&mut self.packets, &mut self.flows, at_us, line)?)
    }

    /// So many events were lost before the next one: from here on, counters and arrows may be wrong.
    ///
    /// # Errors
    ///
    /// When the trace cannot be written.
    pub fn lost(&mut self, at_us: u64, events: u64) -> Result<(), TimelineError> {
        self.settle(at_us)?;
        Ok(self.boot.lost(&mut self.packets, events)?)
    }

    /// The machine was booted again. Its time ended then, and starts at 0 now; its memory is empty.
    ///
    /// # Errors
    ///
    /// When the trace cannot be written.
    pub fn reboot(&mut self, at_us: u64) -> Result<(), TimelineError> {
        self.settle(at_us)?;
        self.boot.end(&mut self.packets)?;
        self.booted_us = self.since_first(at_us);
        self.boots = self.boots.saturating_add(1);
        self.boot = Boot::new(&mut self.packets, &self.whose, self.boots)?;
        Ok(())
    }

    /// The machine, which has just been [booted again](Self::reboot), had been off for so long before: what comes now is
    /// later.
    pub fn was_off(&mut self, us: u64) {
        self.booted_us = self.booted_us.saturating_add(us);
    }

    /// Writes what is held back, and hands the writer back.
    ///
    /// # Errors
    ///
    /// When the trace cannot be written.
    pub fn finish(mut self) -> Result<W, TimelineError> {
        self.boot.settle(&mut self.packets, &mut self.flows)?;
        Ok(self.packets.finish()?)
    }

    /// Writes what is held back; it belongs to no poll.
    fn settle(&mut self, at_us: u64) -> Result<(), TimelineError> {
        self.boot.settle(&mut self.packets, &mut self.flows)?;
        self.packets.at(self.since_first(at_us));
        Ok(())
    }

    fn since_first(&self, at_us: u64) -> u64 {
        self.booted_us.saturating_add(at_us)
    }
}

/// Why a timeline was not written.
#[non_exhaustive]
#[derive(Debug)]
pub enum TimelineError {
    /// Its writer failed.
    Write(io::Error),
}

impl fmt::Display for TimelineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Write(error) => write!(f, "the timeline cannot be written: {error}"),
        }
    }
}

impl std::error::Error for TimelineError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Write(error) => Some(error),
        }
    }
}

impl From<io::Error> for TimelineError {
    fn from(error: io::Error) -> Self {
        Self::Write(error)
    }
}

/// A size as a difference.
pub(crate) fn signed(bytes: usize) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}
