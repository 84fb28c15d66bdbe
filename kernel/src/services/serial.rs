//! Serial ports: bytes in and out of a UART.
//!
//! The contract is here; the driver behind it, with buffers, interrupt handler and error counters, is in
//! [`driver`], over the thin device trait [`Uart`](device::Uart) that boards and simulators
//! implement.

pub mod device;
pub mod driver;
#[cfg(test)]
mod tests;

use postcard_schema::Schema;
use serde::{Deserialize, Serialize};

use crate::{
    inline::Bytes,
    registry::{Service, Uuid, Version},
};

/// Bytes carried by one request or reply at most.
pub const CHUNK: usize = 64;

/// Bytes on their way in or out.
pub type Chunk = Bytes<CHUNK>;

/// The contract. Ports are told apart by their labels, such as `uart0`.
pub enum Serial {}

/// What a client asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub enum Request {
    /// Wait until bytes have come in, and take them. Several readers are served in turn.
    Read,
    /// Send bytes; answered once all of them are in the port's buffer, so a writer is as fast as its port.
    Write(Chunk),
    /// Wait until everything written so far has left the chip.
    Flush,
    /// Counters.
    Stats,
}

/// What the port answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub enum Response {
    /// Bytes that came in.
    Data(Chunk),
    /// Written, or flushed.
    Done,
    /// Counters.
    Stats(Stats),
}

/// Counters of a port since boot.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub struct Stats {
    /// Bytes received.
    pub received: u32,
    /// Bytes sent.
    pub sent: u32,
    /// Bytes lost because they came faster than they were read.
    pub overruns: u32,
    /// Bytes thrown away because they were garbled: framing or parity errors.
    pub framing_errors: u32,
    /// Breaks on the line.
    pub breaks: u32,
}

/// Why a port could not do what it was asked.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub enum Error {
    /// More readers wait than the port remembers.
    TooManyReaders,
    /// More writes and flushes wait than the port remembers.
    TooManyWriters,
}

impl core::fmt::Display for Error {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::TooManyReaders => f.write_str("too many readers wait for this port already"),
            Self::TooManyWriters => f.write_str("too many writers wait for this port already"),
        }
    }
}

impl core::error::Error for Error {}

impl Service for Serial {
    type Request = Request;
    type Response = Response;
    type Error = Error;
    type Hello = ();
    type ConnectError = super::Never;

    const UUID: Uuid = Uuid::from_u128(0x5e51_a1c0_9f2d_4a7b_b6f4_0c3d_7e12_48d9);
    const NAME: &'static str = "serial";
    const VERSION: Version = Version::new(1, 0);
}
