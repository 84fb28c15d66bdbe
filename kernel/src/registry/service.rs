//! What a service is: the types its clients and its server agree on.

use core::fmt;

use postcard_schema::Schema;
use serde::{Deserialize, Serialize};
pub use uuid::Uuid;

/// A service: request and reply, typed, found by UUID.
///
/// The type that implements it carries no value; it names the contract. Clients name it to connect, a server to bind.
///
/// ```
/// use kernel::registry::{Service, Uuid, Version};
///
/// /// Doubles numbers.
/// enum Doubler {}
///
/// impl Service for Doubler {
///     type Request = u32;
///     type Response = u64;
///     type Error = core::convert::Infallible;
///     type Hello = ();
///     type ConnectError = core::convert::Infallible;
///
///     const UUID: Uuid = Uuid::from_u128(0x6d50_5b1e_8a0f_4d6c_9b6a_2f1f_0d35_7c11);
///     const NAME: &'static str = "doubler";
///     const VERSION: Version = Version::new(1, 0);
/// }
/// ```
pub trait Service: 'static {
    /// What a client asks.
    type Request: 'static;
    /// What the server answers.
    type Response: 'static;
    /// Why the server could not do what it was asked.
    type Error: 'static;
    /// What a client says when it connects: who it is, what it wants to use.
    type Hello: 'static;
    /// Why the server turned a client away.
    type ConnectError: 'static;

    /// The service's identity: a random UUID, made once, never reused for another contract.
    const UUID: Uuid;
    /// A short name for people, such as `echo`.
    const NAME: &'static str;
    /// The contract's version.
    const VERSION: Version;
}

/// The version of a service's contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Schema)]
pub struct Version {
    /// Changes when old clients break.
    pub major: u16,
    /// Changes when something is added.
    pub minor: u16,
}

impl Version {
    /// A version.
    pub const fn new(major: u16, minor: u16) -> Self {
        Self { major, minor }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// The number of a running instance of a service. Numbers count up; a later instance never has an earlier one's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstanceId(pub u32);

impl fmt::Display for InstanceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// The number of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u32);

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// The number of a request, unique among the requests of one kernel that are not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RequestId(pub u32);

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}
