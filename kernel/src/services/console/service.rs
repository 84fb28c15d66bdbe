//! The console as a service: others print a line on it without disturbing what is being typed.

use postcard_schema::Schema;
use serde::{Deserialize, Serialize};

use crate::{
    inline::Text,
    registry::{Service, Uuid, Version},
    services::Never,
};

/// Bytes of one printed line at most.
pub const PRINT: usize = 96;

/// The contract. Consoles are told apart by the label of their serial port.
pub enum Console {}

/// What a client asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub enum Request {
    /// Print a line; answered when it is on its way.
    Print(Text<PRINT>),
}

impl Service for Console {
    type Request = Request;
    type Response = ();
    type Error = Never;
    type Hello = ();
    type ConnectError = Never;

    const UUID: Uuid = Uuid::from_u128(0x7f02_e8b1_46dc_4a19_8e5c_d1a9_03b7_62f4);
    const NAME: &'static str = "console";
    const VERSION: Version = Version::new(1, 0);
}
