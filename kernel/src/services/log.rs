//! The log as a service: read it, write to it, choose what it keeps.

use postcard_schema::Schema;
use serde::{Deserialize, Serialize};

use crate::{
    inline::Text,
    limits::LOG_TEXT,
    log::{Level, TARGET_NAME},
    registry::{Service, Uuid, Version},
};

/// The contract.
pub enum LogService {}

/// What a client asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub enum Request {
    /// Write a line.
    Write {
        /// How much it matters.
        level: Level,
        /// What it says.
        text: Text<LOG_TEXT>,
    },
    /// The first line kept whose number is at least this.
    Line(u64),
    /// Set the level of a target, or with an empty target that of all targets without one of their own.
    Set {
        /// The target, or nothing.
        target: Text<TARGET_NAME>,
        /// The level.
        level: Level,
    },
    /// The level of a target, or with an empty target that of all targets without one of their own.
    Get(Text<TARGET_NAME>),
    /// The n-th target that has a level of its own, counted from 0.
    Target(u8),
}

/// What the log answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub enum Response {
    /// Done.
    Done,
    /// A line, or nothing if there is none yet.
    Line(Option<Line>),
    /// A level.
    Level(Level),
    /// A target with a level of its own.
    Target(Option<(Text<TARGET_NAME>, Level)>),
}

/// A line of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub struct Line {
    /// Its number, counted from 0 since boot: ask for the next one with one more.
    pub number: u64,
    /// When, in microseconds since boot.
    pub at_us: u64,
    /// How much it matters.
    pub level: Level,
    /// Who says it.
    pub target: Text<TARGET_NAME>,
    /// What it says.
    pub text: Text<LOG_TEXT>,
}

/// Why the log could not do what it was asked.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub enum Error {
    /// Too many targets have a level of their own.
    TooManyTargets,
}

impl core::fmt::Display for Error {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::TooManyTargets => core::fmt::Display::fmt(&crate::log::TooManyTargets, f),
        }
    }
}

impl core::error::Error for Error {}

impl Service for LogService {
    type Request = Request;
    type Response = Response;
    type Error = Error;
    type Hello = ();
    type ConnectError = core::convert::Infallible;

    const UUID: Uuid = Uuid::from_u128(0x0b8e_66d2_714f_4c1b_95a0_e3c7_48fa_1d26);
    const NAME: &'static str = "log";
    const VERSION: Version = Version::new(1, 0);
}
