//! Time: instants, durations, and the timers that tasks wait with.
//!
//! Time is an argument here. [`Timers`] reads no clock and sets no alarm: whoever owns it tells it the time with
//! [`Timers::advance`], which wakes what is due, and asks [`Timers::next_deadline`] when to come back.
//!
//! ```text
//!    a task                          Timers                            the machine's loop
//!      │  sleep_until(t).await         │                                       │
//!      ├──────────── link, t ─────────▶│◀──────────── advance(now) ────────────┤
//!      │                               │  all with t <= now, earliest first    │
//!      │◀──────────── wake ────────────┤                                       │
//!      │                               ├──────────── next_deadline ───────────▶│  sleep until then
//! ```
//!
//! # Laws
//!
//! - Nothing fires early: a wait is over when [`Timers::now`] has reached its deadline. It is late by no more than the
//!   owner is late in calling `advance`.
//! - What is due fires once, in the order of the deadlines, and among equal deadlines in the order in which they were
//!   linked. That holds for a jump of the clock, too, however far.
//! - The whole range of 64 bits works: waits that are too long saturate at [`Instant::MAX`] and are never reached;
//!   the cost of a jump depends on what is due, not on its length.
//! - A wait lives in the future that waits. Timers never allocate, cannot be full, and a wait that is dropped is gone.
//! - Timers belong to one thread, and no interrupt handler may touch them: one that wants a task to run wakes it.
//!
//! # Example
//!
//! ```
//! use core::task::{Context, Waker};
//! use kernel::time::{Duration, Instant, Timers};
//!
//! let timers = Timers::new();
//! let mut sleep = core::pin::pin!(timers.sleep(Duration::from_millis(5)));
//! let mut cx = Context::from_waker(Waker::noop());
//!
//! assert!(sleep.as_mut().poll(&mut cx).is_pending());
//! assert_eq!(timers.next_deadline(), Some(Instant::from_millis(5)));
//! assert_eq!(timers.advance(Instant::from_millis(4)), 0);
//! assert_eq!(timers.advance(Instant::from_millis(6)), 1);
//! assert!(sleep.as_mut().poll(&mut cx).is_ready());
//! ```
#![expect(unsafe_code, reason = "timers are written where they are to be, field by field")]

mod duration;
mod instant;
mod interval;
mod sleep;
#[cfg(test)]
mod tests;
mod timeout;
mod wheel;

use core::{cell::Cell, fmt, task::Waker};

use self::wheel::Wheel;
pub use self::{
    duration::Duration,
    instant::Instant,
    interval::{Interval, IntervalError, MissedTicks},
    sleep::Sleep,
    timeout::{Elapsed, Timeout},
};

/// Everything that waits for a point in time, in order.
///
/// About one kilobyte on a 32-bit chip, whatever is pending: each wait brings its own memory.
pub struct Timers {
    now: Cell<Instant>,
    wheel: Wheel<Option<Waker>>,
}

impl Timers {
    /// Timers with nothing pending, at [`Instant::BOOT`].
    #[must_use]
    pub const fn new() -> Self {
        Self { now: Cell::new(Instant::BOOT), wheel: Wheel::new() }
    }

    /// Writes timers as [`new`](Self::new) makes them, field by field: as a whole they would lie on the stack first.
    ///
    /// # Safety
    ///
    /// The place is valid for writes, aligned, and the caller's.
    pub(crate) unsafe fn write(place: *mut Self) {
        // SAFETY: the fields of the caller's place. All are written, as the pattern has the compiler check.
        unsafe {
            (&raw mut (*place).now).write(Cell::new(Instant::BOOT));
            Wheel::write(&raw mut (*place).wheel);
            let Self { now: _, wheel: _ } = &*place;
        }
    }

    /// The time of the last [`advance`](Timers::advance): coarse, but the same for all who ask between two of them.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.now.get()
    }

    /// Something may be due by then: [`advance`](Timers::advance) has to look.
    #[must_use]
    #[inline]
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        self.wheel.is_due(now.as_micros())
    }

    /// Moves time to `now`, wakes everything that is due by then, earliest first, and returns how many that were.
    ///
    /// Time does not go back: an earlier `now` counts as the present one.
    ///
    /// A waker may come back here and start, drop or reset any wait, or even advance the time further. What it starts
    /// with a deadline that has been reached does not take part; what it drops before its turn does not fire.
    ///
    /// The work is bounded by what is due, plus at most fifteen small steps in the life of each pending wait.
    #[inline]
    pub fn advance(&self, now: Instant) -> usize {
        if self.pass_to(now) { 0 } else { self.fire(now) }
    }

    /// Moves time to `now` if that is not back, and nothing is due by then. Otherwise does nothing and returns false:
    /// [`advance`](Timers::advance) has to look.
    #[inline]
    pub(crate) fn pass_to(&self, now: Instant) -> bool {
        let passes = now >= self.now.get() && self.wheel.skip_to(now.as_micros());
        if passes {
            self.now.set(now);
        }
        passes
    }

    /// Moves time to `now`, wakes everything that is due by then, and returns how many that were.
    #[inline(never)]
    pub(crate) fn fire(&self, now: Instant) -> usize {
        self.now.set(now.max(self.now.get()));
        let mut fired = 0_usize;
        // Nothing is held across the wake. The time is read again because the waker may have moved it.
        while let Some(waker) = self.wheel.pop_due(self.now.get().as_micros()) {
            fired = fired.saturating_add(1);
            if let Some(waker) = waker {
                waker.wake();
            }
        }
        fired
    }

    /// When to call [`advance`](Timers::advance) next, or `None` if nothing waits.
    ///
    /// Never later than the next deadline. It is exact unless more than eight waits compete for being the next; then it
    /// may be earlier, but after [`now`](Timers::now), and advancing to it brings the answer nearer.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        self.wheel.next_deadline_us().map(Instant::from_micros)
    }

    /// How many waits are pending.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        self.wheel.len()
    }

    /// Whether nothing waits.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Waits until `deadline`. If it has been reached by the first poll, other tasks run once before the wait is over.
    ///
    /// # Cancellation
    ///
    /// Dropping the future ends the wait and has no other effect.
    pub const fn sleep_until(&self, deadline: Instant) -> Sleep<'_> {
        Sleep::new(self, deadline)
    }

    /// Waits for `span`, counted from [`now`](Timers::now) at the time of this call, not of the first poll.
    ///
    /// `sleep(Duration::ZERO)` lets other tasks run once. A span that ends beyond [`Instant::MAX`] ends there.
    ///
    /// # Cancellation
    ///
    /// Dropping the future ends the wait and has no other effect.
    pub fn sleep(&self, span: Duration) -> Sleep<'_> {
        self.sleep_until(self.now() + span)
    }

    /// Runs `future` for at most `span`, counted from [`now`](Timers::now) at the time of this call.
    ///
    /// The future is polled before the time is looked at, so with `Duration::ZERO` it is polled once.
    ///
    /// # Errors
    ///
    /// The timeout gives [`Elapsed`] if the time is up and the future is not done.
    ///
    /// # Cancellation
    ///
    /// Dropping the timeout, or its running out, drops `future`.
    pub fn timeout<F: Future>(&self, span: Duration, future: F) -> Timeout<'_, F> {
        self.timeout_at(self.now() + span, future)
    }

    /// Runs `future` until `deadline` at most. Otherwise as [`timeout`](Timers::timeout).
    ///
    /// # Errors
    ///
    /// The timeout gives [`Elapsed`] if the time is up and the future is not done.
    ///
    /// # Cancellation
    ///
    /// Dropping the timeout, or its running out, drops `future`.
    pub fn timeout_at<F: Future>(&self, deadline: Instant, future: F) -> Timeout<'_, F> {
        Timeout::new(future, Sleep::prompt(self, deadline))
    }

    /// Ticks every `period`, for the first time one period from [`now`](Timers::now). Missed ticks are skipped, unless
    /// [`Interval::set_missed`] says otherwise.
    ///
    /// # Errors
    ///
    /// [`IntervalError`] if `period` is zero.
    pub fn interval(&self, period: Duration) -> Result<Interval<'_>, IntervalError> {
        self.interval_at(self.now() + period, period)
    }

    /// Ticks every `period`, for the first time at `first`. Otherwise as [`interval`](Timers::interval).
    ///
    /// # Errors
    ///
    /// [`IntervalError`] if `period` is zero.
    pub const fn interval_at(&self, first: Instant, period: Duration) -> Result<Interval<'_>, IntervalError> {
        Interval::new(self, first, period)
    }
}

/// One pointer per slot, and a few words: slots dominate, so this catches a head that grows.
const _: () = assert!(size_of::<Timers>() <= 256 * size_of::<usize>() + 96);

impl Default for Timers {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Timers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timers")
            .field("now", &self.now())
            .field("len", &self.len())
            .field("next_deadline", &self.next_deadline())
            .finish_non_exhaustive()
    }
}
