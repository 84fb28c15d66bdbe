//! A schedule: what lands elsewhere than it would by itself, as a value and as text.

use std::{fmt, str::FromStr};

use crate::Fault;

/// One displacement. Everything is counted from 1.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Move {
    /// `irq:uart0@17`: the line becomes pending once more when the kernel has left 17 critical sections.
    Interrupt {
        /// The line's name; if there is no such line then, nothing happens.
        line: String,
        /// Critical sections since the machine was built.
        after: u64,
    },
    /// `late:3+12`: the third interrupt that the machine would take is taken 12 critical sections later, in the midst of
    /// what the kernel does then; at the beginning of the next step at the latest.
    Late {
        /// The interrupt's number.
        interrupt: u64,
        /// By so many critical sections.
        by: u64,
    },
    /// `input:4+250`: the fourth thing that happens from outside happens 250 microseconds later. What comes behind it on the
    /// same wire or pin stays behind it.
    Delay {
        /// The input's number.
        input: u64,
        /// By so many microseconds.
        by_us: u64,
    },
    /// `split:4/7+100`: the fourth input is bytes, and those after the seventh come 100 microseconds later.
    Split {
        /// The input's number.
        input: u64,
        /// So many bytes come in time.
        bytes: usize,
        /// The others come so many microseconds later.
        by_us: u64,
    },
    /// `polls:1`: a tick makes so many polls at most.
    Polls(u32),
    /// `cost:5`: a tick that polls something takes so many microseconds, so that timers become due in between.
    Cost(u64),
    /// `fault:kill~echo~at~event~40`: something goes wrong, by a rule as [`fault`](crate::fault) has it, with `~` for blanks.
    Fault(Fault),
}

/// Displacements; none of them means that the machine is left alone. Written `none`, or with commas:
/// `polls:1,irq:uart0@17`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Schedule(pub Vec<Move>);

/// The text is no schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotASchedule {
    /// The part that is wrong.
    part: String,
}

impl fmt::Display for Move {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Interrupt { line, after } => write!(f, "irq:{line}@{after}"),
            Self::Late { interrupt, by } => write!(f, "late:{interrupt}+{by}"),
            Self::Delay { input, by_us } => write!(f, "input:{input}+{by_us}"),
            Self::Split { input, bytes, by_us } => write!(f, "split:{input}/{bytes}+{by_us}"),
            Self::Polls(polls) => write!(f, "polls:{polls}"),
            Self::Cost(cost_us) => write!(f, "cost:{cost_us}"),
            Self::Fault(fault) => write!(f, "fault:{}", fault.to_string().replace(' ', "~")),
        }
    }
}

impl FromStr for Move {
    type Err = NotASchedule;

    fn from_str(part: &str) -> Result<Self, NotASchedule> {
        let wrong = || NotASchedule { part: part.to_owned() };
        let number = |text: &str| text.parse::<u64>().map_err(|_| wrong());
        let cut = |text: &'_ str, at: char| {
            text.rsplit_once(at)
                .map(|(before, after)| (before.to_owned(), after.to_owned()))
                .ok_or_else(wrong)
        };
        let (kind, rest) = part.split_once(':').ok_or_else(wrong)?;
        Ok(match kind {
            "irq" => {
                let (line, after) = cut(rest, '@')?;
                Self::Interrupt { line, after: number(&after)? }
            }
            "late" => {
                let (interrupt, by) = cut(rest, '+')?;
                Self::Late { interrupt: number(&interrupt)?, by: number(&by)? }
            }
            "input" => {
                let (input, by) = cut(rest, '+')?;
                Self::Delay { input: number(&input)?, by_us: number(&by)? }
            }
            "split" => {
                let (which, by) = cut(rest, '+')?;
                let (input, bytes) = cut(&which, '/')?;
                let bytes = bytes.parse().map_err(|_| wrong())?;
                Self::Split { input: number(&input)?, bytes, by_us: number(&by)? }
            }
            "polls" => Self::Polls(rest.parse().map_err(|_| wrong())?),
            "cost" => Self::Cost(number(rest)?),
            "fault" => Self::Fault(rest.replace('~', " ").parse().map_err(|_| wrong())?),
            _ => return Err(wrong()),
        })
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("none");
        }
        let comma = |index| if index > 0 { "," } else { "" };
        self.0.iter().enumerate().try_for_each(|(index, displaced)| write!(f, "{}{displaced}", comma(index)))
    }
}

impl FromStr for Schedule {
    type Err = NotASchedule;

    fn from_str(text: &str) -> Result<Self, NotASchedule> {
        match text {
            "none" => Ok(Self::default()),
            _ => text.split(',').map(str::parse).collect::<Result<_, _>>().map(Self),
        }
    }
}

impl fmt::Display for NotASchedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` is none of irq:LINE@N, late:N+N, input:N+US, split:N/BYTES+US, polls:N, cost:US, fault:A~RULE",
            self.part
        )
    }
}

impl std::error::Error for NotASchedule {}

impl Schedule {
    /// Polls in a tick at most, if the schedule says so.
    pub(crate) fn polls(&self) -> Option<u32> {
        self.0
            .iter()
            .find_map(|displaced| if let Move::Polls(polls) = displaced { Some(*polls) } else { None })
    }

    /// What goes wrong.
    pub(crate) fn faults(&self) -> impl Iterator<Item = &Fault> {
        self.0
            .iter()
            .filter_map(|displaced| if let Move::Fault(fault) = displaced { Some(fault) } else { None })
    }

    /// What a tick that polls costs, in microseconds, if the schedule says so.
    pub(crate) fn cost_us(&self) -> Option<u64> {
        self.0.iter().find_map(|displaced| if let Move::Cost(us) = displaced { Some(*us) } else { None })
    }
}

#[cfg(test)]
mod tests {
    use super::Schedule;

    #[test]
    fn a_schedule_reads_as_it_is_written() {
        for text in [
            "none",
            "irq:uart0@17,late:3+12,input:4+250,split:5/3+100,polls:1,cost:5",
            "irq:a@b@3",
            "fault:kill~echo~at~event~40",
        ] {
            let schedule: Schedule = text.parse().expect("a schedule");
            assert_eq!(schedule.to_string(), text);
        }
    }

    #[test]
    fn what_is_no_schedule_is_named() {
        for text in [
            "",
            "irq:uart0",
            "late:3",
            "input:+",
            "split:3+4",
            "polls:-1",
            "nap:3",
            "fault:sing",
            "none,none",
        ] {
            let error = text.parse::<Schedule>().expect_err("no schedule").to_string();
            assert!(error.contains("is none of"), "{error}");
        }
    }
}
