//! Writes tapes.

use std::{
    fmt,
    io::{self, Write},
};

use kernel::time::Instant;

use super::{Mark, NAME, VERSION};
use crate::Digest;

/// A digest is written after so many steps.
const DIGEST_EVERY: u64 = 64;

/// Writes a tape. [`Sim::record`](crate::Sim::record) takes one.
pub struct Recorder {
    out: Box<dyn Write>,
    /// What went wrong first. From then on nothing is written.
    failed: Option<io::Error>,
}

/// The machine has made steps already, which the tape would lack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotFresh;

impl fmt::Display for NotFresh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the machine runs already; a tape begins with a machine that has just been built")
    }
}

impl std::error::Error for NotFresh {}

impl Recorder {
    /// Begins a tape, with what somebody must know to build the same machine: names without spaces, and values without
    /// line ends.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn new<'a>(
        out: impl Write + 'static,
        options: impl IntoIterator<Item = (&'a str, String)>,
    ) -> io::Result<Self> {
        let mut out: Box<dyn Write> = Box::new(out);
        writeln!(out, "{NAME} {VERSION}")?;
        for (name, value) in options {
            writeln!(out, "option {name} {value}")?;
        }
        writeln!(out, "begin")?;
        Ok(Self { out, failed: None })
    }

    pub(crate) fn note(&mut self, step: u64, at: Instant, mark: &Mark) {
        if self.failed.is_none()
            && let Err(error) = writeln!(self.out, "{step} {} {mark}", at.as_micros())
        {
            self.failed = Some(error);
        }
    }

    pub(crate) fn wants_digest(&self, step: u64) -> bool {
        step.is_multiple_of(DIGEST_EVERY)
    }

    /// Ends the tape.
    pub(crate) fn finish(mut self, step: u64, at: Instant, digest: Digest) -> io::Result<()> {
        self.note(step, at, &Mark::End(digest));
        match self.failed {
            Some(error) => Err(error),
            None => self.out.flush(),
        }
    }
}
