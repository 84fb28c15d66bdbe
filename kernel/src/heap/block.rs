//! A raw block, and the line of those who wait for one.
//!
//! Waiters stand in line in the order in which they came. Whoever frees memory serves the first of them on the spot,
//! then the next, for as long as what is free is enough; so nobody can take a block that a waiter is about to get.
//!
//! Rules that the `unsafe` here rests on, besides those of [`account`](super::account):
//!
//! 1. A waiter is pinned in its future while it is in line; the future's drop takes it out.
//! 2. The line's list is borrowed for list operations only, which call nobody.
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

use super::{Account, AllocError, Heap, Observation, lower, pool::Pool, raise};

/// How large the block of a layout is, and how it is aligned: all that freeing it needs to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Extent {
    pub(super) size: usize,
    pub(super) align: usize,
}

impl Extent {
    pub(crate) const fn of(layout: Layout) -> Self {
        Self { size: Pool::block_size(layout), align: layout.align() }
    }
}

/// A block of memory that is given back when it is dropped.
pub(crate) struct Block<'h> {
    heap: &'h Heap,
    memory: NonNull<u8>,
    layout: Layout,
    account: NonNull<Account>,
}

impl<'h> Block<'h> {
    #[inline]
    pub(super) fn new(
        heap: &'h Heap,
        memory: NonNull<u8>,
        layout: Layout,
        account: NonNull<Account>,
    ) -> Self {
        Self { heap, memory, layout, account }
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

    /// Gives the block to the region, for as long as that exists. Its bytes stay charged to the owner, but do not keep
    /// the owner's memory; the kernel inherits them.
    pub(crate) fn into_permanent(self) -> NonNull<u8> {
        self.heap.keep_for_good(Pool::block_size(self.layout));
        let (memory, account) = self.into_raw();
        // SAFETY: the pin was the block's, which nobody frees any more.
        unsafe { Account::unpin(account) };
        memory
    }

    /// Takes the block out for an owner that will lie in it, see [`Heap::try_own_block`].
    pub(crate) fn into_own(self) -> NonNull<u8> {
        let bytes = Pool::block_size(self.layout);
        let heap = self.heap;
        lower(&heap.live, 1);
        raise(&heap.kept, 1);
        let (memory, account) = self.into_raw();
        // SAFETY: the block was charged to the account when it was allocated.
        unsafe {
            if heap.traced.get() {
                heap.observe(Observation::Freed, account.as_ref().name(), bytes);
            }
            Account::discharge(account, bytes);
        }
        memory
    }
}

impl Drop for Block<'_> {
    fn drop(&mut self) {
        // SAFETY: the block is this value's, which is gone after this.
        unsafe { Heap::free_block(self.memory, self.layout, self.account) };
    }
}

/// Memory to be freed with its scope, so that a value whose drop panics leaks nothing else.
pub(super) struct Freed {
    block: NonNull<u8>,
    size: usize,
    account: NonNull<Account>,
}

impl Freed {
    /// # Safety
    ///
    /// As for [`Heap::free_block`], when this is dropped.
    #[inline]
    pub(super) unsafe fn new(memory: NonNull<u8>, layout: Layout, account: NonNull<Account>) -> Self {
        // SAFETY: the caller's.
        let block = unsafe { Pool::block_of(memory, layout.align()) };
        // Where the layout is a constant, so is its block's size.
        Self { block, size: Pool::block_size(layout), account }
    }
}

impl Drop for Freed {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: the word of `new`'s caller.
        unsafe { Heap::free_sized(self.block, self.size, self.account) };
    }
}

/// Somebody who waits for a block.
struct Waiter {
    links: list::Links<Waiter>,
    layout: Layout,
    account: NonNull<Account>,
    /// What became of it: a block that somebody has freed, or a refusal.
    outcome: Cell<Option<Result<NonNull<u8>, AllocError>>>,
    waker: Cell<Option<Waker>>,
    /// Standing in line.
    queued: Cell<bool>,
    _pinned: PhantomPinned,
}

// SAFETY: waiters do not move while they are linked (rule 1), and `links` gives the address of its own field.
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
    /// Allocations that overtook the first waiter.
    pub(super) overtaken: Cell<u32>,
}

impl Line {
    pub(super) const fn new() -> Self {
        Self { list: UnsafeCell::new(List::new()), overtaken: Cell::new(0) }
    }

    fn with<R>(&self, with: impl FnOnce(&mut List<Waiter>) -> R) -> R {
        // SAFETY: one thread, and rule 2.
        with(unsafe { &mut *self.list.get() })
    }

    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.with(|list| list.len())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.with(|list| list.is_empty())
    }

    /// Serves those at the head of the line for as long as there is memory for the first. One whose owner has used up
    /// its quota meanwhile is refused, so that it does not stand in the way of the others.
    pub(super) fn serve(&self, heap: &Heap) {
        while let Some(first) = self.with(|list| list.iter_raw().next()) {
            // SAFETY: rule 1.
            let waiter = unsafe { first.as_ref() };
            // SAFETY: a waiter pins its account.
            let owner = unsafe { waiter.account.as_ref() };
            let outcome = match owner.quota_exceeded_by(Pool::block_size(waiter.layout)) {
                Some(quota) => Err(heap.over_quota(owner, waiter.layout, quota)),
                None => match heap.take_by_detour(waiter.layout, waiter.account) {
                    Some(memory) => Ok(memory),
                    None => return,
                },
            };
            waiter.outcome.set(Some(outcome));
            let waker = waiter.waker.take();
            self.leave(first, heap);
            // The last of all, since it may run anything.
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }

    fn join(&self, waiter: NonNull<Waiter>, heap: &Heap) {
        self.with(|list| list.push_back(waiter));
        heap.set_detour();
    }

    /// `waiter` is in line.
    fn leave(&self, waiter: NonNull<Waiter>, heap: &Heap) {
        // SAFETY: the waiter is alive and on this list, as `queued` says.
        unsafe {
            waiter.as_ref().queued.set(false);
            self.with(|list| {
                if list.iter_raw().next() == Some(waiter) {
                    self.overtaken.set(0);
                }
                list.remove(waiter)
            });
        }
        heap.set_detour();
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

impl Waiter {
    /// What became of the waiter, or its waker's promise to tell.
    fn look<'h>(&self, heap: &'h Heap, context: &Context<'_>) -> Poll<Result<Block<'h>, AllocError>> {
        if let Some(outcome) = self.outcome.take() {
            return Poll::Ready(outcome.map(|memory| Block::new(heap, memory, self.layout, self.account)));
        }
        let waker = self.waker.take().filter(|waker| waker.will_wake(context.waker()));
        self.waker.set(Some(waker.unwrap_or_else(|| context.waker().clone())));
        Poll::Pending
    }
}

impl<'h> Future for Waiting<'h> {
    type Output = Result<Block<'h>, AllocError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        // SAFETY: the waiter is not moved once it is linked; `layout` and `heap` are not pinned.
        let this = unsafe { self.get_unchecked_mut() };
        let (heap, layout) = (this.heap, this.layout);
        if let Some(waiter) = &this.waiter {
            return waiter.look(heap, context);
        }
        let account = heap.current();
        // SAFETY: the current account is alive.
        let owner = unsafe { account.as_ref() };
        if let Err(error) = heap.admit(owner, layout) {
            return Poll::Ready(Err(error));
        }
        if heap.line.is_empty()
            && let Some(memory) = heap.take_by_detour(layout, account)
        {
            return Poll::Ready(Ok(Block::new(heap, memory, layout, account)));
        }
        if let Some(error) = heap.never_fits(layout.size(), Pool::block_size(layout)) {
            return Poll::Ready(Err(heap.refused(owner, layout, error)));
        }
        // A waiter pins its account as a block does: it will be charged.
        owner.pin_guest();
        let waiter = this.waiter.insert(Waiter {
            links: list::Links::new(),
            layout,
            account,
            outcome: Cell::new(None),
            waker: Cell::new(Some(context.waker().clone())),
            queued: Cell::new(true),
            _pinned: PhantomPinned,
        });
        heap.line.join(NonNull::from(waiter), heap);
        Poll::Pending
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let Some(waiter) = &self.waiter else { return };
        let account = waiter.account;
        if let Some(Ok(memory)) = waiter.outcome.take() {
            // SAFETY: given to this waiter and not taken by it.
            unsafe { Heap::free_block(memory, self.layout, account) };
        } else if waiter.queued.get() {
            self.heap.line.leave(NonNull::from(waiter), self.heap);
            // Whoever stood behind may be served now.
            self.heap.line.serve(self.heap);
        }
        // SAFETY: the pin taken in `poll` is given back once, here.
        unsafe { Account::unpin_guest(account) };
    }
}
