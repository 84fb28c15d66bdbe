//! The part of the executor that is reached through a waker, by interrupts and other threads too.
//!
//! It outlives the kernel: it is placed in the region for good, and a task's hold on the region keeps it readable
//! for as long as any waker exists. See the rules in [`task`](super::task).
#![expect(unsafe_code, reason = "wakers on other threads reach the executor through raw pointers")]

use core::{cell::RefCell, ptr, ptr::NonNull, task::Waker};

use critical_section::Mutex;

use super::{
    ready::{Batch, Inbox, Pushed},
    task::Header,
};
use crate::{
    heap::Heap,
    sync::atomic::{AtomicPtr, Ordering},
};

/// Stands in the reap list's head once the kernel has shut down and will not free tasks any more.
const CLOSED: *mut Header = ptr::without_provenance_mut(1);

/// See the module.
pub(super) struct Remote {
    pub(super) inbox: Inbox,
    /// For the kernel's thread only.
    pub(super) batch: Batch,
    /// Tasks whose last reference was dropped by a waker: freed by the executor, since the allocator never runs in
    /// an interrupt.
    unreferenced: AtomicPtr<Header>,
    /// Wakes the machine when a task is woken while it sleeps.
    doorbell: Mutex<RefCell<Option<Waker>>>,
    heap: NonNull<Heap>,
}

impl Remote {
    pub(super) fn new(heap: NonNull<Heap>) -> Self {
        Self {
            inbox: Inbox::new(),
            batch: Batch::new(),
            unreferenced: AtomicPtr::new(ptr::null_mut()),
            doorbell: Mutex::new(RefCell::new(None)),
            heap,
        }
    }

    /// Puts a woken task on the inbox and, when that ends the machine's sleep, rings the doorbell.
    ///
    /// # Safety
    ///
    /// As for [`Inbox::push`].
    #[inline(always)]
    pub(super) unsafe fn push(&self, task: NonNull<Header>) {
        // SAFETY: passed on to the caller.
        if unsafe { self.inbox.push(task) } == Pushed::MachineSlept {
            self.ring();
        }
    }

    /// Puts a task at the end of the executor's own queue.
    ///
    /// # Safety
    ///
    /// As for [`Batch::push`].
    #[inline(always)]
    pub(super) unsafe fn push_here(&self, task: NonNull<Header>) {
        if self.inbox.is_untouched() {
            // SAFETY: passed on to the caller.
            unsafe { self.batch.push(task) };
        } else {
            // SAFETY: as above.
            unsafe { self.push_after_others(task) };
        }
    }

    /// Puts a task behind those that were woken elsewhere, and wakes the machine if it sleeps.
    ///
    /// # Safety
    ///
    /// As for [`Batch::push`].
    #[cold]
    unsafe fn push_after_others(&self, task: NonNull<Header>) {
        let found = self.inbox.take(&self.batch);
        // SAFETY: passed on to the caller.
        unsafe { self.batch.push(task) };
        // The last of all, since the doorbell may have the machine tick on the spot.
        if found == Pushed::MachineSlept {
            self.ring();
        }
    }

    /// Takes the task whose turn it is off the queue, for the executor. What is in the inbox was woken after all that is
    /// in the batch, since nothing is put there before the inbox is empty.
    #[inline]
    pub(super) fn pop(&self) -> Option<NonNull<Header>> {
        if let Some(task) = self.batch.pop() {
            return Some(task);
        }
        if self.inbox.is_untouched() {
            return None;
        }
        // The machine is awake, whether it counted as asleep or not.
        self.inbox.take_first(&self.batch)
    }

    #[cold]
    fn ring(&self) {
        // The doorbell stays: this ring may come late, when the machine is about to sleep again and counts on it.
        let doorbell = critical_section::with(|cs| self.doorbell.borrow_ref(cs).clone());
        if let Some(doorbell) = doorbell {
            doorbell.wake();
        }
    }

    /// Sets what is rung when a task is woken while the machine sleeps.
    pub(super) fn set_doorbell(&self, waker: Option<Waker>) {
        let _old = critical_section::with(|cs| self.doorbell.replace(cs, waker));
    }

    /// Takes a task whose last reference is gone, from any context.
    ///
    /// # Safety
    ///
    /// The caller has just dropped the task's last reference, so nobody else reaches it. `this` is the task's remote. A
    /// reference would have to be good until this returns, and the region, with it in it, may be gone by then.
    #[cold]
    pub(super) unsafe fn reap(this: NonNull<Self>, task: NonNull<Header>) {
        // SAFETY: the task's hold keeps the region until it is given up, and the task is not freed before it is listed.
        let (unreferenced, heap) = unsafe { (&(*this.as_ptr()).unreferenced, (*this.as_ptr()).heap) };
        let mut head = unreferenced.load(Ordering::Relaxed);
        loop {
            if head == CLOSED {
                // SAFETY: the task's hold on the region is given up once, here, and nothing in the region is used
                // afterwards. The task's block goes with the region.
                unsafe { Heap::unhold(heap) };
                return;
            }
            // SAFETY: nobody else reaches the task; it is on no queue, so its link is free.
            unsafe { (*task.as_ptr()).next.set(head) };
            match unreferenced.compare_exchange_weak(head, task.as_ptr(), Ordering::AcqRel, Ordering::Relaxed)
            {
                Ok(_) => return,
                Err(now) => head = now,
            }
        }
    }

    /// There may be tasks to [drain](Self::drain_unreferenced).
    #[inline]
    pub(super) fn has_unreferenced(&self) -> bool {
        !self.unreferenced.load(Ordering::Relaxed).is_null()
    }

    /// Hands every unreferenced task to `free`. With `close`, later ones are left to the region.
    #[cold]
    pub(super) fn drain_unreferenced(&self, close: bool, mut free: impl FnMut(NonNull<Header>)) {
        let mut task = self.unreferenced.swap(if close { CLOSED } else { ptr::null_mut() }, Ordering::AcqRel);
        if task == CLOSED {
            return;
        }
        while let Some(header) = NonNull::new(task) {
            // SAFETY: the swap made the listed tasks ours alone.
            task = unsafe { (*header.as_ptr()).next.get() };
            free(header);
        }
    }
}
