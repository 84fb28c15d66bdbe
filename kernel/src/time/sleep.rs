//! The future that waits for a point in time.
//!
//! ```text
//!            poll, deadline ahead                advance, deadline reached
//!    (idle) ───────────────────────▶ (linked) ───────────────────────────▶ (idle, due) ── poll ──▶ Ready
//!      │                             │  ▲  ▲                                    ▲
//!      │                             │  │  └ reset, new deadline ahead          │
//!      │                             │  └─── poll: keeps the latest waker       │
//!      │                             └────── reset, new deadline reached: wakes │
//!      └──────────── deadline reached ──────────────────────────────────────────┘
//!
//!    (linked) ── drop ──▶ taken out of the wheel
//! ```
//!
//! Whether a sleep is over is never stored: it is over when its deadline is not after [`Timers::now`], and time does not
//! go back.
//!
//! # Rules
//!
//! 1. A sleep's entry joins the wheel only in `poll` and `reset`, which see the sleep pinned: from then on it stays where
//!    it is until it is dropped, and `drop` takes the entry out.
//! 2. It only ever joins the wheel of the `timers` that the sleep borrows, so it is in that one or in none.
//! 3. Cloning, dropping or calling a waker runs code that may come back: advance the time, poll or drop *other* sleeps.
//!    It cannot touch this sleep, which is mutably borrowed, except through `advance`, which may fire its entry. So
//!    nothing known about the entry or the time is relied on across such a call.
#![expect(unsafe_code, reason = "a sleep's entry is linked into the wheel, intrusively")]

use core::{
    cell::Cell,
    fmt,
    pin::Pin,
    task::{Context, Poll, Waker},
};

use super::{Instant, Timers, wheel::Entry};

/// Waits until a point in time; made by [`Timers::sleep`] and [`Timers::sleep_until`].
///
/// It completes when a poll finds [`Timers::now`] at or after the deadline, never before. A sleep that is over before it
/// begins still lets the other tasks that are ready run once, so a loop of sleeps cannot keep them from it. Polled again
/// after its end, it completes again.
///
/// It may be moved until it is first polled, and stays where it is from then on.
///
/// # Cancellation
///
/// Dropping a sleep takes it out of the wheel, in constant time, and disturbs no other. Nothing is lost: a new sleep with
/// the same [`deadline`](Sleep::deadline) waits for the same moment.
#[must_use = "a future does nothing unless polled"]
pub struct Sleep<'t> {
    timers: &'t Timers,
    /// The payload is the waker of the last poll.
    entry: Entry<Option<Waker>>,
    /// Whether it has yet to let others run.
    yields: Cell<bool>,
}

impl<'t> Sleep<'t> {
    pub(super) const fn new(timers: &'t Timers, deadline: Instant) -> Self {
        Self { timers, entry: Entry::new(deadline.as_micros(), None), yields: Cell::new(true) }
    }

    /// A sleep that completes on its first poll if its deadline has been reached by then.
    pub(super) const fn prompt(timers: &'t Timers, deadline: Instant) -> Self {
        Self { timers, entry: Entry::new(deadline.as_micros(), None), yields: Cell::new(false) }
    }

    /// When the sleep is over.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        Instant::from_micros(self.entry.deadline_us())
    }

    /// Whether the deadline has been reached.
    #[must_use]
    pub fn is_elapsed(&self) -> bool {
        self.deadline() <= self.timers.now()
    }

    /// Gives the sleep another deadline, whether it is over or not.
    ///
    /// The task that polled it last, if it still waits, is woken at the new deadline, and at once if that has been reached:
    /// there is no need to poll the sleep for the change to take effect.
    pub fn reset(self: Pin<&mut Self>, deadline: Instant) {
        let this = self.as_ref().get_ref();
        let waiting = this.entry.is_linked();
        this.unlink();
        this.entry.set_deadline_us(deadline.as_micros());
        if !waiting {
            this.yields.set(true);
            return;
        }
        if this.is_elapsed() {
            if let Some(waker) = this.entry.payload().take() {
                waker.wake();
            }
        } else {
            // SAFETY: rules 1 and 2; it was unlinked above.
            unsafe { this.timers.wheel.insert(&this.entry) };
        }
    }

    /// Takes the sleep out of the wheel, if it is in it.
    fn unlink(&self) {
        // SAFETY: rule 2.
        unsafe { self.timers.wheel.remove(&self.entry) };
    }

    /// Makes the waker of this poll the one that is called.
    fn keep_waker(&self, waker: &Waker) {
        let kept = self.entry.payload();
        let old = kept.take();
        if old.as_ref().is_some_and(|old| old.will_wake(waker)) {
            kept.set(old);
        } else {
            kept.set(Some(waker.clone()));
        }
    }
}

impl Future for Sleep<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.as_ref().get_ref();
        if !this.is_elapsed() {
            this.yields.set(false);
            this.keep_waker(cx.waker());
        }
        // Asked anew, since a waker was cloned or dropped in between: rule 3.
        if !this.is_elapsed() {
            if !this.entry.is_linked() {
                // SAFETY: rules 1 and 2; it is not linked.
                unsafe { this.timers.wheel.insert(&this.entry) };
            }
            return Poll::Pending;
        }
        if this.yields.take() {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        // Usually it is out already. It is not when a waker that `advance` calls polls this task right away.
        this.unlink();
        Poll::Ready(())
    }
}

impl Drop for Sleep<'_> {
    fn drop(&mut self) {
        self.unlink();
    }
}

impl fmt::Debug for Sleep<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sleep")
            .field("deadline", &self.deadline())
            .field("waiting", &self.entry.is_linked())
            .finish_non_exhaustive()
    }
}
