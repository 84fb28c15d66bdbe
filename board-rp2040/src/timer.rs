//! The kernel's clock, the TIMER's 64-bit count of microseconds, and the alarm that ends the kernel's sleep.
//!
//! The count is read as two words, and the lower one may wrap between the two reads. There is a latching pair of
//! registers for this, but a read of its upper half takes the value latched by whoever read the lower half last,
//! an interrupt handler for instance. The raw pair has no such state:
//!
//! ```text
//!  high   6  ────────────┐ 7
//!  low    ...ffff_fffe  ffff_ffff  0000_0000  0000_0001...
//!              ▲ high=6      ▲ low        ▲ high=7: it wrapped somewhere in between, read again
//! ```
//!
//! When the upper word is the same before and after, the lower word belongs to it. Otherwise the next round is
//! 71 minutes away from another wrap, so there are at most two rounds.
//!
//! # Safety
//!
//! 1. A [`Timer`] exists only after [`Timer::start`], which takes the register block for good. Tasks and interrupts read
//!    the raw count, which changes nothing. All that is written, by the machine's loop or the alarm's interrupt, are
//!    whole registers.
//! 2. Every value is meant for an alarm, and each of the four lowest bits for disarming one.
#![expect(unsafe_code, reason = "registers that tasks, interrupts and the machine's loop share")]

use kernel::{platform::Clock, time::Instant};
use rp2040_pac::{RESETS, TIMER, timer::RegisterBlock};

use crate::{alarm, clocks::Clocks};

/// Microseconds since [`Timer::start`]. It never wraps: 64 bits last for half a million years.
#[derive(Clone)]
pub struct Timer {
    _started: (),
}

impl Timer {
    /// Starts counting from zero, at the pace of the watchdog's tick, which the clocks include. The alarm's interrupt is
    /// on; it comes once it is unmasked in the interrupt controller.
    pub fn start(timer: TIMER, resets: &RESETS, _clocks: Clocks) -> Timer {
        resets.reset().modify(|_, w| w.timer().set_bit());
        resets.reset().modify(|_, w| w.timer().clear_bit());
        while resets.reset_done().read().timer().bit_is_clear() {}
        timer.inte().write(|w| w.alarm_0().set_bit());
        Timer { _started: () }
    }

    /// Has the alarm's interrupt come at this time or before, or without a time not at all. `false`: it is time already,
    /// and the interrupt may not come.
    #[must_use]
    pub fn set_alarm(&self, at: Option<Instant>) -> bool {
        let Some(at) = at else {
            // A one disarms, and this one is alarm 0's.
            // SAFETY: rule 2.
            self.registers().armed().write(|w| unsafe { w.armed().bits(1 << 0) });
            return true;
        };
        // SAFETY: rule 2.
        self.registers().alarm0().write(|w| unsafe { w.bits(alarm::word(at.as_micros())) });
        // Only now: had the time come between a look and the write, the alarm would be a turn away.
        self.now_us() < at.as_micros()
    }

    /// Quiets the alarm that went off. For its interrupt handler.
    pub(crate) fn acknowledge_alarm(&self) {
        self.registers().intr().write(|w| w.alarm_0().clear_bit_by_one());
    }

    fn registers(&self) -> &'static RegisterBlock {
        // SAFETY: rule 1.
        unsafe { &*TIMER::PTR }
    }
}

/// The time of a panic, which may come before the timer is started; 0 then.
pub(crate) fn now_in_panic() -> u64 {
    // SAFETY: reading this register has no effect, and nobody who writes it runs any more.
    let resets = unsafe { &*RESETS::PTR };
    if resets.reset_done().read().timer().bit_is_set() { Timer { _started: () }.now_us() } else { 0 }
}

impl Clock for Timer {
    fn now_us(&self) -> u64 {
        let registers = self.registers();
        let mut high = registers.timerawh().read().bits();
        loop {
            let low = registers.timerawl().read().bits();
            let high_after = registers.timerawh().read().bits();
            if high_after == high {
                return u64::from(high) << 32 | u64::from(low);
            }
            high = high_after;
        }
    }
}
