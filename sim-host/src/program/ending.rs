//! How a run ends, and the exit code that says so.

use std::{fmt, io, path::PathBuf, process::ExitCode};

use sim_host::{SimError, fleet::FleetError, storage::NotAnImage, tape::TapeError};

/// How a run of the program ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The machine was switched off.
    PowerOff,
    /// The kernel panicked.
    Panic,
    /// A script still waits, and nothing in the machine can ever run again.
    Hang,
    /// The machine was switched off, but so many commands of the script had failed.
    CommandsFailed(u32),
    /// A replay, or a second run, went another way: how.
    Diverged(String),
    /// The time that was given to the machine is over, and its script is not.
    OutOfTime,
    /// A scenario failed, which has been told.
    ScenariosFailed,
    /// What was to be run as a scenario, or as a fleet, is none.
    Misread {
        /// What it should be.
        what: &'static str,
        /// All that is wrong with it.
        mistakes: String,
    },
    /// An exploration found a failure, which has been told.
    Found,
    /// What was to be explored fails by itself: how.
    NothingToExplore(String),
    /// What was asked for is not there: what, and what there is.
    Misasked(String),
    /// A signal ended the program.
    Signal(Signal),
}

/// A signal that ends the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    /// SIGHUP: the terminal is gone.
    HangUp,
    /// SIGINT, when it was sent by other means than Ctrl-C on a raw terminal.
    Interrupt,
    /// SIGTERM.
    Terminate,
}

impl Ending {
    /// What was to be run as a scenario is none.
    pub(crate) fn no_scenario(mistakes: String) -> Self {
        Self::Misread { what: "scenario", mistakes }
    }

    /// What was to be run as a fleet is none.
    pub(crate) fn no_fleet(mistakes: String) -> Self {
        Self::Misread { what: "fleet", mistakes }
    }

    /// The number for the shell; `--help` has the table.
    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::PowerOff => 0,
            Self::Misread { .. } | Self::Misasked(_) => 2,
            Self::Panic => 3,
            Self::Hang => 4,
            Self::CommandsFailed(_) => 5,
            Self::ScenariosFailed => 6,
            Self::Diverged(_) => 7,
            Self::OutOfTime => 8,
            Self::Found => 9,
            Self::NothingToExplore(_) => 10,
            Self::Signal(Signal::HangUp) => 128 + 1,
            Self::Signal(Signal::Interrupt) => 128 + 2,
            Self::Signal(Signal::Terminate) => 128 + 15,
        }
    }

    /// As [`code`](Self::code).
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code())
    }

    /// What the user is told on stderr, if anything.
    pub(crate) fn message(&self) -> Option<String> {
        match self {
            Self::PowerOff | Self::Found | Self::ScenariosFailed | Self::Signal(_) => None,
            Self::Panic => Some("kernel panic, the machine has stopped".to_owned()),
            Self::Hang => {
                Some("the machine hangs: the script waits for it, and nothing in it can run again".to_owned())
            }
            Self::Diverged(how) | Self::NothingToExplore(how) | Self::Misasked(how) => Some(how.clone()),
            Self::Misread { what, mistakes } => Some(format!("this is no {what}\n{mistakes}")),
            Self::OutOfTime => Some(
                "the time is up and the script or scenario is not at its end: give more with --until"
                    .to_owned(),
            ),
            Self::CommandsFailed(1) => Some("a console command failed".to_owned()),
            Self::CommandsFailed(count) => Some(format!("{count} console commands failed")),
        }
    }
}

/// What the host could not do.
#[derive(Debug)]
pub(crate) enum HostError {
    /// The runtime or the signal handlers could not be set up.
    Runtime(io::Error),
    /// The terminal could not be switched to raw mode.
    Terminal(io::Error),
    /// The script cannot be opened.
    Script {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A scenario cannot be read.
    Scenario {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The address cannot be listened on.
    Listen {
        /// As given by the user.
        address: String,
        /// Why.
        error: io::Error,
    },
    /// There is no pty to be had.
    Pty(io::Error),
    /// Input could not be read.
    Input(io::Error),
    /// Output could not be written.
    Output(io::Error),
    /// The machine did not boot.
    Boot(SimError),
    /// A fleet's description cannot be read.
    Plan {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A fleet cannot be as it is described.
    Fleet(FleetError),
    /// An exploration broke off: how.
    Worker(String),
    /// A JUnit document could not be written.
    Junit {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A tape could not be written.
    Record {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The file of a storage could not be read or written.
    Storage {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The file of a storage is no image of it.
    NoImage {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: NotAnImage,
    },
    /// A timeline could not be written.
    Timeline {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A tape could not be read.
    Replay {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A tape is none, or damaged.
    Tape {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: TapeError,
    },
    /// A tape asks for a machine that cannot be built here.
    TapeOption {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

impl HostError {
    /// Whether nobody reads the output any more.
    pub(crate) fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }

    /// The number for the shell.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::FAILURE
    }
}

impl fmt::Display for HostError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Runtime(error) => write!(f, "the program cannot start: {error}"),
            Self::Terminal(error) => write!(f, "the terminal cannot be switched to raw mode: {error}"),
            Self::Script { path, error } => {
                write!(f, "the script `{}` cannot be read: {error}", path.display())
            }
            Self::Scenario { path, error } => {
                write!(f, "the scenario `{}` cannot be read: {error}", path.display())
            }
            Self::Listen { address, error } => write!(f, "cannot listen on `{address}`: {error}"),
            Self::Pty(error) => write!(f, "no pseudo-terminal can be opened: {error}"),
            Self::Input(error) => write!(f, "the input cannot be read: {error}"),
            Self::Output(error) => write!(f, "the output cannot be written: {error}"),
            Self::Boot(error) => write!(f, "the machine does not boot: {error}"),
            Self::Plan { path, error } => {
                write!(f, "the fleet's file `{}` cannot be read: {error}", path.display())
            }
            Self::Fleet(error) => error.fmt(f),
            Self::Worker(how) => write!(f, "the exploration broke off: {how}"),
            Self::Junit { path, error } => {
                write!(f, "the JUnit document `{}` cannot be written: {error}", path.display())
            }
            Self::Record { path, error } => {
                write!(f, "the tape `{}` cannot be written: {error}", path.display())
            }
            Self::Storage { path, error } => {
                write!(f, "the storage `{}` cannot be read or written: {error}", path.display())
            }
            Self::NoImage { path, error } => write!(f, "{}: {error}", path.display()),
            Self::Timeline { path, error } => {
                write!(f, "the timeline `{}` cannot be written: {error}", path.display())
            }
            Self::Replay { path, error } => {
                write!(f, "the tape `{}` cannot be read: {error}", path.display())
            }
            Self::Tape { path, error } => write!(f, "{}: {error}", path.display()),
            Self::TapeOption { path, reason } => write!(f, "{}: {reason}", path.display()),
        }
    }
}

impl std::error::Error for HostError {}

#[cfg(test)]
mod tests {
    use super::{Ending, Signal};

    #[test]
    fn every_ending_has_the_exit_code_that_help_promises() {
        let help = include_str!("options/exit_codes.txt");
        let endings = [
            Ending::PowerOff,
            Ending::Panic,
            Ending::Hang,
            Ending::CommandsFailed(7),
            Ending::ScenariosFailed,
            Ending::no_scenario(String::new()),
            Ending::Diverged(String::new()),
            Ending::OutOfTime,
            Ending::Found,
            Ending::NothingToExplore(String::new()),
            Ending::Misasked(String::new()),
        ];
        for (ending, code) in endings.into_iter().zip([0, 3, 4, 5, 6, 2, 7, 8, 9, 10, 2]) {
            assert_eq!(ending.code(), code);
            assert!(help.lines().any(|line| line.trim_start().starts_with(&format!("{code}  "))), "{code}");
        }
    }

    #[test]
    fn a_signal_ends_with_128_and_its_number() {
        let signals = [Signal::HangUp, Signal::Interrupt, Signal::Terminate];
        assert_eq!(signals.map(|signal| Ending::Signal(signal).code()), [129, 130, 143]);
    }

    #[test]
    fn only_a_good_ending_is_silent() {
        assert_eq!(Ending::PowerOff.message(), None);
        for ending in [Ending::Panic, Ending::Hang, Ending::CommandsFailed(1), Ending::OutOfTime] {
            assert!(ending.message().is_some());
        }
    }
}
