//! The log as a service: read it, write to it, choose what it keeps.

use core::convert::Infallible;

use postcard_schema::Schema;
use serde::{Deserialize, Serialize};

use super::Never;
use crate::{
    Handle,
    event::Cursor,
    inline::Text,
    limits::LOG_TEXT,
    log::{Level, TARGET_NAME},
    registry::{BindError, Service, Uuid, Version},
};

#[cfg(test)]
mod tests;

/// The target of lines that come in through the service: the log keeps no names that a client makes up.
pub const TARGET: &str = "client";

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
    /// Take a target's own level away.
    Clear(Text<TARGET_NAME>),
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
    type ConnectError = Never;

    const UUID: Uuid = Uuid::from_u128(0x0b8e_66d2_714f_4c1b_95a0_e3c7_48fa_1d26);
    const NAME: &'static str = "log";
    const VERSION: Version = Version::new(1, 0);
}

/// The driver.
///
/// # Errors
///
/// When the service cannot be bound.
pub async fn serve(kernel: Handle) -> Result<Infallible, BindError> {
    let mut server = kernel.services().bind_for_programs::<LogService>("").await?;
    kernel.ready();
    loop {
        let call = server.next_call().await;
        let answer = answer(&kernel, call.request());
        // A client that has given up meanwhile does not miss the answer.
        let _ = call.reply(answer);
    }
}

fn answer(kernel: &Handle, request: &Request) -> Result<Response, Error> {
    let log = kernel.log();
    match request {
        Request::Write { level, text } => {
            log.write(*level, TARGET, format_args!("{text}"));
            Ok(Response::Done)
        }
        Request::Line(from) => Ok(Response::Line(line(kernel, *from))),
        Request::Set { target, level } if target.is_empty() => {
            log.set_level(*level);
            Ok(Response::Done)
        }
        Request::Set { target, level } => {
            log.set_target(target, Some(*level)).map_err(|_full| Error::TooManyTargets)?;
            Ok(Response::Done)
        }
        Request::Clear(target) => {
            // Taking a level away needs no room in the table.
            let _ = log.set_target(target, None);
            Ok(Response::Done)
        }
        Request::Get(target) if target.is_empty() => Ok(Response::Level(log.levels().0)),
        Request::Get(target) => Ok(Response::Level(log.level_of(target))),
        Request::Target(index) => {
            let (_, targets) = log.levels();
            Ok(Response::Target(targets.into_iter().flatten().nth(usize::from(*index))))
        }
    }
}

fn line(kernel: &Handle, from: u64) -> Option<Line> {
    let entry = kernel.log().read(&mut Cursor::at(from))?;
    let line = entry.record;
    Some(Line {
        number: entry.number,
        at_us: line.at_us,
        level: line.level,
        target: Text::cut(line.target),
        text: line.text,
    })
}
