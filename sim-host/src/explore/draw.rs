//! From a seed to a schedule.

use super::{Explorer, Life, Move, Schedule, wrong};
use crate::Rng;

/// Interrupts that come once more, at most.
const EXTRA: u64 = 6;
/// Interrupts that come late, at most.
const LATE: u64 = 4;
/// Inputs that come later or in pieces, at most.
const INPUTS: u64 = 3;
/// The latest that an input comes, in microseconds.
const DELAY_US: u64 = 1 << 12;
/// The dearest tick, in microseconds.
const COST_US: u64 = 16;

impl<T> Explorer<'_, T> {
    /// The schedule of a seed, of what there is to displace.
    pub(super) fn draw(&self, seed: u64, base: &Life) -> Schedule {
        let mut rng = Rng::new(seed);
        // The machine's own randomness starts from the seed as well: let them have nothing to do with each other.
        rng.next_u64();
        let mut moves = Vec::new();
        if rng.one_in(2) {
            moves.push(Move::Polls([1, 1, 2, 3, 7][below(&mut rng, 5)]));
        }
        if rng.one_in(3) {
            moves.push(Move::Cost(1 + rng.below(COST_US)));
        }
        let lines: Vec<&str> = match &self.extra {
            None => base.lines.clone(),
            Some(extra) => extra.iter().map(String::as_str).collect(),
        };
        if !lines.is_empty() && base.sections > 0 {
            for _ in 0..rng.below(EXTRA + 1) {
                let line = lines[below(&mut rng, lines.len())].to_owned();
                moves.push(Move::Interrupt { line, after: 1 + rng.below(base.sections) });
            }
        }
        if base.interrupts > 0 {
            for _ in 0..rng.below(LATE + 1) {
                let interrupt = 1 + rng.below(base.interrupts);
                moves.push(Move::Late { interrupt, by: log_uniform(&mut rng, 1 << 8) });
            }
        }
        if !base.inputs.is_empty() {
            for _ in 0..rng.below(INPUTS + 1) {
                let input = below(&mut rng, base.inputs.len());
                let bytes = base.inputs[input];
                let (number, by_us) = (input as u64 + 1, log_uniform(&mut rng, DELAY_US));
                moves.push(match bytes {
                    2.. if rng.one_in(2) => {
                        Move::Split { input: number, bytes: 1 + below(&mut rng, bytes - 1), by_us }
                    }
                    _ => Move::Delay { input: number, by_us },
                });
            }
        }
        if let Some(tasks) = &self.faults {
            if !moves.iter().any(|displaced| matches!(displaced, Move::Cost(_))) {
                // What lasts for a time needs a machine whose time passes.
                moves.push(Move::Cost(1 + rng.below(COST_US)));
            }
            moves.extend(wrong::draw(&mut rng, base, tasks).into_iter().map(Move::Fault));
        }
        Schedule(moves)
    }
}

/// An index below `len`.
#[expect(clippy::cast_possible_truncation, reason = "it is below a usize")]
pub(super) fn below(rng: &mut Rng, len: usize) -> usize {
    rng.below(len as u64) as usize
}

/// From 1 to `most`, a power of two: each order of magnitude as often as another.
pub(super) fn log_uniform(rng: &mut Rng, most: u64) -> u64 {
    let bits = rng.below(u64::from(most.trailing_zeros()) + 1);
    1 + rng.below(1 << bits)
}
