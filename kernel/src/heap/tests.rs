//! The heap's laws. Each submodule is about one part; what they share is here.
#![expect(unsafe_code, reason = "accounts and regions are handled as the executor and machines do")]

use std::{
    boxed::Box as StdBox,
    cell::Cell,
    future::Future,
    pin::Pin,
    ptr::NonNull,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use super::{
    Account, Heap, HeapRoot, Pool,
    pool::{BLOCK_OVERHEAD, GRANULE},
};
use crate::testing::region;

mod accounts;
mod fairness;
mod faults;
mod model;
mod regions;
mod values;

/// A heap of 32 KiB, which one block can have in full.
fn heap() -> HeapRoot {
    let len = size_of::<Heap>().next_multiple_of(GRANULE) + 32 * 1024 + GRANULE;
    let heap = Heap::create(region(len)).expect("the region is large enough");
    assert_eq!((heap.pool.capacity(), heap.pool.ceiling()), (32 * 1024, 32 * 1024));
    heap
}

/// The largest request, of alignment 1, that an empty heap can meet.
fn most(heap: &Heap) -> usize {
    heap.pool.ceiling() - BLOCK_OVERHEAD
}

/// Nothing is in use, and all that was used is one free block again.
fn assert_empty(heap: &Heap) {
    let stats = heap.stats();
    assert_eq!((stats.used, stats.blocks, stats.waiters), (0, 0, 0));
    assert_eq!(stats.largest_free, most(heap), "what is free is one block");
    assert_eq!((heap.kernel_account().stats().bytes, heap.kernel_account().stats().blocks), (0, 0));
}

/// A waker that counts.
#[derive(Default)]
struct Bell(AtomicUsize);

impl Bell {
    fn rung(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A future, polled by hand.
struct Task<'f, T> {
    future: Pin<StdBox<dyn Future<Output = T> + 'f>>,
    bell: Arc<Bell>,
}

impl<'f, T> Task<'f, T> {
    /// A task that has been polled once, and is not ready.
    fn waiting(future: impl Future<Output = T> + 'f) -> Self {
        let mut task = Self { future: StdBox::pin(future), bell: Arc::default() };
        assert!(task.poll().is_pending());
        task
    }

    fn poll(&mut self) -> Poll<T> {
        self.future.as_mut().poll(&mut Context::from_waker(&Waker::from(self.bell.clone())))
    }

    fn finish(&mut self) -> T {
        match self.poll() {
            Poll::Ready(output) => output,
            Poll::Pending => panic!("the task should be ready"),
        }
    }
}

/// The outcome of a future that does not wait.
fn now<T>(future: impl Future<Output = T>) -> T {
    Task { future: StdBox::pin(future), bell: Arc::default() }.finish()
}

thread_local! {
    /// Accounts freed on this thread.
    static FREED: Cell<usize> = const { Cell::new(0) };
}

/// An account outside of any heap, as far as its memory goes.
fn open(heap: &Heap, name: &'static str) -> NonNull<Account> {
    NonNull::from(StdBox::leak(StdBox::new(Account::of(NonNull::from(heap), name, heap.policy()))))
}

unsafe fn free(account: NonNull<Account>) {
    FREED.set(FREED.get() + 1);
    // SAFETY: made by `open`, and given up by `close`.
    drop(unsafe { StdBox::from_raw(account.as_ptr()) });
}

/// Gives an account up.
fn close(account: NonNull<Account>) {
    // SAFETY: tests do not use an account that they have closed.
    unsafe { Account::retire(account, free) };
}

/// Runs `with` while an account is current.
fn as_owner<T>(heap: &Heap, account: NonNull<Account>, with: impl FnOnce(&Account) -> T) -> T {
    // SAFETY: tests close accounts later.
    let before = unsafe { heap.enter(account) };
    // SAFETY: as above.
    let done = with(unsafe { account.as_ref() });
    // SAFETY: the account that was current before is the kernel's.
    unsafe { heap.enter(before) };
    done
}

/// Bytes charged for a value.
fn charge<T>() -> usize {
    Pool::block_size(std::alloc::Layout::new::<T>())
}
