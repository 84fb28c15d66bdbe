//! The heap: what it costs.

use core::{hint::black_box, mem::MaybeUninit};

use kernel::{Handle, heap::Box};

use super::stopwatch::Stopwatch;

/// 64 bytes are allocated, and freed.
pub(super) async fn heap_pair(kernel: &Handle, watch: &Stopwatch) -> u32 {
    let heap = kernel.heap();
    watch
        .cost(async |times| {
            for _ in 0..times {
                let memory: Box<MaybeUninit<[u8; 64]>> =
                    heap.try_box(MaybeUninit::uninit()).expect("there is memory");
                black_box(&*memory);
            }
        })
        .await
}
