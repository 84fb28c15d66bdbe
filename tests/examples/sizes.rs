//! Prints how many bytes things take on this machine: a name and a number in each line. `scripts/sizes` runs it.

use std::mem::MaybeUninit;

use conformance::sizes;
use kernel::{
    Kernel,
    heap::Region,
    limits::Settings,
    platform::{Clock, Next},
};
// Brings the critical section.
use sim_host as _;

/// Bytes of the machine's memory.
const MEMORY: usize = 128 * 1024;

struct Still;

impl Clock for Still {
    fn now_us(&self) -> u64 {
        0
    }
}

fn main() {
    let memory: &'static mut [MaybeUninit<u8>] = Box::leak(Box::new_uninit_slice(MEMORY));
    let kernel =
        Kernel::new(Region::from_static(memory), Still, &Settings::DEFAULT).expect("it is large enough");
    let handle = kernel.handle();
    let other = Box::leak(Box::new([MaybeUninit::uninit(); sizes::KERNEL]));
    let measure =
        async move { sizes::measure(&handle, other, Still, |name, bytes| println!("{name} {bytes}")).await };
    let task = kernel.handle().try_spawn("measure", measure).expect("there is memory for a task");
    while kernel.tick().next == Next::RunAgain {}
    assert!(task.is_finished(), "it waits for nobody outside");
}
