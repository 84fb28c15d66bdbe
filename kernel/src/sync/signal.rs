//! A flag that an interrupt raises and one task waits for.

use core::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use maitake_sync::WaitCell;

use crate::sync::atomic::{AtomicBool, Ordering};

/// A pending bit with a waker: the only thing, beside a byte ring, that an interrupt hands to a task.
///
/// Raising it twice before the task looks is the same as raising it once. A signal that is raised before anybody
/// waits is not lost.
pub struct Signal {
    raised: AtomicBool,
    cell: WaitCell,
}

impl Signal {
    /// A signal that is not raised.
    pub const fn new() -> Self {
        Self { raised: AtomicBool::new(false), cell: WaitCell::new() }
    }

    /// Raises the signal and wakes the task. May be called from interrupts and from other threads.
    pub fn raise(&self) {
        self.raised.store(true, Ordering::Release);
        self.cell.wake();
    }

    /// Lowers the signal; `true` if it was raised.
    pub fn take(&self) -> bool {
        self.raised.swap(false, Ordering::Acquire)
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
}

/// Waits until a signal is raised: see [`Signal::wait`].
#[must_use = "a future does nothing unless polled"]
pub struct Raised<'s> {
    signal: &'s Signal,
    /// The cell may have the task's waker.
    registered: bool,
}

impl Future for Raised<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let signal = self.signal;
        if signal.take() {
            return Poll::Ready(());
        }
        self.registered = true;
        // The cell remembers that it was woken, until it is asked once; only then does it keep the waker. What was written
        // before a wake-up that it forgets is seen below nevertheless, since it is asked again.
        let kept = (0..2).any(|_| signal.cell.poll_wait(context).is_pending());
        // The signal may have been raised before the cell had the waker.
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
        if self.registered {
            // The one way to have the cell let go of a waker. If it has one, the task may be polled once for nothing.
            self.signal.cell.wake();
        }
    }
}

impl Default for Signal {
    fn default() -> Self {
        Self::new()
    }
}
