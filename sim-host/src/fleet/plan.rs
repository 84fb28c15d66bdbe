//! A fleet as a text: which boards there are, how they are joined, and what happens to them.
//!
//! ```text
//! # A board, and three that are called node0, node1 and node2.
//! board left
//! boards 3 node
//! link left.uart1 node0.uart0 latency 1ms rate 115200 loss 0.1%
//! at 10ms left send uart0 "echo hello\n"
//! ```
//!
//! A board has the serial ports that are named, and `uart0`. What happens to it is whatever [`External`] can be written
//! as. Lines that begin with `#` are remarks.

use std::{fmt, str::FromStr};

use kernel::time::Instant;

use super::{BoardId, Fleet, FleetError, Link, LinkError};
use crate::{
    Builder, External, Pace, Sim, Span,
    external::{ExternalError, split_word, uart_number},
};

/// Names of serial ports: a board has at most so many.
const PORTS: [&str; 8] = ["uart0", "uart1", "uart2", "uart3", "uart4", "uart5", "uart6", "uart7"];

/// The most boards that one line makes.
const MOST_BOARDS: usize = 10_000;

/// A fleet as a text describes it; see the [module](self).
///
/// ```
/// use kernel::time::Duration;
/// use sim_host::fleet::{Fleet, Plan};
///
/// let plan: Plan = "boards 2 node\nlink node0.uart1 node1.uart1 latency 1ms".parse()?;
/// let mut fleet = plan.build(0, |machine| machine)?;
/// fleet.run_for(Duration::from_secs(1))?;
/// let error = "board one\nlink one.uart1 two.uart0".parse::<Plan>().unwrap_err();
/// assert_eq!((error.line, error.column), (2, 16));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    boards: Vec<(String, usize)>,
    links: Vec<([(usize, usize); 2], Link)>,
    inputs: Vec<(Instant, usize, External)>,
}

/// Why a text describes no fleet, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanError {
    /// The line, counted from 1.
    pub line: usize,
    /// The column, in characters, counted from 1.
    pub column: usize,
    /// What is wrong there.
    pub reason: PlanReason,
}

/// What is wrong with the description of a fleet.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlanReason {
    /// No line begins like this.
    NotAWord,
    /// A name is missing, or has a dot in it.
    NotAName,
    /// There is a board of this name already.
    NameTaken,
    /// A number of boards is missing, or none.
    NotACount,
    /// There is no board of this name above.
    NoSuchBoard,
    /// A port is missing, or is not written as it should be.
    NotAPort,
    /// A link is not as links are.
    Link(LinkError),
    /// A time is missing, or none.
    NotATime,
    /// Nothing like this can happen to a board.
    Input(ExternalError),
    /// There is more on the line than there should be.
    TooMuch,
}

impl fmt::Display for PlanReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAWord => f.write_str("a line begins with `board`, `boards`, `link` or `at`"),
            Self::NotAName => f.write_str("give the board a name without a dot, such as `board left`"),
            Self::NameTaken => f.write_str("there is a board of this name above: give this one another"),
            Self::NotACount => {
                write!(
                    f,
                    "say how many boards, from 1 to {MOST_BOARDS}, and their name, such as `boards 10 node`"
                )
            }
            Self::NoSuchBoard => f.write_str("there is no board of this name above: describe it first"),
            Self::NotAPort => {
                write!(f, "name a port as `left.uart1`, from uart0 to {}", PORTS[PORTS.len() - 1])
            }
            Self::Link(error) => error.fmt(f),
            Self::NotATime => f.write_str("say when, such as `at 10ms`"),
            Self::Input(error) => error.fmt(f),
            Self::TooMuch => f.write_str("the line should end here"),
        }
    }
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.reason)
    }
}

impl std::error::Error for PlanError {}

impl FromStr for Plan {
    type Err = PlanError;

    fn from_str(text: &str) -> Result<Self, PlanError> {
        let mut plan = Self::default();
        for (number, line) in text.lines().enumerate() {
            plan.read(line).map_err(|(rest, reason)| {
                let before = line.len() - rest.trim_start().len();
                let column = 1 + line.get(..before).map_or(0, |before| before.chars().count());
                PlanError { line: number + 1, column, reason }
            })?;
        }
        Ok(plan)
    }
}

/// What is wrong, and with which rest of the line.
type Wrong<'a> = (&'a str, PlanReason);

impl Plan {
    fn read<'a>(&mut self, line: &'a str) -> Result<(), Wrong<'a>> {
        let (word, rest) = split_word(line);
        match word {
            "board" => {
                let (name, end) = split_word(rest);
                self.add_board(name).map_err(|reason| (rest, reason))?;
                ends(end)
            }
            "boards" => {
                let (count, names) = split_word(rest);
                let count = count.parse().ok().filter(|count| (1..=MOST_BOARDS).contains(count));
                let count = count.ok_or((rest, PlanReason::NotACount))?;
                let (name, end) = split_word(names);
                for number in 0..count {
                    let name = if name.is_empty() { String::new() } else { format!("{name}{number}") };
                    self.add_board(&name).map_err(|reason| (names, reason))?;
                }
                ends(end)
            }
            "link" => {
                let (one, other) = split_word(rest);
                let one = self.port(one).map_err(|reason| (rest, reason))?;
                let (name, link) = split_word(other);
                let two = self.port(name).map_err(|reason| (other, reason))?;
                let described = link.split('#').next().unwrap_or_default();
                let link = described.parse().map_err(|error| (link, PlanReason::Link(error)))?;
                self.links.push(([one, two], link));
                Ok(())
            }
            "at" => {
                let (at, what) = split_word(rest);
                let Span(at) = at.parse().map_err(|_| (rest, PlanReason::NotATime))?;
                let (name, input) = split_word(what);
                let board = self.find(name).ok_or((what, PlanReason::NoSuchBoard))?;
                let external = input.parse().map_err(|error| (input, PlanReason::Input(error)))?;
                if let Some(uart) = named_uart(&external) {
                    self.need_port(board, uart).map_err(|reason| (input, reason))?;
                }
                self.inputs.push((Instant::BOOT.saturating_add(at), board, external));
                Ok(())
            }
            word if word.is_empty() || word.starts_with('#') => Ok(()),
            _ => Err((line, PlanReason::NotAWord)),
        }
    }

    fn find(&self, name: &str) -> Option<usize> {
        self.boards.iter().position(|(known, _)| known == name)
    }

    fn add_board(&mut self, name: &str) -> Result<(), PlanReason> {
        if name.is_empty() || name.contains(['.', '#']) {
            return Err(PlanReason::NotAName);
        }
        if self.find(name).is_some() {
            return Err(PlanReason::NameTaken);
        }
        self.boards.push((name.to_owned(), 1));
        Ok(())
    }

    /// `left.uart1`.
    fn port(&mut self, text: &str) -> Result<(usize, usize), PlanReason> {
        let (board, uart) = text.split_once('.').ok_or(PlanReason::NotAPort)?;
        let uart = uart_number(uart).ok_or(PlanReason::NotAPort)?;
        let board = self.find(board).ok_or(PlanReason::NoSuchBoard)?;
        self.need_port(board, uart)?;
        Ok((board, uart))
    }

    /// The board has all ports up to this one.
    fn need_port(&mut self, board: usize, uart: usize) -> Result<(), PlanReason> {
        if uart >= PORTS.len() {
            return Err(PlanReason::NotAPort);
        }
        if let Some((_, ports)) = self.boards.get_mut(board) {
            *ports = uart.saturating_add(1).max(*ports);
        }
        Ok(())
    }

    /// Switches the boards on, and joins them. `describe` may add to what each machine is like.
    ///
    /// # Errors
    ///
    /// When a port has two links, or a board does not boot.
    pub fn build(&self, seed: u64, describe: impl Fn(Builder) -> Builder) -> Result<Fleet, FleetError> {
        let mut fleet = Fleet::new(seed);
        for (name, ports) in &self.boards {
            let more = PORTS.iter().take(*ports).skip(1);
            let machine = more.fold(Sim::builder(), |machine, port| machine.uart(port, Pace::default()));
            fleet.add(name, describe(machine))?;
        }
        for ([one, other], link) in &self.links {
            let [one, other] = [one, other].map(|(board, uart)| BoardId(*board).port(*uart));
            fleet.connect(one, other, *link)?;
        }
        for (at, board, external) in &self.inputs {
            let scheduled = fleet.board_mut(BoardId(*board)).schedule(*at, external.clone());
            scheduled.map_err(|error| {
                let name = self.boards.get(*board).map(|(name, _)| name.clone()).unwrap_or_default();
                FleetError::NoSuchDevice { name, error }
            })?;
        }
        Ok(fleet)
    }
}

/// Nothing is left but a remark.
fn ends(rest: &str) -> Result<(), Wrong<'_>> {
    let rest = rest.trim_start();
    if rest.is_empty() || rest.starts_with('#') { Ok(()) } else { Err((rest, PlanReason::TooMuch)) }
}

/// The serial port that something happens to.
fn named_uart(external: &External) -> Option<usize> {
    match external {
        External::Bytes { uart, .. }
        | External::Garbled { uart }
        | External::Break { uart }
        | External::Overrun { uart, .. }
        | External::EndOfInput { uart } => Some(*uart),
        _ => None,
    }
}
