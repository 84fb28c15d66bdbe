//! The smallest machine there is: a kernel on a region of the process's memory, and a clock that is set by hand.
#![expect(
    unsafe_code,
    reason = "the process has one thread and no interrupts, which makes anything a critical section"
)]

use std::{
    future::{Future, poll_fn},
    mem::MaybeUninit,
    sync::atomic::{AtomicU64, Ordering},
    task::Poll,
};

use kernel::{
    Handle, Kernel,
    heap::Region,
    limits::Settings,
    platform::{Clock, Next},
};

/// Bytes of a machine's memory, unless a case says otherwise.
const MEMORY: usize = 4 * 1024 * 1024;

static NOW_US: AtomicU64 = AtomicU64::new(0);

struct Manual;

impl Clock for Manual {
    fn now_us(&self) -> u64 {
        NOW_US.load(Ordering::Relaxed)
    }
}

/// Where nothing can come in between, nothing needs to be locked.
struct Alone;

critical_section::set_impl!(Alone);

// SAFETY: the process has one thread and handles no signals.
unsafe impl critical_section::Impl for Alone {
    // What its state is depends on the features of the build, and does not matter.
    unsafe fn acquire() -> critical_section::RawRestoreState {
        Default::default()
    }

    unsafe fn release(_restore_state: critical_section::RawRestoreState) {}
}

/// A kernel, driven by hand.
pub(crate) struct Machine {
    kernel: Kernel,
    handle: Handle,
}

impl Machine {
    pub(crate) fn boot() -> Self {
        Self::with_memory(MEMORY)
    }

    pub(crate) fn with_memory(bytes: usize) -> Self {
        Self::with(bytes, &Settings::DEFAULT)
    }

    pub(crate) fn with(bytes: usize, settings: &Settings) -> Self {
        // The compiler must not see that nobody moves the clock.
        NOW_US.store(std::hint::black_box(0), Ordering::Relaxed);
        let memory: &'static mut [MaybeUninit<u8>] = Box::leak(Box::new_uninit_slice(bytes));
        let kernel =
            Kernel::new(Region::from_static(memory), Manual, settings).expect("the region is large enough");
        Self { handle: kernel.handle(), kernel }
    }

    pub(crate) fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// One tick.
    pub(crate) fn tick(&self) -> Next {
        self.kernel.tick().next
    }

    /// Ticks until nothing is ready.
    pub(crate) fn settle(&self) {
        while self.tick() == Next::RunAgain {}
    }

    /// Spawns a task and detaches it.
    pub(crate) fn start<F: Future<Output = ()> + 'static>(&self, name: &'static str, future: F) {
        self.handle.try_spawn(name, future).expect("there is memory for a task").detach();
    }
}

/// Lets the other tasks run once.
pub(crate) fn yield_now() -> impl Future<Output = ()> {
    let mut yielded = false;
    poll_fn(move |context| {
        if yielded {
            return Poll::Ready(());
        }
        yielded = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
}
