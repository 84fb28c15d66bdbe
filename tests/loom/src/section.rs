//! The critical section of a model: one lock, which a thread that has it may take again.
//!
//! # Safety
//!
//! 1. A thread is in a section exactly if its `HELD` has the lock's guard.
//! 2. `acquire` and `release` come in pairs, the inner pair first; that is what callers of a critical section promise.
#![expect(unsafe_code, reason = "a critical section is a promise to whoever relies on it")]

use std::cell::RefCell;

use critical_section::RawRestoreState;
use loom::sync::{Mutex, MutexGuard};

loom::lazy_static! {
    static ref LOCK: Mutex<()> = Mutex::new(());
}

loom::thread_local! {
    static HELD: RefCell<Option<MutexGuard<'static, ()>>> = RefCell::new(None);
}

struct Model;

critical_section::set_impl!(Model);

// SAFETY: rules 1 and 2: one thread at a time is in a section, and what it wrote is seen by the next, through the lock.
unsafe impl critical_section::Impl for Model {
    unsafe fn acquire() -> RawRestoreState {
        HELD.with(|held| {
            let nested = held.borrow().is_some();
            if !nested {
                let guard = LOCK.lock().expect("no model goes on after a panic");
                *held.borrow_mut() = Some(guard);
            }
            nested
        })
    }

    unsafe fn release(nested: RawRestoreState) {
        if !nested {
            let guard = HELD.with(|held| held.borrow_mut().take());
            drop(guard);
        }
    }
}
