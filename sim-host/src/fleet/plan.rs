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
//! as. Times are a number and us, ms, s, min, h or d; a number without a unit is seconds. Lines that begin with `#` are remarks.

mod parse;
mod reason;

use kernel::time::Instant;

pub use self::reason::PlanReason;
use super::{Fleet, FleetError, Link};
use crate::{
    Builder, External, Pace, Sim,
    mistake::{Place, Source},
};

/// Names of serial ports: a board has at most so many.
const PORTS: [&str; 8] = ["uart0", "uart1", "uart2", "uart3", "uart4", "uart5", "uart6", "uart7"];

/// The most boards that one line makes.
const MOST_BOARDS: usize = 10_000;

/// All mistakes of a plan.
pub type Mistakes = crate::Mistakes<PlanReason>;

/// A fleet as a text describes it; see the [module](self).
///
/// ```
/// use kernel::time::Duration;
/// use sim_host::fleet::{Fleet, Plan};
///
/// let plan = Plan::parse("two.fleet", "boards 2 node\nlink node0.uart1 node1.uart1 latency 1ms")?;
/// let mut fleet = plan.build(Fleet::new(0), |machine| machine)?;
/// fleet.run_for(Duration::from_secs(1))?;
/// let mistakes = Plan::parse("two.fleet", "board one\nlink one.uart1 two.uart0").unwrap_err();
/// assert!(mistakes.to_string().starts_with("two.fleet:2:16: there is no board `two` above"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    source: Source,
    boards: Vec<Board>,
    links: Vec<([Port; 2], Link)>,
    inputs: Vec<Input>,
}

/// A board that is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Board {
    name: String,
    /// How many serial ports it has.
    ports: usize,
}

/// A serial port of one of the boards, by their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Port {
    board: usize,
    uart: usize,
}

/// What is to happen to a board, and where that is said.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Input {
    place: Place,
    at: Instant,
    board: usize,
    external: External,
}

impl Plan {
    /// Adds the boards to a fleet, switches them on, and joins them. `describe` may add to what each machine is like.
    ///
    /// # Errors
    ///
    /// When a board does not boot, when something is to happen to a device that a board has not, or when the fleet has a
    /// board of the same name.
    pub fn build(
        &self,
        mut fleet: Fleet,
        describe: impl Fn(Builder) -> Builder,
    ) -> Result<Fleet, FleetError> {
        // Boards of the fleet that were there before have the first numbers.
        let mut boards = Vec::with_capacity(self.boards.len());
        for Board { name, ports } in &self.boards {
            let more = PORTS.iter().take(*ports).skip(1);
            let machine = more.fold(Sim::builder(), |machine, port| machine.uart(port, Pace::default()));
            boards.push(fleet.add(name, describe(machine))?);
        }
        let board = |number: usize| boards.get(number).copied();
        for ([one, other], link) in &self.links {
            if let (Some(from), Some(to)) = (board(one.board), board(other.board)) {
                fleet.connect(from.port(one.uart), to.port(other.uart), *link)?;
            }
        }
        let schedule = |Input { place, at, board: number, external }: &Input| {
            let missing = fleet.board_mut(board(*number)?).schedule(*at, external.clone()).err()?;
            Some(self.source.mistake(*place, PlanReason::NoSuchDevice(missing)))
        };
        let mistakes = self.inputs.iter().filter_map(schedule).collect();
        self.source.judge(mistakes).map_err(FleetError::Mistakes)?;
        Ok(fleet)
    }
}
