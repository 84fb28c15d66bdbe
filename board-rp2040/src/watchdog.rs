//! The hardware watchdog: a machine whose loop does not come around within [`PERIOD_MS`] is reset.
//!
//! It is fed by the machine's loop and by nothing else, once for each tick of the kernel, in which every ready task has
//! had its turn. So it bites when a task does not let go of the core, when an interrupt never ends, and when the core has
//! locked up, as it does when the stack overflows. While the core sleeps the watchdog is paused: there is nothing to watch,
//! and a machine with nothing to do is not woken for it.
//!
//! # Safety
//!
//! 1. A [`Watchdog`] exists only after [`Watchdog::start`], which takes the register block for good, and there is one.
//!    It is used by the machine's loop only; [`reset`] is the end of everything.
//! 2. Every raw field value is a constant of this file that fits its field, checked at compile time.
#![expect(unsafe_code, reason = "raw register fields, and registers that are taken for a reset")]

use cortex_m::{asm, interrupt};
use rp2040_pac::{PSM, WATCHDOG, watchdog::RegisterBlock};

use crate::clocks::Clocks;

/// What the machine's loop may take at most, far more than any honest poll of a task does.
pub const PERIOD_MS: u32 = 2_000;

/// The counter loses two for each tick of a microsecond, by an erratum of the chip (RP2040-E1).
const LOAD: u32 = PERIOD_MS * 1_000 * 2;

const _: () = assert!(LOAD < 1 << 24);

/// The running watchdog.
pub struct Watchdog {
    _started: (),
}

/// Who ended the run before, as far as the watchdog knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResetBy {
    /// Power, or the reset pin.
    Chip,
    /// The machine itself, by [`reset`].
    Machine,
    /// The watchdog.
    Watchdog,
}

impl Watchdog {
    /// Who ended the run before.
    pub(crate) fn reset_by(watchdog: &WATCHDOG) -> ResetBy {
        let reason = watchdog.reason().read();
        if reason.force().bit_is_set() {
            ResetBy::Machine
        } else if reason.timer().bit_is_set() {
            ResetBy::Watchdog
        } else {
            ResetBy::Chip
        }
    }

    /// Starts watching, at the pace of the watchdog's tick, which the clocks include.
    pub fn start(watchdog: WATCHDOG, psm: PSM, _clocks: Clocks) -> Watchdog {
        reset_everything_but_oscillators(&psm);
        drop((watchdog, psm));
        let watchdog = Watchdog { _started: () };
        watchdog.resume();
        watchdog
    }

    /// Tells that the machine's loop has come around.
    pub fn feed(&self) {
        // SAFETY: rule 2.
        registers().load().write(|w| unsafe { w.load().bits(LOAD) });
    }

    /// Stops watching, before the core sleeps.
    pub(crate) fn pause(&self) {
        registers().ctrl().modify(|_, w| w.enable().clear_bit());
    }

    /// Goes on watching, for a whole period.
    pub(crate) fn resume(&self) {
        self.feed();
        registers().ctrl().modify(|_, w| w.enable().set_bit());
    }
}

/// Resets the chip as power-on does, but that RAM keeps its content.
pub fn reset() -> ! {
    interrupt::disable();
    // SAFETY: rule 1. Nobody else uses the registers any more.
    reset_everything_but_oscillators(unsafe { &*PSM::PTR });
    registers().ctrl().write(|w| w.trigger().set_bit());
    loop {
        asm::nop();
    }
}

/// Has a bite reset the chip, not just the core. The oscillators go on: the core needs one to start.
fn reset_everything_but_oscillators(psm: &rp2040_pac::psm::RegisterBlock) {
    // SAFETY: rule 2; the writer's own bits follow.
    psm.wdsel().write(|w| unsafe { w.bits(WDSEL_ALL) }.rosc().clear_bit().xosc().clear_bit());
}

/// All bits of WDSEL.
const WDSEL_ALL: u32 = 0x0001_ffff;

fn registers() -> &'static RegisterBlock {
    // SAFETY: rule 1.
    unsafe { &*WATCHDOG::PTR }
}
