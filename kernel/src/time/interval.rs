//! A clock that ticks at a fixed period.

use core::fmt;

use super::{Duration, Instant, Sleep, Timers};

/// Ticks at a fixed period; made by [`Timers::interval`] and [`Timers::interval_at`].
///
/// ```
/// use kernel::time::{Duration, MissedTicks, Timers, IntervalError};
///
/// # async fn blink(timers: &Timers) -> Result<(), IntervalError> {
/// let mut frames = timers.interval(Duration::from_millis(20))?;
/// frames.set_missed(MissedTicks::Delay);
/// loop {
///     let due = frames.tick().await;
///     // Draw the frame of `due`.
/// #   if due.as_secs() > 1 { return Ok(()) }
/// }
/// # }
/// ```
#[derive(Debug)]
pub struct Interval<'t> {
    timers: &'t Timers,
    next: Instant,
    period: Duration,
    missed: MissedTicks,
}

/// What an [`Interval`] does about ticks whose time passed while nobody awaited them.
///
/// With a period of 10 ms and a task that takes its tick of 10 ms and is then busy until 37 ms, the ticks that follow are
/// (each written as the time it is for, `@` the time it is delivered):
///
/// | policy | ticks | keeps | for |
/// |---|---|---|---|
/// | `Burst` | 20 @ 37, 30 @ 37, 40 @ 40, 50 @ 50 | the count | counting, integrating |
/// | `Delay` | 20 @ 37, 47 @ 47, 57 @ 57 | the distance: at least a period between two | polling a device |
/// | `Skip` | 20 @ 37, 40 @ 40, 50 @ 50 | the phase | drawing, sampling, blinking |
///
/// `Skip` is the default: after a jump of the clock, however long, it ticks once and is back in step, where `Burst` would
/// make up for every period of the jump.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissedTicks {
    /// Deliver them all, one after the other without waiting, until the count is right. Between two of them other tasks
    /// get their turn.
    Burst,
    /// Forget them; the next tick is one period after this one was delivered.
    Delay,
    /// Forget them; the next tick is the first of the original ones that lies ahead.
    #[default]
    Skip,
}

impl<'t> Interval<'t> {
    /// # Errors
    ///
    /// [`IntervalError`] if the period is zero.
    pub(super) const fn new(
        timers: &'t Timers,
        first: Instant,
        period: Duration,
    ) -> Result<Self, IntervalError> {
        if period.is_zero() {
            return Err(IntervalError);
        }
        Ok(Self { timers, next: first, period, missed: MissedTicks::Skip })
    }

    /// Chooses what is done about missed ticks.
    pub const fn set_missed(&mut self, missed: MissedTicks) {
        self.missed = missed;
    }

    /// Waits for the next tick and returns the time that it is for, which is not after [`Timers::now`].
    ///
    /// A tick that is overdue lets other tasks run once before it is delivered.
    ///
    /// # Cancellation
    ///
    /// Dropping the future loses no tick: the next call waits for the same one.
    pub async fn tick(&mut self) -> Instant {
        let due = self.next;
        Sleep::new(self.timers, due).await;
        self.next = self.missed.next(due, self.period, self.timers.now());
        due
    }

    /// Starts anew: the next tick is one period from now.
    pub fn reset(&mut self) {
        self.next = self.timers.now() + self.period;
    }

    /// When the next tick is due.
    #[must_use]
    pub const fn next_tick(&self) -> Instant {
        self.next
    }

    /// The time between two ticks.
    #[must_use]
    pub const fn period(&self) -> Duration {
        self.period
    }
}

impl MissedTicks {
    /// When the tick after the one of `due` is due, that one being delivered at `now`.
    fn next(self, due: Instant, period: Duration, now: Instant) -> Instant {
        let successor = due + period;
        match self {
            Self::Burst => successor,
            Self::Delay => now + period,
            // The division is long on a chip without one, so it is left to those who are late.
            Self::Skip if successor > now => successor,
            Self::Skip => {
                let passed = now.since(due).as_micros() / period.as_micros();
                due + period * passed.saturating_add(1)
            }
        }
    }
}

/// An interval of no time was asked for; it would tick without end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IntervalError;

impl fmt::Display for IntervalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an interval needs a period longer than zero")
    }
}

impl core::error::Error for IntervalError {}
