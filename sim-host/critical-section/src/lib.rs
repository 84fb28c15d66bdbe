//! The critical section of a desktop process: what "interrupts off" is on a chip.
//!
//! It is one lock for the whole process, since other threads may wake tasks, and a thread that holds it may take it
//! again. When a thread leaves its outermost section it calls its [hook](set_hook): on a chip, interrupts that came
//! meanwhile are taken at this very point, and the simulator does the same.
//!
//! This crate provides the implementation that `critical_section::with` is linked to, so a binary must not enable that
//! crate's feature `std`. Whoever needs nothing but the implementation links it with
//! `use host_critical_section as _;`.
//!
//! # Safety
//!
//! 1. A thread is in a section exactly if `HELD` of this thread has the lock's guard; it is put there by the outermost
//!    acquire, after the lock was taken, and leaves with the outermost release.
//! 2. `acquire` and `release` come in pairs, the inner pair first; that is what callers of a critical section promise.
#![expect(unsafe_code, reason = "a critical section is a promise to whoever relies on it")]

use std::{
    cell::Cell,
    mem::ManuallyDrop,
    sync::{Mutex, MutexGuard, PoisonError},
};

use critical_section::RawRestoreState;

static LOCK: Mutex<()> = Mutex::new(());

thread_local! {
    // Neither needs to be dropped, so that wakers which are dropped while a thread ends may still use a section.
    static HELD: Cell<Option<ManuallyDrop<MutexGuard<'static, ()>>>> = const { Cell::new(None) };
    static HOOK: Cell<Option<fn()>> = const { Cell::new(None) };
}

/// Sets what this thread calls whenever it leaves its outermost critical section, and returns what it called before.
///
/// The hook runs outside of the section, and is called again for sections that it leaves itself. It is not called
/// while the thread panics.
///
/// ```
/// use std::cell::Cell;
///
/// thread_local!(static LEFT: Cell<u32> = const { Cell::new(0) });
///
/// host_critical_section::set_hook(Some(|| LEFT.set(LEFT.get() + 1)));
/// critical_section::with(|_| critical_section::with(|_| assert_eq!(LEFT.get(), 0)));
/// assert_eq!(LEFT.get(), 1);
/// ```
pub fn set_hook(hook: Option<fn()>) -> Option<fn()> {
    HOOK.replace(hook)
}

struct Host;

critical_section::set_impl!(Host);

// SAFETY: rules 1 and 2: one thread at a time is in a section, and what it wrote is seen by the next, through the lock.
unsafe impl critical_section::Impl for Host {
    /// Returns whether the thread was in a section before.
    unsafe fn acquire() -> RawRestoreState {
        let held = HELD.take();
        let nested = held.is_some();
        // A thread that panicked in a section has left it like any other.
        HELD.set(
            held.or_else(|| Some(ManuallyDrop::new(LOCK.lock().unwrap_or_else(PoisonError::into_inner)))),
        );
        nested
    }

    unsafe fn release(nested: RawRestoreState) {
        if nested {
            return;
        }
        drop(HELD.take().map(ManuallyDrop::into_inner));
        if let Some(hook) = HOOK.get()
            && !std::thread::panicking()
        {
            hook();
        }
    }
}

#[cfg(test)]
mod tests;
