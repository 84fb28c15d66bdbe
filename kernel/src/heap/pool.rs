//! The memory itself: which parts of the region are free, and how large a block has to be.
//!
//! Blocks are found by size class (TLSF): each power of two is divided into sixteen classes, and a request is served
//! from the first class whose every block is large enough, which takes the same time in every case. A request is rounded
//! up to the least block of its class, by a sixteenth at most, so that a block that was freed can always be had again by
//! a request like the one before.
//!
//! The small block that was freed last lies aside, where a request of its size finds it at once: whoever frees a block often
//! wants one like it next. It is joined with its free neighbours when another block is freed, or when no other is large
//! enough. One block and not more: a request for which there is none would have to join them all before it is refused.
//!
//! Blocks are known by where what they hold begins, see [`Pool::place`] for what is aligned to more than blocks are.
//!
//! The pool belongs to the kernel's thread, and calls nobody.
#![expect(unsafe_code, reason = "the pool is made of raw memory")]

use core::{
    alloc::Layout,
    cell::{Cell, UnsafeCell},
    hint::assert_unchecked,
    ptr::NonNull,
};

use rlsf::Tlsf;

/// Size classes by power of two: the first is that of the granule, the last that of the largest block there can be,
/// which is 2 GiB on a 64-bit host and 1 MiB on a microcontroller. A larger region is divided.
#[cfg(target_pointer_width = "64")]
const FIRST_LEVELS: usize = 26;
#[cfg(not(target_pointer_width = "64"))]
const FIRST_LEVELS: usize = 16;
/// Size classes within a power of two.
const SECOND_LEVELS: usize = 16;

type Blocks = Tlsf<'static, u32, u16, FIRST_LEVELS, SECOND_LEVELS>;

/// A block's size is a multiple of this, in bytes, and what it holds is aligned to half of it.
pub(super) const GRANULE: usize = rlsf::GRANULARITY;
/// Bytes in front of what a block holds.
pub(super) const BLOCK_OVERHEAD: usize = GRANULE / 2;
/// The least memory that makes a pool, wherever it starts: two granules in full.
pub(super) const LEAST: usize = 3 * GRANULE;
/// Memory that one chain of blocks can cover.
const CHAIN: usize = GRANULE << FIRST_LEVELS;

/// Blocks in a pool at most, so that half of a `u32` counts them. What a region has beyond that, 64 GiB on a 64-bit host, is
/// not used.
pub(super) const MOST_BLOCKS: usize = u32::MAX as usize / 2;

/// Bytes in the largest block that lies aside: a larger one is what others are cut from meanwhile.
const ASIDE_MOST: usize = 16 * GRANULE;

/// See the module. The largest field is the last, for short ways to the others.
#[repr(C)]
pub(super) struct Pool {
    /// The block that lies aside, while its size is not 0.
    aside: Cell<NonNull<u8>>,
    aside_size: Cell<usize>,
    /// Bytes in all blocks.
    capacity: usize,
    /// Bytes in the largest block that an empty pool surely gives.
    ceiling: usize,
    blocks: UnsafeCell<Blocks>,
}

impl Pool {
    /// A pool without memory.
    pub(super) const fn new() -> Self {
        Self {
            aside: Cell::new(NonNull::dangling()),
            aside_size: Cell::new(0),
            capacity: 0,
            ceiling: 0,
            blocks: UnsafeCell::new(Blocks::new()),
        }
    }

    /// Gives the pool its memory, once.
    ///
    /// # Safety
    ///
    /// The memory is the pool's from now on, for as long as blocks of it are used.
    pub(super) unsafe fn fill(&mut self, start: NonNull<u8>, len: usize) {
        let gap = start.as_ptr().align_offset(GRANULE);
        let most = MOST_BLOCKS.saturating_mul(GRANULE);
        let mut left = len.saturating_sub(gap).min(most) / GRANULE * GRANULE;
        let mut at = start.as_ptr().wrapping_add(gap);
        // Each chain of blocks ends in a granule of its own.
        while left >= 2 * GRANULE {
            let chain = left.min(CHAIN);
            // SAFETY: within the memory, which is the caller's to give; not null, since it lies in an object.
            let inserted = unsafe {
                let chain = NonNull::slice_from_raw_parts(NonNull::new_unchecked(at), chain);
                self.blocks.get_mut().insert_free_block_ptr(chain)
            };
            self.capacity += inserted.map_or(0, |bytes| bytes.get() - GRANULE);
            left -= chain;
            at = at.wrapping_add(chain);
        }
        self.ceiling = self.largest(self.capacity);
    }

    /// Bytes in all blocks of the pool.
    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }

    /// Bytes in the largest block that an empty pool gives.
    pub(super) fn ceiling(&self) -> usize {
        self.ceiling
    }

    /// The size of a layout's block. For alignments above half a granule it is the most that the block may need, which
    /// depends on where it lies.
    #[inline]
    pub(super) const fn block_size(layout: Layout) -> usize {
        let gap = layout.align().saturating_sub(GRANULE / 2);
        // A layout's size and alignment sum up to `isize::MAX + 1` at most: nothing overflows.
        let bytes = layout.size().wrapping_add(gap).wrapping_add(BLOCK_OVERHEAD);
        let size = bytes.wrapping_add(GRANULE - 1) & !(GRANULE - 1);
        // One less than what divides the power of two into its classes, or than a part of a granule.
        let class = (usize::MAX >> (SECOND_LEVELS.ilog2() + 1)).wrapping_shr(size.leading_zeros());
        size.wrapping_add(class) & !class
    }

    /// Where in a block that was taken what it holds is to begin, by its alignment.
    ///
    /// # Safety
    ///
    /// The block's size is that of a layout of this alignment.
    #[inline]
    pub(super) unsafe fn place(block: NonNull<u8>, align: usize) -> NonNull<u8> {
        if align <= GRANULE / 2 {
            return block;
        }
        let gap = block.addr().get().wrapping_neg() & (align - 1);
        // SAFETY: the block's size has room for any gap. This one is not empty, since a block begins halfway between
        // granules, and holds the block's address at its end.
        unsafe {
            let place = block.add(gap);
            place.cast::<NonNull<u8>>().sub(1).write(block);
            place
        }
    }

    /// The block in which there is such a place.
    ///
    /// # Safety
    ///
    /// The place is what [`place`](Self::place) made of a block for this alignment.
    #[inline]
    pub(super) unsafe fn block_of(place: NonNull<u8>, align: usize) -> NonNull<u8> {
        if align <= GRANULE / 2 {
            return place;
        }
        // SAFETY: written there by `place`.
        unsafe { place.cast::<NonNull<u8>>().sub(1).read() }
    }

    /// Takes the block that was freed just now, if it is of this size.
    #[inline]
    pub(super) fn take_aside(&self, size: usize) -> Option<NonNull<u8>> {
        if self.aside_size.get() != size {
            return None;
        }
        self.aside_size.set(0);
        Some(self.aside.get())
    }

    /// Takes a block of this block size.
    pub(super) fn take(&self, size: usize) -> Option<NonNull<u8>> {
        self.take_aside(size).or_else(|| self.search(size))
    }

    /// As [`take`](Self::take), if [`take_aside`](Self::take_aside) found nothing.
    #[inline]
    pub(super) fn search(&self, size: usize) -> Option<NonNull<u8>> {
        if size > self.capacity {
            return None;
        }
        // SAFETY: checked just now.
        unsafe {
            allocate(&self.blocks, size)
                .or_else(|| if self.join_aside() { allocate(&self.blocks, size) } else { None })
        }
    }

    /// Takes a block back.
    ///
    /// # Safety
    ///
    /// The block was taken from this pool with this block size, and is not used any more.
    #[inline]
    pub(super) unsafe fn give(&self, block: NonNull<u8>, size: usize) {
        let mut joined = block;
        if size <= ASIDE_MOST {
            joined = self.aside.replace(block);
            if self.aside_size.replace(size) == 0 {
                return;
            }
        }
        // SAFETY: the caller's, of this block or of the one that lay aside.
        unsafe { self.join(joined) };
    }

    /// Takes a block back, and joins it with its free neighbours.
    ///
    /// # Safety
    ///
    /// As for [`give`](Self::give).
    #[inline]
    pub(super) unsafe fn join(&self, block: NonNull<u8>) {
        // SAFETY: the caller's.
        unsafe { deallocate(&self.blocks, block) };
    }

    /// Joins what lies aside with its free neighbours. `false` if there was nothing.
    #[cold]
    fn join_aside(&self) -> bool {
        if self.aside_size.replace(0) == 0 {
            return false;
        }
        // SAFETY: what lay aside was put there by `give`.
        unsafe { self.join(self.aside.get()) };
        true
    }

    /// Bytes in the largest block that could be taken now, found by trying.
    pub(super) fn largest_now(&self) -> usize {
        self.join_aside();
        self.largest(self.ceiling)
    }

    fn largest(&self, at_most: usize) -> usize {
        let (mut fits, mut too_large) = (0, at_most / GRANULE + 1);
        while too_large - fits > 1 {
            let middle = fits + (too_large - fits) / 2;
            let Ok(layout) = Layout::from_size_align(middle * GRANULE - BLOCK_OVERHEAD, 1) else { break };
            match self.search(Self::block_size(layout)) {
                Some(block) => {
                    // SAFETY: taken just now.
                    unsafe { self.join(block) };
                    fits = middle;
                }
                None => too_large = middle,
            }
        }
        fits * GRANULE
    }
}

/// Takes a block of this block size.
///
/// # Safety
///
/// There is as much memory in all.
#[inline(never)]
unsafe fn allocate(blocks: &UnsafeCell<Blocks>, size: usize) -> Option<NonNull<u8>> {
    // SAFETY: block sizes are multiples of the granule, from one on, and this one is less than what lies in one piece of
    // memory; the allocator need not check it again. One thread, and the allocator calls nobody.
    unsafe {
        assert_unchecked(size >= GRANULE && size.is_multiple_of(GRANULE) && size <= isize::MAX as usize);
        (*blocks.get()).allocate(Layout::from_size_align_unchecked(size - BLOCK_OVERHEAD, 1))
    }
}

/// Takes a block back, and joins it with its free neighbours.
///
/// # Safety
///
/// The block was taken with [`allocate`], and is not used any more.
#[inline(never)]
unsafe fn deallocate(blocks: &UnsafeCell<Blocks>, block: NonNull<u8>) {
    // SAFETY: the caller's; one thread, and the allocator calls nobody.
    unsafe { (*blocks.get()).deallocate(block, 1) };
}
