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
//! - Who waits for memory is served in order. A later request may overtake the first in line [`OVERTAKES`] times at
//!   most, then it is refused or has to wait behind.
//! - A request that could never be met is refused at once.
//! - An owner that has declared itself ready should not allocate any more: see [`SteadyState`].
//! - Zero-sized values and empty buffers need no memory, and always succeed.
//!
//! The heap is used on the kernel's thread only, never in an interrupt.
#![expect(unsafe_code, reason = "the heap hands out raw memory")]

use core::{
    alloc::Layout,
    cell::{Cell, UnsafeCell},
    mem::MaybeUninit,
    ops::Deref,
    ptr::NonNull,
};

use rlsf::Tlsf;

mod account;
mod block;
mod boxed;
mod buffer;
mod error;
mod fixed_vec;
mod region;
mod shared;
#[cfg(test)]
mod tests;

pub(crate) use self::block::Block;
use self::{
    account::Verdict,
    block::{Line, Waiting},
};
pub use self::{
    account::{Account, AccountStats, SteadyState},
    boxed::Box,
    buffer::Buffer,
    error::{AllocError, AllocFailed},
    fixed_vec::FixedVec,
    region::{Region, RegionError, Release},
    shared::Shared,
};
use crate::sync::atomic::{AtomicUsize, Ordering};

/// How often later requests may overtake the first who waits for memory.
pub const OVERTAKES: u32 = 16;

/// Size classes by power of two: the first is that of the granule, the last of the largest block there can be.
#[cfg(target_pointer_width = "64")]
const FIRST_LEVELS: usize = 26;
#[cfg(not(target_pointer_width = "64"))]
const FIRST_LEVELS: usize = 16;
/// Size classes within a power of two: a block is chosen at most an eighth larger than need be.
const SECOND_LEVELS: usize = 8;

type Blocks = Tlsf<'static, u32, u8, FIRST_LEVELS, SECOND_LEVELS>;

/// A block's size is a multiple of this, in bytes, and it is aligned to half of it.
const GRANULE: usize = rlsf::GRANULARITY;
/// Bytes in front of each block.
const BLOCK_OVERHEAD: usize = GRANULE / 2;

/// The heap of one kernel. See the [module](self).
pub struct Heap {
    blocks: UnsafeCell<Blocks>,
    current: Cell<NonNull<Account>>,
    used: Cell<usize>,
    peak: Cell<usize>,
    /// Blocks that keep the region from this thread.
    live: Cell<usize>,
    allocations: Cell<u64>,
    failures: Cell<u32>,
    line: Line,
    policy: Cell<SteadyState>,
    observer: Cell<Option<Observer>>,
    /// Allocations to go until one fails on purpose.
    fail_after: Cell<Option<u32>>,
    capacity: Cell<usize>,
    /// Whoever keeps the region: tasks and interrupt triggers one each, and this thread's side one for all.
    holds: AtomicUsize,
    /// This thread's side has let go, or will as soon as nothing is live.
    closed: Cell<bool>,
    kernel: Account,
    region: Cell<Option<Region>>,
}

/// The figures of a heap. Sizes are in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeapStats {
    /// What can be used.
    pub capacity: usize,
    /// What is in use, overhead included.
    pub used: usize,
    /// The most that was in use at a time.
    pub peak: usize,
    /// The largest request that would succeed now. Much less than what is free means that the heap is fragmented.
    pub largest_free: usize,
    /// Live blocks.
    pub blocks: usize,
    /// Allocations since boot.
    pub allocations: u64,
    /// Allocations refused since boot.
    pub failures: u32,
    /// Tasks that wait for memory.
    pub waiters: u32,
}

/// Something worth an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Observation {
    Refused,
    Violation,
}

/// Who is told of observations: a function and its context, with the owner's name and the bytes asked for.
#[derive(Clone, Copy)]
pub(crate) struct Observer {
    pub(crate) notice: unsafe fn(NonNull<()>, Observation, &'static str, usize),
    pub(crate) context: NonNull<()>,
}

/// A heap, owned by its kernel. Dropping it lets go of the region once nothing in it is used.
pub(crate) struct HeapRoot {
    heap: NonNull<Heap>,
}

impl Heap {
    /// Makes a heap of a region.
    ///
    /// # Errors
    ///
    /// When the region is too small; it is released then.
    pub(crate) fn create(region: Region) -> Result<HeapRoot, RegionError> {
        let (start, len) = (region.start(), region.len());
        let offset = start.as_ptr().align_offset(align_of::<Heap>());
        let at = offset.saturating_add(size_of::<Heap>());
        let needed = at.saturating_add(4 * GRANULE);
        if len < needed {
            // SAFETY: nothing in the region is used.
            unsafe { region.release() };
            return Err(RegionError::TooSmall { needed, given: len });
        }
        // SAFETY: the offsets are within the region, which is valid for writes and ours.
        let (heap, pool) = unsafe { (start.byte_add(offset).cast::<Heap>(), start.byte_add(at)) };
        let kernel = Account::of(heap, "kernel", SteadyState::Allow);
        // SAFETY: aligned and large enough, as computed. The pool lies behind the heap and is not used otherwise.
        unsafe {
            heap.write(Heap {
                blocks: UnsafeCell::new(Blocks::new()),
                current: Cell::new(NonNull::new_unchecked(&raw mut (*heap.as_ptr()).kernel)),
                used: Cell::new(0),
                peak: Cell::new(0),
                live: Cell::new(0),
                allocations: Cell::new(0),
                failures: Cell::new(0),
                line: Line::new(),
                policy: Cell::new(SteadyState::Report),
                observer: Cell::new(None),
                fail_after: Cell::new(None),
                capacity: Cell::new(0),
                holds: AtomicUsize::new(1),
                closed: Cell::new(false),
                kernel,
                region: Cell::new(Some(region)),
            });
            let pool = NonNull::slice_from_raw_parts(pool, len - at);
            let inserted = (*heap.as_ref().blocks.get()).insert_free_block_ptr(pool);
            heap.as_ref().capacity.set(inserted.map_or(0, |bytes| bytes.get()) - GRANULE);
        }
        Ok(HeapRoot { heap })
    }

    /// Bytes charged for a block: its size as the allocator rounds it.
    #[inline]
    pub(crate) const fn charge_of(layout: Layout) -> usize {
        let gap = layout.align().saturating_sub(GRANULE / 2);
        (layout.size() + gap + BLOCK_OVERHEAD + GRANULE - 1) & !(GRANULE - 1)
    }

    /// Whether an empty heap, and the current owner's quota, could meet a request.
    fn could_ever(&self, layout: Layout) -> Result<(), AllocError> {
        let capacity = self.capacity.get();
        let requested = layout.size();
        // The largest size class that surely holds the request has to fit, not only the request.
        if requested > capacity / 8 * 7 && requested.saturating_add(layout.align()) > capacity - capacity / 8
        {
            let rounded = requested.saturating_add(layout.align() + 2 * GRANULE);
            if rounded > capacity {
                return Err(AllocError::TooLarge { requested, capacity });
            }
        }
        Ok(())
    }

    /// Takes a block, charged to an account, whoever stands in line.
    #[inline]
    fn take(&self, layout: Layout, account: NonNull<Account>) -> Option<NonNull<u8>> {
        // SAFETY: one thread, and the allocator calls nobody.
        let memory = unsafe { (*self.blocks.get()).allocate(layout) }?;
        let bytes = Self::charge_of(layout);
        // SAFETY: accounts are alive while they are current, or waited for.
        unsafe { account.as_ref() }.charge(bytes);
        let used = self.used.get() + bytes;
        self.used.set(used);
        if used > self.peak.get() {
            self.peak.set(used);
        }
        self.live.set(self.live.get() + 1);
        self.allocations.set(self.allocations.get() + 1);
        Some(memory)
    }

    /// Allocates a raw block, charged to the current account. The layout's size is not zero.
    ///
    /// # Errors
    ///
    /// See [`AllocError`].
    #[inline]
    pub(crate) fn try_block(&self, layout: Layout) -> Result<Block<'_>, AllocError> {
        let account = self.current.get();
        // SAFETY: the current account is alive.
        let owner = unsafe { account.as_ref() };
        // A layout's size is at most `isize::MAX`, and so is what is charged: the sum cannot overflow.
        if owner.bytes.get() + Self::charge_of(layout) > owner.limit.get() {
            self.check_limit(owner, layout)?;
        }
        if self.line.waiting.get() > 0 || self.fail_after.get().is_some() {
            self.check_line(owner, layout)?;
        }
        match self.take(layout, account) {
            Some(memory) => Ok(Block::new(self, memory, layout, account)),
            None => Err(self.refuse(owner, layout)),
        }
    }

    #[cold]
    fn check_limit(&self, owner: &Account, layout: Layout) -> Result<(), AllocError> {
        let requested = Self::charge_of(layout);
        match owner.judge(owner.bytes.get() + requested) {
            Verdict::Allowed => Ok(()),
            Verdict::Reported => {
                self.observe(Observation::Violation, owner, layout);
                Ok(())
            }
            Verdict::Denied => {
                self.observe(Observation::Violation, owner, layout);
                Err(self.count(owner, AllocError::SteadyState))
            }
            Verdict::OverQuota(quota) => Err(self.count(owner, AllocError::Quota { requested, quota })),
        }
    }

    #[cold]
    fn check_line(&self, owner: &Account, layout: Layout) -> Result<(), AllocError> {
        match self.fail_after.get() {
            Some(0) => {
                self.fail_after.set(None);
                return Err(self.count(owner, AllocError::OutOfMemory { requested: layout.size() }));
            }
            Some(left) => self.fail_after.set(Some(left - 1)),
            None => {}
        }
        if self.line.waiting.get() == 0 {
            return Ok(());
        }
        let overtaken = self.line.overtaken.get();
        if overtaken >= OVERTAKES {
            return Err(self.count(owner, AllocError::Contended));
        }
        self.line.overtaken.set(overtaken + 1);
        Ok(())
    }

    #[cold]
    fn refuse(&self, owner: &Account, layout: Layout) -> AllocError {
        self.observe(Observation::Refused, owner, layout);
        let error = self.could_ever(layout).err();
        self.count(owner, error.unwrap_or(AllocError::OutOfMemory { requested: layout.size() }))
    }

    fn count(&self, owner: &Account, error: AllocError) -> AllocError {
        owner.failures.set(owner.failures.get().wrapping_add(1));
        self.failures.set(self.failures.get().wrapping_add(1));
        error
    }

    fn observe(&self, what: Observation, owner: &Account, layout: Layout) {
        if let Some(Observer { notice, context }) = self.observer.get() {
            // SAFETY: `set_observer`'s caller vouches for both until it takes the observer back.
            unsafe { notice(context, what, owner.name(), layout.size()) };
        }
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

    /// Waits until there is, or just was, memory for a value.
    pub(crate) async fn wait_for<T>(&self) -> Result<(), AllocError> {
        let layout = Layout::new::<T>();
        if layout.size() > 0 {
            drop(self.block(layout).await?);
        }
        Ok(())
    }

    /// Frees a block that was taken out with [`Block::into_raw`].
    ///
    /// # Safety
    ///
    /// The block was allocated with this layout and charged to this account, and is not used any more.
    #[inline]
    pub(crate) unsafe fn free_block(memory: NonNull<u8>, layout: Layout, account: NonNull<Account>) {
        // SAFETY: the caller's. The account, pinned by the block, leads to the heap, and the live block keeps that.
        unsafe {
            let this = account.as_ref().heap_ptr();
            let heap = this.as_ref();
            heap.give(memory, layout);
            Account::discharge(account, Self::charge_of(layout));
            let live = heap.live.get() - 1;
            heap.live.set(live);
            if heap.line.waiting.get() > 0 {
                heap.line.serve(heap);
            }
            if live == 0 && heap.closed.get() {
                Self::unhold(this);
            }
        }
    }

    /// Frees a block that was charged to an account in itself.
    ///
    /// # Safety
    ///
    /// As for [`free_block`](Self::free_block); the caller still holds the region.
    pub(crate) unsafe fn free_self_charged(account: NonNull<Account>, memory: NonNull<u8>, layout: Layout) {
        // SAFETY: the caller's.
        unsafe {
            let this = account.as_ref().heap_ptr();
            this.as_ref().give(memory, layout);
            if this.as_ref().line.waiting.get() > 0 {
                this.as_ref().line.serve(this.as_ref());
            }
        }
    }

    /// # Safety
    ///
    /// As for [`free_block`](Self::free_block).
    #[inline]
    unsafe fn give(&self, memory: NonNull<u8>, layout: Layout) {
        // SAFETY: the caller's; one thread, and the allocator calls nobody.
        unsafe { (*self.blocks.get()).deallocate(memory, layout.align()) };
        self.used.set(self.used.get() - Self::charge_of(layout));
    }

    /// Moves a value into memory that stays with the region. It is never dropped.
    ///
    /// # Errors
    ///
    /// When there is no memory.
    pub(crate) fn try_permanent<T>(&self, value: T) -> Result<NonNull<T>, AllocError> {
        let place = self.try_block(Layout::new::<T>())?.into_permanent().cast::<T>();
        // SAFETY: fresh, and large enough.
        unsafe { place.write(value) };
        Ok(place)
    }

    /// Uninitialised slots that stay with the region. Whoever keeps the slice lives in the region too, or lets go of it
    /// before that is released.
    ///
    /// # Errors
    ///
    /// When there is no memory.
    pub(crate) fn try_permanent_slots<T>(
        &self,
        count: usize,
    ) -> Result<&'static mut [MaybeUninit<T>], AllocError> {
        let layout = boxed::array::<MaybeUninit<T>>(self, count)?;
        if layout.size() == 0 {
            return Ok(&mut []);
        }
        let memory = self.try_block(layout)?.into_permanent().cast::<MaybeUninit<T>>();
        // SAFETY: fresh, large enough by the layout, and never freed while the region exists.
        Ok(unsafe { core::slice::from_raw_parts_mut(memory.as_ptr(), count) })
    }

    /// Zeroed bytes that stay with the region.
    ///
    /// # Errors
    ///
    /// When there is no memory.
    pub(crate) fn try_permanent_bytes(&self, len: usize) -> Result<NonNull<u8>, AllocError> {
        let bytes: &mut [MaybeUninit<u8>] = self.try_permanent_slots(len)?;
        bytes.fill(MaybeUninit::new(0));
        Ok(NonNull::from(bytes).cast())
    }

    /// Keeps the region until [`unhold`](Self::unhold) is called as often as this was.
    #[inline]
    pub(crate) fn hold(&self) {
        self.holds.fetch_add(1, Ordering::Relaxed);
    }

    /// Gives a hold back, from any thread. The last one releases the region.
    ///
    /// # Safety
    ///
    /// The hold is the caller's, who does not use the heap afterwards.
    #[inline]
    pub(crate) unsafe fn unhold(this: NonNull<Self>) {
        // SAFETY: the hold keeps the heap until it is given back.
        if unsafe { this.as_ref() }.holds.fetch_sub(1, Ordering::Release) == 1 {
            crate::sync::atomic::fence(Ordering::Acquire);
            // SAFETY: nobody else holds the region, so it is ours alone.
            unsafe { Self::release(this) };
        }
    }

    #[cold]
    unsafe fn release(this: NonNull<Self>) {
        // SAFETY: the caller's; the region is moved out before the memory that it lies in goes.
        unsafe {
            if let Some(region) = this.as_ref().region.take() {
                region.release();
            }
        }
    }

    /// The account that allocations are charged to.
    pub(crate) fn current(&self) -> NonNull<Account> {
        self.current.get()
    }

    /// The account of the task that runs now, or of the kernel outside of tasks.
    pub fn account(&self) -> &Account {
        // SAFETY: the current account is alive; it is that of the running task, or the kernel's.
        unsafe { self.current.get().as_ref() }
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

    /// Makes one allocation fail after so many more have been tried: a fault for tests.
    pub fn fail_after(&self, allocations: u32) {
        self.fail_after.set(Some(allocations));
    }

    /// The heap's figures. Finding the largest free block costs a few dozen trial allocations: not for hot paths.
    pub fn stats(&self) -> HeapStats {
        HeapStats {
            capacity: self.capacity.get(),
            used: self.used.get(),
            peak: self.peak.get(),
            largest_free: self.largest_free(),
            blocks: self.live.get(),
            allocations: self.allocations.get(),
            failures: self.failures.get(),
            waiters: self.line.waiting.get(),
        }
    }

    fn largest_free(&self) -> usize {
        let (mut fits, mut too_large) = (0, self.capacity.get() / GRANULE + 1);
        while too_large - fits > 1 {
            let middle = fits + (too_large - fits) / 2;
            let Ok(layout) = Layout::from_size_align(middle * GRANULE - BLOCK_OVERHEAD, 1) else { break };
            // SAFETY: one thread; what is allocated is given back at once.
            let fit = unsafe {
                let blocks = &mut *self.blocks.get();
                blocks.allocate(layout).map(|memory| blocks.deallocate(memory, 1)).is_some()
            };
            if fit { fits = middle } else { too_large = middle }
        }
        (fits * GRANULE).saturating_sub(BLOCK_OVERHEAD)
    }
}

impl Deref for HeapRoot {
    type Target = Heap;

    fn deref(&self) -> &Heap {
        // SAFETY: the root's hold keeps the heap.
        unsafe { self.heap.as_ref() }
    }
}

impl Drop for HeapRoot {
    fn drop(&mut self) {
        self.closed.set(true);
        if self.live.get() == 0 {
            // SAFETY: this thread's hold, which the last live block would give back otherwise.
            unsafe { Heap::unhold(self.heap) };
        }
    }
}
