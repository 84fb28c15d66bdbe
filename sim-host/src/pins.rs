//! GPIO pins: the bank that a chip has, with the host's finger on the other end of each pin.
//!
//! An input reads what the host drives it to, else what its pull resistor says, else low. An output reads what the
//! machine drives it to.

use std::sync::{Arc, Mutex};

use kernel::services::gpio::{
    Mode,
    device::{self, Taken},
};

use crate::{interrupts::IrqLine, mailbox::lock};

/// Pins of a machine: as many as an RP2040 has.
pub const COUNT: u8 = 30;

/// The bank. Clones are the same device; the host's side may be used on any thread.
#[derive(Clone)]
pub struct Pins {
    bank: Arc<Mutex<Bank>>,
    irq: IrqLine,
}

struct Bank {
    pins: [Pin; COUNT as usize],
    /// Edges that were listened to, in the order in which they came.
    seen: Vec<Taken>,
}

#[derive(Clone, Copy)]
struct Pin {
    mode: Mode,
    /// What the machine drives it to, as an output.
    latch: bool,
    /// What the host drives it to.
    driven: Option<bool>,
    rising: bool,
    falling: bool,
}

impl Pin {
    const RESET: Self = Self { mode: Mode::Input, latch: false, driven: None, rising: false, falling: false };

    fn level(&self) -> bool {
        match self.mode {
            Mode::Output => self.latch,
            Mode::PullUp => self.driven.unwrap_or(true),
            Mode::Input | Mode::PullDown => self.driven.unwrap_or(false),
        }
    }
}

impl Pins {
    pub(crate) fn new(irq: IrqLine) -> Self {
        let bank = Bank { pins: [Pin::RESET; COUNT as usize], seen: Vec::new() };
        Self { bank: Arc::new(Mutex::new(bank)), irq }
    }

    /// Drives a pin high or low from outside, or with `None` lets it go. A pin that does not exist is ignored.
    pub fn drive(&self, pin: u8, level: Option<bool>) {
        self.change(pin, |pin| pin.driven = level);
    }

    /// A pin's level; low for one that does not exist.
    pub fn level(&self, pin: u8) -> bool {
        self.look(pin, Pin::level).unwrap_or(false)
    }

    /// The device's interrupt line.
    pub fn irq(&self) -> &IrqLine {
        &self.irq
    }

    /// What a reset does to the machine's side; the host's stays.
    pub(crate) fn reset(&self) {
        let mut bank = lock(&self.bank);
        for pin in &mut bank.pins {
            *pin = Pin { driven: pin.driven, ..Pin::RESET };
        }
        bank.seen.clear();
    }

    fn look<R>(&self, pin: u8, look: impl FnOnce(&Pin) -> R) -> Option<R> {
        lock(&self.bank).pins.get(usize::from(pin)).map(look)
    }

    /// Changes a pin, and notes the edge that comes of it if somebody listens.
    fn change(&self, number: u8, change: impl FnOnce(&mut Pin)) {
        let mut bank = lock(&self.bank);
        let Some(pin) = bank.pins.get_mut(usize::from(number)) else { return };
        let before = pin.level();
        change(pin);
        let rising = pin.level();
        let heard = if rising { pin.rising } else { pin.falling };
        let taken = Taken { pin: number, rising };
        if before != rising && heard && !bank.seen.contains(&taken) {
            bank.seen.push(taken);
        }
        self.irq.assert_level(!bank.seen.is_empty());
    }
}

impl device::Pins for Pins {
    fn count(&self) -> u8 {
        COUNT
    }

    fn mode(&self, pin: u8) -> Mode {
        self.look(pin, |pin| pin.mode).unwrap_or(Mode::Input)
    }

    fn set_mode(&self, pin: u8, mode: Mode) {
        self.change(pin, |pin| pin.mode = mode);
    }

    fn read(&self, pin: u8) -> bool {
        self.level(pin)
    }

    fn write(&self, pin: u8, high: bool) {
        self.change(pin, |pin| pin.latch = high);
    }

    fn listen(&self, number: u8, rising: bool, falling: bool) {
        self.change(number, |pin| (pin.rising, pin.falling) = (rising, falling));
        let mut bank = lock(&self.bank);
        bank.seen.retain(|seen| seen.pin != number || if seen.rising { rising } else { falling });
        self.irq.assert_level(!bank.seen.is_empty());
    }

    fn take_edge(&self) -> Option<Taken> {
        let mut bank = lock(&self.bank);
        let first = (!bank.seen.is_empty()).then(|| bank.seen.remove(0));
        self.irq.assert_level(!bank.seen.is_empty());
        first
    }
}
