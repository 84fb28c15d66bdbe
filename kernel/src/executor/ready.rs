//! The ready queue: which tasks are polled next.
//!
//! Two halves. Wakes from anywhere push onto [`Inbox`], a lock-free stack of which the executor takes the whole in one
//! swap, turns it around and appends it to [`Batch`], its own first-in-first-out list. Tasks are polled from there, and
//! wakes that are known to come from the kernel's thread go there at once, after what is in the inbox: what was woken
//! first is polled first.
//!
//! ```text
//!   waker, interrupt, other thread                      executor
//!   ───────────── push ─────────▶ Inbox (stack) ── take, reverse ──▶ Batch (queue) ── pop ──▶ poll
//!                                       the kernel's thread ── push ────▲
//! ```
//!
//! Rules that the `unsafe` below rests on:
//!
//! 1. A task's `next` link belongs to whoever its state told to [push](super::state::Queue::Push) it, then (by the release
//!    in [`Inbox::push`] and the acquire in [`Inbox::take`]) to the executor, until the executor pops the task.
//! 2. A task on either half is kept alive by the executor's reference, which is not dropped before it is popped.
//! 3. The batch belongs to the kernel's thread.
#![expect(unsafe_code, reason = "the ready queue links tasks through raw pointers")]

use core::{cell::Cell, ptr, ptr::NonNull};

use super::task::Header;
use crate::sync::atomic::{AtomicPtr, Ordering};

/// Stands in the inbox's head while the machine sleeps, so that the push that ends the sleep knows that it does. It ends
/// the stack then, as null does otherwise.
///
/// Its address is never that of a task: tasks are aligned, and live in a region.
const ASLEEP: *mut Header = ptr::without_provenance_mut(1);

/// The task that a link of the inbox leads to, if it is not the end.
#[inline]
fn linked(link: *mut Header) -> Option<NonNull<Header>> {
    if link == ASLEEP { None } else { NonNull::new(link) }
}

/// Where wakes put tasks. Interrupts and other threads may push.
pub(super) struct Inbox {
    head: AtomicPtr<Header>,
}

/// What a push or a look found.
#[must_use]
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Pushed {
    /// The machine is awake and will see the task.
    Awake,
    /// The machine was asleep: ring its doorbell.
    MachineSlept,
}

impl Inbox {
    pub(super) const fn new() -> Self {
        Self { head: AtomicPtr::new(ptr::null_mut()) }
    }

    /// Puts a task on the inbox.
    ///
    /// # Safety
    ///
    /// The task's state has just told the caller to push it (rule 1), and the executor holds a reference (rule 2).
    #[inline(always)]
    pub(super) unsafe fn push(&self, task: NonNull<Header>) -> Pushed {
        let mut head = self.head.load(Ordering::Relaxed);
        loop {
            // SAFETY: rule 1: the link is ours until the exchange below succeeds.
            unsafe { (*task.as_ptr()).next.set(head) };
            match self.head.compare_exchange_weak(head, task.as_ptr(), Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) if head == ASLEEP => return Pushed::MachineSlept,
                Ok(_) => return Pushed::Awake,
                Err(now) => head = now,
            }
        }
    }

    /// Nothing has been pushed since the last [`take`](Self::take).
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        linked(self.head.load(Ordering::Acquire)).is_none()
    }

    /// Nothing has been pushed, and the machine is awake: there is nothing to take.
    #[inline]
    pub(super) fn is_untouched(&self) -> bool {
        self.head.load(Ordering::Relaxed).is_null()
    }

    /// Marks the machine as asleep; `false` when something has been pushed, so that it must not sleep.
    pub(super) fn fall_asleep(&self) -> bool {
        let empty = self.head.compare_exchange(ptr::null_mut(), ASLEEP, Ordering::AcqRel, Ordering::Acquire);
        matches!(empty, Ok(_) | Err(ASLEEP))
    }

    /// Moves all that was pushed to the end of `batch`, oldest first. From now on the machine counts as awake; says
    /// whether it was.
    pub(super) fn take(&self, batch: &Batch) -> Pushed {
        let newest = self.head.swap(ptr::null_mut(), Ordering::AcqRel);
        match linked(newest) {
            // SAFETY: rule 1: the swap made the links ours.
            Some(task) => unsafe { batch.append_reversed(task) },
            None if newest == ASLEEP => return Pushed::MachineSlept,
            None => {}
        }
        Pushed::Awake
    }

    /// As [`take`](Self::take) and then [`Batch::pop`], of a batch that is empty.
    #[inline]
    pub(super) fn take_first(&self, batch: &Batch) -> Option<NonNull<Header>> {
        debug_assert!(batch.is_empty(), "what is in the batch comes first");
        let newest = linked(self.head.swap(ptr::null_mut(), Ordering::AcqRel))?;
        // SAFETY: rule 1: the swap made the links ours; rule 2 keeps the tasks alive.
        unsafe {
            // Mostly there is one.
            if linked((*newest.as_ptr()).next.get()).is_some() {
                batch.append_reversed(newest);
                return batch.pop();
            }
        }
        Some(newest)
    }
}

/// The executor's own queue (rule 3).
pub(super) struct Batch {
    first: Cell<*mut Header>,
    last: Cell<*mut Header>,
}

impl Batch {
    pub(super) const fn new() -> Self {
        Self { first: Cell::new(ptr::null_mut()), last: Cell::new(ptr::null_mut()) }
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.first.get().is_null()
    }

    /// Puts a task at the end.
    ///
    /// # Safety
    ///
    /// As for [`Inbox::push`], on the kernel's thread.
    #[inline]
    pub(super) unsafe fn push(&self, task: NonNull<Header>) {
        // SAFETY: rule 1: the link is ours; rule 2 keeps the task.
        unsafe { (*task.as_ptr()).next.set(ptr::null_mut()) };
        self.append(task.as_ptr(), task);
    }

    /// Puts tasks at the end, the last of the stack first.
    ///
    /// # Safety
    ///
    /// The links of the stack, from its top on, are the executor's (rule 1), and so are its tasks (rule 2).
    #[inline(never)]
    unsafe fn append_reversed(&self, top: NonNull<Header>) {
        let (mut first, mut rest) = (ptr::null_mut(), Some(top));
        while let Some(task) = rest {
            // SAFETY: the caller's.
            let link = unsafe { &(*task.as_ptr()).next };
            rest = linked(link.replace(first));
            first = task.as_ptr();
        }
        self.append(first, top);
    }

    #[inline]
    fn append(&self, first: *mut Header, last: NonNull<Header>) {
        if self.is_empty() {
            self.first.set(first);
        } else {
            // SAFETY: the queue is not empty, so `last` is a queued task, whose link is the executor's (rule 1).
            unsafe { (*self.last.get()).next.set(first) };
        }
        self.last.set(last.as_ptr());
    }

    #[inline]
    pub(super) fn pop(&self) -> Option<NonNull<Header>> {
        let task = NonNull::new(self.first.get())?;
        // SAFETY: rules 1 and 2.
        self.first.set(unsafe { (*task.as_ptr()).next.get() });
        Some(task)
    }
}
