//! The memory itself: which parts of the region are free, and how large a block has to be.
//!
//! Blocks are found by size class (TLSF): each power of two is divided into sixteen classes, and a request is served
//! from the first class whose every block is large enough, which takes the same time in every case. A request is rounded
//! up to the least block of its class, by a sixteenth at most, so that a block that was freed can always be had again by
//! a request like the one before.
//!
//! The small blocks that were freed last lie in pockets, one for each size, where the next request of that size finds
//! them at once. When no block is large enough the pockets are emptied, and what is free is joined again.
//!
//! The pool belongs to the kernel's thread, and calls nobody.
#![expect(unsafe_code, reason = "the pool is made of raw memory")]

use core::{
    alloc::Layout,
    cell::{Cell, UnsafeCell},
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

/// Sizes that have a pocket: one granule, two, and so on.
const POCKETS: usize = 16;
/// Blocks in one pocket at most, so that emptying them all takes a bounded time.
const POCKET_DEPTH: usize = 4;

/// See the module.
pub(super) struct Pool {
    blocks: UnsafeCell<Blocks>,
    pockets: [Cell<Option<NonNull<Pocketed>>>; POCKETS],
    /// Bytes in all blocks.
    capacity: usize,
    /// Bytes in the largest block that an empty pool surely gives.
    ceiling: usize,
}

/// What a block in a pocket holds.
struct Pocketed {
    next: Option<NonNull<Pocketed>>,
    /// Blocks in the pocket, up to this one.
    depth: usize,
}

const _: () =
    assert!(size_of::<Pocketed>() <= GRANULE - BLOCK_OVERHEAD && align_of::<Pocketed>() <= GRANULE / 2);

impl Pool {
    /// A pool without memory.
    pub(super) const fn new() -> Self {
        Self {
            blocks: UnsafeCell::new(Blocks::new()),
            pockets: [const { Cell::new(None) }; POCKETS],
            capacity: 0,
            ceiling: 0,
        }
    }

    /// Gives the pool its memory, once.
    ///
    /// # Safety
    ///
    /// The memory is the pool's from now on, for as long as blocks of it are used.
    pub(super) unsafe fn fill(&mut self, start: NonNull<u8>, len: usize) {
        let gap = start.as_ptr().align_offset(GRANULE);
        let mut left = len.saturating_sub(gap) / GRANULE * GRANULE;
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
        // A layout's size and alignment sum up to `isize::MAX + 1` at most: nothing overflows.
        let gap = layout.align().saturating_sub(GRANULE / 2);
        let size = (layout.size() + gap + BLOCK_OVERHEAD + GRANULE - 1) & !(GRANULE - 1);
        if size < 2 * SECOND_LEVELS * GRANULE {
            return size;
        }
        let class = 1 << (size.ilog2() - SECOND_LEVELS.ilog2());
        (size + class - 1) & !(class - 1)
    }

    /// Where blocks of a size lie when they have just been freed.
    #[inline]
    fn pocket(&self, size: usize, align: usize) -> Option<&Cell<Option<NonNull<Pocketed>>>> {
        let any_place = align <= GRANULE / 2;
        if any_place { self.pockets.get((size / GRANULE).wrapping_sub(1)) } else { None }
    }

    /// Takes a block that was freed just now, by its size, if there is one.
    #[inline]
    pub(super) fn take_pocketed(&self, size: usize, align: usize) -> Option<NonNull<u8>> {
        let pocket = self.pocket(size, align)?;
        let first = pocket.get()?;
        // SAFETY: what is in a pocket was put there by `give`.
        pocket.set(unsafe { first.as_ref() }.next);
        Some(first.cast())
    }

    /// Takes a block for a layout of this block size and alignment.
    pub(super) fn take(&self, size: usize, align: usize) -> Option<NonNull<u8>> {
        self.take_pocketed(size, align).or_else(|| self.search(size, align))
    }

    /// As [`take`](Self::take), if [`take_pocketed`](Self::take_pocketed) found nothing.
    #[inline]
    pub(super) fn search(&self, size: usize, align: usize) -> Option<NonNull<u8>> {
        self.allocate(size, align)
            .or_else(|| if self.empty_pockets() { self.allocate(size, align) } else { None })
    }

    #[inline(never)]
    fn allocate(&self, size: usize, align: usize) -> Option<NonNull<u8>> {
        if size > self.capacity {
            return None;
        }
        let payload = size - BLOCK_OVERHEAD - align.saturating_sub(GRANULE / 2);
        // SAFETY: the alignment is a layout's, and the payload is less than what lies in one piece of memory. One thread,
        // and the allocator calls nobody.
        unsafe { (*self.blocks.get()).allocate(Layout::from_size_align_unchecked(payload, align)) }
    }

    /// Takes a block back.
    ///
    /// # Safety
    ///
    /// The block was taken from this pool with a layout of this block size and alignment, and is not used any more.
    #[inline]
    pub(super) unsafe fn give(&self, block: NonNull<u8>, size: usize, align: usize) {
        if let Some(pocket) = self.pocket(size, align) {
            let next = pocket.get();
            // SAFETY: what is in a pocket was put there before by this function.
            let depth = next.map_or(0, |next| unsafe { next.as_ref() }.depth) + 1;
            if depth <= POCKET_DEPTH {
                let pocketed = block.cast::<Pocketed>();
                // SAFETY: the block is ours now, and large enough for this as every block is.
                unsafe { pocketed.write(Pocketed { next, depth }) };
                return pocket.set(Some(pocketed));
            }
        }
        // SAFETY: the caller's.
        unsafe { self.join(block, align) };
    }

    /// Takes a block back, and joins it with its free neighbours.
    ///
    /// # Safety
    ///
    /// As for [`give`](Self::give).
    #[inline(never)]
    pub(super) unsafe fn join(&self, block: NonNull<u8>, align: usize) {
        // SAFETY: the caller's; one thread, and the allocator calls nobody.
        unsafe { (*self.blocks.get()).deallocate(block, align) };
    }

    /// Joins what is in the pockets with its free neighbours. `false` if there was nothing.
    #[cold]
    fn empty_pockets(&self) -> bool {
        let mut any = false;
        for pocket in &self.pockets {
            while let Some(first) = pocket.get() {
                any = true;
                // SAFETY: what is in a pocket was put there by `give`, which knew it to be no more aligned than this.
                unsafe {
                    pocket.set(first.as_ref().next);
                    self.join(first.cast(), GRANULE / 2);
                }
            }
        }
        any
    }

    /// Bytes in the largest block that could be taken now, found by trying.
    pub(super) fn largest_now(&self) -> usize {
        self.empty_pockets();
        self.largest(self.ceiling)
    }

    fn largest(&self, at_most: usize) -> usize {
        let (mut fits, mut too_large) = (0, at_most / GRANULE + 1);
        while too_large - fits > 1 {
            let middle = fits + (too_large - fits) / 2;
            let Ok(layout) = Layout::from_size_align(middle * GRANULE - BLOCK_OVERHEAD, 1) else { break };
            match self.allocate(Self::block_size(layout), layout.align()) {
                Some(block) => {
                    // SAFETY: taken just now.
                    unsafe { self.join(block, layout.align()) };
                    fits = middle;
                }
                None => too_large = middle,
            }
        }
        fits * GRANULE
    }
}
