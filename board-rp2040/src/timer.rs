//! The kernel's clock: the TIMER's 64-bit count of microseconds.
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

use kernel::platform::Clock;
use rp2040_pac::{RESETS, TIMER};

use crate::clocks::Clocks;

/// Microseconds since [`Timer::start`]. It never wraps: 64 bits last for half a million years.
pub struct Timer {
    registers: TIMER,
}

impl Timer {
    /// Starts counting from zero, at the pace of the watchdog's tick, which the clocks include.
    pub fn start(registers: TIMER, resets: &RESETS, _clocks: Clocks) -> Timer {
        resets.reset().modify(|_, w| w.timer().set_bit());
        resets.reset().modify(|_, w| w.timer().clear_bit());
        while resets.reset_done().read().timer().bit_is_clear() {}
        Timer { registers }
    }
}

#[expect(unsafe_code, reason = "the register block is a pointer, which says nothing about its contexts")]
// SAFETY: a shared timer only reads the raw count, which takes no turns and changes nothing, in tasks and interrupts alike.
unsafe impl Sync for Timer {}

impl Clock for Timer {
    fn now_us(&self) -> u64 {
        let mut high = self.registers.timerawh().read().bits();
        loop {
            let low = self.registers.timerawl().read().bits();
            let high_after = self.registers.timerawh().read().bits();
            if high_after == high {
                return u64::from(high) << 32 | u64::from(low);
            }
            high = high_after;
        }
    }
}
