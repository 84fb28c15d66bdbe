//! Tapes: all that happened to a machine from outside, and when the machine saw it, so that its life can be lived again.
//!
//! A machine's life is a row of steps. A step sees one time, and begins with what happens from outside; all else follows
//! from the steps before. So a tape names the steps that something happens with, and those whose time is not what
//! anybody would expect: of a machine in virtual time there are none of these, of one in real time most. While a tape is
//! recorded the clock stands still within a step, whatever the host's does.
//!
//! A tape also says what the machine did, and now and then the digest of its life, so that a replay which goes another
//! way is told from one that does not, and where it does.
//!
//! # The format
//!
//! ASCII text, a line each, ended by `\n`:
//!
//! ```text
//! mnemos-tape 1                     what it is, and the version of the format
//! option seed 7                     what the machine was built with: a name, and a value to the end of the line
//! begin
//! 1 0 clock                         step 1 began at 0 us, which was not to be expected
//! 9 5130077 > send uart0 "ping\n"   with step 9, at 5.130077 s, something happened: see `External`
//! 10 5130121 < uart0 "1 round ..."  in step 10 the machine did something: see `Observed`
//! 64 9000000 digest 0123...cdef     after step 64 the digest of its life was this
//! 70 9100000 reboot                 after step 70 it was booted again: time starts at 0, steps are counted on
//! 90 1200000 end 0123...cdef        after step 90 the tape ends
//! ```
//!
//! A tape without its end, or with a line that is none, is refused with the place.

mod parse;
mod record;
mod replay;

use std::fmt;

use kernel::time::Instant;

pub use self::{
    parse::{Fault, TapeError},
    record::{NotFresh, Recorder},
    replay::{Divergence, ReplayError},
};
use crate::{Digest, Observed, external::External};

/// The version of the format.
pub const VERSION: u32 = 1;

/// What every tape begins with.
const NAME: &str = "mnemos-tape";

/// A tape that has been read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tape {
    options: Vec<(String, String)>,
    notes: Vec<Note>,
}

/// A line of the tape's body.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Note {
    /// The line's number, counted from 1.
    line: usize,
    step: u64,
    at: Instant,
    mark: Mark,
}

/// What a line of the body says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Mark {
    /// The step began at an unexpected time.
    Clock,
    /// Something happened at the step's beginning.
    Input(External),
    /// The machine did something in the step.
    Output(Observed),
    /// The digest after the step.
    Digest(Digest),
    /// The machine was booted again after the step.
    Reboot,
    /// The end, after the step.
    End(Digest),
}

impl Mark {
    /// It belongs to the step's beginning.
    fn begins_step(&self) -> bool {
        matches!(self, Self::Clock | Self::Input(_))
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Clock => f.write_str("clock"),
            Self::Input(external) => write!(f, "> {external}"),
            Self::Output(observed) => write!(f, "< {observed}"),
            Self::Digest(digest) => write!(f, "digest {digest}"),
            Self::Reboot => f.write_str("reboot"),
            Self::End(digest) => write!(f, "end {digest}"),
        }
    }
}

impl Tape {
    /// What the machine was built with, by name.
    pub fn options(&self) -> impl Iterator<Item = (&str, &str)> {
        self.options.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The value of an option.
    pub fn option(&self, name: &str) -> Option<&str> {
        self.options().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// How often something happened to the machine.
    pub fn inputs(&self) -> usize {
        self.notes.iter().filter(|note| matches!(note.mark, Mark::Input(_))).count()
    }

    /// How many steps the recorded life has.
    pub fn steps(&self) -> u64 {
        self.notes.last().map_or(0, |note| note.step)
    }
}
