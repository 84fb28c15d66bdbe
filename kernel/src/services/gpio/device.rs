//! The thin device under GPIO: what a board's registers, or a simulator's model of them, offer.

use super::Mode;

/// A bank of pins with edge detection and one level-triggered interrupt.
///
/// Both the interrupt handler and the driver's task use the device, each through a clone: like registers, all clones are
/// the same device. None of the methods waits. The driver never names a pin at or above [`count`](Self::count).
///
/// The interrupt is pending while an edge has been seen that was listened to and has not been taken.
pub trait Pins: Clone + Send + 'static {
    /// How many pins there are, numbered from 0.
    fn count(&self) -> u8;

    /// A pin is connected to some other device of the machine: its mode and its level are not the driver's to change.
    fn is_reserved(&self, pin: u8) -> bool {
        let _ = pin;
        false
    }

    /// What a pin is used as.
    fn mode(&self, pin: u8) -> Mode;

    /// Uses a pin in a mode.
    fn set_mode(&self, pin: u8, mode: Mode);

    /// A pin's level: high, or low. For an output, what it is driven to.
    fn read(&self, pin: u8) -> bool;

    /// Drives an output high or low.
    fn write(&self, pin: u8, high: bool);

    /// Chooses the edges of a pin that are listened to. Edges of a kind that was listened to before and still is stay
    /// pending. All others that have come are forgotten.
    ///
    /// Called with interrupts off, so that the handler and the task do not disturb each other.
    fn listen(&self, pin: u8, rising: bool, falling: bool);

    /// Takes an edge that has been seen. If a pin's edges of both kinds have been, the one that came first, as far as the
    /// device can tell.
    fn take_edge(&self) -> Option<Taken>;
}

/// An edge that has been seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// The pin.
    pub pin: u8,
    /// From low to high, otherwise from high to low.
    pub rising: bool,
}
