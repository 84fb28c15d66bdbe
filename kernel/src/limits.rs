//! The kernel's limits: every queue, table and loop is bounded by one of these, or by a [`Settings`] field.

/// Polls in one tick at most, unless [`Settings::polls_per_tick`] says otherwise.
pub const POLLS_PER_TICK: u32 = 256;

/// Bytes of text in a log line; the rest of a longer one is cut.
pub const LOG_TEXT: usize = 96;

/// Targets that have a log level of their own, beside the level for all others.
pub const LOG_TARGETS: usize = 8;

/// Request slots of one connection at most.
pub const CONNECTION_DEPTH: usize = 256;

/// What a machine's builder may choose, with what most machines want as default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Events kept for those who read them late: a power of two is not needed, zero switches events off.
    pub events: usize,
    /// Log lines kept.
    pub log_lines: usize,
    /// Services that can be registered at a time.
    pub services: usize,
    /// A poll longer than this many microseconds is reported as an event: a task that stalls all others.
    pub long_poll_us: u32,
    /// Polls in one tick at most, so that the machine looks at its devices in between; one is made in any case. With 1 a
    /// test sees the machine between every two polls.
    pub polls_per_tick: u32,
    /// Seeds the kernel's identifiers, so that tests can start counters near their wrap.
    pub first_id: u32,
}

impl Settings {
    /// The default settings, usable in constants.
    pub const DEFAULT: Self = Self {
        events: 128,
        log_lines: 32,
        services: 32,
        long_poll_us: 10_000,
        polls_per_tick: POLLS_PER_TICK,
        first_id: 1,
    };
}

impl Default for Settings {
    fn default() -> Self {
        Self::DEFAULT
    }
}
