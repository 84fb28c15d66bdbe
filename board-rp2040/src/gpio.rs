//! The pins: the device under the kernel's GPIO driver, and who else uses one.
//!
//! A pin belongs to the driver for as long as its function is SIO, the one that software drives. A pin that is connected to
//! a device, such as the UART's, is reserved. What a pin is used as is read from the registers, which is all the state
//! there is.
//!
//! After start every pin is an input with a pull-down, as after the chip's reset: no open input floats.
//!
//! # Safety
//!
//! 1. A [`Gpio`] exists only after [`Gpio::start`], which takes the register blocks for good. From then on registers are
//!    reached through any clone, in tasks and in interrupts: levels and directions through registers that change single
//!    bits, pads and functions only by the driver's task, interrupt masks with interrupts off.
//! 2. Bits written raw are those of one pin below `PINS`: of its level or direction, for which every value is meant, or of
//!    its edges, from [`edges::mask`].
#![expect(unsafe_code, reason = "registers that tasks and interrupts share, with a bit for each pin")]

use kernel::services::gpio::{
    Mode,
    device::{Pins, Taken},
};
use rp2040_pac::{IO_BANK0, PADS_BANK0, RESETS, SIO, io_bank0, pads_bank0, sio};

use crate::edges;

/// Pins of the chip.
const PINS: u8 = 30;

const _: () = assert!(PINS as usize <= kernel::services::gpio::driver::PINS);

/// The bank of pins. All clones are the same bank.
#[derive(Clone)]
pub struct Gpio {
    _started: (),
}

impl Gpio {
    /// Takes the pins.
    pub fn start(io: IO_BANK0, _pads: PADS_BANK0, sio: SIO, resets: &RESETS) -> Gpio {
        resets.reset().modify(|_, w| w.io_bank0().set_bit().pads_bank0().set_bit());
        // SIO is no peripheral and is not reset with the others: what drove the pins before stops here.
        // SAFETY: no bit is set.
        sio.gpio_oe().write(|w| unsafe { w.bits(0) });
        resets.reset().modify(|_, w| w.io_bank0().clear_bit().pads_bank0().clear_bit());
        while {
            let done = resets.reset_done().read();
            done.io_bank0().bit_is_clear() || done.pads_bank0().bit_is_clear()
        } {}

        let gpio = Gpio { _started: () };
        for pin in 0..PINS {
            gpio.set_mode(pin, Mode::PullDown);
            io.gpio(usize::from(pin)).gpio_ctrl().write(|w| w.funcsel().sio());
        }
        gpio
    }

    /// Connects a pin to its UART, with a pull to the level of an idle line. It is reserved from then on.
    pub(crate) fn connect_uart(&self, pin: u8) {
        self.set_mode(pin, Mode::PullUp);
        self.io().gpio(usize::from(pin)).gpio_ctrl().write(|w| w.funcsel().uart());
    }

    fn io(&self) -> &'static io_bank0::RegisterBlock {
        // SAFETY: rule 1.
        unsafe { &*IO_BANK0::PTR }
    }

    fn pads(&self) -> &'static pads_bank0::RegisterBlock {
        // SAFETY: rule 1.
        unsafe { &*PADS_BANK0::PTR }
    }

    fn sio(&self) -> &'static sio::RegisterBlock {
        // SAFETY: rule 1.
        unsafe { &*SIO::PTR }
    }

    /// Forgets an edge that was seen.
    fn forget(&self, register: usize, mask: u32) {
        // SAFETY: rule 2; a one clears, all other bits stay.
        self.io().intr(register).write(|w| unsafe { w.bits(mask) });
    }
}

fn bit(word: u32, pin: u8) -> bool {
    word >> pin & 1 == 1
}

impl Pins for Gpio {
    fn count(&self) -> u8 {
        PINS
    }

    fn is_reserved(&self, pin: u8) -> bool {
        !self.io().gpio(usize::from(pin)).gpio_ctrl().read().funcsel().is_sio()
    }

    fn mode(&self, pin: u8) -> Mode {
        let pad = self.pads().gpio(usize::from(pin)).read();
        if bit(self.sio().gpio_oe().read().bits(), pin) {
            Mode::Output
        } else if pad.pue().bit_is_set() {
            Mode::PullUp
        } else if pad.pde().bit_is_set() {
            Mode::PullDown
        } else {
            Mode::Input
        }
    }

    fn set_mode(&self, pin: u8, mode: Mode) {
        let sio = self.sio();
        if mode != Mode::Output {
            // SAFETY: rule 2.
            sio.gpio_oe_clr().write(|w| unsafe { w.bits(1 << pin) });
        }
        // All else as after reset: the input is on, also that of an output, so that its edges are seen.
        self.pads()
            .gpio(usize::from(pin))
            .write(|w| w.pue().bit(mode == Mode::PullUp).pde().bit(mode == Mode::PullDown).ie().set_bit());
        if mode == Mode::Output {
            // SAFETY: rule 2.
            sio.gpio_oe_set().write(|w| unsafe { w.bits(1 << pin) });
        }
    }

    fn read(&self, pin: u8) -> bool {
        let sio = self.sio();
        let driven = bit(sio.gpio_oe().read().bits(), pin);
        bit(if driven { sio.gpio_out().read().bits() } else { sio.gpio_in().read().bits() }, pin)
    }

    fn write(&self, pin: u8, high: bool) {
        let sio = self.sio();
        if high {
            // SAFETY: rule 2.
            sio.gpio_out_set().write(|w| unsafe { w.bits(1 << pin) });
        } else {
            // SAFETY: rule 2.
            sio.gpio_out_clr().write(|w| unsafe { w.bits(1 << pin) });
        }
    }

    fn listen(&self, pin: u8, rising: bool, falling: bool) {
        let register = edges::register(pin);
        let enabled = self.io().proc0_inte(register);
        for (is_rising, wanted) in [(true, rising), (false, falling)] {
            let mask = edges::mask(pin, is_rising);
            let before = enabled.read().bits();
            // The chip notes edges that nobody listens to as well.
            if wanted && before & mask == 0 {
                self.forget(register, mask);
            }
            // SAFETY: rule 2; the bits of other edges stay as they are, since interrupts are off.
            enabled.write(|w| unsafe { w.bits(if wanted { before | mask } else { before & !mask }) });
        }
    }

    fn take_edge(&self) -> Option<Taken> {
        let levels = self.sio().gpio_in().read().bits();
        for register in 0..edges::register(PINS - 1) + 1 {
            let seen = self.io().proc0_ints(register).read().bits();
            let base = register as u8 * edges::PINS_PER_REGISTER;
            if let Some((place, rising)) = edges::first(seen, |place| bit(levels, base + place)) {
                let pin = base + place;
                self.forget(register, edges::mask(pin, rising));
                return Some(Taken { pin, rising });
            }
        }
        None
    }
}
