//! What happens from outside, later than it was scheduled, or in two pieces, as a [`Schedule`] wants it.

use kernel::time::{Duration, Instant};

use super::External;
use crate::explore::{Move, Schedule};

/// What keeps the order of what comes over it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wire {
    Uart(usize),
    Pin(u8),
    Interrupt(String),
    Task(String),
    Memory,
    Storage,
    Power,
}

impl External {
    pub(super) fn wire(&self) -> Wire {
        match self {
            Self::Bytes { uart, .. }
            | Self::Garbled { uart }
            | Self::Break { uart }
            | Self::Overrun { uart, .. }
            | Self::EndOfInput { uart } => Wire::Uart(*uart),
            Self::Pin { pin, .. } => Wire::Pin(*pin),
            Self::Interrupt { line } | Self::Mask { line } | Self::Unmask { line } => {
                Wire::Interrupt(line.clone())
            }
            Self::Kill { task } | Self::Refuse { task } | Self::Allow { task } => Wire::Task(task.clone()),
            Self::Exhaust | Self::Fragment | Self::Relieve => Wire::Memory,
            Self::Flip | Self::Fail | Self::Rot => Wire::Storage,
            Self::PowerCut => Wire::Power,
        }
    }
}

/// What a schedule says of inputs, which are counted.
pub(super) struct Displaced {
    moves: Vec<Move>,
    lens: Vec<usize>,
}

impl Displaced {
    pub(super) fn new(schedule: &Schedule) -> Self {
        let of_inputs = |displaced: &&Move| matches!(displaced, Move::Delay { .. } | Move::Split { .. });
        Self { moves: schedule.0.iter().filter(of_inputs).cloned().collect(), lens: Vec::new() }
    }

    /// The next input as it is to happen.
    pub(super) fn pieces(&mut self, at: Instant, external: External) -> Vec<(Instant, External)> {
        self.lens.push(if let External::Bytes { bytes, .. } = &external { bytes.len() } else { 0 });
        let number = self.lens.len() as u64;
        let later = |at: Instant, by_us| at.saturating_add(Duration::from_micros(by_us));
        let delayed = |displaced: &Move| match displaced {
            Move::Delay { input, by_us } if *input == number => Some(*by_us),
            _ => None,
        };
        let split = |displaced: &Move| match displaced {
            Move::Split { input, bytes, by_us } if *input == number => Some((*bytes, *by_us)),
            _ => None,
        };
        let at = later(at, self.moves.iter().find_map(delayed).unwrap_or(0));
        match (external, self.moves.iter().find_map(split)) {
            (External::Bytes { uart, mut bytes }, Some((first, by_us))) if first < bytes.len() => {
                let rest = bytes.split_off(first);
                let piece = |bytes| External::Bytes { uart, bytes };
                vec![(at, piece(bytes)), (later(at, by_us), piece(rest))]
            }
            (external, _) => vec![(at, external)],
        }
    }

    pub(super) fn input_lens(&self) -> &[usize] {
        &self.lens
    }
}
