//! Memory: what allocating and freeing costs in a region of which 60 % is in use, at worst, and against an adversary.
//!
//! The work is the same for the kernel's heap and for the allocators of others, which are in `peers/memory.rs`.

use std::{hint::black_box, mem::MaybeUninit};

use kernel::{
    Handle,
    heap::{Box, FixedVec},
};

use crate::{
    machine::Machine,
    marks::{self, mark, marked},
};

/// Bytes of a small region, and of a large one.
const SMALL: usize = 256 * 1024;
const LARGE: usize = 4 * 1024 * 1024;

/// Bytes of a block in the pairs.
const BLOCK: usize = 64;

/// What the adversaries fill a region with, and what they ask for then: a little more than a gap holds, so that an
/// allocator may look for it in the list of the gaps.
const ADVERSARIES: [(usize, usize); 2] = [(64, 96), (1040, 1100)];

/// An allocator over a region.
pub(super) trait Memory {
    type Block;

    /// All of a region of so many bytes.
    fn over(bytes: usize) -> Self;
    fn take(&mut self, size: usize) -> Option<Self::Block>;
    fn give(&mut self, block: Self::Block);

    /// A block of [`BLOCK`] bytes is allocated and freed.
    fn pair(&mut self) {
        let block = self.take(BLOCK).expect("there is memory");
        self.give(black_box(block));
    }
}

/// The kernel's heap.
pub(super) struct Ours {
    kernel: Handle,
    _machine: Machine,
}

impl Memory for Ours {
    type Block = FixedVec<u64>;

    fn over(bytes: usize) -> Self {
        let machine = Machine::with_memory(bytes);
        Self { kernel: machine.handle(), _machine: machine }
    }

    fn take(&mut self, size: usize) -> Option<Self::Block> {
        self.kernel.heap().try_vec(size.div_ceil(8)).ok()
    }

    fn give(&mut self, block: Self::Block) {
        drop(block);
    }

    fn pair(&mut self) {
        let block: Box<MaybeUninit<[u8; BLOCK]>> =
            self.kernel.heap().try_box(MaybeUninit::uninit()).expect("there is memory");
        black_box(&*block);
    }
}

/// No allocator at all: what is left is the loop that drives one.
pub(super) struct Loop;

impl Memory for Loop {
    type Block = ();

    fn over(_bytes: usize) -> Self {
        Self
    }

    fn take(&mut self, size: usize) -> Option<()> {
        black_box(size);
        Some(())
    }

    fn give(&mut self, (): ()) {
        black_box(());
    }
}

/// A linear congruential generator.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }

    /// The size of a block, from 16 to 2048 bytes.
    fn size(&mut self) -> usize {
        16 + self.below(2033)
    }
}

/// Blocks that come and go at random. Half of the places are empty, and all of them would need 120 % of the region.
struct Churn<M: Memory> {
    memory: M,
    random: Random,
    places: Vec<Option<M::Block>>,
}

impl<M: Memory> Churn<M> {
    /// After as many steps as it takes to look the same from then on.
    fn new(bytes: usize) -> Self {
        let places = bytes / 1032 * 120 / 100;
        let places: Vec<_> = (0..places).map(|_| None).collect();
        let mut churn = Self { memory: M::over(bytes), random: Random(1), places };
        for _ in 0..8 * churn.places.len() {
            churn.step::<false>();
        }
        churn
    }

    /// Allocates a block, or frees one.
    fn step<const MARKED: bool>(&mut self) {
        let at = self.random.below(self.places.len());
        let block = self.places[at].take();
        let size = self.random.size();
        if MARKED {
            mark();
        }
        if let Some(block) = block {
            self.memory.give(block);
        } else {
            self.places[at] = self.memory.take(size);
        }
        if MARKED {
            mark();
        }
    }
}

/// A block is allocated and freed.
pub(super) fn pair_in_small<M: Memory>(times: u64) {
    pair_in::<M>(SMALL, times);
}

pub(super) fn pair<M: Memory>(times: u64) {
    pair_in::<M>(LARGE, times);
}

fn pair_in<M: Memory>(bytes: usize, times: u64) {
    let mut churn = Churn::<M>::new(bytes);
    for _ in 0..times {
        churn.memory.pair();
    }
}

/// One operation allocates a block or frees one.
pub(super) fn churn_in_small<M: Memory>(times: u64) {
    churn_in::<M>(SMALL, times);
}

pub(super) fn churn<M: Memory>(times: u64) {
    churn_in::<M>(LARGE, times);
}

fn churn_in<M: Memory>(bytes: usize, times: u64) {
    let mut churn = Churn::<M>::new(bytes);
    for _ in 0..times {
        churn.step::<false>();
    }
}

/// The same, each operation marked.
pub(super) fn dearest<M: Memory>(times: u64) {
    let mut churn = Churn::<M>::new(LARGE);
    marks::start();
    for _ in 0..times {
        churn.step::<true>();
    }
}

/// A region of which every other block is free, and in which there is a single gap for the request, at the end.
struct Adversary<M: Memory> {
    memory: M,
    request: usize,
    _blocks: Vec<Option<M::Block>>,
}

impl<M: Memory> Adversary<M> {
    fn new((block, request): (usize, usize)) -> Self {
        let mut memory = M::over(LARGE);
        let mut blocks = Vec::with_capacity(LARGE / block);
        while let Some(taken) = memory.take(block) {
            blocks.push(Some(taken));
        }
        let full = blocks.len();
        for last in &mut blocks[full - 4..] {
            memory.give(last.take().expect("it is freed once"));
        }
        let wanted = memory.take(request).expect("there is a gap at the end");
        while let Some(taken) = memory.take(block) {
            blocks.push(Some(taken));
        }
        // The first to be free, since the last may be the first to be looked at; and its neighbour is not free.
        memory.give(wanted);
        for other in blocks[..full - 5].iter_mut().step_by(2) {
            memory.give(other.take().expect("it is freed once"));
        }
        Self { memory, request, _blocks: blocks }
    }
}

fn against_adversaries<M: Memory>(operation: impl Fn(&mut Adversary<M>)) {
    marks::start();
    for sizes in ADVERSARIES {
        operation(&mut Adversary::new(sizes));
    }
}

/// A block is allocated for which there is one gap.
pub(super) fn adversary_take<M: Memory>(_times: u64) {
    against_adversaries(|it: &mut Adversary<M>| {
        let block = marked(|| it.memory.take(it.request));
        it.memory.give(block.expect("there is a gap"));
    });
}

/// A block is asked for for which there is none.
pub(super) fn adversary_refuse<M: Memory>(_times: u64) {
    against_adversaries(|it: &mut Adversary<M>| {
        let _last = it.memory.take(it.request).expect("there is a gap");
        assert!(marked(|| it.memory.take(it.request)).is_none(), "there is no other gap");
    });
}

/// The block at the end is freed.
pub(super) fn adversary_give<M: Memory>(_times: u64) {
    against_adversaries(|it: &mut Adversary<M>| {
        let block = it.memory.take(it.request).expect("there is a gap");
        marked(|| it.memory.give(block));
    });
}
