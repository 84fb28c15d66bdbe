//! The state of a task, in two atomics: whether it has been woken, and who keeps its memory.
//!
//! ```text
//!           spawn                 (1) begin_poll               (3) end_poll, not woken
//!   ─────────────────▶ Woken ────────────────────▶ Taken ─────────────────────────────▶ Idle
//!                       ▲ ▲ │                       │ ▲                                  │
//!                       │ │ └──(3) end_poll, woken──┼─┘  back on the ready queue         │
//!                       │ └───────(2) wake ─────────┘    during the poll                 │
//!                       └─────────(2) wake, onto the ready queue ────────────────────────┘
//! ```
//!
//! A wake makes the task `Woken` in any case. Only who finds it `Idle` puts it on the ready queue, and so owns its queue
//! link until the executor pops it; a wake that lands during the task's poll leaves that to the end of the poll. Nobody
//! finds a finished task `Idle`, since it stays `Woken` for ever: that is the whole protection of late wakes.
//!
//! The count holds one reference for the executor (from spawn until the task is finished *and* off the queue), one
//! for the join handle and one for every cloned waker.

use crate::sync::atomic::{AtomicU8, AtomicUsize, Ordering, fence};

/// On no queue, and not polled.
const IDLE: u8 = 0;
/// Polled, or put back on the ready queue after a poll. One more than `IDLE`, see [`State::end_poll`].
const TAKEN: u8 = 1;
/// Woken since the last poll began. One more than `TAKEN`.
const WOKEN: u8 = 2;

/// The state. All of its methods may be called from interrupts and from other threads.
pub(super) struct State {
    wake: AtomicU8,
    references: AtomicUsize,
}

/// What to do with a task after a step of its life.
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Queue {
    /// It goes on the ready queue, by the hand of the caller.
    Push,
    /// It stays where it is.
    Leave,
}

impl State {
    /// A task that is about to be put on the ready queue, referenced by the executor and a join handle.
    pub(super) fn spawned() -> Self {
        Self { wake: AtomicU8::new(WOKEN), references: AtomicUsize::new(2) }
    }

    /// Notes a wake.
    #[inline(always)]
    pub(super) fn wake(&self) -> Queue {
        // Release: what the waker's owner wrote before waking is seen by the poll that follows `begin_poll`, also
        // when this wake found the task woken already.
        if self.wake.swap(WOKEN, Ordering::AcqRel) == IDLE { Queue::Push } else { Queue::Leave }
    }

    /// The executor has popped the task: wakes from now on are for another poll.
    #[inline]
    pub(super) fn begin_poll(&self) {
        self.wake.swap(TAKEN, Ordering::AcqRel);
    }

    /// The task's poll is over.
    #[inline]
    pub(super) fn end_poll(&self) -> Queue {
        // `Taken` becomes `Idle`, and `Woken` becomes `Taken`, by the same cheap subtraction.
        if self.wake.fetch_sub(1, Ordering::AcqRel) == TAKEN { Queue::Leave } else { Queue::Push }
    }

    /// Ends the task for good: no wake will put it on the queue. `true` if it was idle; otherwise it has been taken for a
    /// poll, or is on the ready queue, or about to be put there.
    pub(super) fn finish(&self) -> bool {
        self.wake.swap(WOKEN, Ordering::AcqRel) == IDLE
    }

    /// The task waits for a wake.
    pub(super) fn is_idle(&self) -> bool {
        self.wake.load(Ordering::Acquire) == IDLE
    }

    /// Adds a reference.
    ///
    /// # Panics
    ///
    /// When half of the address space is references already, which only a leak in a loop can reach; going on would wrap
    /// the count and free a live task.
    #[inline]
    pub(super) fn reference(&self) {
        let old = self.references.fetch_add(1, Ordering::Relaxed);
        assert!(old < usize::MAX / 2, "a task's wakers are being leaked");
    }

    /// Drops a reference. `true` means that it was the last one.
    #[inline(always)]
    pub(super) fn unreference(&self) -> bool {
        if self.references.fetch_sub(1, Ordering::Release) != 1 {
            return false;
        }
        fence(Ordering::Acquire);
        true
    }
}
