//! The smallest machine there is: a kernel, a region of the process's memory, and a clock that is set by hand.
#![expect(unsafe_code, reason = "a region is allocated here, and given back by the kernel")]

use std::{
    alloc::{Layout, alloc, dealloc},
    ptr::NonNull,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use conformance::{Home, Machine};
use kernel::{
    Handle, Kernel, Tick, heap::Region, interrupt::Trigger, limits::Settings, platform::Clock, time::Instant,
};

/// Boots bare machines.
pub(crate) struct Bare;

pub(crate) struct BareMachine {
    kernel: Kernel,
    clock: Manual,
}

#[derive(Clone)]
struct Manual(Arc<AtomicU64>);

impl Clock for Manual {
    fn now_us(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

const ALIGN: usize = 16;

fn region(len: usize) -> Region {
    let layout = Layout::from_size_align(len, ALIGN).expect("a small layout");
    // SAFETY: the size is not zero; the memory is the region's until `release` is called.
    unsafe { Region::from_raw(NonNull::new(alloc(layout)).expect("there is memory"), len, release) }
}

unsafe fn release(start: NonNull<u8>, len: usize) {
    let layout = Layout::from_size_align(len, ALIGN).expect("as allocated");
    // SAFETY: allocated by `region` with this layout, and given back once.
    unsafe { dealloc(start.as_ptr(), layout) };
}

impl Home for Bare {
    type Machine = BareMachine;

    fn boot(&mut self, heap: usize, settings: &Settings) -> BareMachine {
        let clock = Manual(Arc::default());
        let kernel = Kernel::new(region(heap), clock.clone(), settings).expect("the heap is large enough");
        BareMachine { kernel, clock }
    }
}

impl Machine for BareMachine {
    fn kernel(&self) -> Handle {
        self.kernel.handle()
    }

    fn tick(&mut self) -> Tick {
        self.kernel.tick()
    }

    fn pass_until(&mut self, then: Instant) {
        self.clock.0.fetch_max(then.as_micros(), Ordering::Relaxed);
    }

    fn interrupt(&mut self, trigger: &Trigger) {
        let trigger = trigger.clone();
        // Another thread is as close as a process comes to an interrupt that lands anywhere.
        std::thread::spawn(move || trigger.fire()).join().expect("a handler does not panic");
    }
}
