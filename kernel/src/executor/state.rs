//! The state word of a task: two flags and a reference count in one atomic.
//!
//! ```text
//!            spawn                    (1) begin_poll              (3) finish
//!   ──────────────────▶ QUEUED ───────────────────────▶ (idle) ─────────────▶ DONE + QUEUED
//!                          ▲                               │
//!                          └────────── (2) queue ──────────┘
//! ```
//!
//! `QUEUED` means "on the ready queue, or about to be put there by whoever set the bit": whoever turns it on owns
//! the task's queue link until the executor pops the task. A finished task keeps `QUEUED` for ever, so a late wake
//! finds the bit set and leaves the task alone; that is the whole protection of law 15's second half.
//!
//! The count holds one reference for the executor (from spawn until the task is finished *and* off the queue), one
//! for the join handle and one for every cloned waker.

use crate::sync::atomic::{AtomicUsize, Ordering, fence};

const QUEUED: usize = 1;
const DONE: usize = 1 << 1;
const REFERENCE: usize = 1 << 2;

/// The state word. All of its methods may be called from interrupts and from other threads.
pub(super) struct State(AtomicUsize);

/// What [`State::begin_poll`] found.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Popped {
    /// The task is alive and is now off the queue: poll it.
    Alive,
    /// The task finished while it was queued: drop the executor's reference.
    Finished,
}

/// What [`State::finish`] found.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Finish {
    /// The task is on no queue: drop the executor's reference now.
    Unqueued,
    /// A wake has queued the task: the executor's reference is dropped when it is popped.
    StillQueued,
}

impl State {
    /// A task that is about to be put on the ready queue, referenced by the executor and a join handle.
    pub(super) fn spawned() -> Self {
        Self(AtomicUsize::new(QUEUED | (2 * REFERENCE)))
    }

    /// Marks the task as queued. `true` means that the caller has to put it on the ready queue.
    #[inline]
    pub(super) fn queue(&self) -> bool {
        // Release: what the waker's owner wrote before waking is seen by the poll that follows `begin_poll`, also
        // when this wake found the task queued already.
        self.0.fetch_or(QUEUED, Ordering::AcqRel) & QUEUED == 0
    }

    /// Takes the task off the queue, so that a wake during its poll queues it again.
    #[inline]
    pub(super) fn begin_poll(&self) -> Popped {
        if self.0.load(Ordering::Relaxed) & DONE != 0 {
            return Popped::Finished;
        }
        // The bit is known to be set, and subtracting is cheaper than masking on every target.
        self.0.fetch_sub(QUEUED, Ordering::AcqRel);
        Popped::Alive
    }

    /// Marks the task as finished for good. Called once, by the executor.
    pub(super) fn finish(&self) -> Finish {
        if self.0.fetch_or(QUEUED | DONE, Ordering::AcqRel) & QUEUED == 0 {
            Finish::Unqueued
        } else {
            Finish::StillQueued
        }
    }

    pub(super) fn is_done(&self) -> bool {
        self.0.load(Ordering::Acquire) & DONE != 0
    }

    pub(super) fn is_queued(&self) -> bool {
        self.0.load(Ordering::Acquire) & QUEUED != 0
    }

    /// Adds a reference.
    ///
    /// # Panics
    ///
    /// When a quarter of the address space is references already, which only a leak in a loop can reach; going on
    /// would wrap the count and free a live task.
    #[inline]
    pub(super) fn reference(&self) {
        let old = self.0.fetch_add(REFERENCE, Ordering::Relaxed);
        assert!(old < usize::MAX / 2, "a task's wakers are being leaked");
    }

    /// Drops a reference. `true` means that it was the last one.
    #[inline]
    pub(super) fn unreference(&self) -> bool {
        if self.0.fetch_sub(REFERENCE, Ordering::Release) / REFERENCE != 1 {
            return false;
        }
        fence(Ordering::Acquire);
        true
    }
}
