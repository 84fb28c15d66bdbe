//! The hardware watchdog: a machine whose loop does not come around within [`PERIOD_MS`] is reset.
//!
//! It is fed by the machine's loop and by nothing else, once for each tick of the kernel, in which every ready task has
//! had its turn. So it bites when a task does not let go of the core, when an interrupt never ends, and when the core has
//! locked up, as it does when the stack overflows. While the core sleeps the watchdog is paused: there is nothing to watch,
//! and a machine with nothing to do is not woken for it.
//!
//! # Safety
//!
//! 1. Every raw field value is a constant of this file that fits its field, checked at compile time.
//! 2. Registers are taken a second time only by [`reset`], which turns interrupts off and is the end of everything.
#![expect(unsafe_code, reason = "raw register fields, and registers that are taken for a reset")]

use cortex_m::{asm, interrupt};
use rp2040_pac::{PSM, Peripherals, WATCHDOG};

use crate::clocks::Clocks;

/// What the machine's loop may take at most, far more than any honest poll of a task does.
pub const PERIOD_MS: u32 = 2_000;

/// The counter loses two for each tick of a microsecond, by an erratum of the chip (RP2040-E1).
const LOAD: u32 = PERIOD_MS * 1_000 * 2;

const _: () = assert!(LOAD < 1 << 24);

/// The bits of all parts of the chip that a bite can reset.
const ALL_PARTS: u32 = 0x0001_ffff;

/// The running watchdog.
pub struct Watchdog {
    registers: WATCHDOG,
}

/// Who ended the run before, as far as the watchdog knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ResetBy {
    /// Power, or the reset pin.
    Chip,
    /// The machine itself, by [`reset`].
    Machine,
    /// The watchdog.
    Watchdog,
}

impl ResetBy {
    /// What the watchdog says.
    pub(crate) fn of(watchdog: &WATCHDOG) -> ResetBy {
        let reason = watchdog.reason().read();
        if reason.force().bit_is_set() {
            ResetBy::Machine
        } else if reason.timer().bit_is_set() {
            ResetBy::Watchdog
        } else {
            ResetBy::Chip
        }
    }
}

impl Watchdog {
    /// Starts watching, at the pace of the watchdog's tick, which the clocks include.
    pub fn start(registers: WATCHDOG, psm: &PSM, _clocks: Clocks) -> Watchdog {
        reset_all_but_oscillators(psm);
        let watchdog = Watchdog { registers };
        watchdog.resume();
        watchdog
    }

    /// Tells that the machine's loop has come around.
    pub fn feed(&self) {
        // SAFETY: rule 1.
        self.registers.load().write(|w| unsafe { w.load().bits(LOAD) });
    }

    /// Stops watching, before the core sleeps.
    pub fn pause(&self) {
        self.registers.ctrl().modify(|_, w| w.enable().clear_bit());
    }

    /// Goes on watching, for a whole period.
    pub(crate) fn resume(&self) {
        self.feed();
        self.registers.ctrl().modify(|_, w| w.enable().set_bit());
    }
}

/// Resets the chip as power-on does, but that RAM keeps its content.
pub fn reset() -> ! {
    interrupt::disable();
    // SAFETY: rule 2.
    let chip = unsafe { Peripherals::steal() };
    reset_all_but_oscillators(&chip.PSM);
    chip.WATCHDOG.ctrl().write(|w| w.trigger().set_bit());
    loop {
        asm::nop();
    }
}

/// Has a bite reset the chip, not just the core. The oscillators go on, since the core needs one to start.
fn reset_all_but_oscillators(psm: &PSM) {
    // SAFETY: rule 1.
    psm.wdsel().write(|w| unsafe { w.bits(ALL_PARTS) }.rosc().clear_bit().xosc().clear_bit());
}
