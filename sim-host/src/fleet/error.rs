//! Why a fleet cannot be as it should.

use std::fmt;

use super::plan::Mistakes;
use crate::SimError;

/// Why a fleet cannot be as it should.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq)]
pub enum FleetError {
    /// Another board has the name.
    NameTaken {
        /// The name.
        name: String,
    },
    /// A board was not built, or does not boot.
    Boot {
        /// The board's name.
        name: String,
        /// Why.
        error: SimError,
    },
    /// A board has no such serial port.
    NoSuchPort {
        /// The board's name.
        name: String,
        /// The number asked for.
        uart: usize,
        /// How many it has.
        count: usize,
    },
    /// A serial port has a link already.
    PortTaken {
        /// The board's name.
        name: String,
        /// The port's number.
        uart: usize,
    },
    /// A plan has something happen to devices that boards have not.
    Mistakes(Mistakes),
    /// A serial port cannot be joined to itself.
    SamePort {
        /// The board's name.
        name: String,
        /// The port's number.
        uart: usize,
    },
}

impl fmt::Display for FleetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NameTaken { name } => {
                write!(f, "there is a board `{name}` already: give this one another name")
            }
            Self::Boot { name, error } => write!(f, "the board `{name}` does not boot: {error}"),
            Self::NoSuchPort { name, uart, count } => write!(
                f,
                "the board `{name}` has no uart{uart}, but {count} serial ports, counted from 0: add it to its description"
            ),
            Self::Mistakes(mistakes) => mistakes.fmt(f),
            Self::PortTaken { name, uart } => {
                write!(f, "uart{uart} of the board `{name}` has a link already: use another port")
            }
            Self::SamePort { name, uart } => {
                write!(
                    f,
                    "uart{uart} of the board `{name}` cannot be linked to itself: name the port at the other end"
                )
            }
        }
    }
}

impl std::error::Error for FleetError {}
