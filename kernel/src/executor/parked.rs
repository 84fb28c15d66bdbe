//! A place where somebody waits for what happens on the kernel's own thread.
//!
//! What interrupts wake waits in a [`Signal`](crate::sync::Signal). Requests, replies and the like come from tasks, so
//! whoever waits for them can be put on the ready queue without a detour: no lock, no list that other threads share. A
//! place remembers who waits from one time to the next, so that a task which waits again and again in the same place is
//! compared, and nothing else.
//!
//! Rules that the `unsafe` here rests on:
//!
//! 1. `here` says that `waker` is one of a task of the kernel that the place belongs to. The waker's reference keeps the
//!    task's header.
//! 2. A place is used on its kernel's thread only, as is all that has one.
#![expect(unsafe_code, reason = "a task's waker is seen through, to the task")]

use core::{
    cell::Cell,
    ptr::NonNull,
    task::{Context, Waker},
};

use super::{Executor, Header, task};

/// See the module.
pub(crate) struct Parked {
    waker: Cell<Waker>,
    /// Rule 1.
    here: Cell<bool>,
}

/// Whether a place has known the one who waits there.
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    /// It is the same as last time.
    Same,
    /// It is another one.
    New,
}

impl Parked {
    /// A place where nobody waits.
    pub(crate) fn new() -> Self {
        Self { waker: Cell::new(Waker::noop().clone()), here: Cell::new(false) }
    }

    /// Remembers whom to wake, instead of the one before. The executor is that of the place's kernel.
    #[inline]
    pub(crate) fn park<'e>(&self, context: &Context<'_>, executor: impl FnOnce() -> &'e Executor) -> Known {
        // SAFETY: the comparison calls nobody, so the reference is gone before the waker can be replaced.
        if unsafe { &*self.waker.as_ptr() }.will_wake(context.waker()) {
            return Known::Same;
        }
        self.replace(context.waker(), executor());
        Known::New
    }

    #[cold]
    fn replace(&self, waker: &Waker, executor: &Executor) {
        let waker = waker.clone();
        self.here.set(executor.owns(&waker));
        // The last of all, since dropping a waker may run anything.
        drop(self.waker.replace(waker));
    }

    /// Wakes whoever waits. Nothing in here is touched once that has begun, so the one who wakes may free the place.
    #[inline]
    pub(crate) fn wake(&self) {
        if self.here.get() {
            // SAFETY: rules 1 and 2. The comparison of `park` aside, only this looks into the waker, and calls nobody.
            unsafe {
                let data = (*self.waker.as_ptr()).data();
                task::wake_here(NonNull::new_unchecked(data.cast_mut().cast::<Header>()));
            }
        } else {
            self.wake_other();
        }
    }

    #[cold]
    fn wake_other(&self) {
        // The waker is out of the place while it is cloned, and so may run anything.
        let waker = self.waker.replace(Waker::noop().clone());
        let clone = waker.clone();
        // SAFETY: as for `park`.
        if unsafe { &*self.waker.as_ptr() }.will_wake(Waker::noop()) {
            self.waker.set(waker);
        }
        clone.wake();
    }

    /// Forgets whom to wake.
    pub(crate) fn clear(&self) {
        self.here.set(false);
        drop(self.waker.replace(Waker::noop().clone()));
    }
}
