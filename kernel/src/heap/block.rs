//! A raw block, and the line of those who wait for one.
//!
//! Waiters stand in line in the order in which they came. Whoever frees memory serves the first of them on the spot,
//! then the next, for as long as what is free is enough; so nobody can take a block that a waiter is about to get.
#![expect(unsafe_code, reason = "waiters are linked in place, and blocks are raw memory")]

use core::{
    alloc::Layout,
    cell::{Cell, UnsafeCell},
    future::Future,
    marker::PhantomPinned,
    pin::Pin,
    ptr::NonNull,
    task::{Context, Poll, Waker},
};

use cordyceps::{Linked, List, list};

use super::{Account, AllocError, Heap};

/// A block of memory that is given back when it is dropped.
pub(crate) struct Block<'h> {
    heap: &'h Heap,
    memory: NonNull<u8>,
    layout: Layout,
    account: NonNull<Account>,
}

impl<'h> Block<'h> {
    pub(super) fn new(
        heap: &'h Heap,
        memory: NonNull<u8>,
        layout: Layout,
        account: NonNull<Account>,
    ) -> Self {
        Self { heap, memory, layout, account }
    }

    pub(crate) fn as_ptr(&self) -> NonNull<u8> {
        self.memory
    }

    pub(crate) fn layout(&self) -> Layout {
        self.layout
    }

    /// Takes the block out: the caller frees it with [`Heap::free_block`].
    #[inline]
    pub(crate) fn into_raw(self) -> (NonNull<u8>, NonNull<Account>) {
        let parts = (self.memory, self.account);
        core::mem::forget(self);
        parts
    }

    /// Gives the block to the region, for as long as that exists.
    pub(crate) fn into_permanent(self) -> NonNull<u8> {
        self.heap.live.set(self.heap.live.get() - 1);
        self.into_raw().0
    }

    /// Charges the block to an account that lies in it, which it does not pin. It keeps the region by a hold of its own,
    /// taken by the caller, and is freed with [`Heap::free_self_charged`].
    ///
    /// # Safety
    ///
    /// The account lies in the block.
    #[inline]
    pub(crate) unsafe fn charge_self(self, account: NonNull<Account>) {
        let bytes = Heap::charge_of(self.layout);
        self.heap.live.set(self.heap.live.get() - 1);
        // SAFETY: the block was charged to this account when it was allocated.
        unsafe { Account::discharge(self.account, bytes) };
        // SAFETY: the caller's.
        let account = unsafe { account.as_ref() };
        account.bytes.set(account.bytes.get() + bytes);
        account.peak.set(account.bytes.get().max(account.peak.get()));
        core::mem::forget(self);
    }
}

impl Drop for Block<'_> {
    fn drop(&mut self) {
        // SAFETY: the block is this value's, which is gone after this.
        unsafe { Heap::free_block(self.memory, self.layout, self.account) };
    }
}

/// Somebody who waits for a block.
pub(super) struct Waiter {
    links: list::Links<Waiter>,
    layout: Layout,
    account: NonNull<Account>,
    /// The block, once somebody has freed enough.
    served: Cell<Option<NonNull<u8>>>,
    waker: Cell<Option<Waker>>,
    /// Standing in line.
    queued: Cell<bool>,
    _pinned: PhantomPinned,
}

// SAFETY: waiters are pinned while they are linked, and `links` gives the address of its own field.
unsafe impl Linked<list::Links<Waiter>> for Waiter {
    type Handle = NonNull<Waiter>;

    fn into_ptr(handle: Self::Handle) -> NonNull<Self> {
        handle
    }

    unsafe fn from_ptr(ptr: NonNull<Self>) -> Self::Handle {
        ptr
    }

    unsafe fn links(ptr: NonNull<Self>) -> NonNull<list::Links<Self>> {
        // SAFETY: the list passes the address of a linked waiter.
        unsafe { NonNull::new_unchecked(&raw mut (*ptr.as_ptr()).links) }
    }
}

/// The line, see the module.
pub(super) struct Line {
    list: UnsafeCell<List<Waiter>>,
    pub(super) waiting: Cell<u32>,
    /// Allocations that overtook the first waiter.
    pub(super) overtaken: Cell<u32>,
}

impl Line {
    pub(super) const fn new() -> Self {
        Self { list: UnsafeCell::new(List::new()), waiting: Cell::new(0), overtaken: Cell::new(0) }
    }

    fn with<R>(&self, with: impl FnOnce(&mut List<Waiter>) -> R) -> R {
        // SAFETY: one thread, and `with` runs list operations only, which call nobody.
        with(unsafe { &mut *self.list.get() })
    }

    /// Serves those at the head of the line for as long as there is memory for the first.
    #[cold]
    pub(super) fn serve(&self, heap: &Heap) {
        while let Some(first) = self.with(|list| list.iter_raw().next()) {
            // SAFETY: a linked waiter is alive, pinned in its future.
            let waiter = unsafe { first.as_ref() };
            let Some(memory) = heap.take(waiter.layout, waiter.account) else { return };
            self.leave(first);
            waiter.served.set(Some(memory));
            if let Some(waker) = waiter.waker.take() {
                waker.wake();
            }
        }
    }

    fn leave(&self, waiter: NonNull<Waiter>) {
        // SAFETY: the waiter is alive and on this list, as `queued` says.
        unsafe {
            waiter.as_ref().queued.set(false);
            self.with(|list| list.remove(waiter));
        }
        self.waiting.set(self.waiting.get() - 1);
        self.overtaken.set(0);
    }
}

/// Waits for a block: a future of `Result<Block, AllocError>`.
pub(super) struct Waiting<'h> {
    heap: &'h Heap,
    layout: Layout,
    waiter: Option<Waiter>,
}

impl<'h> Waiting<'h> {
    pub(super) fn new(heap: &'h Heap, layout: Layout) -> Self {
        Self { heap, layout, waiter: None }
    }
}

impl<'h> Future for Waiting<'h> {
    type Output = Result<Block<'h>, AllocError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        // SAFETY: the waiter is not moved once it is linked; `layout` and `heap` are not pinned.
        let this = unsafe { self.get_unchecked_mut() };
        let heap = this.heap;
        if let Some(waiter) = &this.waiter {
            if let Some(memory) = waiter.served.take() {
                return Poll::Ready(Ok(Block::new(heap, memory, this.layout, waiter.account)));
            }
            waiter.waker.set(Some(context.waker().clone()));
            return Poll::Pending;
        }
        let refused = if heap.line.waiting.get() == 0 {
            match heap.try_block(this.layout) {
                Err(error @ AllocError::OutOfMemory { .. }) => error,
                done => return Poll::Ready(done),
            }
        } else {
            AllocError::OutOfMemory { requested: this.layout.size() }
        };
        if let Err(error) = heap.could_ever(this.layout) {
            return Poll::Ready(Err(error));
        }
        debug_assert!(matches!(refused, AllocError::OutOfMemory { .. }));
        let waiter = this.waiter.insert(Waiter {
            links: list::Links::new(),
            layout: this.layout,
            account: heap.current(),
            served: Cell::new(None),
            waker: Cell::new(Some(context.waker().clone())),
            queued: Cell::new(true),
            _pinned: PhantomPinned,
        });
        // A waiter pins its account as a block does: it will be charged.
        // SAFETY: the current account is alive.
        let account = unsafe { waiter.account.as_ref() };
        account.blocks.set(account.blocks.get() + 1);
        let waiter = NonNull::from(waiter);
        heap.line.with(|list| list.push_back(waiter));
        heap.line.waiting.set(heap.line.waiting.get() + 1);
        if heap.line.waiting.get() == 1 {
            // Whoever is first never waits for memory that is there: a refusal may have had another reason.
            heap.line.serve(heap);
        }
        // SAFETY: the waiter is part of this future, which is pinned.
        match unsafe { waiter.as_ref() }.served.take() {
            Some(memory) => Poll::Ready(Ok(Block::new(heap, memory, this.layout, heap.current()))),
            None => Poll::Pending,
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let Some(waiter) = &self.waiter else { return };
        let account = waiter.account;
        if let Some(memory) = waiter.served.take() {
            // SAFETY: served and not taken: the block is this waiter's.
            unsafe { Heap::free_block(memory, self.layout, account) };
        } else if waiter.queued.get() {
            self.heap.line.leave(NonNull::from(waiter));
            // Whoever stood behind may be served now.
            self.heap.line.serve(self.heap);
        }
        // SAFETY: the pin taken in `poll` is given back once, here. It counts no bytes.
        unsafe { Account::discharge(account, 0) };
    }
}
