//! A home for the laws on a chip: machines in static memory, time that really passes, and interrupts that are taken by
//! the core.
//!
//! A board implements [`Chip`], calls [`on_interrupt`] from one interrupt handler, and runs the laws in [`OnChip`].
//!
//! # Safety
//!
//! 1. A slot's memory belongs to whoever turned its `taken` from false to true, as the region of one kernel.
//! 2. `taken` turns false only in `release`, which a kernel calls once it uses its region no more.
#![expect(unsafe_code, reason = "static memory becomes the regions of one kernel after another")]

use core::{
    cell::{RefCell, UnsafeCell},
    mem::MaybeUninit,
    ptr::NonNull,
};

use critical_section::Mutex;
use kernel::{
    Handle, Kernel, Tick,
    heap::Region,
    interrupt::Trigger,
    limits::Settings,
    platform::Clock,
    sync::atomic::{AtomicBool, Ordering},
    time::Instant,
};

use crate::{HEAP, Home, Machine};

/// Machines that a law boots at a time, at most.
const MACHINES: usize = 2;

/// What the laws need of a board, beside a console to report on.
pub trait Chip: Copy {
    /// The chip's clock, which runs on from law to law.
    type Clock: Clock + 'static;

    /// The clock, for one more kernel.
    fn clock(&self) -> Self::Clock;

    /// Sleeps as the board does between two ticks, until an interrupt comes or until then; not at all if the kernel has a
    /// task to run.
    fn sleep(&self, kernel: &Kernel, until: Instant);

    /// Raises an interrupt whose handler calls [`on_interrupt`], and lets the core take it.
    fn raise_interrupt(&self);

    /// The same, but at that time, whatever the core does then. A chip that has no timer for this raises it at once.
    fn raise_interrupt_at(&self, at: Instant) {
        let _ = at;
        self.raise_interrupt();
    }
}

/// Boots machines on a chip, with heaps of up to [`HEAP`] bytes.
pub struct OnChip<C>(pub C);

/// A machine on a chip.
pub struct ChipMachine<C> {
    kernel: Kernel,
    chip: C,
}

/// Memory for one machine.
#[repr(C, align(8))]
struct Slot {
    memory: UnsafeCell<MaybeUninit<[u8; HEAP]>>,
    taken: AtomicBool,
}

// SAFETY: rule 1 gives the memory one user at a time, and the flag is atomic.
unsafe impl Sync for Slot {}

static SLOTS: [Slot; MACHINES] = [const { Slot::free() }; MACHINES];

/// What the next interrupt fires.
static PENDING: Mutex<RefCell<Option<Trigger>>> = Mutex::new(RefCell::new(None));

impl Slot {
    const fn free() -> Self {
        Self { memory: UnsafeCell::new(MaybeUninit::uninit()), taken: AtomicBool::new(false) }
    }

    fn start(&self) -> NonNull<u8> {
        NonNull::from(&self.memory).cast()
    }

    /// Takes the slot's memory as a region, unless a machine has it.
    fn take(&self, len: usize) -> Option<Region> {
        assert!(len <= HEAP, "a law's heap of {len} bytes does not fit a slot of {HEAP}");
        let was_taken = self.taken.swap(true, Ordering::Acquire);
        // SAFETY: rule 1; the region is not longer than the slot.
        (!was_taken).then(|| unsafe { Region::from_raw(self.start(), len, release) })
    }
}

/// Makes the slot at this address free again. Regions are made of slots only, so there is one.
unsafe fn release(start: NonNull<u8>, _len: usize) {
    for slot in SLOTS.iter().filter(|slot| slot.start() == start) {
        // Rule 2.
        slot.taken.store(false, Ordering::Release);
    }
}

/// To be called by the handler of the interrupt that [`Chip::raise_interrupt`] raises.
pub fn on_interrupt() {
    if let Some(trigger) = critical_section::with(|section| PENDING.take(section)) {
        // The law holds its own clone, so nothing is freed when this one is dropped.
        trigger.fire();
    }
}

impl<C: Chip> Home for OnChip<C> {
    type Machine = ChipMachine<C>;

    fn boot(&mut self, heap: usize, settings: &Settings) -> ChipMachine<C> {
        let region = SLOTS.iter().find_map(|slot| slot.take(heap));
        let region = region.expect("the machines of the laws before have given their memory back");
        let kernel = Kernel::new(region, self.0.clock(), settings).expect("the heap is large enough");
        ChipMachine { kernel, chip: self.0 }
    }
}

impl<C: Chip> Machine for ChipMachine<C> {
    fn kernel(&self) -> Handle {
        self.kernel.handle()
    }

    fn tick(&mut self) -> Tick {
        self.kernel.tick()
    }

    fn pass_until(&mut self, then: Instant) {
        while self.kernel().now() < then {
            self.chip.sleep(&self.kernel, then);
        }
    }

    fn sleep(&mut self, until: Instant) {
        self.chip.sleep(&self.kernel, until);
    }

    fn interrupt(&mut self, trigger: &Trigger) {
        critical_section::with(|section| PENDING.replace(section, Some(trigger.clone())));
        self.chip.raise_interrupt();
        let missed = critical_section::with(|section| PENDING.take(section));
        assert!(missed.is_none(), "the core takes an interrupt that was raised");
    }

    fn interrupt_at(&mut self, trigger: &Trigger, at: Instant) {
        critical_section::with(|section| PENDING.replace(section, Some(trigger.clone())));
        self.chip.raise_interrupt_at(at);
    }
}
