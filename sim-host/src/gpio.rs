//! GPIO: a bank of pins that the machine sees from the inside and the host from the outside.
//!
//! A pin that is an output has the level that the machine drives. Any other has the level that the host drives, and if the
//! host leaves it alone, that of its pull, or low.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex},
};

use kernel::services::gpio::{
    Mode,
    device::{Pins, Taken},
};

use crate::{
    external::{Drive, External, Inbox},
    interrupts::IrqLine,
    mailbox::lock,
    observed::Outbox,
};

/// A bank of pins. Clones are the same bank; the host's side may be used on any thread.
#[derive(Clone)]
pub struct Gpio {
    bank: Arc<Mutex<Bank>>,
    irq: IrqLine,
    inbox: Inbox,
}

/// The host's end of a pin.
#[derive(Debug, Clone)]
pub struct Pin {
    gpio: Gpio,
    number: u8,
}

struct Bank {
    pins: Vec<State>,
    /// Edges that have been seen and not taken, in their order; at most one of a kind for each pin.
    seen: VecDeque<Taken>,
    /// Is told what the machine changes.
    outbox: Outbox,
}

#[derive(Clone, Copy)]
struct State {
    mode: Mode,
    /// What the machine drives when the pin is an output.
    output: bool,
    /// What the host drives.
    driven: Option<bool>,
    rising: bool,
    falling: bool,
}

impl State {
    /// An input that does not float, as on the boards.
    const RESET: Self =
        Self { mode: Mode::PullDown, output: false, driven: None, rising: false, falling: false };

    fn level(&self) -> bool {
        match (self.mode, self.driven) {
            (Mode::Output, _) => self.output,
            (_, Some(driven)) => driven,
            (mode, None) => mode == Mode::PullUp,
        }
    }

    fn listens_to(&self, rising: bool) -> bool {
        if rising { self.rising } else { self.falling }
    }
}

impl Bank {
    fn state(&self, pin: u8) -> State {
        self.pins.get(usize::from(pin)).copied().unwrap_or(State::RESET)
    }

    /// The machine changes a pin, which shows outside.
    fn change_from_inside(&mut self, pin: u8, change: impl FnOnce(&mut State)) {
        let before = self.state(pin).level();
        self.change(pin, change);
        let high = self.state(pin).level();
        if before != high {
            self.outbox.pin(pin, high);
        }
    }

    /// Changes a pin, and sees the edge if its level changes with that.
    fn change(&mut self, pin: u8, change: impl FnOnce(&mut State)) {
        let Some(state) = self.pins.get_mut(usize::from(pin)) else { return };
        let before = state.level();
        change(state);
        let rising = state.level();
        let edge = Taken { pin, rising };
        if before != rising && state.listens_to(rising) && !self.seen.contains(&edge) {
            self.seen.push_back(edge);
        }
    }
}

impl Gpio {
    pub(crate) fn new(pins: u8, irq: IrqLine, inbox: Inbox, outbox: Outbox) -> Self {
        let bank = Bank { pins: vec![State::RESET; usize::from(pins)], seen: VecDeque::new(), outbox };
        Self { bank: Arc::new(Mutex::new(bank)), irq, inbox }
    }

    /// The host's end of a pin; `None` above the last one.
    pub fn pin(&self, number: u8) -> Option<Pin> {
        (number < self.count()).then(|| Pin { gpio: self.clone(), number })
    }

    /// The bank's interrupt line.
    pub fn irq(&self) -> &IrqLine {
        &self.irq
    }

    /// Powers the bank up anew. What the host drives it goes on driving.
    pub(crate) fn reset(&self) {
        self.with(|bank| {
            for pin in 0..=u8::MAX {
                bank.change_from_inside(pin, |pin| *pin = State { driven: pin.driven, ..State::RESET });
            }
            bank.seen.clear();
        });
    }

    /// Drives a pin from outside.
    pub(crate) fn drive(&self, pin: u8, drive: Drive) {
        self.with(|bank| bank.change(pin, |pin| pin.driven = drive.level()));
    }

    fn with<R>(&self, with: impl FnOnce(&mut Bank) -> R) -> R {
        let mut bank = lock(&self.bank);
        let result = with(&mut bank);
        self.irq.assert_level(!bank.seen.is_empty());
        result
    }
}

impl Pin {
    /// Drives the pin high or low, from the machine's next step on. An output does not notice.
    pub fn drive(&self, high: bool) {
        self.set(high.into());
    }

    /// Leaves the pin alone, from the machine's next step on.
    pub fn release(&self) {
        self.set(Drive::Released);
    }

    /// The pin's level: high, or low.
    pub fn level(&self) -> bool {
        self.gpio.read(self.number)
    }

    /// What the machine uses the pin as.
    pub fn mode(&self) -> Mode {
        self.gpio.mode(self.number)
    }

    /// The pin's number.
    pub fn number(&self) -> u8 {
        self.number
    }

    fn set(&self, drive: Drive) {
        self.gpio.inbox.post(External::Pin { pin: self.number, drive });
    }
}

impl Pins for Gpio {
    fn count(&self) -> u8 {
        // The bank was made for so many.
        u8::try_from(lock(&self.bank).pins.len()).unwrap_or(u8::MAX)
    }

    fn mode(&self, pin: u8) -> Mode {
        lock(&self.bank).state(pin).mode
    }

    fn set_mode(&self, pin: u8, mode: Mode) {
        self.with(|bank| bank.change_from_inside(pin, |pin| pin.mode = mode));
    }

    fn read(&self, pin: u8) -> bool {
        lock(&self.bank).state(pin).level()
    }

    fn write(&self, pin: u8, high: bool) {
        self.with(|bank| bank.change_from_inside(pin, |pin| pin.output = high));
    }

    fn listen(&self, pin: u8, rising: bool, falling: bool) {
        self.with(|bank| {
            let before = bank.state(pin);
            let still = |edge: &Taken| {
                let wanted = if edge.rising { rising } else { falling };
                edge.pin != pin || (wanted && before.listens_to(edge.rising))
            };
            bank.seen.retain(still);
            bank.change(pin, |pin| {
                pin.rising = rising;
                pin.falling = falling;
            });
        });
    }

    fn take_edge(&self) -> Option<Taken> {
        self.with(|bank| bank.seen.pop_front())
    }
}

impl fmt::Debug for Gpio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gpio").field("pins", &self.count()).finish_non_exhaustive()
    }
}
