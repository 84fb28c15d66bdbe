//! What can be wrong with a scenario's text, and what would be right.

use std::fmt;

use crate::{NoSuchDevice, external::ExternalError, fault::FaultReason};

/// What is wrong with a scenario.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// No statement begins like this.
    NotAStatement {
        /// The word.
        word: String,
        /// What it may be meant to be.
        near: Option<String>,
    },
    /// A word is none of those that belong there.
    NotOneOf {
        /// The word; empty at the line's end.
        word: String,
        /// What belongs there.
        wanted: &'static str,
        /// What it may be meant to be.
        near: Option<String>,
    },
    /// A pin or a serial port is called otherwise.
    UnknownName {
        /// The word; empty at the line's end.
        word: String,
        /// What it may be meant to be.
        near: Option<String>,
    },
    /// This is a pin, and a serial port belongs there, or the other way round.
    WrongKind {
        /// The name.
        word: String,
        /// What belongs there.
        wanted: &'static str,
    },
    /// This cannot be a name.
    NotAName,
    /// The name was given before.
    NameTaken,
    /// A time is none, or missing.
    NotATime,
    /// Bytes in quotes are missing, or not well written.
    NotBytes,
    /// Neither text in quotes nor a regular expression.
    NotAPattern,
    /// Nothing is looked for.
    EmptyPattern,
    /// A text has bytes that output, which is text, never has.
    NoText,
    /// A regular expression has no end.
    Unfinished,
    /// A regular expression is none: why.
    Regex(String),
    /// A fault is none.
    Fault(FaultReason),
    /// This cannot happen from outside.
    External(ExternalError),
    /// The machine has no such device.
    NoSuchDevice(NoSuchDevice),
    /// There is more on the line than there should be.
    TooMuch,
    /// The scenario has no statement.
    Empty,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let missing =
            |word: &str| if word.is_empty() { "the line's end".to_owned() } else { format!("`{word}`") };
        match self {
            Self::NotAStatement { word, near: Some(near) } => {
                write!(f, "`{word}` is no statement: is it `{near}`?")
            }
            Self::NotAStatement { word, near: None } => {
                write!(f, "`{word}` is no statement: such as send, expect, wait, press, set, fault or screenshot")
            }
            Self::NotOneOf { word, wanted, near } => {
                write!(f, "{wanted} belongs here, and not {}", missing(word))?;
                near.as_ref().map_or(Ok(()), |near| write!(f, ": is it `{near}`?"))
            }
            Self::UnknownName { word, near: Some(near) } => {
                write!(f, "no pin or serial port is called `{word}`: is it `{near}`?")
            }
            Self::UnknownName { word, near: None } => {
                write!(
                    f,
                    "a pin or a serial port belongs here, such as `uart0`, `pin 3` or `led`, and not {}; a line `name \
                     button = pin 14` before this one names a pin",
                    missing(word)
                )
            }
            Self::WrongKind { word, wanted } => write!(f, "{wanted} belongs here, and `{word}` is none"),
            Self::NotAName => f.write_str(
                "a name has small letters, digits, `-` and `_`, begins with a letter, and is no word of statements",
            ),
            Self::NameTaken => f.write_str("this name was given before: choose another one"),
            Self::NotATime => {
                f.write_str("a time belongs here, such as `250ms`: a number and us, ms, s, min, h or d")
            }
            Self::NotBytes => ExternalError::NotBytes.fmt(f),
            Self::NotAPattern => f.write_str("text in quotes or a regular expression such as `/ready/` belongs here"),
            Self::EmptyPattern => f.write_str("nothing is always there: write what to look for"),
            Self::NoText => f.write_str(
                "output is looked at as text: it has no bytes but letters, digits, signs, blanks, `\\t` and `\\n`",
            ),
            Self::Unfinished => f.write_str("this regular expression has no `/` at its end"),
            Self::Regex(why) => write!(f, "this is no regular expression: {why}"),
            Self::Fault(reason) => reason.fmt(f),
            Self::External(error) => error.fmt(f),
            Self::NoSuchDevice(missing) => missing.fmt(f),
            Self::TooMuch => f.write_str("the statement ends before this: one a line"),
            Self::Empty => f.write_str("there is no statement: a scenario that does nothing proves nothing"),
        }
    }
}
