//! Allocators over a fixed region, and a binary heap of deadlines.
#![expect(unsafe_code, reason = "raw memory is allocated and freed")]

use std::{
    alloc::Layout, cmp::Reverse, collections::BinaryHeap, hint::black_box, mem::MaybeUninit, ptr::NonNull,
};

use rlsf::Tlsf;

use crate::cases::{
    heap::{Random, random_size},
    timers::{PENDING, scatter},
};

const MEMORY: usize = 4 * 1024 * 1024;

/// Takes and gives back raw memory.
trait Memory {
    fn take(&mut self, layout: Layout) -> Option<NonNull<u8>>;
    fn give(&mut self, memory: NonNull<u8>, layout: Layout);
}

fn region() -> &'static mut [MaybeUninit<u8>] {
    Box::leak(Box::new_uninit_slice(MEMORY))
}

impl Memory for Tlsf<'static, u32, u32, 20, 32> {
    fn take(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        self.allocate(layout)
    }

    fn give(&mut self, memory: NonNull<u8>, layout: Layout) {
        // SAFETY: taken with this layout.
        unsafe { self.deallocate(memory, layout.align()) };
    }
}

impl Memory for linked_list_allocator::Heap {
    fn take(&mut self, layout: Layout) -> Option<NonNull<u8>> {
        self.allocate_first_fit(layout).ok()
    }

    fn give(&mut self, memory: NonNull<u8>, layout: Layout) {
        // SAFETY: taken with this layout.
        unsafe { self.deallocate(memory, layout) };
    }
}

/// 64 bytes are allocated and freed, in memory of which about 60 % is used.
fn pair(memory: &mut impl Memory, times: u64) {
    let mut random = Random::new(1);
    let mut blocks = Vec::new();
    let layout = |size| Layout::from_size_align(size, 8).expect("a small layout");
    let mut used = 0;
    while used < MEMORY / 100 * 85 {
        let of_block = layout(random_size(&mut random));
        blocks.push((memory.take(of_block).expect("there is memory"), of_block));
        used += of_block.size();
    }
    while used > MEMORY / 100 * 60 {
        let (block, of_block) = blocks.swap_remove(random.below(blocks.len()));
        memory.give(block, of_block);
        used -= of_block.size();
    }
    for _ in 0..times {
        let block = memory.take(layout(64)).expect("there is memory");
        memory.give(black_box(block), layout(64));
    }
}

pub(in crate::cases) fn rlsf_pair(times: u64) {
    let mut memory: Tlsf<'static, u32, u32, 20, 32> = Tlsf::new();
    memory.insert_free_block(region());
    pair(&mut memory, times);
}

pub(in crate::cases) fn linked_list_pair(times: u64) {
    let mut memory = linked_list_allocator::Heap::empty();
    memory.init_from_slice(region());
    pair(&mut memory, times);
}

/// A deadline is put on a heap of as many as our timers have pending, and taken off when it is the first.
pub(in crate::cases) fn binary_heap_insert_fire(times: u64) {
    let mut heap: BinaryHeap<Reverse<(u64, u32)>> =
        (0..PENDING).map(|number| Reverse((1_000_000 + scatter(number, 37), 0))).collect();
    for number in 0..times {
        heap.push(Reverse((scatter(number, 13), 1)));
        black_box(heap.pop());
    }
}
