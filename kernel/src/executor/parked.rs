//! A place where somebody waits for what happens on the kernel's own thread.
//!
//! What interrupts wake waits in a [`Signal`](crate::sync::Signal). Requests, replies and the like come from tasks, so
//! whoever waits for them can be put on the ready queue without a detour: no lock, no list that other threads share. A
//! place remembers who waits from one time to the next, so that a task which waits again and again in the same place is
//! compared, and nothing else.
//!
//! Rules that the `unsafe` here rests on:
//!
//! 1. `own` points to the waker that a task of the place's kernel is polled with, in that task. `waker` is a clone of it then,
//!    whose reference keeps the task.
//! 2. A place is used on its kernel's thread only, as is all that has one.
#![expect(unsafe_code, reason = "a task's waker is seen through, to the task")]

use core::{
    cell::Cell,
    ptr::NonNull,
    task::{Context, Waker},
};

use super::{Executor, task};

/// See the module.
pub(crate) struct Parked {
    waker: Cell<Option<Waker>>,
    /// Rule 1; `None` if `waker` is of another kind, or nobody has been parked.
    own: Cell<Option<NonNull<Waker>>>,
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
    pub(crate) const fn new() -> Self {
        Self { waker: Cell::new(None), own: Cell::new(None) }
    }

    /// Remembers whom to wake, instead of the one before. The executor is that of the place's kernel.
    #[inline]
    pub(crate) fn park<'e>(&self, context: &Context<'_>, executor: impl FnOnce() -> &'e Executor) -> Known {
        // The executor polls a task with the waker that lies in it, so that is the same one (rule 1).
        if self.own.get() == Some(NonNull::from(context.waker())) {
            return Known::Same;
        }
        self.replace(context.waker(), executor())
    }

    #[inline(never)]
    fn replace(&self, waker: &Waker, executor: &Executor) -> Known {
        // SAFETY: the comparison calls nobody, so the reference is gone before the waker can be replaced.
        if unsafe { &*self.waker.as_ptr() }.as_ref().is_some_and(|known| known.will_wake(waker)) {
            return Known::Same;
        }
        let waker = waker.clone();
        self.own.set(executor.own_waker(&waker));
        // The last of all, since dropping a waker may run anything.
        drop(self.waker.replace(Some(waker)));
        Known::New
    }

    /// Wakes whoever waits, if that is a task of the place's kernel. Hands out any other waker, to be called once nothing
    /// refers to the place any more: being woken may free it.
    #[inline]
    #[must_use = "the waker has to be called"]
    pub(crate) fn wake(&self) -> Option<Waker> {
        match self.own.get() {
            Some(own) => {
                // SAFETY: rules 1 and 2.
                unsafe { task::wake_here(task::of_own_waker(own)) };
                None
            }
            None => self.other(),
        }
    }

    #[cold]
    fn other(&self) -> Option<Waker> {
        // The waker is out of the place while it is cloned, and so may run anything.
        let waker = self.waker.take()?;
        let clone = waker.clone();
        // Whoever has been parked meanwhile stays.
        self.waker.set(Some(self.waker.take().unwrap_or(waker)));
        Some(clone)
    }

    /// Forgets whom to wake.
    pub(crate) fn clear(&self) {
        self.own.set(None);
        drop(self.waker.take());
    }
}
