//! A flag that an interrupt raises and one task waits for.
//!
//! ```text
//!          (1) wait: lines up                        (2) raise, or the wait is given up
//!   Empty ────────────────────▶ Busy ──▶ Waiting ────────────────────────────────────────▶ Busy ──▶ Empty
//!                                ▲          │
//!                                └──────────┘  (3) the wait is polled again
//! ```
//!
//! Whoever raises the signal sets the flag first and then looks for somebody who waits; whoever waits lines up first and
//! then looks at the flag. Both change the flag by a swap, so that one of them comes second, and sees the other.
//!
//! Rules that the `unsafe` here rests on:
//!
//! 1. The waker belongs to whoever has made the place `Busy`, from `Empty` or `Waiting`, until that one leaves it in
//!    another state.
//! 2. Nobody calls a waker while the place is `Busy`, nor drops or clones one: that may run anything.
#![expect(unsafe_code, reason = "the waker lies in a cell that an atomic guards")]

use core::{
    cell::UnsafeCell,
    future::Future,
    pin::Pin,
    task::{Context, Poll, Waker},
};

use crate::sync::atomic::{AtomicBool, AtomicU8, Ordering};

/// Nobody waits.
const EMPTY: u8 = 0;
/// The place has the waker of somebody who waits.
const WAITING: u8 = 1;
/// Somebody is about to change that.
const BUSY: u8 = 2;

/// A pending bit with a waker: the only thing, beside a byte ring, that an interrupt hands to a task.
///
/// Raising it twice before the task looks is the same as raising it once. A signal that is raised before anybody
/// waits is not lost.
pub struct Signal {
    raised: AtomicBool,
    place: AtomicU8,
    waker: UnsafeCell<Option<Waker>>,
}

// SAFETY: the waker is reached by one at a time (rule 1), and may go to any thread by itself.
unsafe impl Sync for Signal {}

impl Signal {
    /// A signal that is not raised.
    pub const fn new() -> Self {
        Self { raised: AtomicBool::new(false), place: AtomicU8::new(EMPTY), waker: UnsafeCell::new(None) }
    }

    /// Raises the signal and wakes the task. May be called from interrupts and from other threads.
    pub fn raise(&self) {
        // If it was raised already, whoever raised it first has looked for one to wake, or will.
        if !self.raised.swap(true, Ordering::AcqRel) {
            self.wake();
        }
    }

    /// Lowers the signal; `true` if it was raised.
    pub fn take(&self) -> bool {
        self.raised.swap(false, Ordering::AcqRel)
    }

    /// Waits until the signal is raised, and lowers it.
    ///
    /// One task may wait at a time, which `&mut` on the owner of the signal ensures where it is handed out.
    ///
    /// # Cancellation
    ///
    /// A signal that was raised and not taken stays raised. The task's waker does not stay behind: a signal may outlive
    /// the task, and the waker would keep the task's memory, which may be the very region that the signal is in.
    pub const fn wait(&self) -> Raised<'_> {
        Raised { signal: self, registered: false }
    }

    /// Wakes whoever waits.
    #[inline(always)]
    fn wake(&self) {
        if self.occupy(WAITING) {
            // SAFETY: rule 1.
            let waker = unsafe { (*self.waker.get()).take() };
            self.place.store(EMPTY, Ordering::Release);
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }

    /// Leaves a waker in the place, and gives back the one that was there, unless somebody else is there right now.
    ///
    /// # Errors
    ///
    /// The waker, which is not there then.
    fn line_up(&self, waker: Waker) -> Result<Option<Waker>, Waker> {
        if !self.occupy(EMPTY) && !self.occupy(WAITING) {
            return Err(waker);
        }
        // SAFETY: rule 1. The one before is dropped by the caller (rule 2).
        let before = unsafe { (*self.waker.get()).replace(waker) };
        self.place.store(WAITING, Ordering::Release);
        Ok(before)
    }

    /// Makes the place busy, if it is in this state.
    #[inline(always)]
    fn occupy(&self, from: u8) -> bool {
        self.place.compare_exchange(from, BUSY, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }
}

/// Waits until a signal is raised: see [`Signal::wait`].
#[must_use = "a future does nothing unless polled"]
pub struct Raised<'s> {
    signal: &'s Signal,
    /// The place may have the task's waker.
    registered: bool,
}

impl Future for Raised<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let signal = self.signal;
        if signal.take() {
            return Poll::Ready(());
        }
        let kept = match signal.line_up(context.waker().clone()) {
            Ok(before) => {
                self.registered = true;
                // Somebody else who waits would not learn of it otherwise.
                if let Some(other) = before
                    && !other.will_wake(context.waker())
                {
                    other.wake();
                }
                true
            }
            Err(_) => false,
        };
        // The signal may have been raised before the place had the waker.
        if signal.take() {
            return Poll::Ready(());
        }
        if !kept {
            // Another thread is raising it right now.
            context.waker().wake_by_ref();
        }
        Poll::Pending
    }
}

impl Drop for Raised<'_> {
    fn drop(&mut self) {
        if self.registered && self.signal.place.load(Ordering::Relaxed) == WAITING {
            // It may be another's waker by now. If it is this one's, the task may be polled once for nothing.
            self.signal.wake();
        }
    }
}

impl Default for Signal {
    fn default() -> Self {
        Self::new()
    }
}
