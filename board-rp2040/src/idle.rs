//! Sleeping between interrupts without missing one.
//!
//! An interrupt that arrives after the last look for work, but before the sleep, must not be slept through. So both
//! happen with interrupts masked: a masked interrupt still becomes pending, a pending interrupt ends the sleep, and its
//! handler runs as soon as the mask is lifted.

use cortex_m::{asm, interrupt};

use crate::Watchdog;

/// Sleeps until an interrupt is pending, unless `may_sleep` says that there is something to do already.
///
/// `may_sleep` runs with interrupts off, so it should only look, and set the alarm that ends the sleep: one that were set
/// before could go off before interrupts are off, and nothing would end the sleep then.
pub fn sleep_if(watchdog: &Watchdog, may_sleep: impl FnOnce() -> bool) {
    interrupt::free(|_| {
        if may_sleep() {
            watchdog.pause();
            // Writes to peripherals land before the clock of the core stops.
            asm::dsb();
            asm::wfi();
            watchdog.resume();
        }
    });
}
