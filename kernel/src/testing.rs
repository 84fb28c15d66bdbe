//! A kernel for unit tests: a region of its own, and a clock that stands still until told otherwise.
#![expect(unsafe_code, reason = "the region of a test is allocated, and given back by the kernel")]

use std::{
    alloc::{Layout, alloc, dealloc},
    collections::VecDeque,
    ptr::NonNull,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use host_critical_section as _;

use crate::{
    Kernel,
    heap::Region,
    limits::Settings,
    platform::{Clock, Next},
    services::serial::device::{Received, Uart},
};

const ALIGN: usize = 64;

/// A region of so many bytes, aligned to 64.
pub(crate) fn region(len: usize) -> Region {
    let layout = Layout::from_size_align(len, ALIGN).expect("a small layout");
    // SAFETY: the size is not zero; the memory is the region's until `release` is called.
    unsafe { Region::from_raw(NonNull::new(alloc(layout)).expect("a test has memory"), len, release) }
}

unsafe fn release(start: NonNull<u8>, len: usize) {
    let layout = Layout::from_size_align(len, ALIGN).expect("as allocated");
    // SAFETY: allocated by `region` with this layout, and given back once.
    unsafe { dealloc(start.as_ptr(), layout) };
    RELEASED.set(RELEASED.get() + 1);
}

std::thread_local! {
    static RELEASED: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// How many regions were given back on this thread.
pub(crate) fn regions_released() -> usize {
    RELEASED.get()
}

/// A clock that is set by hand; clones show the same time.
#[derive(Clone, Default)]
pub(crate) struct Manual(Arc<AtomicU64>);

impl Manual {
    pub(crate) fn set(&self, us: u64) {
        self.0.store(us, Ordering::Relaxed);
    }
}

impl Clock for Manual {
    fn now_us(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Bytes of a machine's region. Under Miri each step takes the longer, the more of its region was ever touched.
const HEAP: usize = if cfg!(miri) { 56 * 1024 } else { 128 * 1024 };

/// A kernel and its clock.
pub(crate) struct Machine {
    pub(crate) kernel: Kernel,
    pub(crate) clock: Manual,
}

impl Machine {
    pub(crate) fn new() -> Self {
        Self::with(HEAP, &Settings::DEFAULT)
    }

    /// A machine whose ticks poll once.
    pub(crate) fn stepping() -> Self {
        Self::with(HEAP, &Settings { polls_per_tick: 1, ..Settings::DEFAULT })
    }

    pub(crate) fn with(heap: usize, settings: &Settings) -> Self {
        let clock = Manual::default();
        let kernel = Kernel::new(region(heap), clock.clone(), settings).expect("the region is large enough");
        Self { kernel, clock }
    }

    /// Ticks until nothing is ready. Time stands still.
    pub(crate) fn settle(&self) -> Next {
        for _ in 0..1_000_000 {
            match self.kernel.tick().next {
                Next::RunAgain => {}
                next => return next,
            }
        }
        panic!("the machine does not come to rest");
    }

    /// Lets so many microseconds pass, firing what is due on the way.
    pub(crate) fn run_for_us(&self, us: u64) {
        let end = self.clock.now_us() + us;
        while let Next::SleepUntil(deadline) = self.settle()
            && deadline.as_micros() <= end
        {
            self.clock.set(deadline.as_micros());
        }
        self.clock.set(end);
        self.settle();
    }

    /// Ticks until nothing is ready and no timer is set, letting time pass at once.
    pub(crate) fn run(&self) -> Next {
        for _ in 0..10_000 {
            match self.settle() {
                Next::SleepUntil(deadline) => self.clock.set(deadline.as_micros()),
                next => return next,
            }
        }
        panic!("timers are set for ever");
    }
}

/// Registers of a UART with FIFOs of 4.
#[derive(Default)]
pub(crate) struct Registers {
    pub(crate) receive: VecDeque<Received>,
    pub(crate) transmit: VecDeque<u8>,
    pub(crate) transmit_interrupt: bool,
    /// The far end waits when it is told to.
    pub(crate) flow_control: bool,
    pub(crate) held_back: bool,
}

/// A UART.
#[derive(Clone, Default)]
pub(crate) struct Model(Arc<Mutex<Registers>>);

/// Entries in a FIFO of the model.
pub(crate) const FIFO: usize = 4;

impl Model {
    pub(crate) fn with<R>(&self, with: impl FnOnce(&mut Registers) -> R) -> R {
        with(&mut self.0.lock().expect("no test panics with the registers"))
    }
}

impl Uart for Model {
    fn receive(&self) -> Option<Received> {
        self.with(|registers| registers.receive.pop_front())
    }

    fn transmit(&self, byte: u8) -> bool {
        self.with(|registers| {
            let room = registers.transmit.len() < FIFO;
            if room {
                registers.transmit.push_back(byte);
            }
            room
        })
    }

    fn set_transmit_interrupt(&self, on: bool) {
        self.with(|registers| registers.transmit_interrupt = on);
    }

    fn is_transmitting(&self) -> bool {
        self.with(|registers| !registers.transmit.is_empty())
    }

    fn hold_back(&self, hold: bool) -> bool {
        self.with(|registers| {
            registers.held_back = hold && registers.flow_control;
            registers.flow_control
        })
    }
}
