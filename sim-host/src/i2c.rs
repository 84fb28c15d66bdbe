//! I²C: a bus at 100 kHz with a controller that the machine sees from the inside, and targets that the builder attaches.
//!
//! ```text
//!   kernel's driver ──▶ controller ═══bus═══ thermometer at 0x48
//!                         │ irq      ╚═══════ whatever else was attached
//! ```
//!
//! Each byte takes nine bits of the machine's time, start, repeated start and stop one each. The controller has room for a
//! whole transaction, and its interrupt is pending when that is over. An address at which nobody is, is not acknowledged.
//! Somebody may hold the clock, by a [`Fault`](crate::Fault) or from outside: then the bus stands still.

mod bus;
mod registers;
mod target;
mod thermometer;

use std::{
    fmt,
    rc::Rc,
    sync::{Arc, Mutex},
};

use kernel::{
    services::i2c::device::{Controller, Lines, Progress, Transfer},
    time::Instant,
};

use self::bus::Bus;
pub use self::{registers::Registers, target::Target, thermometer::Thermometer};
use crate::{clock::SimClock, interrupts::IrqLine, mailbox::lock};

/// Bits per second on the bus.
pub const HERTZ: u32 = 100_000;

/// Makes the target at an address, once for each machine.
#[derive(Clone)]
pub(crate) struct Attached {
    pub(crate) address: u8,
    pub(crate) make: Rc<dyn Fn() -> Box<dyn Target>>,
}

impl Attached {
    pub(crate) fn new<T: Target>(address: u8, make: impl Fn() -> T + 'static) -> Self {
        Self { address, make: Rc::new(move || Box::new(make())) }
    }

    /// What is on the bus of every machine.
    pub(crate) fn standard() -> Vec<Self> {
        vec![Self::new(Thermometer::ADDRESS, Thermometer::default)]
    }
}

/// A bus with its controller. Clones are the same bus.
#[derive(Clone)]
pub struct I2c {
    bus: Arc<Mutex<Bus>>,
    irq: IrqLine,
    clock: SimClock,
}

impl I2c {
    pub(crate) fn new(attached: &[Attached], irq: IrqLine, clock: SimClock) -> Self {
        let targets = attached.iter().map(|attached| (attached.address, (attached.make)())).collect();
        Self { bus: Arc::new(Mutex::new(Bus::new(targets))), irq, clock }
    }

    /// The controller's interrupt line.
    pub fn irq(&self) -> &IrqLine {
        &self.irq
    }

    /// Bytes that have been on the bus, addresses among them.
    pub fn bytes(&self) -> u64 {
        lock(&self.bus).bytes()
    }

    /// When the bus has something to do by itself.
    pub(crate) fn next_event(&self) -> Option<Instant> {
        lock(&self.bus).next_event()
    }

    /// The address of the target that acknowledges a byte now, if one does.
    pub(crate) fn acknowledges_now(&self) -> Option<u8> {
        lock(&self.bus).acknowledges_at(self.clock.now())
    }

    /// Carries one byte to its end, if it is at its end by now.
    pub(crate) fn advance(&self) {
        self.with(|bus, now| bus.advance(now));
    }

    /// A target is at this address.
    pub(crate) fn has(&self, address: u8) -> bool {
        lock(&self.bus).target(address).is_some()
    }

    /// The target at an address would make something of a text; if not, what it wants. Where nobody is, nothing is wanted.
    pub(crate) fn understands(&self, address: u8, text: &[u8]) -> Result<(), String> {
        lock(&self.bus).target(address).map_or(Ok(()), |target| target.understands(text))
    }

    /// The target at an address senses something.
    pub(crate) fn sense(&self, address: u8, text: &[u8]) {
        lock(&self.bus).sense(address, text);
    }

    /// The next byte that a target acknowledges, it does not.
    pub(crate) fn refuse_next(&self) {
        lock(&self.bus).refuse_next();
    }

    /// Somebody holds the clock low, or lets go of it.
    pub(crate) fn hold(&self, held: bool) {
        self.with(|bus, now| bus.hold(held, now));
    }

    /// Powers the bus up anew, with all that is on it.
    pub(crate) fn reset(&self) {
        self.with(|bus, _| bus.reset());
    }

    fn with<R>(&self, with: impl FnOnce(&mut Bus, Instant) -> R) -> R {
        let mut bus = lock(&self.bus);
        let result = with(&mut bus, self.clock.now());
        self.irq.assert_level(bus.is_pending());
        result
    }
}

impl Controller for I2c {
    fn hertz(&self) -> u32 {
        HERTZ
    }

    fn start(&self, transfer: &mut Transfer) {
        self.with(|bus, now| bus.start(transfer, now));
    }

    fn go_on(&self, transfer: &mut Transfer) -> Progress {
        self.with(|bus, _| bus.go_on(transfer))
    }

    fn silence(&self) {
        self.with(|bus, _| bus.silence());
    }

    fn lines(&self) -> Lines {
        lock(&self.bus).lines()
    }

    fn drive(&self, lines: Option<Lines>) {
        self.with(|bus, now| bus.drive(lines, now));
    }
}

impl fmt::Debug for I2c {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("I2c").field("irq", &self.irq.name()).finish_non_exhaustive()
    }
}
