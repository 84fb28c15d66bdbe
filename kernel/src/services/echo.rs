//! Echo: answers every request with the request. The template to copy for a service of your own.
//!
//! Four things make a service: the contract (a type that implements [`Service`]), the driver (an async function that
//! serves it), its registration (a driver handed to the supervisor, or spawned), and a test.

use core::convert::Infallible;

use postcard_schema::Schema;
use serde::{Deserialize, Serialize};

use super::Never;
use crate::{
    Handle,
    inline::Text,
    registry::{BindError, Service, Uuid, Version},
};

#[cfg(test)]
mod tests;

/// The longest text that echo takes, in bytes.
pub const TEXT: usize = 64;

/// The contract.
pub enum Echo {}

/// What a client asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub enum Request {
    /// Answer with this number.
    Number(u64),
    /// Answer with this text.
    Text(Text<TEXT>),
}

/// What echo answers: the same.
pub type Response = Request;

impl Service for Echo {
    type Request = Request;
    type Response = Response;
    type Error = Never;
    type Hello = ();
    type ConnectError = Never;

    const UUID: Uuid = Uuid::from_u128(0x2c1d_4f0e_57ba_4f3d_8b0e_9a1e_6d3c_70a5);
    const NAME: &'static str = "echo";
    const VERSION: Version = Version::new(1, 0);
}

/// The driver.
///
/// # Errors
///
/// When the service cannot be bound.
pub async fn serve(kernel: Handle) -> Result<Infallible, BindError> {
    let mut server = kernel.services().bind_for_programs::<Echo>("").await?;
    kernel.ready();
    loop {
        let call = server.next_call().await;
        let answer = *call.request();
        // A client that has given up meanwhile does not miss the answer.
        let _ = call.answer(answer);
    }
}
