//! All tasks that are not done, in the order in which they were spawned.
//!
//! Rules that the `unsafe` here rests on:
//!
//! 1. The list and the `older` and `newer` links of its tasks belong to the kernel's thread.
//! 2. A task on the list is kept alive by the executor's reference, which is not dropped before the task is off.
#![expect(unsafe_code, reason = "the list links tasks through raw pointers")]

use core::{cell::Cell, iter, ptr::NonNull};

use super::task::Header;

/// A place that leads to a task, or to none.
pub(super) type Link = Cell<Option<NonNull<Header>>>;

/// See the module.
pub(super) struct Tasks {
    oldest: Link,
    newest: Link,
}

impl Tasks {
    pub(super) const fn new() -> Self {
        Self { oldest: Cell::new(None), newest: Cell::new(None) }
    }

    /// Puts a task at the end.
    ///
    /// # Safety
    ///
    /// The task is new, and referenced by the executor until it is [removed](Self::remove).
    #[inline]
    pub(super) unsafe fn push(&self, task: NonNull<Header>) {
        let older = self.newest.replace(Some(task));
        // SAFETY: rule 2.
        unsafe { task.as_ref() }.older.set(older);
        self.newer_of(older).set(Some(task));
    }

    /// Takes a task off.
    ///
    /// # Safety
    ///
    /// The task is on the list.
    #[inline]
    pub(super) unsafe fn remove(&self, task: NonNull<Header>) {
        // SAFETY: rule 2.
        let (older, newer) = unsafe { (task.as_ref().older.get(), task.as_ref().newer.get()) };
        self.newer_of(older).set(newer);
        match newer {
            // SAFETY: rule 2: it is on the list, as the neighbour of a task that is.
            Some(newer) => unsafe { newer.as_ref() }.older.set(older),
            None => self.newest.set(older),
        }
    }

    /// What leads on from a task of the list, or from its beginning.
    #[inline]
    fn newer_of(&self, task: Option<NonNull<Header>>) -> &Link {
        match task {
            // SAFETY: rule 2: only tasks of the list are asked for.
            Some(task) => &unsafe { task.as_ref() }.newer,
            None => &self.oldest,
        }
    }

    /// The task that was spawned first.
    pub(super) fn oldest(&self) -> Option<NonNull<Header>> {
        self.oldest.get()
    }

    /// All tasks.
    ///
    /// # Safety
    ///
    /// No task is removed while the iterator or what it gave is used: no user code runs.
    pub(super) unsafe fn iter(&self) -> impl Iterator<Item = &Header> {
        // SAFETY: rule 2, and the caller's word.
        let live = |task: NonNull<Header>| unsafe { task.as_ref() };
        iter::successors(self.oldest.get().map(live), move |task| task.newer.get().map(live))
    }
}
