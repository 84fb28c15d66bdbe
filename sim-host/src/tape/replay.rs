//! Lives a recorded life again.

use std::{collections::VecDeque, fmt};

use kernel::time::Instant;

use super::{Mark, NotFresh, Note, Tape};
use crate::{Observed, Sim, Wait, external::NoSuchDevice};

/// Where a life went another way than the tape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Divergence {
    /// The tape's line.
    pub line: usize,
    /// The step, counted from 1 at power-on.
    pub step: u64,
    /// When, in the machine's time.
    pub at: Instant,
    /// What the tape says.
    pub tape: String,
    /// What the machine did.
    pub machine: String,
}

/// Why a tape was not replayed to its end.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq)]
pub enum ReplayError {
    /// The machine has made steps already.
    NotFresh,
    /// Something happens on the tape to a device that the machine has not.
    Device {
        /// The tape's line.
        line: usize,
        /// What it has not.
        missing: NoSuchDevice,
    },
    /// The machine did not boot again as on the tape.
    Boot {
        /// The tape's line.
        line: usize,
        /// Why.
        error: crate::SimError,
    },
    /// The life went another way.
    Diverged(Box<Divergence>),
}

impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, step, at, tape, machine } = self;
        write!(
            f,
            "the replay goes another way in step {step}, at {at} (line {line} of the tape)\n  on the tape: {tape}\n  the machine: {machine}"
        )
    }
}

impl fmt::Display for ReplayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFresh => NotFresh.fmt(f),
            Self::Device { line, missing } => write!(f, "line {line} of the tape: {missing}"),
            Self::Boot { line, error } => write!(f, "line {line} of the tape: {error}"),
            Self::Diverged(divergence) => divergence.fmt(f),
        }
    }
}

impl std::error::Error for ReplayError {}

impl Tape {
    /// Replays the tape on a machine that was built as the recorded one, but with virtual time, and has not made a step.
    /// It ends where the tape does, and can be looked at, or run on.
    ///
    /// # Errors
    ///
    /// When the machine goes another way than the one on the tape: the first difference.
    pub fn replay(&self, sim: &mut Sim) -> Result<(), ReplayError> {
        if sim.steps() > 0 || !sim.clock().is_virtual() {
            return Err(ReplayError::NotFresh);
        }
        sim.keep_observed();
        sim.be_exact();
        let mut replay = Replay { sim, notes: &self.notes, outputs: VecDeque::new() };
        while let Some((note, rest)) = replay.notes.split_first() {
            match &note.mark {
                // A line about the next step, or one after it.
                mark if mark.begins_step() || note.step > replay.sim.steps() => replay.step(note)?,
                _ => {
                    replay.check(note)?;
                    replay.notes = rest;
                }
            }
        }
        Ok(())
    }
}

/// A replay under way.
struct Replay<'a> {
    sim: &'a mut Sim,
    /// What is left of the tape.
    notes: &'a [Note],
    /// What the machine did in its last step, and the tape has not said yet.
    outputs: VecDeque<Observed>,
}

impl Replay<'_> {
    /// Makes one step, as the tape says or as is to be expected if it does not.
    fn step(&mut self, coming: &Note) -> Result<(), ReplayError> {
        self.no_output_is_left(coming)?;
        let number = self.sim.steps() + 1;
        let told = coming.step == number && coming.mark.begins_step();
        let at = if told { Some(coming.at) } else { self.sim.expected() };
        let Some(at) = at else {
            return Err(self.diverged(coming, &coming.mark.to_string(), "is at rest, or has ended"));
        };
        self.sim.pass_until(at);
        while let Some((note, rest)) = self.notes.split_first().filter(|(note, _)| note.step == number) {
            match &note.mark {
                Mark::Clock => {}
                Mark::Input(external) => {
                    let missing = |missing| ReplayError::Device { line: note.line, missing };
                    self.sim.schedule(at, external.clone()).map_err(missing)?;
                }
                _ => break,
            }
            self.notes = rest;
        }
        let step = self.sim.step();
        if self.sim.steps() != number {
            let now = match step.wait {
                Wait::Stopped(stop) => format!("has ended, {stop:?}"),
                Wait::PowerCut => "is without power".to_owned(),
                _ => "has nothing to do".to_owned(),
            };
            return Err(self.diverged(coming, &coming.mark.to_string(), &now));
        }
        self.outputs = self.sim.take_observed().into_iter().map(|(_, observed)| observed).collect();
        Ok(())
    }

    /// Compares the machine with what the tape says of its last step.
    fn check(&mut self, note: &Note) -> Result<(), ReplayError> {
        match &note.mark {
            Mark::Output(observed) => match self.outputs.pop_front() {
                Some(output) if output == *observed => Ok(()),
                output => {
                    let output =
                        output.map_or("nothing more in this step".to_owned(), |output| output.to_string());
                    Err(self.diverged(note, &observed.to_string(), &output))
                }
            },
            Mark::Digest(digest) | Mark::End(digest) => {
                self.no_output_is_left(note)?;
                self.sim.pass_until(note.at);
                let now = self.sim.digest();
                if now == *digest {
                    return Ok(());
                }
                let text = |digest| format!("digest {digest}, of all events and output so far");
                Err(self.diverged(note, &text(*digest), &text(now)))
            }
            Mark::Reboot => {
                self.no_output_is_left(note)?;
                self.sim.pass_until(note.at);
                self.sim.reboot().map_err(|error| ReplayError::Boot { line: note.line, error })
            }
            Mark::Clock | Mark::Input(_) => Ok(()),
        }
    }

    fn no_output_is_left(&mut self, note: &Note) -> Result<(), ReplayError> {
        match self.outputs.pop_front() {
            None => Ok(()),
            Some(output) => Err(self.diverged(note, "nothing more in this step", &output.to_string())),
        }
    }

    fn diverged(&self, note: &Note, tape: &str, machine: &str) -> ReplayError {
        ReplayError::Diverged(Box::new(Divergence {
            line: note.line,
            step: self.sim.steps(),
            at: self.sim.now(),
            tape: tape.to_owned(),
            machine: machine.to_owned(),
        }))
    }
}
