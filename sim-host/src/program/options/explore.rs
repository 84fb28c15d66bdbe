//! The command line of `sim-host explore`.

use std::{fmt, ops::Range, path::PathBuf, str::FromStr};

use clap::Args;
use sim_host::{Fault, explore::Schedule};

/// What is explored, and how: for what, see [`Task::Explore`](super::Task::Explore).
#[derive(Debug, Clone, Args)]
pub(crate) struct Explore {
    /// A file of console commands, one a line; or a scenario, if its name ends in `.scn`
    ///
    /// A scenario fails if one of its expectations does.
    pub(crate) script: PathBuf,

    /// The seeds to explore: A..B, without B
    #[arg(long, value_name = "A..B", default_value = "0..1000")]
    pub(crate) seeds: Seeds,

    /// Run one seed only, and show what the machine says
    #[arg(long = "seed", value_name = "N", id = "one_seed", conflicts_with_all = ["seeds", "shard"])]
    pub(crate) seed: Option<u64>,

    /// Write a timeline of that run, to be opened in https://ui.perfetto.dev
    ///
    /// It goes with the line that an exploration prints for what it has found, too. If the script fails by itself, the
    /// timeline shows how.
    #[arg(long = "timeline", value_name = "FILE", id = "explore_timeline")]
    pub(super) timeline: Option<PathBuf>,

    /// The schedule of that run, instead of the one that is drawn from its seed; `none` displaces nothing
    ///
    /// Parts with commas between: irq:LINE@N pends a line after N critical sections, late:I+N takes the I-th interrupt N
    /// sections later, input:I+US has the I-th input come so late, split:I/BYTES+US the bytes behind the first so many;
    /// polls:N is how many polls a tick makes, cost:US what it takes; fault:RULE is a fault, with ~ for blanks.
    #[arg(long, value_name = "SCHEDULE", requires = "one_seed")]
    pub(crate) schedule: Option<Schedule>,

    /// Draw faults for each seed, too: bad lines, stalled drivers, drivers that end, no memory, bad storage, a bad I²C bus, power cuts
    ///
    /// Commands may fail then. When the faults are over, the drivers are started that are stopped, and the console is asked for an
    /// answer: nothing else may be worse than without faults.
    #[arg(long)]
    pub(crate) faults: bool,

    /// Something that goes wrong in every life, as a rule; may be given several times
    #[arg(long = "fault", value_name = "RULE", id = "rules")]
    pub(super) rules: Vec<Fault>,

    /// Which of the script's lines to run, counted from 1: `2,5-7`
    #[arg(long, value_name = "LINES")]
    pub(crate) lines: Option<Lines>,

    /// Explore the I-th of N equal shares of the seeds, I from 0
    #[arg(long, value_name = "I/N", default_value = "0/1")]
    pub(crate) shard: Shard,

    /// Processes that work at the same time; as many as there are cores otherwise
    #[arg(long, value_name = "N")]
    pub(crate) jobs: Option<usize>,

    /// Print the result as one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

impl Explore {
    /// The script is a scenario, by its name.
    pub(crate) fn is_scenario(&self) -> bool {
        self.script.extension().is_some_and(|extension| extension == "scn")
    }
}

/// The longest script, in lines.
const MOST_LINES: usize = 1_000_000;

/// Seeds, from the first to before the last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seeds(pub(crate) Range<u64>);

/// Lines of a script, counted from 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lines(pub(crate) Vec<usize>);

/// One of so many shares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shard {
    pub(crate) index: u64,
    pub(crate) count: u64,
}

/// Why a value is refused: what it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotThat {
    Seeds,
    Lines,
    Shard,
}

impl fmt::Display for NotThat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Seeds => "use A..B, such as `0..1000`, where A is less than B",
            Self::Lines => "use numbers and ranges, counted from 1, such as `2,5-7`",
            Self::Shard => "use I/N, such as `0/8`, where I counts from 0",
        })
    }
}

impl std::error::Error for NotThat {}

impl FromStr for Seeds {
    type Err = NotThat;

    fn from_str(text: &str) -> Result<Self, NotThat> {
        let (from, to) = text.split_once("..").ok_or(NotThat::Seeds)?;
        match (from.parse(), to.parse()) {
            (Ok(from), Ok(to)) if from < to => Ok(Self(from..to)),
            _ => Err(NotThat::Seeds),
        }
    }
}

impl FromStr for Lines {
    type Err = NotThat;

    fn from_str(text: &str) -> Result<Self, NotThat> {
        let mut lines = Vec::new();
        for part in text.split(',') {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            match (first.parse::<usize>(), last.parse::<usize>()) {
                (Ok(first @ 1..), Ok(last)) if first <= last && last <= MOST_LINES => {
                    lines.extend(first - 1..last);
                }
                _ => return Err(NotThat::Lines),
            }
        }
        Ok(Self(lines))
    }
}

impl fmt::Display for Lines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0.as_slice();
        while let Some(first) = rest.first() {
            let run = rest.iter().zip(*first..).take_while(|(line, expected)| *line == expected).count();
            if rest.len() < self.0.len() {
                f.write_str(",")?;
            }
            match run {
                1 => write!(f, "{}", first + 1)?,
                _ => write!(f, "{}-{}", first + 1, first + run)?,
            }
            rest = rest.get(run..).unwrap_or_default();
        }
        Ok(())
    }
}

impl FromStr for Shard {
    type Err = NotThat;

    fn from_str(text: &str) -> Result<Self, NotThat> {
        let (index, count) = text.split_once('/').ok_or(NotThat::Shard)?;
        match (index.parse(), count.parse()) {
            (Ok(index), Ok(count)) if index < count => Ok(Self { index, count }),
            _ => Err(NotThat::Shard),
        }
    }
}
