//! Why a service was not bound, or a client not connected.

use core::{convert::Infallible, fmt};

use super::service::{InstanceId, Version};
use crate::{heap::AllocError, limits::CONNECTION_DEPTH};

/// Why a service was not bound.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BindError {
    /// An instance with this label is running; choose another label.
    AlreadyBound(InstanceId),
    /// The UUID belongs to another contract, which is running.
    TypeMismatch {
        /// That contract's name.
        name: &'static str,
    },
    /// The registry is full; the limit is [`Settings::services`](crate::limits::Settings::services).
    Full {
        /// The limit.
        services: usize,
    },
    /// The label is longer than 16 bytes.
    LabelTooLong,
    /// No memory.
    Memory(AllocError),
}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AlreadyBound(instance) => {
                write!(f, "instance {instance} of the service has this label already; choose another one")
            }
            Self::TypeMismatch { name } => write!(f, "the UUID is in use by `{name}`, which has other types"),
            Self::Full { services } => write!(f, "the registry is full with {services} services"),
            Self::LabelTooLong => f.write_str("the label is longer than 16 bytes"),
            Self::Memory(error) => write!(f, "no memory for the service: {error}"),
        }
    }
}

impl core::error::Error for BindError {}

/// Why a client is not connected.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectError<E> {
    /// No such service, or no such instance of it, is running; `connect` would wait for it.
    NotFound,
    /// The service that is running under this UUID has other types.
    TypeMismatch {
        /// Its name.
        name: &'static str,
        /// Its version.
        version: Version,
    },
    /// The depth is zero, or above [`CONNECTION_DEPTH`].
    Depth {
        /// The depth that was asked for.
        depth: usize,
    },
    /// The server turned the client away.
    Rejected(E),
    /// The server dropped the handshake undecided.
    Unanswered,
    /// The server went away during the handshake.
    ServerGone,
    /// No memory for the connection.
    Memory(AllocError),
}

/// Why a client is not connected, if the server itself has not turned it away.
pub(super) type Refused = ConnectError<Infallible>;

impl<E> ConnectError<E> {
    /// The same, for a service whose server could have turned the client away.
    #[inline(never)]
    pub(super) fn of(refused: Refused) -> Self {
        match refused {
            Refused::NotFound => Self::NotFound,
            Refused::TypeMismatch { name, version } => Self::TypeMismatch { name, version },
            Refused::Depth { depth } => Self::Depth { depth },
            Refused::Unanswered => Self::Unanswered,
            Refused::ServerGone => Self::ServerGone,
            Refused::Memory(error) => Self::Memory(error),
        }
    }
}

impl<E: fmt::Display> fmt::Display for ConnectError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound => f.write_str("no such service is running"),
            Self::TypeMismatch { name, version } => {
                write!(f, "the service under this UUID is `{name}` {version}, which has other types")
            }
            Self::Depth { depth } => {
                write!(f, "a connection has 1 to {CONNECTION_DEPTH} request slots, not {depth}")
            }
            Self::Rejected(reason) => write!(f, "the service turned the client away: {reason}"),
            Self::Unanswered => f.write_str("the service did not answer the handshake"),
            Self::ServerGone => f.write_str("the service went away during the handshake; try again"),
            Self::Memory(error) => write!(f, "no memory for the connection: {error}"),
        }
    }
}

impl<E: core::error::Error> core::error::Error for ConnectError<E> {}
