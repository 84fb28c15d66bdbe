//! Ticking at a fixed period.

use core::fmt;

use super::{Duration, Instant, Timers};

/// What an interval does about ticks that were due while its task was busy elsewhere.
///
/// With a period of 10 ms, and a task that is busy from the tick at 10 until 35:
///
/// | policy  | further ticks at          |
/// |---------|---------------------------|
/// | `Burst` | 35, 35, 40, 50: all come  |
/// | `Skip`  | 40, 50: missed ones do not |
/// | `Delay` | 35, 45, 55: from now on   |
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum MissedTicks {
    /// Make up for all of them at once.
    Burst,
    /// Leave them out, and go on with the next one in the old rhythm.
    #[default]
    Skip,
    /// Tick once late, and count the period from then.
    Delay,
}

/// Ticks at a fixed period. Without drift: ticks are counted from the first, not from when the task gets to run.
pub struct Interval<'t> {
    timers: &'t Timers,
    next: Instant,
    period: Duration,
    missed: MissedTicks,
}

/// An interval's period is zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IntervalError;

impl fmt::Display for IntervalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an interval needs a period of at least one microsecond")
    }
}

impl core::error::Error for IntervalError {}

impl Timers {
    /// Ticks at `first`, then once a period. Missed ticks are skipped, see [`Interval::set_missed`].
    ///
    /// # Errors
    ///
    /// When the period is zero.
    pub fn interval_at(&self, first: Instant, period: Duration) -> Result<Interval<'_>, IntervalError> {
        if period == Duration::ZERO {
            return Err(IntervalError);
        }
        Ok(Interval { timers: self, next: first, period, missed: MissedTicks::default() })
    }

    /// Ticks once a period, counted from [`now`](Self::now).
    ///
    /// # Errors
    ///
    /// When the period is zero.
    pub fn interval(&self, period: Duration) -> Result<Interval<'_>, IntervalError> {
        self.interval_at(self.now().saturating_add(period), period)
    }
}

impl Interval<'_> {
    /// Chooses what is done about missed ticks.
    pub fn set_missed(&mut self, missed: MissedTicks) {
        self.missed = missed;
    }

    /// Waits for the next tick and returns when it was due.
    ///
    /// # Cancellation
    ///
    /// A tick that was waited for and not returned is returned by the next call.
    pub async fn tick(&mut self) -> Instant {
        let now = self.timers.now();
        if self.next < now && self.missed == MissedTicks::Skip {
            let (period, late) = (self.period.as_micros(), now.since(self.next).as_micros());
            let skipped = late.div_ceil(period).saturating_mul(period);
            self.next = self.next.saturating_add(Duration::from_micros(skipped));
        }
        self.timers.sleep_until(self.next).await;
        let due = match self.missed {
            MissedTicks::Delay => self.next.max(self.timers.now()),
            MissedTicks::Burst | MissedTicks::Skip => self.next,
        };
        self.next = due.saturating_add(self.period);
        due
    }
}
