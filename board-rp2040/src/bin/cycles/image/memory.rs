//! The heap: what it costs, and what is in it.

use core::{future, hint::black_box, mem::MaybeUninit};

use board_rp2040::Timer;
use cortex_m::singleton;
use kernel::{
    Handle, Kernel,
    heap::{Box, Region},
    limits::Settings,
    registry::Server,
    time::Sleep,
};

use super::{
    messages::{self, Successor},
    stopwatch::Stopwatch,
};

/// Slots that a connection is given beyond the first, to see what one takes.
const SLOTS: usize = 8;

/// Bytes of a region that a kernel fits in.
const KERNEL: usize = 4096;

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

/// What is in use now, and was not before.
fn taken_since(kernel: &Handle, before: usize) -> u32 {
    u32::try_from(kernel.heap().stats().used - before).expect("more is in use than before")
}

/// A kernel without tables for events, log lines and services.
pub(super) fn kernel(clock: Timer) -> u32 {
    let memory = singleton!(: [MaybeUninit<u8>; KERNEL] = [MaybeUninit::uninit(); KERNEL]);
    let region = Region::from_static(memory.expect("it is measured once"));
    let settings = Settings { events: 0, log_lines: 0, services: 0, ..Settings::DEFAULT };
    let kernel = Kernel::new(region, clock, &settings).expect("the region is large enough");
    let used = kernel.handle().heap().stats().used;
    // The heap's own figures are at the start of the region.
    let figures = KERNEL - kernel.handle().heap().stats().capacity;
    (used + figures) as u32
}

/// A task that does nothing, and so has nothing to keep in its future.
pub(super) async fn task(kernel: &Handle) -> u32 {
    let before = kernel.heap().stats().used;
    let task = kernel.try_spawn("idle", future::pending::<()>()).expect("there is memory for a task");
    let bytes = taken_since(kernel, before);
    messages::end(task).await;
    bytes
}

/// A service, without the task that serves it.
pub(super) fn service(kernel: &Handle) -> u32 {
    let before = kernel.heap().stats().used;
    let _server: Server<Successor> = kernel.services().try_bind("").expect("there is memory for a service");
    taken_since(kernel, before)
}

/// A connection with one slot, for a request and a reply of eight bytes; and each further slot of it.
pub(super) async fn connection_and_slot(kernel: &Handle) -> (u32, u32) {
    let server = kernel.services().try_bind("").expect("there is memory for a service");
    let server = kernel.try_spawn("server", messages::serve(server)).expect("there is memory for a task");
    let of_depth = async |depth| {
        let before = kernel.heap().stats().used;
        let _client = messages::connect(kernel, depth).await;
        taken_since(kernel, before)
    };
    let one = of_depth(1).await;
    let many = of_depth(1 + SLOTS).await;
    messages::end(server).await;
    (one, (many - one) / SLOTS as u32)
}

/// A timer, which is part of the future that waits for it.
pub(super) const fn timer() -> u32 {
    size_of::<Sleep<'_>>() as u32
}
