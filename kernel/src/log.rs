//! The log: lines of text with a level and a target, for people.
//!
//! A line is kept only if its level passes the filter of its target; otherwise it is not even formatted. Lines are
//! kept in a ring of [`Settings::log_lines`](crate::limits::Settings::log_lines) entries, read like events are: the
//! slow reader is told what it missed.
//!
//! Logging may happen in tasks and in interrupts; it formats on the caller's stack, copies the line in a short
//! critical section, and allocates nothing. What does not fit in [`LOG_TEXT`] bytes is cut.

use core::{
    cell::RefCell,
    fmt::{self, Write as _},
    mem::MaybeUninit,
    str::FromStr,
};

use critical_section::Mutex;
use postcard_schema::Schema;
use serde::{Deserialize, Serialize};

use crate::{
    event::{Cursor, Entry, Ring},
    inline::Text,
    limits::{LOG_TARGETS, LOG_TEXT},
    platform::Clock,
    sync::atomic::{AtomicU32, Ordering},
};

#[cfg(test)]
mod tests;

/// How much a log line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, Schema)]
pub enum Level {
    /// As a filter only: nothing passes.
    Off,
    /// Something is broken.
    Error,
    /// Something is not as it should be.
    Warn,
    /// What a user wants to know.
    Info,
    /// What a driver's author wants to know.
    Debug,
    /// Everything.
    Trace,
}

impl Level {
    /// All levels, from silent to loud.
    pub const ALL: [Self; 6] = [Self::Off, Self::Error, Self::Warn, Self::Info, Self::Debug, Self::Trace];

    /// The level's name in lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A word that names no log level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownLevel;

impl fmt::Display for UnknownLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a log level: use off, error, warn, info, debug or trace")
    }
}

impl core::error::Error for UnknownLevel {}

impl FromStr for Level {
    type Err = UnknownLevel;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|level| word.eq_ignore_ascii_case(level.name())).ok_or(UnknownLevel)
    }
}

/// A line of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    /// Microseconds since boot.
    pub at_us: u64,
    /// How much it matters.
    pub level: Level,
    /// Who says it: a module or a driver.
    pub target: &'static str,
    /// What it says.
    pub text: Text<LOG_TEXT>,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (s, us) = (self.at_us / 1_000_000, self.at_us % 1_000_000);
        write!(f, "{s:5}.{us:06} {:5} {}: {}", self.level, self.target, self.text)
    }
}

/// The table of target levels is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooManyTargets;

impl fmt::Display for TooManyTargets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "only {LOG_TARGETS} targets can have a level of their own; set one of them back first")
    }
}

impl core::error::Error for TooManyTargets {}

/// The longest name of a target that can have a level of its own, in bytes.
pub const TARGET_NAME: usize = 24;

/// A target that has a level of its own.
pub type TargetLevel = (Text<TARGET_NAME>, Level);

/// The log of one kernel.
pub struct Log {
    /// The loudest level that any target lets pass: one load decides about most lines that are not kept.
    loudest: AtomicU32,
    inner: Mutex<RefCell<Inner>>,
}

struct Inner {
    clock: Option<&'static dyn Clock>,
    ring: Ring<Line>,
    level: Level,
    targets: [Option<TargetLevel>; LOG_TARGETS],
}

impl Inner {
    fn level_of(&self, target: &str) -> Level {
        // A target's level holds for what is below it too: `uart` for `uart::rx`, the longest match first.
        let own = self.targets.iter().flatten().filter(|(name, _)| {
            // A name that was cut stands for all targets that are the same up to there.
            *name == Text::<TARGET_NAME>::cut(target)
                || target.strip_prefix(&**name).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
        });
        own.max_by_key(|(name, _)| name.len()).map_or(self.level, |(_, level)| *level)
    }

    fn loudest(&self) -> Level {
        self.targets.iter().flatten().map(|(_, level)| *level).fold(self.level, Level::max)
    }
}

impl Log {
    /// A log that remembers as many lines as there are slots, at level `info`.
    pub(crate) fn new(slots: &'static mut [MaybeUninit<Line>], clock: &'static dyn Clock) -> Self {
        let inner = Inner {
            clock: Some(clock),
            ring: Ring::new(slots),
            level: Level::Info,
            targets: [None; LOG_TARGETS],
        };
        Self { loudest: AtomicU32::new(Level::Info as u32), inner: Mutex::new(RefCell::new(inner)) }
    }

    /// Writes a line, if its level passes the target's filter.
    #[inline]
    pub fn write(&self, level: Level, target: &'static str, text: fmt::Arguments<'_>) {
        if level as u32 <= self.loudest.load(Ordering::Relaxed) {
            self.record(level, target, text);
        }
    }

    #[cold]
    fn record(&self, level: Level, target: &'static str, text: fmt::Arguments<'_>) {
        if level == Level::Off || level > self.level_of(target) {
            return;
        }
        let mut line = Text::new();
        // A line that is too long keeps what fits; control bytes in it are the reader's to show.
        let _cut = line.write_fmt(text);
        critical_section::with(|cs| {
            let mut inner = self.inner.borrow_ref_mut(cs);
            if let Some(clock) = inner.clock {
                inner.ring.write(Line { at_us: clock.now_us(), level, target, text: line });
            }
        });
    }

    /// Writes a line at level `error`.
    pub fn error(&self, target: &'static str, text: fmt::Arguments<'_>) {
        self.write(Level::Error, target, text);
    }

    /// Writes a line at level `warn`.
    pub fn warn(&self, target: &'static str, text: fmt::Arguments<'_>) {
        self.write(Level::Warn, target, text);
    }

    /// Writes a line at level `info`.
    pub fn info(&self, target: &'static str, text: fmt::Arguments<'_>) {
        self.write(Level::Info, target, text);
    }

    /// Writes a line at level `debug`.
    pub fn debug(&self, target: &'static str, text: fmt::Arguments<'_>) {
        self.write(Level::Debug, target, text);
    }

    /// The level that lines of this target have to pass.
    pub fn level_of(&self, target: &str) -> Level {
        critical_section::with(|cs| self.inner.borrow_ref(cs).level_of(target))
    }

    /// Sets the level for all targets that have none of their own.
    pub fn set_level(&self, level: Level) {
        self.change(|inner| inner.level = level);
    }

    /// Gives a target a level of its own, or with `None` takes it away. Of a longer name the first [`TARGET_NAME`] bytes
    /// count.
    ///
    /// # Errors
    ///
    /// When [`LOG_TARGETS`] targets have one already.
    pub fn set_target(&self, target: &str, level: Option<Level>) -> Result<(), TooManyTargets> {
        let name = Text::cut(target);
        self.change(|inner| {
            let known = inner.targets.iter().position(|slot| slot.is_some_and(|(known, _)| known == name));
            let free = || inner.targets.iter().position(Option::is_none);
            let place = match (known, level) {
                (Some(place), _) => Some(place),
                (None, None) => return Ok(()),
                (None, Some(_)) => free(),
            };
            let slot = place.and_then(|place| inner.targets.get_mut(place)).ok_or(TooManyTargets)?;
            *slot = level.map(|level| (name, level));
            Ok(())
        })
    }

    /// The level for all other targets, and those that have their own.
    pub fn levels(&self) -> (Level, [Option<TargetLevel>; LOG_TARGETS]) {
        critical_section::with(|cs| {
            let inner = self.inner.borrow_ref(cs);
            (inner.level, inner.targets)
        })
    }

    /// The next line after the cursor, with how many were missed before it; `None` when all has been read.
    pub fn read(&self, cursor: &mut Cursor) -> Option<Entry<Line>> {
        critical_section::with(|cs| self.inner.borrow_ref(cs).ring.read(cursor))
    }

    /// A cursor from which the last `count` lines are read.
    pub fn last(&self, count: u64) -> Cursor {
        critical_section::with(|cs| Cursor::before_last(self.inner.borrow_ref(cs).ring.written(), count))
    }

    /// Keeps no more lines and lets go of the clock.
    pub(crate) fn close(&self) {
        self.loudest.store(Level::Off as u32, Ordering::Relaxed);
        critical_section::with(|cs| self.inner.borrow_ref_mut(cs).clock = None);
    }

    fn change<R>(&self, change: impl FnOnce(&mut Inner) -> R) -> R {
        critical_section::with(|cs| {
            let mut inner = self.inner.borrow_ref_mut(cs);
            let result = change(&mut inner);
            self.loudest.store(inner.loudest() as u32, Ordering::Relaxed);
            result
        })
    }
}
