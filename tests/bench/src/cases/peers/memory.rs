//! Allocators over a region.
#![expect(unsafe_code, reason = "raw memory is allocated and freed")]

use std::{
    alloc::{GlobalAlloc, Layout},
    mem::MaybeUninit,
    ptr::NonNull,
};

pub(in crate::cases) use embedded_alloc::TlsfHeap;
pub(in crate::cases) use linked_list_allocator::Heap as LinkedList;
use rlsf::Tlsf;
use talc::{DefaultBinning, base::Talc, source::Manual};

use crate::cases::heap::Memory;

/// A block, and what it was asked for: all of these want it back.
type Block = (NonNull<u8>, Layout);

/// As many classes as the region needs, as on a small chip.
pub(in crate::cases) type Rlsf = Tlsf<'static, u32, u32, 20, 32>;

pub(in crate::cases) type TalcHeap = Talc<Manual, DefaultBinning>;

fn region(bytes: usize) -> &'static mut [MaybeUninit<u8>] {
    Box::leak(Box::new_uninit_slice(bytes))
}

fn layout(size: usize) -> Layout {
    Layout::from_size_align(size, 8).expect("a small layout")
}

impl Memory for Rlsf {
    type Block = Block;

    fn over(bytes: usize) -> Self {
        let mut memory = Tlsf::new();
        memory.insert_free_block(region(bytes));
        memory
    }

    fn take(&mut self, size: usize) -> Option<Block> {
        let layout = layout(size);
        Some((self.allocate(layout)?, layout))
    }

    fn give(&mut self, (block, layout): Block) {
        // SAFETY: taken with this layout.
        unsafe { self.deallocate(block, layout.align()) };
    }
}

impl Memory for TlsfHeap {
    type Block = Block;

    fn over(bytes: usize) -> Self {
        let memory = TlsfHeap::empty();
        // SAFETY: the region is nobody else's, for ever.
        unsafe { memory.init(region(bytes).as_mut_ptr().addr(), bytes) };
        memory
    }

    fn take(&mut self, size: usize) -> Option<Block> {
        let layout = layout(size);
        // SAFETY: the size is not zero.
        Some((NonNull::new(unsafe { self.alloc(layout) })?, layout))
    }

    fn give(&mut self, (block, layout): Block) {
        // SAFETY: taken with this layout.
        unsafe { self.dealloc(block.as_ptr(), layout) };
    }
}

impl Memory for TalcHeap {
    type Block = Block;

    fn over(bytes: usize) -> Self {
        let mut memory = Talc::new(Manual);
        // SAFETY: the region is nobody else's, for ever.
        unsafe { memory.claim(region(bytes).as_mut_ptr().cast(), bytes) }
            .expect("the region is large enough");
        memory
    }

    fn take(&mut self, size: usize) -> Option<Block> {
        let layout = layout(size);
        // SAFETY: the size is not zero.
        Some((unsafe { self.allocate(layout) }?, layout))
    }

    fn give(&mut self, (block, layout): Block) {
        // SAFETY: taken with this layout.
        unsafe { self.deallocate(block.as_ptr(), layout) };
    }
}

impl Memory for LinkedList {
    type Block = Block;

    fn over(bytes: usize) -> Self {
        let mut memory = LinkedList::empty();
        memory.init_from_slice(region(bytes));
        memory
    }

    fn take(&mut self, size: usize) -> Option<Block> {
        let layout = layout(size);
        Some((self.allocate_first_fit(layout).ok()?, layout))
    }

    fn give(&mut self, (block, layout): Block) {
        // SAFETY: taken with this layout.
        unsafe { self.deallocate(block, layout) };
    }
}
