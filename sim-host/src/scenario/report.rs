//! What came of a scenario.

use std::fmt;

use kernel::time::Duration;

use crate::{
    Digest, IdleFault, SimError,
    mistake::{listed, pointed},
};

/// What a scenario came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// The scenario's name.
    pub name: String,
    /// How it ended.
    pub verdict: Verdict,
    /// How long the machine has lived, over all of its boots.
    pub lived: Duration,
    /// What the users of serial ports saw when the scenario asked.
    pub screenshots: Vec<Screenshot>,
    /// Faults that never applied.
    pub idle_faults: Vec<Idle>,
    /// Stands for the machine's life.
    pub digest: Digest,
}

/// A fault that never applied while a scenario was carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idle {
    /// The scenario's line and column that added it, counted from 1; none if the machine had it before.
    pub place: Option<(usize, usize)>,
    /// Which fault.
    pub fault: IdleFault,
}

impl fmt::Display for Idle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Some((line, column)) => write!(f, "{line}:{column}: {}", self.fault),
            None => write!(f, " {}", self.fault),
        }
    }
}

/// How a scenario ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// All statements were carried out, and all expectations came true.
    Passed,
    /// A statement failed.
    Failed(Failed),
    /// The machine was given less time than the scenario takes.
    OutOfTime {
        /// The statement that was not at its end: its line, counted from 1.
        line: usize,
        /// Its column, in characters, counted from 1.
        column: usize,
    },
}

/// A statement that failed.
#[derive(Debug, Clone, PartialEq)]
pub struct Failed {
    /// Its line, counted from 1.
    pub line: usize,
    /// Its column, in characters, counted from 1.
    pub column: usize,
    /// The line's text.
    pub text: String,
    /// When.
    pub at: Duration,
    /// Why.
    pub why: Why,
    /// The port that it was about, or the first one.
    pub uart: usize,
    /// The last lines that the port has said, as text.
    pub last_output: Vec<String>,
    /// An expectation has seen all of them before.
    pub all_seen: bool,
}

/// Why a statement failed.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq)]
pub enum Why {
    /// What was expected has not come.
    Missing {
        /// What.
        expected: String,
        /// Within which time.
        within: Duration,
    },
    /// What was expected not to come has come.
    Came {
        /// What.
        unexpected: String,
        /// The output that is it, if it is output.
        found: Option<String>,
    },
    /// It was later than the statement's time already.
    Late {
        /// The statement's time.
        at: Duration,
    },
    /// The machine has no power.
    Off {
        /// It has switched itself off, or was switched off.
        since: Duration,
    },
    /// The machine has power already.
    On,
    /// A task was to be ended that is not there.
    NoSuchTask {
        /// Its name.
        task: String,
        /// The tasks that there are.
        tasks: Vec<&'static str>,
    },
    /// The kernel has panicked.
    Panicked,
    /// The machine does not come to rest.
    Busy,
    /// The machine does not boot again.
    Boot(SimError),
}

/// What the user of a serial port sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Screenshot {
    /// The name that the scenario gave it.
    pub name: Option<String>,
    /// The port's number.
    pub uart: usize,
    /// When.
    pub at: Duration,
    /// The screen's rows, without blanks at their ends and empty ones at its end.
    pub rows: Vec<String>,
}

impl Report {
    /// The scenario has passed.
    pub fn passed(&self) -> bool {
        self.verdict == Verdict::Passed
    }
}

/// A time as reports have it: in seconds.
pub(super) struct Seconds(pub(super) Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let us = self.0.as_micros();
        write!(f, "{}.{:06}", us / 1_000_000, us % 1_000_000)
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { expected, within } => {
                write!(f, "expected {expected} within {within}, and it has not come")
            }
            Self::Came { unexpected, found: Some(found) } => {
                write!(f, "expected no {unexpected}, and there came {found:?}")
            }
            Self::Came { unexpected, found: None } => write!(f, "expected no {unexpected}, and it came"),
            Self::Late { at } => write!(f, "this was to be at {} s, and it is later", Seconds(*at)),
            Self::Off { since } => {
                write!(f, "the machine is off since {} s: `poweron` switches it on", Seconds(*since))
            }
            Self::On => f.write_str("the machine is on: `reboot` switches it off and on"),
            Self::NoSuchTask { task, tasks } => {
                write!(f, "no task is called `{task}`: there are {}", listed(tasks))
            }
            Self::Panicked => {
                f.write_str("the kernel has panicked, and no `expect panic` says that it should")
            }
            Self::Busy => f.write_str("the machine does not come to rest"),
            Self::Boot(error) => write!(f, "the machine does not boot again: {error}"),
        }
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, column, text, at, why, uart, last_output, all_seen } = self;
        writeln!(f, "{line}:{column}: {why}, at {} s", Seconds(*at))?;
        write!(f, "{}", pointed(text, *column))?;
        match (last_output.is_empty(), all_seen) {
            (true, _) => return write!(f, "\n  uart{uart} has said nothing"),
            (false, true) => write!(f, "\n  the last output of uart{uart}, seen by expectations before:")?,
            (false, false) => write!(f, "\n  the last output of uart{uart}:")?,
        }
        last_output.iter().try_for_each(|line| write!(f, "\n  | {line}"))
    }
}

impl fmt::Display for Screenshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, uart, at, rows } = self;
        match name {
            Some(name) => write!(f, "screenshot {name:?} of uart{uart} at {} s", Seconds(*at))?,
            None => write!(f, "screenshot of uart{uart} at {} s", Seconds(*at))?,
        }
        rows.iter().try_for_each(|row| write!(f, "\n  | {row}"))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, verdict, lived, screenshots, .. } = self;
        screenshots.iter().try_for_each(|screenshot| writeln!(f, "{screenshot}"))?;
        match verdict {
            Verdict::Passed => write!(f, "passed {name}, {} s of the machine's time", Seconds(*lived)),
            Verdict::Failed(failed) => write!(f, "FAILED {name}:{failed}"),
            Verdict::OutOfTime { line, column } => {
                write!(f, "FAILED {name}:{line}:{column}: the time was up at {} s", Seconds(*lived))
            }
        }
    }
}
