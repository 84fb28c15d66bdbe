//! Sleeping between interrupts without missing one.
//!
//! An interrupt that arrives after the last look for work, but before the sleep, must not be slept through. So
//! both happen with interrupts masked: a masked interrupt still becomes pending, a pending interrupt ends the
//! sleep, and its handler runs as soon as the mask is lifted.

use cortex_m::{asm, interrupt};

/// Sleeps until an interrupt is pending, unless `has_work` says that there is something to do already.
///
/// `has_work` runs with interrupts off, so it should only look.
pub fn wait_unless(has_work: impl FnOnce() -> bool) {
    interrupt::free(|_| {
        if !has_work() {
            // Writes to peripherals land before the clock of the core stops.
            asm::dsb();
            asm::wfi();
        }
    });
}
