//! The heap: memory for set-up and configuration, from one fixed region.
//!
//! It is the kernel's own interface, not Rust's global allocator: every allocation can fail, and says why; the async
//! forms wait for memory. Allocating and freeing cost the same whatever the history (TLSF), and every byte is charged
//! to an [`Account`], the task's that is running.
//!
//! ```text
//!   region: ┌──────┬─────────────────────────────────────────┐
//!           │ Heap │ blocks: used, free, used, used, free ... │
//!           └──────┴─────────────────────────────────────────┘
//! ```
//!
//! Laws:
//!
//! - Who waits for memory is served in order, by whoever frees it. A later request that does not wait may overtake the
//!   first in line [`OVERTAKES`] times at most, then it is refused; one that waits stands behind.
//! - A request that could never be met is refused at once, and so is one above its owner's quota: neither is in the way
//!   of others. Who waits for memory that only somebody behind it would free waits for ever; set a timeout.
//! - What was freed can be had again by a request like the one before.
//! - An owner that has declared itself ready should not allocate any more: see [`SteadyState`].
//! - Zero-sized values and empty buffers need no memory, and always succeed.
//!
//! The heap is used on the kernel's thread only, never in an interrupt.
#![expect(unsafe_code, reason = "the heap hands out raw memory")]

use core::{alloc::Layout, cell::Cell, ptr::NonNull};

mod account;
mod block;
mod boxed;
mod buffer;
mod error;
mod fixed_vec;
mod pool;
mod region;
mod root;
mod shared;
mod stats;
#[cfg(test)]
mod tests;

use self::{
    account::Verdict,
    block::{Line, Waiting},
    pool::Pool,
};
pub use self::{
    account::{Account, AccountStats, Current, SteadyState},
    boxed::Box,
    buffer::Buffer,
    error::{AllocError, AllocFailed},
    fixed_vec::FixedVec,
    region::{Region, RegionError, Release},
    shared::Shared,
    stats::HeapStats,
};
pub(crate) use self::{
    block::{Block, Extent},
    root::HeapRoot,
};
use crate::sync::atomic::AtomicUsize;

/// How often later requests may overtake the first who waits for memory.
pub const OVERTAKES: u32 = 16;

/// The heap of one kernel. See the [module](self).
///
/// What every allocation touches comes first: a microcontroller's core reaches it with one instruction.
#[repr(C)]
pub struct Heap {
    current: Cell<NonNull<Account>>,
    /// Bytes in live blocks.
    used: Cell<usize>,
    peak: Cell<usize>,
    /// Blocks that keep the region from this thread.
    live: Cell<usize>,
    allocations: Cell<u64>,
    /// Somebody waits, or watches, or tests: allocating and freeing take the slow path.
    detour: Cell<bool>,
    /// This thread's side has let go, or will as soon as nothing is live.
    closed: Cell<bool>,
    /// The observer is told of every allocation.
    traced: Cell<bool>,
    policy: Cell<SteadyState>,
    /// Whoever keeps the region: tasks and interrupt triggers one each, and this thread's side one for all.
    holds: AtomicUsize,
    /// Blocks that do not keep the region from this thread: they are the region's for good, or have a hold.
    kept: Cell<usize>,
    pool: Pool,
    /// Bytes in blocks that are the region's for good.
    permanent: Cell<usize>,
    failures: Cell<u32>,
    line: Line,
    observer: Cell<Option<Observer>>,
    /// Allocations to go until one fails on purpose.
    fail_after: Cell<Option<u32>>,
    kernel: Account,
    region: Cell<Option<Region>>,
}

/// Something worth an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Observation {
    Allocated,
    Freed,
    Refused,
    Violation,
}

/// Who is told of observations: a function and its context, with the owner's name and the bytes asked for.
#[derive(Clone, Copy)]
pub(crate) struct Observer {
    pub(crate) notice: unsafe fn(NonNull<()>, Observation, &'static str, usize),
    pub(crate) context: NonNull<()>,
}

impl Heap {
    /// Why an empty heap could not meet a request, of this block size; `None` if it could.
    fn never_fits(&self, requested: usize, size: usize) -> Option<AllocError> {
        let capacity = self.pool.capacity() - self.permanent.get();
        let fits = size <= capacity.min(self.pool.ceiling());
        (!fits).then_some(AllocError::TooLarge { requested, capacity })
    }

    /// Takes a block, charged to an account, whoever stands in line.
    fn take(&self, layout: Layout, account: NonNull<Account>) -> Option<NonNull<u8>> {
        let size = Pool::block_size(layout);
        let block = self.pool.take(size)?;
        // SAFETY: accounts are alive while they are current, or waited for.
        self.count_taken(size, unsafe { account.as_ref() });
        // SAFETY: the block is as large as the layout's.
        Some(unsafe { Pool::place(block, layout.align()) })
    }

    #[inline]
    fn count_taken(&self, bytes: usize, owner: &Account) {
        owner.charge(bytes);
        raise(&self.live, 1);
        self.count_used(bytes);
    }

    /// Counts a block that is charged to an account in itself.
    #[inline]
    fn count_own(&self, bytes: usize, spawner: &Account) {
        spawner.count_allocation();
        raise(&self.kept, 1);
        self.count_used(bytes);
    }

    #[inline]
    fn count_used(&self, bytes: usize) {
        raise(&self.used, bytes);
        note_peak(&self.peak, self.used.get());
        self.allocations.set(self.allocations.get().wrapping_add(1));
    }

    /// Allocates a raw block, charged to the current account. The layout's size is not zero.
    ///
    /// # Errors
    ///
    /// See [`AllocError`].
    #[inline]
    pub(crate) fn try_block(&self, layout: Layout) -> Result<Block<'_>, AllocError> {
        // Where the layout is a constant, so are these.
        match self.block_quickly(layout) {
            Some(block) => Ok(block),
            None => self.try_block_slowly(layout),
        }
    }

    /// Allocates a block if nothing is in the way of it, and counts no failure otherwise: whoever asks will ask again, with
    /// [`try_block`](Self::try_block) or [`block`](Self::block), which look closer.
    #[inline]
    pub(crate) fn block_quickly(&self, layout: Layout) -> Option<Block<'_>> {
        let block = self.take_quickly(Pool::block_size(layout))?;
        // SAFETY: the block is as large as the layout's.
        let memory = unsafe { Pool::place(block, layout.align()) };
        Some(Block::new(self, memory, layout, self.current.get()))
    }

    /// Allocates a block for an owner that will lie in it, and whose account is [opened](Account::in_own_block) with the
    /// block's bytes. Whether there may be one is up to the current account; nothing is charged to that. The block does
    /// not keep the region: its owner takes a [hold](Self::hold). It is freed with
    /// [`free_own_block`](Self::free_own_block).
    ///
    /// # Errors
    ///
    /// See [`AllocError`].
    #[inline]
    pub(crate) fn try_own_block(&self, layout: Layout) -> Result<NonNull<u8>, AllocError> {
        match self.take_own_quickly(Pool::block_size(layout)) {
            // SAFETY: the block is as large as the layout's.
            Some(block) => Ok(unsafe { Pool::place(block, layout.align()) }),
            None => self.try_block_slowly(layout).map(Block::into_own),
        }
    }

    /// Takes a block, if nothing is in the way of it.
    #[inline(never)]
    fn take_quickly(&self, size: usize) -> Option<NonNull<u8>> {
        let owner = self.unhindered(size)?;
        let Some(block) = self.pool.take_aside(size) else { return self.find(size) };
        self.count_taken(size, owner);
        Some(block)
    }

    /// As [`take_quickly`](Self::take_quickly), for [`try_own_block`](Self::try_own_block).
    #[inline(never)]
    fn take_own_quickly(&self, size: usize) -> Option<NonNull<u8>> {
        let owner = self.unhindered(size)?;
        let Some(block) = self.pool.take_aside(size) else { return self.find_own(size) };
        self.count_own(size, owner);
        Some(block)
    }

    /// The current account, if no more than its own limit has to be looked at before it gets such a block.
    #[inline]
    fn unhindered(&self, size: usize) -> Option<&Account> {
        // SAFETY: the current account is alive.
        let owner = unsafe { self.current.get().as_ref() };
        // No block is larger than 2⁶³ bytes, or 2³¹, and all that are in use are much smaller: the sum cannot overflow.
        let hindered = self.detour.get() || owner.bytes.get().wrapping_add(size) > owner.limit.get();
        (!hindered).then_some(owner)
    }

    /// Goes on with [`take_quickly`](Self::take_quickly) when no such block lies aside.
    #[inline(never)]
    fn find(&self, size: usize) -> Option<NonNull<u8>> {
        let block = self.pool.search(size)?;
        // SAFETY: the current account is alive.
        self.count_taken(size, unsafe { self.current.get().as_ref() });
        Some(block)
    }

    /// As [`find`](Self::find), for [`take_own_quickly`](Self::take_own_quickly).
    #[inline(never)]
    fn find_own(&self, size: usize) -> Option<NonNull<u8>> {
        let block = self.pool.search(size)?;
        // SAFETY: the current account is alive.
        self.count_own(size, unsafe { self.current.get().as_ref() });
        Some(block)
    }

    #[cold]
    fn try_block_slowly(&self, layout: Layout) -> Result<Block<'_>, AllocError> {
        let size = Pool::block_size(layout);
        if let Some(owner) = self.unhindered(size) {
            // It was looked for in vain.
            return Err(self.no_block(owner, layout, size));
        }
        let account = self.current.get();
        // SAFETY: the current account is alive.
        let owner = unsafe { account.as_ref() };
        if owner.bytes.get() + size > owner.limit.get() {
            self.check_limit(owner, layout)?;
        }
        if self.detour.get() {
            return self.try_block_by_detour(owner, layout);
        }
        match self.take(layout, account) {
            Some(memory) => Ok(Block::new(self, memory, layout, account)),
            None => Err(self.no_block(owner, layout, size)),
        }
    }

    /// What has to hold of a request whether it waits or not.
    fn admit(&self, owner: &Account, layout: Layout) -> Result<(), AllocError> {
        if owner.bytes.get() + Pool::block_size(layout) > owner.limit.get() {
            self.check_limit(owner, layout)?;
        }
        if self.detour.get() { self.check_fault(owner, layout) } else { Ok(()) }
    }

    #[cold]
    fn check_limit(&self, owner: &Account, layout: Layout) -> Result<(), AllocError> {
        match owner.judge(Pool::block_size(layout)) {
            Verdict::Allowed => Ok(()),
            Verdict::Reported => {
                self.observe(Observation::Violation, owner.name(), layout.size());
                Ok(())
            }
            Verdict::Denied => {
                self.observe(Observation::Violation, owner.name(), layout.size());
                Err(self.count_failure(owner, AllocError::SteadyState))
            }
            Verdict::OverQuota(quota) => Err(self.over_quota(owner, layout, quota)),
        }
    }

    /// Allocates a block when there is a fault to be injected, or others stand in line, or somebody watches.
    #[cold]
    fn try_block_by_detour(&self, owner: &Account, layout: Layout) -> Result<Block<'_>, AllocError> {
        self.check_fault(owner, layout)?;
        let overtaken = self.line.overtaken.get();
        let overtakes = !self.line.is_empty();
        if overtakes && overtaken >= OVERTAKES {
            return Err(self.refused(owner, layout, AllocError::Contended));
        }
        let account = self.current.get();
        let memory = self
            .take_by_detour(layout, account)
            .ok_or_else(|| self.no_block(owner, layout, Pool::block_size(layout)))?;
        if overtakes {
            self.line.overtaken.set(overtaken + 1);
        }
        Ok(Block::new(self, memory, layout, account))
    }

    fn take_by_detour(&self, layout: Layout, account: NonNull<Account>) -> Option<NonNull<u8>> {
        let memory = self.take(layout, account)?;
        if self.traced.get() {
            // SAFETY: as for `take`.
            let owner = unsafe { account.as_ref() };
            self.observe(Observation::Allocated, owner.name(), Pool::block_size(layout));
        }
        Some(memory)
    }

    fn check_fault(&self, owner: &Account, layout: Layout) -> Result<(), AllocError> {
        let Some(left) = self.fail_after.get() else { return Ok(()) };
        self.fail_after.set(left.checked_sub(1));
        if left > 0 {
            return Ok(());
        }
        self.set_detour();
        Err(self.refused(owner, layout, AllocError::OutOfMemory { requested: layout.size() }))
    }

    /// A refusal of a request for which there is no block, of this block size.
    fn no_block(&self, owner: &Account, layout: Layout, size: usize) -> AllocError {
        let error = AllocError::OutOfMemory { requested: layout.size() };
        self.refused(owner, layout, self.never_fits(layout.size(), size).unwrap_or(error))
    }

    fn over_quota(&self, owner: &Account, layout: Layout, quota: usize) -> AllocError {
        self.refused(owner, layout, AllocError::Quota { requested: Pool::block_size(layout), quota })
    }

    /// Counts and reports a refusal.
    #[inline]
    fn refused(&self, owner: &Account, layout: Layout, error: AllocError) -> AllocError {
        self.observe(Observation::Refused, owner.name(), layout.size());
        self.count_failure(owner, error)
    }

    fn count_failure(&self, owner: &Account, error: AllocError) -> AllocError {
        owner.count_failure();
        self.failures.set(self.failures.get().wrapping_add(1));
        error
    }

    #[inline]
    fn observe(&self, what: Observation, owner: &'static str, bytes: usize) {
        if let Some(Observer { notice, context }) = self.observer.get() {
            // SAFETY: `set_observer`'s caller vouches for both until it takes the observer back.
            unsafe { notice(context, what, owner, bytes) };
        }
    }

    fn set_detour(&self) {
        let detour = self.traced.get() || self.fail_after.get().is_some() || !self.line.is_empty();
        self.detour.set(detour);
    }

    /// Sets who is told of what is worth an event.
    ///
    /// # Safety
    ///
    /// The function may be called with the context on the kernel's thread until the observer is replaced.
    pub(crate) unsafe fn set_observer(&self, observer: Option<Observer>) {
        self.observer.set(observer);
    }

    /// Waits for a raw block. The layout's size is not zero.
    pub(crate) fn block(&self, layout: Layout) -> impl Future<Output = Result<Block<'_>, AllocError>> {
        Waiting::new(self, layout)
    }

    /// Frees a block that was taken out with [`Block::into_raw`].
    ///
    /// # Safety
    ///
    /// The block was allocated with this layout and charged to this account, and is not used any more.
    #[inline]
    pub(crate) unsafe fn free_block(memory: NonNull<u8>, layout: Layout, account: NonNull<Account>) {
        // Where the layout is a constant, so is its block's size.
        // SAFETY: the caller's.
        unsafe {
            Self::free_sized(Pool::block_of(memory, layout.align()), Pool::block_size(layout), account)
        };
    }

    /// # Safety
    ///
    /// As for [`free_block`](Self::free_block), of a layout with this block size whose place is in this block.
    #[inline(never)]
    unsafe fn free_sized(block: NonNull<u8>, size: usize, account: NonNull<Account>) {
        // SAFETY: the caller's. The account, pinned by the block, leads to the heap, and the live block keeps that until
        // nothing more is done with it.
        unsafe {
            let this = account.as_ref().heap_ptr();
            let heap = this.as_ref();
            if heap.detour.get() {
                heap.give_by_detour(block, size, account);
            } else {
                heap.give(block, size);
                Account::discharge(account, size);
            }
            lower(&heap.live, 1);
            if heap.live.get() == 0 && heap.closed.get() {
                Self::unhold(this);
            }
        }
    }

    /// Takes a block back when somebody waits for it, or watches.
    ///
    /// # Safety
    ///
    /// As for [`free_sized`](Self::free_sized).
    #[cold]
    unsafe fn give_by_detour(&self, block: NonNull<u8>, size: usize, account: NonNull<Account>) {
        // SAFETY: the caller's.
        unsafe {
            if self.traced.get() {
                self.observe(Observation::Freed, account.as_ref().name(), size);
            }
            self.join(block, size);
            Account::discharge(account, size);
        }
        self.line.serve(self);
    }

    /// Frees a block in which its owner lay. What else is still charged to that is the kernel's now.
    ///
    /// # Safety
    ///
    /// The block came from [`try_own_block`](Self::try_own_block) or [`Block::into_own`], has this extent, and the account
    /// in it was opened with its bytes. It is not used any more; the caller still holds the region.
    pub(crate) unsafe fn free_own_block(account: NonNull<Account>, memory: NonNull<u8>, extent: Extent) {
        // SAFETY: the caller's; the account is not used once its memory is given back.
        unsafe {
            let heap = account.as_ref().heap_ptr().as_ref();
            let Extent { size, align } = extent;
            let block = Pool::block_of(memory, align);
            let inherited = account.as_ref().bytes.get().wrapping_sub(size);
            if inherited > 0 {
                heap.kernel.charge_bytes(inherited);
            }
            lower(&heap.kept, 1);
            if heap.detour.get() {
                if heap.traced.get() {
                    heap.observe_end(account.as_ref().name(), size, inherited);
                }
                heap.join(block, size);
                heap.line.serve(heap);
            } else {
                heap.give(block, size);
            }
        }
    }

    /// Tells of a block in which its owner lies, whose account has been opened just now.
    #[inline]
    pub(crate) fn observe_own(&self, owner: &Account) {
        if self.traced.get() {
            self.observe(Observation::Allocated, owner.name(), owner.bytes.get());
        }
    }

    /// Tells of an owner's end: of its own block, and of what the kernel inherits.
    fn observe_end(&self, owner: &'static str, size: usize, inherited: usize) {
        self.observe(Observation::Freed, owner, size);
        if inherited > 0 {
            self.observe(Observation::Freed, owner, inherited);
            self.observe(Observation::Allocated, self.kernel.name(), inherited);
        }
    }

    /// # Safety
    ///
    /// As for [`free_sized`](Self::free_sized).
    #[inline]
    unsafe fn give(&self, block: NonNull<u8>, size: usize) {
        // SAFETY: the caller's.
        unsafe { self.pool.give(block, size) };
        lower(&self.used, size);
    }

    /// As [`give`](Self::give), but what is free is joined at once, for whoever waits.
    ///
    /// # Safety
    ///
    /// As for [`free_sized`](Self::free_sized).
    unsafe fn join(&self, block: NonNull<u8>, size: usize) {
        // SAFETY: the caller's.
        unsafe { self.pool.join(block) };
        lower(&self.used, size);
    }

    /// Counts a live block as the region's.
    fn keep_for_good(&self, bytes: usize) {
        lower(&self.live, 1);
        raise(&self.kept, 1);
        self.permanent.set(self.permanent.get() + bytes);
    }

    /// The account that allocations are charged to.
    pub(crate) fn current(&self) -> NonNull<Account> {
        self.current.get()
    }

    /// The account of the task that runs now, or of the kernel outside of tasks.
    pub fn account(&self) -> Current<'_> {
        Current::new(self)
    }

    /// The account of the kernel itself.
    pub fn kernel_account(&self) -> &Account {
        &self.kernel
    }

    /// Charges allocations to an account from now on; returns the one before.
    ///
    /// # Safety
    ///
    /// The account stays alive until another one is entered.
    #[inline]
    pub(crate) unsafe fn enter(&self, account: NonNull<Account>) -> NonNull<Account> {
        self.current.replace(account)
    }

    /// Charges allocations to the kernel from now on; returns the account before.
    #[inline]
    pub(crate) fn enter_kernel(&self) -> NonNull<Account> {
        self.current.replace(NonNull::from(&self.kernel))
    }

    /// The kernel pays for allocations.
    #[inline]
    pub(crate) fn is_in_kernel(&self) -> bool {
        core::ptr::eq(self.current.get().as_ptr(), &self.kernel)
    }

    /// Allocations since boot.
    pub fn allocations(&self) -> u64 {
        self.allocations.get()
    }

    /// The policy that accounts are opened with.
    pub fn policy(&self) -> SteadyState {
        self.policy.get()
    }

    /// Sets the policy that accounts are opened with from now on.
    pub fn set_policy(&self, policy: SteadyState) {
        self.policy.set(policy);
    }

    /// Makes one allocation fail, whether it waits or not, after so many others: a fault for tests. `u32::MAX` makes none
    /// fail.
    pub fn fail_after(&self, allocations: u32) {
        self.fail_after.set(Some(allocations).filter(|allocations| *allocations != u32::MAX));
        self.set_detour();
    }

    /// Tells the observer of every allocation from now on, or not any more.
    pub(crate) fn trace(&self, traced: bool) {
        if self.traced.replace(traced) != traced {
            self.set_detour();
        }
    }
}

/// Adds to a count of what there is in the heap, which the heap's own size bounds.
#[inline]
fn raise(count: &Cell<usize>, by: usize) {
    debug_assert!(count.get().checked_add(by).is_some(), "no more is counted than there is memory");
    count.set(count.get().wrapping_add(by));
}

/// Takes off a count what was [added](raise) to it before.
#[inline]
fn lower(count: &Cell<usize>, by: usize) {
    debug_assert!(count.get() >= by, "only what was counted is taken off");
    count.set(count.get().wrapping_sub(by));
}

/// Keeps the most that a count has been.
#[inline]
fn note_peak(peak: &Cell<usize>, now: usize) {
    if now > peak.get() {
        peak.set(now);
    }
}
