//! I²C: transfers with the targets on a bus, each of them whole.
//!
//! The contract is here; the driver behind it, which bounds the time of each transfer and sets a bus free that hangs, is in
//! [`driver`], over the thin device trait [`Controller`](device::Controller) that boards and simulators implement.

pub mod device;
pub mod driver;
#[cfg(test)]
mod tests;

use postcard_schema::Schema;
use serde::{Deserialize, Serialize};

use super::Never;
use crate::{
    inline::Bytes,
    registry::{Service, Uuid, Version},
};

/// Bytes that one transfer writes at most, and reads at most.
pub const LONGEST: usize = 32;

/// Addresses that a target may have. Those below and above are reserved by the standard.
pub const ADDRESSES: core::ops::RangeInclusive<u8> = 0x08..=0x77;

/// The bytes that a transfer writes or has read.
pub type Data = Bytes<LONGEST>;

/// The contract. Buses are told apart by their labels; where there is one, it has none.
pub enum I2c {}

/// What a client asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub enum Request {
    /// Write to a target, then read from it, in one transaction with a repeated start between the two. One of them may be
    /// of no bytes, and is left out then.
    ///
    /// A transfer that has begun is finished, even if its client gives up meanwhile. Transfers are carried out one after
    /// another, in the order in which they were asked for.
    Transfer {
        /// The target's address, of seven bits: without the one that says whether it is read or written.
        address: u8,
        /// What is written.
        write: Data,
        /// How many bytes are read.
        read: u8,
    },
}

/// What the bus answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub enum Response {
    /// The transfer is done, and these bytes were read: as many as were asked for.
    Data(Data),
}

/// Why a transfer was not done.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub enum Error {
    /// No target can have the address.
    ReservedAddress,
    /// Nothing is to be written, and nothing read.
    NothingToDo,
    /// More is to be read than one transfer can.
    TooLong,
    /// Nobody acknowledged the address.
    AddressNotAcknowledged {
        /// Bytes that had been written and acknowledged: all of them if the address was refused where reading was to begin.
        written: u8,
    },
    /// The target did not acknowledge a byte that was written.
    DataNotAcknowledged {
        /// Bytes before it, which were acknowledged.
        written: u8,
    },
    /// Another controller of the same bus was faster.
    ArbitrationLost,
    /// A line of the bus was held for too long, so that the transfer could not begin or not end.
    BusStuck,
}

impl core::fmt::Display for Error {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::ReservedAddress => write!(
                f,
                "no target can have this address: use one from {:#04x} to {:#04x}, without the bit for reading",
                ADDRESSES.start(),
                ADDRESSES.end()
            ),
            Self::NothingToDo => f.write_str("there is nothing to do: write a byte, or read one"),
            Self::TooLong => write!(f, "one transfer reads {LONGEST} bytes at most: make several of it"),
            Self::AddressNotAcknowledged { written: 0 } => {
                f.write_str("no target acknowledged this address: check it, or try again if the target is busy")
            }
            Self::AddressNotAcknowledged { written } => write!(
                f,
                "the target took all {written} bytes and then did not acknowledge its address for reading: try again"
            ),
            Self::DataNotAcknowledged { written } => write!(
                f,
                "the target took {written} bytes and did not acknowledge the next: write less, or try again"
            ),
            Self::ArbitrationLost => f.write_str("another controller took the bus: try again"),
            Self::BusStuck => f.write_str(
                "a line of the bus was held for too long: try again, and look at the targets and the pull-ups if it \
                 stays so",
            ),
        }
    }
}

impl core::error::Error for Error {}

impl Service for I2c {
    type Request = Request;
    type Response = Response;
    type Error = Error;
    type Hello = ();
    type ConnectError = Never;

    const UUID: Uuid = Uuid::from_u128(0xd7b0_4c29_63e1_4f58_9a0d_71c8_e52f_3b96);
    const NAME: &'static str = "i2c";
    const VERSION: Version = Version::new(1, 0);
}
