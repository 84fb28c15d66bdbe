//! The figures of a heap.

use super::{Heap, pool::BLOCK_OVERHEAD};

/// The figures of a heap. Sizes are in bytes, overhead included unless it says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeapStats {
    /// What can be used.
    pub capacity: usize,
    /// What is in use.
    pub used: usize,
    /// The most that was in use at a time.
    pub peak: usize,
    /// The largest request that would succeed now, without overhead.
    pub largest_free: usize,
    /// Live blocks, those included that stay as long as the kernel.
    pub blocks: usize,
    /// Allocations since boot.
    pub allocations: u64,
    /// Allocations refused since boot.
    pub failures: u32,
    /// Tasks that wait for memory.
    pub waiters: u32,
}

impl HeapStats {
    /// What is free, in blocks of whatever size.
    pub const fn free(&self) -> usize {
        self.capacity.saturating_sub(self.used)
    }

    /// How much of the free memory the largest request could not have, in percent: 0 when all of it is in one block.
    ///
    /// A few percent are due to how requests are rounded to size classes.
    pub const fn fragmentation_percent(&self) -> usize {
        let free = self.free() as u64;
        if free == 0 {
            return 0;
        }
        let in_one = self.largest_free as u64 + BLOCK_OVERHEAD as u64;
        (free.saturating_sub(in_one) * 100 / free) as usize
    }
}

impl Heap {
    /// The heap's figures. Finding the largest free block costs a few dozen trial allocations: not for hot paths.
    pub fn stats(&self) -> HeapStats {
        HeapStats {
            capacity: self.pool.capacity(),
            used: self.used.get(),
            peak: self.peak.get(),
            largest_free: self.pool.largest_now().saturating_sub(BLOCK_OVERHEAD),
            blocks: self.live.get() + self.kept.get(),
            allocations: self.allocations.get(),
            failures: self.failures.get(),
            waiters: u32::try_from(self.line.len()).unwrap_or(u32::MAX),
        }
    }
}
