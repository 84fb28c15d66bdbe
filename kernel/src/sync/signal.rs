//! A flag that an interrupt raises and one task waits for.

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
    pub async fn wait(&self) {
        // Without this the cell would be given a waker that nobody takes out again, for nothing.
        if self.take() {
            return;
        }
        let _waiter = Waiter { cell: &self.cell };
        // The cell is never closed, so waiting for it cannot fail.
        let _ = self.cell.wait_for(|| self.take()).await;
    }
}

/// A wait that has begun. Dropped with it, whether it is over or given up.
struct Waiter<'s> {
    cell: &'s WaitCell,
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        // The one way to have the cell let go of a waker. If it has one, the task may be polled once for nothing.
        self.cell.wake();
    }
}

impl Default for Signal {
    fn default() -> Self {
        Self::new()
    }
}
