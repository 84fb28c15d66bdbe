//! A board of a fleet, and its time, which starts anew with each of its boots.

use kernel::time::{Duration, Instant};

use crate::Sim;

pub(super) struct Board {
    pub(super) name: String,
    pub(super) sim: Sim,
    /// The fleet's time when the board was switched on first.
    pub(super) joined: Duration,
    /// When it goes on next, and its ticket in the fleet's queue.
    pub(super) due: Option<(Instant, u64)>,
    /// The wire that each serial port sends on, by their numbers.
    pub(super) wires: Vec<Option<usize>>,
    /// What it logs is logged within.
    pub(super) span: tracing::Span,
}

impl Board {
    /// The fleet's time, of a time since the board's last boot.
    pub(super) fn fleet_time(&self, local: Instant) -> Instant {
        local.saturating_add(self.joined).saturating_add(self.lived_before())
    }

    /// The time since the board's last boot, of the fleet's.
    pub(super) fn local_time(&self, fleet: Instant) -> Instant {
        let before = self.joined.saturating_add(self.lived_before());
        Instant::BOOT.saturating_add(fleet.since(Instant::BOOT).saturating_sub(before))
    }

    /// How long the board lived before its last boot.
    fn lived_before(&self) -> Duration {
        self.sim.uptime_of_all_boots().saturating_sub(self.sim.now().since(Instant::BOOT))
    }
}
