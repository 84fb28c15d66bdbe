//! A task: one block of the kernel's heap, holding a header and a future, later the future's outcome.
//!
//! ```text
//!   try_spawn ──▶ Running(future) ──(1) poll says Ready──────▶ Finished(Ok(output))  ──(4) join──▶ Taken ──▶ freed
//!                       ├──────────(2) abort──────────────────▶ Finished(Cancelled) ──(4)
//!                       └──────────(3) poll panics (hosts)────▶ Finished(Panicked)  ──(4)
//!                                   without a join handle (1, 2, 3) go straight to Taken
//! ```
//!
//! # Safety protocol
//!
//! 1. A task pointer is made once, from the block's allocation, and is copied from there on; it is never made from
//!    a `&Header`, since that would not reach the stage behind it.
//! 2. Any context may touch `state`, `wakes`, `vtable`, `remote`, and `next` under the rules of [`ready`](super::ready). All
//!    other fields and the stage belong to the kernel's thread.
//! 3. Whoever holds a reference (see [`state`](super::state)) may read the header. The block is freed on the
//!    kernel's thread only, after the last reference is gone: by whoever dropped it there, or through
//!    [`Remote::reap`] when it was a waker.
//! 4. The stage is `Taken` before the last reference is dropped, so freeing a block drops no user value.
//! 5. A task holds the region from spawn until it is freed, so a waker that outlives the kernel points at memory that
//!    exists. By then every task is done, and a wake or a drop touches the header and `remote` alone.
#![expect(unsafe_code, reason = "a task is reached through type-erased pointers")]

use core::{
    alloc::Layout,
    cell::{Cell, UnsafeCell},
    future::Future,
    mem::ManuallyDrop,
    pin::Pin,
    ptr::NonNull,
    task::{Context, Poll, RawWaker, RawWakerVTable, Waker},
};

use super::{
    JoinError,
    remote::Remote,
    state::{Queue, State},
    tasks::Link,
};
use crate::{
    heap::{Account, Extent, Heap},
    sync::atomic::{AtomicU32, Ordering},
};

/// What all tasks have in common, in front of the future.
#[repr(C)]
pub(crate) struct Header {
    /// Who pays for what the task allocates. First, so that the account's address is the task's.
    pub(super) account: Account,
    pub(super) state: State,
    pub(super) next: Cell<*mut Header>,
    /// What the executor calls when it is the task's turn: the future's poll, until the task is cancelled.
    pub(super) poll: Cell<PollFn>,
    pub(super) vtable: &'static Vtable,
    pub(super) remote: NonNull<Remote>,
    pub(super) id: u32,
    /// A join handle exists and may still ask for the outcome.
    pub(super) joinable: Cell<bool>,
    /// The outcome is there, or was taken.
    pub(super) done: Cell<bool>,
    pub(super) joiner: Cell<Option<Waker>>,
    /// Calls of the task's wakers, those that found it queued already included. Any context counts.
    pub(super) wakes: AtomicU32,
    pub(super) polls: Cell<u32>,
    pub(super) busy_us: Cell<u64>,
    /// A poll that takes so long is worth a closer look, see [`Header::note_longest`].
    pub(super) notable_us: Cell<u32>,
    pub(super) longest_us: Cell<u32>,
    /// The neighbours on the list of all [tasks](super::tasks).
    pub(super) older: Link,
    pub(super) newer: Link,
    /// What the task is polled with. It borrows the executor's reference, see [`borrowed_waker`].
    pub(super) waker: ManuallyDrop<Waker>,
}

impl Header {
    /// Counts a call of a waker. Two at the same instant may count as one: that is cheaper than never losing a count.
    #[inline(always)]
    fn count_wake(&self) {
        self.wakes.store(self.wakes.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
    }

    /// The task, by the pointer that its waker has, which spans the block (rule 1).
    pub(super) fn this(&self) -> NonNull<Header> {
        header(self.waker.data())
    }

    /// Notes how long a poll took. From now on those are looked at that are longer than the longest so far, or than a limit.
    pub(super) fn note_longest(&self, us: u32, long_poll_us: u32) {
        self.longest_us.set(self.longest_us.get().max(us));
        self.notable_us.set(notable_us(self.longest_us.get().min(long_poll_us)));
    }
}

/// How long a poll takes at least that is longer than so many microseconds. If there is no such number, the longest that is.
pub(super) fn notable_us(above_us: u32) -> u32 {
    above_us.saturating_add(1)
}

/// Polls the task that it is given.
pub(super) type PollFn = unsafe fn(NonNull<Header>) -> Polled;

/// What came of a poll.
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Polled {
    Pending,
    /// The future is ready, its output is the outcome.
    Finished,
    /// The task is to be ended, its future has not been polled.
    Cancelled,
}

/// What a task's future type decides.
pub(super) struct Vtable {
    pub(super) extent: Extent,
    pub(super) poll: PollFn,
    /// Drops the future, the error then being the outcome.
    pub(super) fail: unsafe fn(NonNull<Header>, JoinError),
    /// Moves the outcome to where the pointer points.
    pub(super) take: unsafe fn(NonNull<Header>, *mut ()),
    /// Drops the outcome.
    pub(super) forget: unsafe fn(NonNull<Header>),
}

/// A whole task.
#[repr(C)]
pub(super) struct Task<F: Future> {
    header: Header,
    stage: UnsafeCell<Stage<F>>,
}

enum Stage<F: Future> {
    Running(F),
    Finished(Result<F::Output, JoinError>),
    Taken,
}

impl<F: Future> Task<F> {
    pub(super) const LAYOUT: Layout = Layout::new::<Self>();
    pub(super) const EXTENT: Extent = Extent::of(Self::LAYOUT);

    pub(super) const VTABLE: &'static Vtable = &Vtable {
        extent: Self::EXTENT,
        poll: Self::poll,
        fail: Self::fail,
        take: Self::take,
        forget: Self::forget,
    };

    /// Writes the future behind a header that is written already.
    ///
    /// # Safety
    ///
    /// `task` points to a block that has `LAYOUT`, is valid for writes and belongs to the caller.
    #[inline]
    pub(super) unsafe fn write_future(task: NonNull<Header>, future: F) {
        // SAFETY: the caller's.
        unsafe {
            let stage = &raw mut (*task.cast::<Self>().as_ptr()).stage;
            stage.write(UnsafeCell::new(Stage::Running(future)));
        }
    }

    /// # Safety
    ///
    /// `task` is a `Task<F>`, referenced by the caller, on the kernel's thread, and no other stage reference lives.
    #[inline]
    unsafe fn stage<'t>(task: NonNull<Header>) -> &'t mut Stage<F> {
        // SAFETY: rules 1 and 2, and the caller's word that this reference is the only one.
        unsafe { &mut *UnsafeCell::raw_get(&raw const (*task.cast::<Self>().as_ptr()).stage) }
    }

    pub(super) unsafe fn poll(task: NonNull<Header>) -> Polled {
        // SAFETY: the executor polls a task that it references, and polls are not nested. The waker lies beside the stage.
        let (stage, waker) = unsafe { (Self::stage(task), own_waker(task).as_ref()) };
        let Stage::Running(future) = stage else {
            debug_assert!(false, "a task that is over is not polled");
            // SAFETY: the executor polls a task until it is over, which is when the stage changes.
            unsafe { core::hint::unreachable_unchecked() }
        };
        // SAFETY: the future lies in the block, which does not move, and is dropped in place.
        match unsafe { Pin::new_unchecked(future) }.poll(&mut Context::from_waker(waker)) {
            Poll::Pending => Polled::Pending,
            Poll::Ready(output) => {
                *stage = Stage::Finished(Ok(output));
                Polled::Finished
            }
        }
    }

    unsafe fn fail(task: NonNull<Header>, error: JoinError) {
        // SAFETY: the executor calls this outside a poll, or after one has unwound.
        unsafe { *Self::stage(task) = Stage::Finished(Err(error)) };
    }

    unsafe fn take(task: NonNull<Header>, place: *mut ()) {
        // SAFETY: a join handle calls this on the kernel's thread after the task finished.
        let stage = unsafe { Self::stage(task) };
        if let Stage::Finished(outcome) = core::mem::replace(stage, Stage::Taken) {
            // SAFETY: the join handle passes a place for an `Option` of this task's outcome.
            unsafe { place.cast::<Option<Result<F::Output, JoinError>>>().write(Some(outcome)) };
        }
    }

    unsafe fn forget(task: NonNull<Header>) {
        // SAFETY: as for `take`.
        unsafe { *Self::stage(task) = Stage::Taken };
    }
}

/// What is called instead of the poll of a task's future, once the task has been cancelled.
pub(super) unsafe fn poll_cancelled(_task: NonNull<Header>) -> Polled {
    Polled::Cancelled
}

/// One `static`, so that `Waker::will_wake` holds for all clones of a waker.
static WAKER: RawWakerVTable = RawWakerVTable::new(clone, wake, wake_by_ref, drop_waker);

/// A waker that borrows the executor's reference: it must not be dropped, only cloned and called.
#[inline]
pub(super) fn borrowed_waker(task: NonNull<Header>) -> ManuallyDrop<Waker> {
    // SAFETY: the functions below keep the contract of `RawWaker`; the reference is the executor's.
    ManuallyDrop::new(unsafe { Waker::new(task.as_ptr().cast_const().cast(), &WAKER) })
}

/// The task that a waker wakes, if it is one of a kernel's tasks.
pub(super) fn of_waker(waker: &Waker) -> Option<NonNull<Header>> {
    core::ptr::eq(waker.vtable(), &WAKER).then(|| header(waker.data()))
}

/// The waker that a task is polled with.
///
/// # Safety
///
/// The caller holds a reference.
pub(super) unsafe fn own_waker(task: NonNull<Header>) -> NonNull<Waker> {
    // SAFETY: the address of a field of a live header, by a pointer that spans the block (rule 1).
    unsafe { NonNull::new_unchecked((&raw mut (*task.as_ptr()).waker).cast()) }
}

/// The task that the waker lies in.
///
/// # Safety
///
/// `waker` came from [`own_waker`], and the task lives.
#[inline]
pub(super) unsafe fn of_own_waker(waker: NonNull<Waker>) -> NonNull<Header> {
    // SAFETY: the pointer spans the task's block.
    unsafe { waker.byte_sub(core::mem::offset_of!(Header, waker)).cast() }
}

fn header(data: *const ()) -> NonNull<Header> {
    // SAFETY: `borrowed_waker` and `clone` make wakers of task pointers only, and those are not null.
    unsafe { NonNull::new_unchecked(data.cast_mut().cast()) }
}

unsafe fn clone(data: *const ()) -> RawWaker {
    // SAFETY: the waker that is cloned holds a reference (rule 3).
    unsafe { (*header(data).as_ptr()).state.reference() };
    RawWaker::new(data, &WAKER)
}

unsafe fn wake(data: *const ()) {
    // SAFETY: the waker holds a reference (rule 3) until it is given up. All is inline here, since an
    // interrupt waits for it.
    unsafe {
        call(header(data));
        let_go(header(data));
    }
}

unsafe fn wake_by_ref(data: *const ()) {
    // SAFETY: the waker holds a reference (rule 3).
    unsafe { call(header(data)) };
}

unsafe fn drop_waker(data: *const ()) {
    // SAFETY: the reference given up is the waker's.
    unsafe { let_go(header(data)) };
}

/// What a waker does, for any context.
///
/// # Safety
///
/// The caller holds a reference.
#[inline(always)]
unsafe fn call(task: NonNull<Header>) {
    // SAFETY: the caller's.
    unsafe {
        (*task.as_ptr()).count_wake();
        queue(task);
    }
}

/// What a waker does, for the kernel's thread.
///
/// # Safety
///
/// The caller holds a reference, on the kernel's thread.
#[inline]
pub(super) unsafe fn wake_here(task: NonNull<Header>) {
    // SAFETY: the caller's.
    unsafe {
        (*task.as_ptr()).count_wake();
        queue_here(task);
    }
}

/// Puts a task on the ready queue, unless it has been woken already or is done. For any context.
///
/// # Safety
///
/// The caller holds a reference.
#[inline(always)]
unsafe fn queue(task: NonNull<Header>) {
    // SAFETY: the caller's reference keeps the header, the region and with it `remote` (rule 5). A task that was idle
    // is not done, so the executor still holds its reference.
    unsafe {
        if (*task.as_ptr()).state.wake() == Queue::Push {
            (*task.as_ptr()).remote.as_ref().push(task);
        }
    }
}

/// As [`queue`], for the kernel's thread.
///
/// # Safety
///
/// The caller holds a reference, on the kernel's thread.
#[inline]
pub(super) unsafe fn queue_here(task: NonNull<Header>) {
    // SAFETY: as for `queue`.
    unsafe {
        if (*task.as_ptr()).state.wake() == Queue::Push {
            (*task.as_ptr()).remote.as_ref().push_here(task);
        }
    }
}

/// Gives up a waker's reference, in any context.
///
/// # Safety
///
/// The reference is the caller's and is not used again.
#[inline(always)]
unsafe fn let_go(task: NonNull<Header>) {
    // SAFETY: the caller's reference. `remote` is read before it is given up: afterwards the header may be gone, unless this
    // was the last reference, and then it is ours to pass on.
    unsafe {
        let remote = (*task.as_ptr()).remote;
        if (*task.as_ptr()).state.unreference() {
            Remote::reap(remote, task);
        }
    }
}

/// Drops a reference on the kernel's thread.
///
/// # Safety
///
/// The reference is the caller's and is not used again.
pub(super) unsafe fn release(task: NonNull<Header>) {
    // SAFETY: the caller's reference; if it was the last one the block is nobody else's.
    unsafe {
        if (*task.as_ptr()).state.unreference() {
            free(task);
        }
    }
}

/// Frees an unreferenced task, as soon as nothing is charged to its account any more.
///
/// # Safety
///
/// The last reference is gone, the caller is on the kernel's thread and does not use the task again.
pub(super) unsafe fn free(task: NonNull<Header>) {
    // SAFETY: the account is the header's first field, and the pointer spans the block (rule 1).
    unsafe { Account::retire(task.cast(), free_block) };
}

unsafe fn free_block(account: NonNull<Account>) {
    let task = account.cast::<Header>();
    // SAFETY: `free` was called once for this task. The stage is `Taken` (rule 4) and the joiner is gone with it, so
    // there is nothing to drop. The hold is the task's (rule 5), and nothing is touched after it is given up.
    unsafe {
        let extent = (*task.as_ptr()).vtable.extent;
        let heap = NonNull::from((*task.as_ptr()).account.heap());
        Heap::free_own_block(account, task.cast(), extent);
        Heap::unhold(heap);
    }
}
