//! When a driver is started again, and when it is given up: the arithmetic of supervision.

use core::fmt;

use crate::{
    heap::FixedVec,
    time::{Duration, Instant},
};

/// What happens when a driver ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// After which endings it is started again.
    pub restart: Restart,
    /// How long the supervisor waits before that.
    pub backoff: Backoff,
    /// How often it may fail.
    pub limit: Limit,
}

/// After which endings a driver is started again. A kill by the supervisor's own order is final in all cases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restart {
    /// After none.
    Never,
    /// After an error or a panic.
    OnFailure,
    /// Also when somebody has aborted its task.
    Always,
}

/// How long the supervisor waits before a restart: `first`, and twice as long for each restart that the
/// [limit](Limit) still counts, up to `cap`. Where there is no memory to start a driver the starts in vain count instead, and
/// the wait is 10 ms at least.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// Before the first restart.
    pub first: Duration,
    /// At most.
    pub cap: Duration,
}

/// How often a driver is started again: `count` times within any `window`; at the next failure it is given up. That there
/// was no memory to start it does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// Restarts.
    pub count: u16,
    /// A restart counts for so long.
    pub window: Duration,
}

impl Policy {
    /// What most drivers want: started again after a failure, five times a minute, waiting 50 ms to 5 s.
    pub const DEFAULT: Self = Self {
        restart: Restart::OnFailure,
        backoff: Backoff { first: Duration::from_millis(50), cap: Duration::from_secs(5) },
        limit: Limit { count: 5, window: Duration::from_secs(60) },
    };

    /// The driver is started once.
    pub const ONCE: Self = Self {
        restart: Restart::Never,
        backoff: Backoff { first: Duration::ZERO, cap: Duration::ZERO },
        limit: Limit { count: 0, window: Duration::ZERO },
    };
}

impl Default for Policy {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl fmt::Display for Restart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Never => "never",
            Self::OnFailure => "on failure",
            Self::Always => "always",
        })
    }
}

/// Before a driver that found no memory is tried again, at least: no policy may have the machine do nothing but try.
const LEAST_WAIT_FOR_MEMORY: Duration = Duration::from_millis(10);

/// The restarts of a driver that still count.
pub(super) struct History {
    backoff: Backoff,
    window: Duration,
    /// As many as the limit allows, the oldest first.
    restarts: FixedVec<Instant>,
    /// Starts in a row that found no memory.
    refused: usize,
}

impl History {
    /// A history for a limit; `restarts` has room for its count.
    pub(super) fn new(policy: &Policy, restarts: FixedVec<Instant>) -> Self {
        Self { backoff: policy.backoff, window: policy.limit.window, restarts, refused: 0 }
    }

    /// The driver has failed. How long to wait before it is started again, or `None` if it is given up.
    pub(super) fn failed(&mut self, now: Instant) -> Option<Duration> {
        while self.restarts.first().is_some_and(|restart| now.since(*restart) >= self.window) {
            self.restarts.remove(0);
        }
        let before = self.restarts.len();
        self.restarts.push(now).ok()?;
        Some(self.backoff.delay(before))
    }

    /// There was no memory to start the driver, which is not its failure. How long to wait before it is tried again, and how
    /// often in a row that has been so already.
    pub(super) fn refused(&mut self) -> (Duration, usize) {
        let before = self.refused;
        self.refused = before.saturating_add(1);
        (self.backoff.delay(before).max(LEAST_WAIT_FOR_MEMORY), before)
    }

    /// There was memory to start the driver.
    pub(super) fn started(&mut self) {
        self.refused = 0;
    }

    /// Somebody starts the driver by hand: it gets a new chance.
    pub(super) fn forget(&mut self) {
        self.restarts.clear();
        self.refused = 0;
    }
}

impl Backoff {
    /// How long to wait when it was waited so often before.
    fn delay(&self, before: usize) -> Duration {
        let factor = u32::try_from(before).ok().and_then(|before| 1_u64.checked_shl(before));
        self.first.saturating_mul(factor.unwrap_or(u64::MAX)).min(self.cap)
    }
}
