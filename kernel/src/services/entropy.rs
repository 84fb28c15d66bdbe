//! Entropy: random bytes from the machine.
//!
//! On a chip they come from a source of noise, in the simulator from the seed of the run, so that a run with random
//! numbers can be repeated like any other. How good they are is the device's word, not this service's: they are meant for
//! spreading retries, choosing identifiers and testing, not for keys.

use core::{convert::Infallible, fmt};

use postcard_schema::Schema;
use serde::{Deserialize, Serialize};

use crate::{
    Handle,
    inline::Bytes,
    registry::{BindError, Service, Uuid, Version},
    services::supervise::InUse,
};

#[cfg(test)]
mod tests;

/// Random bytes in one answer at most.
pub const BYTES: usize = 64;

/// The thin device under the service: what a board's registers, or a simulator's seed, offer.
pub trait Source: 'static {
    /// Fills `bytes` with random ones. It may take as long as a driver may hold the core.
    fn fill(&mut self, bytes: &mut [u8]);
}

/// The contract.
pub enum Entropy {}

/// What a client asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub enum Request {
    /// So many random bytes, [`BYTES`] at most.
    Bytes(u8),
}

/// What the driver answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub enum Response {
    /// The bytes that were asked for.
    Bytes(Bytes<BYTES>),
}

/// Why there are no random bytes.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub enum Error {
    /// More bytes than one answer holds.
    TooMany,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooMany => write!(f, "one answer has {BYTES} random bytes at most; ask again for more"),
        }
    }
}

impl core::error::Error for Error {}

impl Service for Entropy {
    type Request = Request;
    type Response = Response;
    type Error = Error;
    type Hello = ();
    type ConnectError = super::Never;

    const UUID: Uuid = Uuid::from_u128(0x3d90_c7e4_86a1_4f58_b27e_61f3_0c8d_94ab);
    const NAME: &'static str = "entropy";
    const VERSION: Version = Version::new(1, 0);
}

/// Why the driver ended.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntropyError {
    /// The service could not be bound.
    Bind(BindError),
    /// Somebody serves the device already.
    InUse(InUse),
}

impl fmt::Display for EntropyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bind(error) => error.fmt(f),
            Self::InUse(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for EntropyError {}

/// The driver.
///
/// # Errors
///
/// When the service cannot be bound.
pub async fn serve(kernel: Handle, device: &mut impl Source) -> Result<Infallible, EntropyError> {
    let bound = kernel.services().bind_for_programs::<Entropy>("").await;
    let mut server = bound.map_err(EntropyError::Bind)?;
    kernel.ready();
    loop {
        let call = server.next_call().await;
        let Request::Bytes(count) = *call.request();
        let mut bytes = [0; BYTES];
        let answer = match bytes.get_mut(..usize::from(count)) {
            Some(bytes) => {
                device.fill(bytes);
                call.answer(Response::Bytes(Bytes::cut(bytes)))
            }
            None => call.fail(Error::TooMany),
        };
        // A client that has given up meanwhile does not miss the answer.
        let _ = answer;
    }
}
