//! Storage: bytes that outlive the power, in NOR flash.
//!
//! The contract is here; the driver behind it, with its interrupt handler, is in [`driver`], over the thin device trait
//! [`Flash`](device::Flash) that boards and simulators implement.
//!
//! Flash is no disk. Erased bytes are `0xFF`. A write only makes bits 0; what is 0 already stays so until its whole sector is
//! erased. When the power fails, the write or the erase in progress is torn: some of it is done, some is not, and some bits may
//! be either. So what must survive is written to another place before the old one is erased, with a checksum that says
//! whether it is whole.
//!
//! ```
//! # use kernel::{Handle, registry::CallError, services::storage::{Chunk, Error, Request, Response, Storage}};
//! # async fn example(kernel: Handle) -> Result<(), CallError<Error>> {
//! # let Ok(storage) = kernel.services().connect::<Storage>((), 1).await else { return Ok(()) };
//! storage.call(Request::Erase { offset: 0, len: 4096 }).await?;
//! storage.call(Request::Write { offset: 16, data: Chunk::cut(b"hello") }).await?;
//! let read = storage.call(Request::Read { offset: 16, len: 5 }).await?;
//! assert_eq!(read, Response::Data(Chunk::cut(b"hello")));
//! # Ok(())
//! # }
//! ```

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

/// Bytes read, or to be written.
pub type Chunk = Bytes<CHUNK>;

/// The contract. Requests are served one at a time, first come first served; who connects waits for a turn, too.
///
/// # Cancellation
///
/// A request that is given up before its turn is not begun. One that is given up in the midst is not gone on with: the
/// page or the sector that the device is at is finished, those after it are left alone.
pub enum Storage {}

/// What a client asks. Offsets and lengths are in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub enum Request {
    /// How large it is, and in which units it is used.
    Info,
    /// Read bytes: [`CHUNK`] at most, by the unit [`Geometry::read_size`].
    Read {
        /// The first byte.
        offset: u32,
        /// How many.
        len: u16,
    },
    /// Make bits 0: each byte becomes what it was AND what is written. By the unit [`Geometry::write_size`]; pages are
    /// written one after the other.
    Write {
        /// The first byte.
        offset: u32,
        /// What is written.
        data: Chunk,
    },
    /// Make all bytes `0xFF`, by the unit [`Geometry::erase_size`]: sectors are erased one after the other.
    Erase {
        /// The first byte.
        offset: u32,
        /// How many.
        len: u32,
    },
}

/// What the driver answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub enum Response {
    /// What the storage is like.
    Info(Geometry),
    /// What was read.
    Data(Chunk),
    /// What was read, after the device has corrected some of it: write it to another place soon, before more goes wrong.
    Corrected(Chunk),
    /// Written, or erased.
    Done,
}

/// How large a flash is, and its units, all in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub struct Geometry {
    /// All of it.
    pub capacity: u32,
    /// Reads begin at multiples of this, and are so many bytes or a multiple.
    pub read_size: u16,
    /// The same for writes.
    pub write_size: u16,
    /// A page: what the device writes in one go. A write across its end is two for the device.
    pub page_size: u16,
    /// A sector: the same for erasing.
    pub erase_size: u32,
}

/// Why the driver could not do what it was asked.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub enum Error {
    /// It is not all inside of the storage; nothing was done.
    OutOfRange,
    /// It does not begin or end at a unit's border; nothing was done.
    Unaligned,
    /// More than [`CHUNK`] bytes were to be read.
    TooLong,
    /// The device has failed. What was to be changed may be anything now.
    Device,
    /// The device has found more wrong bits than it can correct.
    Uncorrectable,
}

impl core::fmt::Display for Error {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::OutOfRange => "that is outside of the storage; ask `Info` for its capacity",
            Self::Unaligned => "begin and end at multiples of the unit that `Info` tells for this",
            Self::TooLong => "that is more than one request carries; read 64 bytes at a time",
            Self::Device => {
                "the device failed; erase what was to be changed and write it anew, or use another place"
            }
            Self::Uncorrectable => {
                "more bits are wrong than the device can correct; use another copy, and erase this"
            }
        })
    }
}

impl core::error::Error for Error {}

impl Service for Storage {
    type Request = Request;
    type Response = Response;
    type Error = Error;
    type Hello = ();
    type ConnectError = super::Never;

    const UUID: Uuid = Uuid::from_u128(0x6d0f_e2a9_3b17_4c58_9e44_d1b7_80c5_2fa6);
    const NAME: &'static str = "storage";
    const VERSION: Version = Version::new(1, 0);
}
