//! What can be wrong with the description of a fleet, and what would be right.

use std::fmt;

use super::{MOST_BOARDS, PORTS};
use crate::{NoSuchDevice, external::ExternalError, fleet::LinkError};

/// What is wrong with the description of a fleet.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlanReason {
    /// No line begins like this.
    NotAWord {
        /// The word.
        word: String,
        /// What it may be meant to be.
        near: Option<String>,
    },
    /// A name is missing, or has a dot in it.
    NotAName,
    /// There is a board of this name already.
    NameTaken,
    /// A number of boards is missing, or none.
    NotACount,
    /// There is no board of this name above.
    NoSuchBoard {
        /// The name; empty at the line's end.
        word: String,
        /// What it may be meant to be.
        near: Option<String>,
    },
    /// A port is missing, or is not written as it should be.
    NotAPort,
    /// A port has a link already.
    PortTaken,
    /// A port cannot be joined to itself.
    SamePort,
    /// A link is not as links are.
    Link(LinkError),
    /// A time is missing, or none.
    NotATime,
    /// Nothing like this can happen to a board.
    Input(ExternalError),
    /// The board has no such device.
    NoSuchDevice(NoSuchDevice),
    /// There is more on the line than there should be.
    TooMuch,
    /// There is no board.
    Empty,
}

impl fmt::Display for PlanReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAWord { word, near: Some(near) } => {
                write!(f, "no line begins with `{word}`: is it `{near}`?")
            }
            Self::NotAWord { near: None, .. } => {
                f.write_str("a line begins with `board`, `boards`, `link` or `at`")
            }
            Self::NotAName => f.write_str("give the board a name without a dot, such as `board left`"),
            Self::NameTaken => f.write_str("there is a board of this name above: give this one another"),
            Self::NotACount => {
                write!(
                    f,
                    "say how many boards, from 1 to {MOST_BOARDS}, and their name, such as `boards 10 node`"
                )
            }
            Self::NoSuchBoard { word, near: Some(near) } => {
                write!(f, "there is no board `{word}` above: is it `{near}`?")
            }
            Self::NoSuchBoard { word, near: None } if word.is_empty() => {
                f.write_str("name a board that is described above")
            }
            Self::NoSuchBoard { word, near: None } => {
                write!(f, "there is no board `{word}` above: describe it first")
            }
            Self::NotAPort => {
                write!(f, "name a port as `left.uart1`, from uart0 to {}", PORTS[PORTS.len() - 1])
            }
            Self::PortTaken => f.write_str("this port has a link above: use another one"),
            Self::SamePort => {
                f.write_str("a port cannot be linked to itself: name the port at the other end")
            }
            Self::Link(error) => error.fmt(f),
            Self::NotATime => f.write_str("say when, such as `at 10ms`"),
            Self::Input(error) => error.fmt(f),
            Self::NoSuchDevice(missing) => missing.fmt(f),
            Self::TooMuch => f.write_str("the line should end here"),
            Self::Empty => f.write_str("there is no board: a fleet has one at least, such as `board left`"),
        }
    }
}
