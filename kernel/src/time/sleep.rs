//! The timers of one kernel, and sleeping.
#![expect(unsafe_code, reason = "sleeping tasks link their timers into the wheel")]

use core::{
    cell::UnsafeCell,
    future::Future,
    pin::Pin,
    ptr::NonNull,
    task::{Context, Poll},
};

use super::{
    Duration, Instant,
    wheel::{Entry, Wheel},
};

/// The timers of one kernel, for its own thread.
///
/// They have a time of their own, that of the last [`advance`](Self::advance), and never read a clock.
pub struct Timers {
    wheel: UnsafeCell<Wheel>,
}

impl Timers {
    /// No timers, at boot.
    pub const fn new() -> Self {
        Self { wheel: UnsafeCell::new(Wheel::new()) }
    }

    /// Runs `with` on the wheel, which calls nobody.
    #[inline]
    fn with<R>(&self, with: impl FnOnce(&mut Wheel) -> R) -> R {
        // SAFETY: one thread, and wheel operations run no code but their own.
        with(unsafe { &mut *self.wheel.get() })
    }

    /// The time of the last advance: the present, as far as timers are concerned.
    pub fn now(&self) -> Instant {
        Instant::from_micros(self.with(|wheel| wheel.now_us()))
    }

    /// How many timers are set.
    pub fn len(&self) -> usize {
        self.with(|wheel| wheel.len())
    }

    /// No timer is set.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// When the machine has to look again: the next deadline, or a time before it; never one after it.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.with(|wheel| wheel.next_deadline_us()).map(Instant::from_micros)
    }

    /// Lets time pass: wakes everybody whose deadline has come, in the order of their deadlines, and of setting for
    /// equal ones. Returns how many.
    #[inline]
    pub fn advance(&self, now: Instant) -> usize {
        let mut fired = 0;
        // A task that sets a timer for a time that has passed gets it in the next advance, not in this one.
        let mut left = self.with(|wheel| wheel.len());
        while let Some(entry) = self.with(|wheel| wheel.turn(now.as_micros())) {
            // SAFETY: an entry that was on the wheel is alive: it is removed before its memory goes.
            let entry = unsafe { entry.as_ref() };
            entry.fired.set(true);
            fired += 1;
            if let Some(waker) = entry.waker.take() {
                waker.wake();
            }
            left -= 1;
            if left == 0 {
                break;
            }
        }
        if left == 0 {
            // Nothing that was set is left below `now`, so the wheel may stand there.
            let _none = self.with(|wheel| if wheel.len() == 0 { wheel.turn(now.as_micros()) } else { None });
        }
        fired
    }

    /// Sleeps until a point in time.
    ///
    /// # Cancellation
    ///
    /// Dropping the future cancels the timer.
    pub fn sleep_until(&self, deadline: Instant) -> Sleep<'_> {
        Sleep { timers: self, polled: false, entry: Entry::new(deadline.as_micros()) }
    }

    /// Sleeps for a while, counted from [`now`](Self::now).
    ///
    /// # Cancellation
    ///
    /// Dropping the future cancels the timer.
    pub fn sleep(&self, duration: Duration) -> Sleep<'_> {
        self.sleep_until(self.now().saturating_add(duration))
    }
}

impl Default for Timers {
    fn default() -> Self {
        Self::new()
    }
}

/// Waits until a point in time. A deadline that has passed already lets all other tasks that are ready run once.
#[must_use = "futures do nothing unless they are awaited"]
pub struct Sleep<'t> {
    timers: &'t Timers,
    polled: bool,
    entry: Entry,
}

impl Sleep<'_> {
    /// When it ends.
    pub fn deadline(&self) -> Instant {
        Instant::from_micros(self.entry.deadline_us.get())
    }

    /// Sleeps until another point in time, whether the old one has passed or not.
    pub fn reset(self: Pin<&mut Self>, deadline: Instant) {
        // SAFETY: nothing is moved.
        let this = unsafe { self.get_unchecked_mut() };
        this.unset();
        this.polled = false;
        this.entry.fired.set(false);
        this.entry.deadline_us.set(deadline.as_micros());
    }

    fn unset(&self) {
        if self.entry.is_set() {
            // SAFETY: set on these timers' wheel by `poll`.
            self.timers.with(|wheel| unsafe { wheel.remove(NonNull::from(&self.entry)) });
        }
    }
}

impl Future for Sleep<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        // SAFETY: nothing is moved; the entry stays where it is until it is dropped.
        let this = unsafe { self.get_unchecked_mut() };
        if this.entry.fired.get() {
            return Poll::Ready(());
        }
        if this.polled && this.deadline() <= this.timers.now() {
            // Another wake came first.
            this.unset();
            this.entry.fired.set(true);
            return Poll::Ready(());
        }
        let waker = match this.entry.waker.take() {
            Some(waker) if waker.will_wake(context.waker()) => waker,
            _ => context.waker().clone(),
        };
        this.entry.waker.set(Some(waker));
        if !this.polled {
            this.polled = true;
            // SAFETY: pinned by the future, not set, and removed by its drop.
            this.timers.with(|wheel| unsafe { wheel.insert(NonNull::from(&this.entry)) });
            if this.deadline() <= this.timers.now() {
                // Due already: yield once.
                context.waker().wake_by_ref();
            }
        }
        Poll::Pending
    }
}

impl Drop for Sleep<'_> {
    fn drop(&mut self) {
        self.unset();
    }
}
