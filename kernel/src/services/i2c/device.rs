//! The thin device under I²C: what a chip's controller, or a simulator's model of one, offers.

use super::{Data, Request};

/// The controller of a bus, which carries out one transaction at a time, and one level-triggered interrupt.
///
/// Both the interrupt handler and the driver's task use the device, each through a clone: like registers, all clones are
/// the same device. None of the methods waits.
///
/// The interrupt is pending while it is switched on and [`go_on`](Self::go_on) would get further. The handler calls nothing but
/// [`silence`](Self::silence), and the task moves the bytes: a controller that has none to send, or no room for what it
/// receives, holds the clock, so however late the task is, nothing is lost.
pub trait Controller: Clone + Send + 'static {
    /// Bits per second on the bus.
    fn hertz(&self) -> u32;

    /// Begins a transaction with its first byte, the address. Whatever went on before is over, and its interrupt is off.
    fn start(&self, transfer: &mut Transfer);

    /// Carries the transaction on: gives the controller bytes to send, as many as it has room for, and takes those that it
    /// has received. If it is not over then, switches the interrupt on.
    ///
    /// The controller ends a transaction by itself, also one that fails: when this says so, the bus is free.
    fn go_on(&self, transfer: &mut Transfer) -> Progress;

    /// Switches the interrupt off until it is switched on by [`go_on`](Self::go_on). For the handler.
    fn silence(&self);

    /// The levels of the two lines.
    fn lines(&self) -> Lines;

    /// Takes the lines from the controller and drives them by hand, to where they are not high; `None` gives them back.
    /// Whatever transaction goes on is given up.
    fn drive(&self, lines: Option<Lines>);
}

/// A transaction, and how far it has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    /// The target's address, of seven bits.
    pub address: u8,
    /// What is to be written.
    pub write: Data,
    /// How many bytes are to be read.
    pub read: u8,
    /// How many bytes the controller was given to send, for its own use: of those to be written, and then one for each that
    /// is to be read if it wants them.
    pub given: u8,
    /// What was read.
    pub data: Data,
}

/// How far a transaction has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// It goes on, and the interrupt is on.
    Pending,
    /// It is over, and all of it was done.
    Done,
    /// It is over, and was not done.
    Failed(Fault),
}

/// What the controller has noticed on the bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The address was not acknowledged, after so many bytes that were written and acknowledged.
    Address {
        /// So many.
        written: u8,
    },
    /// A byte was not acknowledged, after so many that were.
    Data {
        /// So many.
        written: u8,
    },
    /// Another controller of the bus was faster.
    Arbitration,
}

/// The levels of a bus's lines. A line is high unless somebody drives it low.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lines {
    /// The clock, SCL, is high.
    pub clock: bool,
    /// The data, SDA, are high.
    pub data: bool,
}

impl Lines {
    /// Nobody drives any: the bus is free.
    pub const FREE: Self = Self { clock: true, data: true };
}

impl Transfer {
    /// The transaction that a client asks for, from its beginning.
    pub const fn new(request: &Request) -> Self {
        let Request::Transfer { address, write, read } = *request;
        Self { address, write, read, given: 0, data: Data::new() }
    }
}
