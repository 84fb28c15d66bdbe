//! A fleet's time: which board goes on next, and what it sends to others.

use std::cmp::Reverse;

use kernel::time::{Duration, Instant};

use super::{BoardId, Fleet, FleetError, Port};
use crate::{External, Outcome, Wait, external::Quoted};

impl Fleet {
    /// Runs until nothing will ever happen again on any board, or all are off.
    ///
    /// # Errors
    ///
    /// When a board that reboots does not come up again.
    pub fn run_until_idle(&mut self) -> Result<Outcome, FleetError> {
        self.run(None, |_| false)
    }

    /// Runs for so long, even if nothing happens.
    ///
    /// # Errors
    ///
    /// As for [`run_until_idle`](Self::run_until_idle).
    pub fn run_for(&mut self, duration: Duration) -> Result<Outcome, FleetError> {
        self.run_until(self.now.saturating_add(duration))
    }

    /// Runs until a time of the fleet's, and does what is due then.
    ///
    /// # Errors
    ///
    /// As for [`run_until_idle`](Self::run_until_idle).
    pub fn run_until(&mut self, end: Instant) -> Result<Outcome, FleetError> {
        self.run(Some(end), |_| false)
    }

    /// Runs until the predicate, which is asked after each step of any board, is true, but no longer than `limit`.
    ///
    /// # Errors
    ///
    /// As for [`run_until_idle`](Self::run_until_idle).
    pub fn run_until_pred(
        &mut self,
        limit: Duration,
        predicate: impl FnMut(&Self) -> bool,
    ) -> Result<Outcome, FleetError> {
        self.run(Some(self.now.saturating_add(limit)), predicate)
    }

    /// Runs until a time of the fleet's, if there is one, until nothing will ever happen again, or until the predicate,
    /// which is asked after each step of any board, is true: what all the others do.
    ///
    /// # Errors
    ///
    /// As for [`run_until_idle`](Self::run_until_idle).
    pub fn run(
        &mut self,
        end: Option<Instant>,
        mut satisfied: impl FnMut(&Self) -> bool,
    ) -> Result<Outcome, FleetError> {
        // Somebody may have done something to any of them since.
        (0..self.boards.len()).for_each(|number| self.wake(number, self.now));
        let mut still = 0;
        let outcome = loop {
            if satisfied(self) {
                break Outcome::Satisfied;
            }
            match self.next() {
                Some((at, _)) if end.is_some_and(|end| at > end) => break Outcome::TimeReached,
                Some((at, number)) => {
                    still = if at > self.now { 0 } else { still + 1 };
                    if still > self.step_limit {
                        break Outcome::Limit;
                    }
                    self.now = self.now.max(at);
                    self.step(number)?;
                }
                None if end.is_some() => break Outcome::TimeReached,
                None => break Outcome::Idle,
            }
        };
        if outcome == Outcome::TimeReached {
            self.now = end.map_or(self.now, |end| self.now.max(end));
        }
        // Boards at rest were left behind.
        for board in self.boards.iter().filter(|board| !board.sim.is_off()) {
            board.sim.pass_until(board.local_time(self.now));
        }
        Ok(outcome)
    }

    /// The board that goes on next, and when.
    fn next(&mut self) -> Option<(Instant, usize)> {
        while let Some(Reverse((at, ticket, number))) = self.due.peek().copied() {
            if self.boards.get(number).is_some_and(|board| board.due == Some((at, ticket))) {
                return Some((at, number));
            }
            self.due.pop();
        }
        None
    }

    /// Lets a board go on at a time, unless it does so earlier.
    pub(super) fn wake(&mut self, number: usize, at: Instant) {
        let Some(board) = self.boards.get_mut(number) else { return };
        if board.sim.is_off() || board.due.is_some_and(|(due, _)| due <= at) {
            return;
        }
        self.tickets += 1;
        board.due = Some((at, self.tickets));
        self.due.push(Reverse((at, self.tickets, number)));
    }

    /// Steps a board, now.
    fn step(&mut self, number: usize) -> Result<(), FleetError> {
        let Some(board) = self.boards.get_mut(number) else { return Ok(()) };
        board.due = None;
        let span = board.span.clone();
        let _on_it = span.enter();
        board.sim.pass_until(board.local_time(self.now));
        board.sim.step();
        // Ticks may have taken time.
        let now = board.fleet_time(board.sim.now());
        let sent: Vec<(usize, Vec<u8>)> = board
            .wires
            .iter()
            .enumerate()
            .filter_map(|(uart, wire)| Some(((*wire)?, board.sim.uart(uart).take_output())))
            .filter(|(_, bytes)| !bytes.is_empty())
            .collect();
        board.sim.come_back().map_err(|error| FleetError::Boot { name: board.name.clone(), error })?;
        let next = match board.sim.waits() {
            Wait::Nothing => Some(now),
            Wait::Until(at) => Some(board.fleet_time(at)),
            Wait::Forever | Wait::Stopped(_) | Wait::PowerCut => None,
        };
        if let Some(next) = next {
            self.wake(number, next);
        }
        for (wire, bytes) in sent {
            self.carry(wire, now, &bytes)?;
        }
        Ok(())
    }

    /// Bytes leave a board.
    fn carry(&mut self, wire: usize, now: Instant, bytes: &[u8]) -> Result<(), FleetError> {
        let Some(wire) = self.wires.get_mut(wire) else { return Ok(()) };
        let Port { board: BoardId(to), uart } = wire.to;
        let mut arriving = Vec::new();
        wire.send(now, bytes, |at, bytes| arriving.push((at, bytes)));
        let Some(board) = self.boards.get_mut(to) else { return Ok(()) };
        if board.sim.is_off() {
            let lost: usize = arriving.iter().map(|(_, bytes)| bytes.len()).sum();
            wire.carried.bytes -= lost as u64;
            wire.carried.lost += lost as u64;
            return Ok(());
        }
        let Some(first) = arriving.first().map(|(at, _)| *at) else { return Ok(()) };
        for (at, bytes) in arriving {
            if let Some(traffic) = &mut self.traffic {
                traffic.add(&format!("{} {to}.uart{uart} {}", at.as_micros(), Quoted(&bytes)));
            }
            let scheduled = board.sim.schedule(board.local_time(at), External::Bytes { uart, bytes });
            // The port was there when the link was made.
            debug_assert!(scheduled.is_ok());
        }
        self.wake(to, first);
        Ok(())
    }
}
