//! Memory: what a pair of allocating and freeing costs, and the dearest of either.

use std::{hint::black_box, mem::MaybeUninit};

use kernel::heap::{Box, Buffer, Heap};

use crate::{machine::Machine, steps::Stepper};

/// Sizes of live blocks, from 16 to 2048 bytes.
pub(super) fn random_size(random: &mut Random) -> usize {
    16 + random.below(2033)
}

/// A linear congruential generator.
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }
}

/// Fills the heap with blocks of random size, of which gaps are left, until so much of it is used.
fn fill(heap: &Heap, random: &mut Random, percent: usize) -> Vec<Option<Buffer>> {
    let capacity = heap.stats().capacity;
    let mut blocks = Vec::new();
    while heap.stats().used < capacity / 100 * 90 {
        blocks.push(heap.try_buffer(random_size(random)).ok());
    }
    while heap.stats().used > capacity / 100 * percent {
        let at = random.below(blocks.len());
        blocks[at] = None;
    }
    blocks
}

/// 64 bytes are allocated and freed, in a heap of which 60 % is used.
pub(crate) fn pair(times: u64) {
    let machine = Machine::boot();
    let kernel = machine.handle();
    let blocks = fill(kernel.heap(), &mut Random::new(1), 60);
    for _ in 0..times {
        let block: Box<MaybeUninit<[u8; 64]>> =
            kernel.heap().try_box(MaybeUninit::uninit()).expect("there is memory");
        black_box(&*block);
    }
    drop(blocks);
}

/// The dearest allocation or release of a long random history, at 60 to 90 % full.
pub(crate) fn worst(times: u64) -> u64 {
    let machine = Machine::boot();
    let kernel = machine.handle();
    let heap = kernel.heap();
    let mut random = Random::new(2);
    let mut blocks = fill(heap, &mut random, 60);
    let stepper = Stepper::new();
    let mut worst = 0;
    for _ in 0..times {
        let at = random.below(blocks.len());
        let steps = if let Some(block) = blocks[at].take() {
            stepper.steps(|| drop(block)).1
        } else {
            let size = random_size(&mut random);
            let (block, steps) = stepper.steps(|| heap.try_buffer(size));
            blocks[at] = block.ok();
            steps
        };
        worst = worst.max(steps);
    }
    worst
}
