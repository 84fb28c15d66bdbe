//! Fleets: many boards in one process, joined by serial links, in one virtual time.
//!
//! ```text
//!   board "left"                       link                      board "right"
//!   kernel ─▶ uart1 ═══▶ rate, latency, loss: the same both ways ═══▶ uart0 ─▶ kernel
//! ```
//!
//! Each board is a [`Sim`] with a kernel, memory and randomness of its own. The fleet has the time: it goes to whatever
//! happens next on any board, and steps that board alone, so boards at rest cost nothing. A board never sees a byte before
//! the time at which another has sent it. At the same time, who was due first is first. The same seed and the same boards
//! give the same lives, byte for byte.
//!
//! What a board logs is logged within a span `board{name=...}`, so that lines tell whose they are.
//!
//! ```
//! use kernel::time::Duration;
//! use sim_host::{Outcome, Sim, fleet::{Fleet, Link}};
//!
//! let mut fleet = Fleet::new(7);
//! let left = fleet.add("left", Sim::builder().uart("uart1", Default::default()))?;
//! let right = fleet.add("right", Sim::builder())?;
//! fleet.connect(left.port(1), right.port(0), Link::default().latency(Duration::from_millis(2)))?;
//! assert_eq!(fleet.run_for(Duration::from_secs(3600))?, Outcome::TimeReached);
//! assert_eq!(fleet.board(left).now(), fleet.board(right).now());
//! # Ok::<(), sim_host::fleet::FleetError>(())
//! ```

mod board;
mod error;
mod link;
pub mod plan;
mod record;
mod run;

use std::{cmp::Reverse, collections::BinaryHeap, fmt};

use kernel::time::Instant;

use self::{board::Board, link::Wire};
pub use self::{
    error::FleetError,
    link::{Carried, Link, LinkError},
    plan::{Plan, PlanReason},
};
use crate::{Builder, Rng, Sim, Time, digest::Digester, onlooker::Shared};

/// A board of a fleet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BoardId(usize);

impl BoardId {
    /// A serial port of the board, by its number.
    pub const fn port(self, uart: usize) -> Port {
        Port { board: self, uart }
    }
}

/// A serial port of a board.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Port {
    /// The board.
    pub board: BoardId,
    /// The UART's number.
    pub uart: usize,
}

/// Many boards in one virtual time; see the [module](self).
pub struct Fleet {
    boards: Vec<Board>,
    wires: Vec<Wire>,
    /// Which board goes on when. Of a board's entries, the one that it knows counts.
    due: BinaryHeap<Reverse<(Instant, u64, usize)>>,
    tickets: u64,
    now: Instant,
    seed: u64,
    step_limit: u64,
    /// Sums up what links carry, if anybody wants a digest.
    traffic: Option<Digester>,
    timeline: Option<Shared>,
}

impl Fleet {
    /// A fleet without boards. All its chance comes from the seed.
    pub fn new(seed: u64) -> Self {
        Self {
            boards: Vec::new(),
            wires: Vec::new(),
            due: BinaryHeap::new(),
            tickets: 0,
            now: Instant::BOOT,
            seed,
            step_limit: 10_000_000,
            traffic: Some(Digester::default()),
            timeline: None,
        }
    }

    /// Bounds the steps in which time stands still, so that boards which never come to rest end a run with
    /// [`Outcome::Limit`](crate::Outcome::Limit).
    #[must_use]
    pub fn step_limit(mut self, steps: u64) -> Self {
        self.step_limit = steps;
        self
    }

    /// Switches another board on. Its time is virtual, whatever `board` says, and its randomness is drawn from the fleet's
    /// seed, its place in the fleet, and its own seed.
    ///
    /// # Errors
    ///
    /// When another board has the name, or this one cannot be built.
    pub fn add(&mut self, name: &str, board: Builder) -> Result<BoardId, FleetError> {
        if self.find(name).is_some() {
            return Err(FleetError::NameTaken { name: name.to_owned() });
        }
        let number = self.boards.len();
        let board = if self.traffic.is_some() { board } else { board.without_digest() };
        let mut board = board;
        if let Some(timeline) = &mut self.timeline {
            board.timeline = Some(timeline.part(name, self.now.since(Instant::BOOT)));
        }
        let seed = board.seed ^ self.draw(number as u64).next_u64();
        // Of the highest level, so that lines of any level are within it.
        let span = tracing::error_span!(target: "mnemos", "board", name);
        let sim = {
            let _on_it = span.enter();
            board.seed(seed).time(Time::Virtual).build()
        };
        let sim = sim.map_err(|error| FleetError::Boot { name: name.to_owned(), error })?;
        let wires = vec![None; sim.uarts().count()];
        let joined = self.now.since(Instant::BOOT);
        self.boards.push(Board { name: name.to_owned(), sim, joined, due: None, wires, span });
        self.wake(number, self.now);
        Ok(BoardId(number))
    }

    /// Chance of its own for each use.
    fn draw(&self, of: u64) -> Rng {
        Rng::new(Rng::new(self.seed).next_u64() ^ of)
    }

    /// Joins two serial ports, which have to be free. What either sends from now on comes to the other, instead of into
    /// [`Uart::output`](crate::Uart::output).
    ///
    /// # Errors
    ///
    /// When one of the ports is not there, or taken, or they are the same.
    pub fn connect(&mut self, one: Port, other: Port, link: Link) -> Result<(), FleetError> {
        for port in [one, other] {
            let board = self.board_of(port.board);
            let name = || board.name.clone();
            match board.wires.get(port.uart) {
                None => {
                    let count = board.wires.len();
                    return Err(FleetError::NoSuchPort { name: name(), uart: port.uart, count });
                }
                Some(Some(_)) => return Err(FleetError::PortTaken { name: name(), uart: port.uart }),
                Some(None) if one == other => {
                    return Err(FleetError::SamePort { name: name(), uart: port.uart });
                }
                Some(None) => {}
            }
        }
        for (from, to) in [(one, other), (other, one)] {
            let number = self.wires.len();
            // Boards draw from small numbers, wires from large ones.
            self.wires.push(Wire::new(to, link, self.draw(!(number as u64))));
            let board = self.board_of_mut(from.board);
            if let Some(wire) = board.wires.get_mut(from.uart) {
                *wire = Some(number);
            }
            // What was sent before belongs to whoever was there before.
            board.sim.uart(from.uart).take_output();
        }
        Ok(())
    }

    /// What has been sent from a port over its link; `None` if it has none.
    pub fn carried(&self, from: Port) -> Option<Carried> {
        let wire = (*self.board_of(from.board).wires.get(from.uart)?)?;
        self.wires.get(wire).map(|wire| wire.carried)
    }

    /// The serial ports of a board that have no link.
    pub fn free_ports(&self, board: BoardId) -> impl Iterator<Item = Port> {
        let wires = self.board_of(board).wires.iter().enumerate();
        wires.filter(|(_, wire)| wire.is_none()).map(move |(uart, _)| board.port(uart))
    }

    /// A board's machine: to look at, to send to, to spawn tasks on.
    pub fn board(&self, board: BoardId) -> &Sim {
        &self.board_of(board).sim
    }

    /// A board's machine. Its time is the fleet's: let the fleet run instead of it.
    pub fn board_mut(&mut self, board: BoardId) -> &mut Sim {
        &mut self.board_of_mut(board).sim
    }

    /// A board by its name.
    pub fn find(&self, name: &str) -> Option<BoardId> {
        self.boards.iter().position(|board| board.name == name).map(BoardId)
    }

    /// A board's name.
    pub fn name(&self, board: BoardId) -> &str {
        &self.board_of(board).name
    }

    /// All boards, in the order in which they came.
    pub fn boards(&self) -> impl ExactSizeIterator<Item = BoardId> + use<> {
        (0..self.boards.len()).map(BoardId)
    }

    /// The board is off: it was switched off, it panicked, or its power was cut and stays so.
    pub fn is_off(&self, board: BoardId) -> bool {
        self.board_of(board).sim.is_off()
    }

    /// Switches a board on that [is off](Self::is_off), or off and on: a fresh kernel, as for [`Sim::reboot`]. What has come
    /// over its links while it was off is lost.
    ///
    /// # Errors
    ///
    /// When it does not boot.
    pub fn switch_on(&mut self, board: BoardId) -> Result<(), FleetError> {
        let now = self.now;
        if self.is_off(board) {
            self.lose_what_has_come(board);
        }
        let board = self.board_of_mut(board);
        let span = board.span.clone();
        let _on_it = span.enter();
        board.sim.reboot().map_err(|error| FleetError::Boot { name: board.name.clone(), error })?;
        // It did not live while it was off.
        let off = now.since(board.fleet_time(board.sim.now()));
        board.sim.was_off(off);
        board.joined = now.since(Instant::BOOT).saturating_sub(board.sim.uptime_of_all_boots());
        board.due = None;
        Ok(())
    }

    /// Loses what has come to the linked ports of a board that has been off, whose clock stands since.
    fn lose_what_has_come(&mut self, id: BoardId) {
        let until = self.board_of(id).local_time(self.now);
        let Self { boards, wires, .. } = self;
        let Some(board) = boards.get_mut(id.0) else { return };
        for Wire { to, carried, .. } in wires.iter_mut().filter(|wire| wire.to.board == id) {
            let lost = board.sim.lose_bytes(to.uart, until) as u64;
            carried.bytes = carried.bytes.saturating_sub(lost);
            carried.lost += lost;
        }
    }

    fn board_of(&self, BoardId(number): BoardId) -> &Board {
        match self.boards.get(number) {
            Some(board) => board,
            None => panic!("the fleet has {} boards, and none of number {number}", self.boards.len()),
        }
    }

    fn board_of_mut(&mut self, BoardId(number): BoardId) -> &mut Board {
        let count = self.boards.len();
        match self.boards.get_mut(number) {
            Some(board) => board,
            None => panic!("the fleet has {count} boards, and none of number {number}"),
        }
    }

    /// The fleet's time: since its first board was switched on, if that was at once.
    pub fn now(&self) -> Instant {
        self.now
    }
}

impl fmt::Debug for Fleet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { now, boards, .. } = self;
        f.debug_struct("Fleet").field("now", now).field("boards", &boards.len()).finish_non_exhaustive()
    }
}
