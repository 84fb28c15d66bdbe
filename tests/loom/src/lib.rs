//! A machine whose threads and atomics are loom's, for models of the kernel.
//!
//! A model is a small program of two or three threads. Loom runs it again and again, each time with another order of what
//! the threads do, and with every value that a weak memory may show them, until it has seen them all (up to a number of
//! preemptions, `LOOM_MAX_PREEMPTIONS` or 2). Threads stand for interrupts, too: they come between any two steps, and more
//! often than interrupts do.
//!
//! What is not seen: the steps inside of a `bbqueue` ring, which takes its atomics elsewhere. They are one step here, as they are
//! on a chip, where they are made with interrupts off.

use std::{
    alloc::{Layout, alloc, dealloc},
    cell::{Cell, RefCell},
    ptr::NonNull,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Wake, Waker},
};

use kernel::{
    Kernel,
    heap::Region,
    limits::Settings,
    platform::{Clock, Next},
};
use loom::{cell::UnsafeCell, thread};

mod section;

/// The heap of a model's kernel.
const HEAP: Layout = match Layout::from_size_align(32 * 1024, 64) {
    Ok(layout) => layout,
    Err(_) => panic!("a power of two"),
};

/// A stack for the kernel in a debug build, in words.
const STACK: usize = 1 << 16;

/// Checks a model in all of its orders.
///
/// It sets up what it needs, and calls [`loom::explore`] where the orders begin to matter.
///
/// # Panics
///
/// When the model panics, when its threads wait for each other for ever, or when one reads what another writes.
pub fn check(model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.max_branches = 10_000;
    builder.expect_explicit_explore = true;
    builder.preemption_bound = builder.preemption_bound.or(Some(2));
    let model = Arc::new(model);
    let runs = Arc::new(AtomicU64::new(0));
    let counted = runs.clone();
    builder.check(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        let model = model.clone();
        // On a thread of its own, since a model's first one has too small a stack.
        let main = thread::Builder::new().stack_size(STACK).spawn(move || model());
        main.expect("loom makes threads").join().expect("the model does not panic");
        join_all();
    });
    println!("{} orders", runs.load(Ordering::Relaxed));
}

thread_local!(static SPAWNED: RefCell<Vec<thread::JoinHandle<()>>> = const { RefCell::new(Vec::new()) });

/// Starts a thread of a model, with room for the kernel's code.
///
/// # Panics
///
/// When there are too many threads for loom.
pub fn spawn(run: impl FnOnce() + Send + 'static) {
    let thread = thread::Builder::new().stack_size(STACK).spawn(run).expect("loom makes threads");
    SPAWNED.with_borrow_mut(|spawned| spawned.push(thread));
}

/// Waits for all threads that [`spawn`] has started. [`check`] does it after the model, too.
///
/// # Panics
///
/// When one of them panicked.
pub fn join_all() {
    while let Some(thread) = SPAWNED.with_borrow_mut(Vec::pop) {
        thread.join().expect("no thread of the model panics");
    }
}

/// A machine as the simulator is one: it sleeps until its doorbell rings, or an alarm does.
pub struct Machine {
    /// The kernel.
    pub kernel: Kernel,
    time: Time,
}

/// A clock that is set by hand.
#[derive(Clone, Default)]
pub struct Time(Arc<AtomicU64>);

impl Time {
    /// Sets the clock.
    pub fn set(&self, us: u64) {
        self.0.store(us, Ordering::Relaxed);
    }
}

impl Clock for Time {
    fn now_us(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

struct Unpark(thread::Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Wakes the thread that calls this.
pub fn doorbell() -> Waker {
    Arc::new(Unpark(thread::current())).into()
}

impl Machine {
    /// Boots a kernel.
    ///
    /// # Panics
    ///
    /// Never.
    pub fn new() -> Self {
        let settings = Settings { events: 4, log_lines: 1, services: 1, ..Settings::DEFAULT };
        let time = Time::default();
        let kernel = Kernel::new(region(), time.clone(), &settings).expect("the region is large enough");
        Self { kernel, time }
    }

    /// Ticks until nothing is ready.
    pub fn settle(&self) -> Next {
        loop {
            match self.kernel.tick().next {
                Next::RunAgain => {}
                next => return next,
            }
        }
    }

    /// Runs until a task stops the machine. Where it sleeps until a time, `alarm` is called with that.
    pub fn run(&self, alarm: impl Fn(u64)) {
        let doorbell = doorbell();
        loop {
            let next = self.settle();
            if let Next::Stop(_) = next {
                return;
            }
            if self.kernel.fall_asleep(&doorbell) {
                if let Next::SleepUntil(at) = next {
                    alarm(at.as_micros());
                }
                thread::park();
            }
        }
    }

    /// The machine's clock, for whoever plays the alarm.
    pub fn time(&self) -> Time {
        self.time.clone()
    }
}

impl Default for Machine {
    fn default() -> Self {
        Self::new()
    }
}

/// A word that is handed over without any lock: loom panics when it is read while it may still be written.
pub struct Mail(UnsafeCell<u32>);

// SAFETY: loom panics before a race can do harm.
#[expect(unsafe_code, reason = "what is checked is that nobody reads this too early")]
unsafe impl Sync for Mail {}

impl Mail {
    /// A word.
    pub fn new(value: u32) -> Self {
        Self(UnsafeCell::new(value))
    }

    /// Changes the word.
    #[expect(unsafe_code, reason = "loom's cell")]
    pub fn write(&self, value: u32) {
        // SAFETY: loom panics if somebody else is at it.
        self.0.with_mut(|place| unsafe { *place = value });
    }

    /// Reads the word.
    #[expect(unsafe_code, reason = "loom's cell")]
    pub fn read(&self) -> u32 {
        // SAFETY: as above.
        self.0.with(|place| unsafe { *place })
    }
}

thread_local!(static REGIONS: Cell<usize> = const { Cell::new(0) });

/// Regions that kernels have and have not given back yet.
pub fn regions() -> usize {
    REGIONS.get()
}

#[expect(unsafe_code, reason = "a region is allocated, and given back by the kernel")]
fn region() -> Region {
    REGIONS.set(REGIONS.get() + 1);
    // SAFETY: the size is not zero; the memory is the region's until `release` is called.
    unsafe { Region::from_raw(NonNull::new(alloc(HEAP)).expect("there is memory"), HEAP.size(), release) }
}

#[expect(unsafe_code, reason = "a region is given back by the kernel")]
unsafe fn release(start: NonNull<u8>, _len: usize) {
    // SAFETY: allocated by `region` with this layout, and given back once.
    unsafe { dealloc(start.as_ptr(), HEAP) };
    REGIONS.set(REGIONS.get() - 1);
}
