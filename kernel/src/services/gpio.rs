//! GPIO: pins in and out, and edges as events.
//!
//! The contract is here; the driver behind it, with its interrupt handler, is in [`driver`], over the thin
//! device trait [`Pins`](device::Pins) that boards and simulators implement.

use postcard_schema::Schema;
use serde::{Deserialize, Serialize};

use super::Never;
use crate::registry::{Service, Uuid, Version};

pub mod device;
pub mod driver;
#[cfg(test)]
mod tests;

/// The contract.
pub enum Gpio {}

/// What a pin is used as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub enum Mode {
    /// Input, floating.
    Input,
    /// Input, pulled up.
    PullUp,
    /// Input, pulled down.
    PullDown,
    /// Output.
    Output,
}

/// Which change of level is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub enum Edge {
    /// From low to high.
    Rising,
    /// From high to low.
    Falling,
    /// Any.
    Both,
}

/// What a client asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub enum Request {
    /// What is known of a pin.
    Pin(u8),
    /// Use a pin in a mode.
    Configure {
        /// The pin.
        pin: u8,
        /// The mode.
        mode: Mode,
    },
    /// Read a pin's level.
    Read(u8),
    /// Set an output's level.
    Write {
        /// The pin.
        pin: u8,
        /// High or low.
        high: bool,
    },
    /// Wait for an edge that comes after this request was taken.
    Wait {
        /// The pin.
        pin: u8,
        /// The edge.
        edge: Edge,
    },
}

/// What the driver answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub enum Response {
    /// What is known of a pin; `None` above the last pin.
    Pin(Option<Pin>),
    /// Done.
    Done,
    /// The pin is high, or low.
    Level(bool),
    /// The edge has come.
    Edge {
        /// When, in microseconds since boot.
        at_us: u64,
        /// The level after it.
        high: bool,
    },
}

/// What is known of a pin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub struct Pin {
    /// The pin's number.
    pub pin: u8,
    /// What it is used as.
    pub mode: Mode,
    /// Its level.
    pub high: bool,
    /// Edges seen since boot while somebody waited for one.
    pub edges: u32,
}

/// Why the driver could not do what it was asked.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub enum Error {
    /// There is no such pin.
    NoSuchPin,
    /// The pin is connected to another device of the machine, such as a serial port.
    Reserved,
    /// The pin is not an output; configure it first.
    NotAnOutput,
    /// More clients wait for edges than the driver remembers.
    TooManyWaiters,
}

impl core::fmt::Display for Error {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::NoSuchPin => "there is no such pin",
            Self::Reserved => "the pin is in use by another device of the machine",
            Self::NotAnOutput => "the pin is not an output; configure it first",
            Self::TooManyWaiters => "too many clients wait for edges already",
        })
    }
}

impl core::error::Error for Error {}

impl Service for Gpio {
    type Request = Request;
    type Response = Response;
    type Error = Error;
    type Hello = ();
    type ConnectError = Never;

    const UUID: Uuid = Uuid::from_u128(0x91c7_3b5e_0d4a_4e62_a3d8_5f6b_2c90_e17f);
    const NAME: &'static str = "gpio";
    const VERSION: Version = Version::new(1, 0);
}
