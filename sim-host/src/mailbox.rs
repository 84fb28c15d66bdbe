//! How other threads reach a machine: they leave input in its mailbox and ring its doorbell.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Waker,
};

/// Wakes a machine that sleeps. Cheap to clone, for any thread.
#[derive(Clone, Default)]
pub(crate) struct Doorbell(Arc<Mutex<Option<Waker>>>);

impl Doorbell {
    /// Sets what is woken by the next ring.
    pub(crate) fn set(&self, waker: &Waker) {
        *lock(&self.0) = Some(waker.clone());
    }

    pub(crate) fn ring(&self) {
        let waker = lock(&self.0).take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl fmt::Debug for Doorbell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Doorbell")
    }
}

/// Locks, whatever happened to other threads that held the lock: what is behind these locks is whole at all times.
pub(crate) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
