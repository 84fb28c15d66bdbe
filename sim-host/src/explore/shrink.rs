//! Makes a failure short: fewer displacements, earlier ones, fewer inputs.
//!
//! Each try is a life, so their number is bounded. What is tried is accepted if the life still fails in the same way.

use super::{Explorer, Failure, Found, Life, Move, Schedule};

/// Lives that making one failure short may take.
const TRIES: u32 = 2000;
/// Seeds that are tried to find the failure again without an input.
const SEEDS: u64 = 40;

struct Shrinker<'e, 'a, T> {
    explorer: &'e Explorer<'a, T>,
    found: Found,
}

impl<T: Sync> Explorer<'_, T> {
    /// Makes a failure short.
    pub(super) fn shrink(&self, seed: u64, drawn: Schedule, failure: Failure, inputs: &[usize]) -> Found {
        let schedule = drawn.clone();
        let found = Found { seed, drawn, schedule, inputs: inputs.to_vec(), failure, tries: 0 };
        let mut shrinker = Shrinker { explorer: self, found };
        if let Ok(base) = self.base(inputs) {
            shrinker.fewer_moves(&base);
            let base = shrinker.fewer_inputs(base);
            shrinker.fewer_moves(&base);
            shrinker.smaller_moves(&base);
        }
        shrinker.found
    }
}

impl<T: Sync> Shrinker<'_, '_, T> {
    fn is_over(&self) -> bool {
        self.found.tries >= TRIES
    }

    /// Tries a life, and keeps what led to it if it fails in the same way.
    fn keeps(&mut self, seed: u64, moves: Vec<Move>, inputs: &[usize], base: &Life) -> bool {
        if self.is_over() {
            return false;
        }
        self.found.tries += 1;
        let schedule = Schedule(moves);
        match self.explorer.live(seed, &schedule, inputs, Some(base)).1 {
            Some(failure) if failure.is_like(&self.found.failure) => {
                self.found.seed = seed;
                self.found.schedule = schedule;
                self.found.failure = failure;
                self.found.inputs = inputs.to_vec();
                true
            }
            _ => false,
        }
    }

    /// Leaves displacements out, one by one, until none can be.
    fn fewer_moves(&mut self, base: &Life) {
        let (seed, inputs) = (self.found.seed, self.found.inputs.clone());
        let mut at = 0;
        while at < self.found.schedule.0.len() && !self.is_over() {
            let mut moves = self.found.schedule.0.clone();
            moves.remove(at);
            // Another may have become needless by that.
            at = if self.keeps(seed, moves, &inputs, base) { 0 } else { at + 1 };
        }
    }

    /// Makes each displacement smaller or earlier: by halves first, then by one.
    fn smaller_moves(&mut self, base: &Life) {
        let (seed, inputs) = (self.found.seed, self.found.inputs.clone());
        let mut again = true;
        while std::mem::take(&mut again) && !self.is_over() {
            for at in 0..self.found.schedule.0.len() {
                let mut step = u64::MAX;
                while step > 0 && !self.is_over() {
                    let Some((smaller, by)) =
                        self.found.schedule.0.get(at).and_then(|displaced| smaller(displaced, step))
                    else {
                        break;
                    };
                    let mut moves = self.found.schedule.0.clone();
                    moves[at] = smaller;
                    if self.keeps(seed, moves, &inputs, base) {
                        again = true;
                    } else {
                        step = by / 2;
                    }
                }
            }
        }
    }

    /// Leaves inputs out, larger parts of them first. Without an input everything lands elsewhere, so a schedule is looked for that
    /// makes the rest fail. Returns the base run of what is left.
    fn fewer_inputs(&mut self, mut base: Life) -> Life {
        let mut len = self.found.inputs.len().div_ceil(2);
        while len > 0 && !self.is_over() {
            let mut at = 0;
            let mut fewer = false;
            while at < self.found.inputs.len() && !self.is_over() {
                let mut inputs = self.found.inputs.clone();
                inputs.drain(at..inputs.len().min(at + len));
                // What fails without a schedule, now that something is missing, is another failure.
                let rest = self.explorer.base(&inputs).ok();
                match rest.filter(|rest| self.fails_without(at..at + len, &inputs, &base, rest)) {
                    Some(rest) => {
                        base = rest;
                        fewer = true;
                        self.fewer_moves(&base);
                    }
                    None => at += len,
                }
            }
            if !fewer || len > 1 {
                len /= 2;
            }
        }
        base
    }

    /// The rest of the inputs fails with the same schedule, with one that is moved by what is missing, or with another seed's.
    fn fails_without(
        &mut self,
        gone: std::ops::Range<usize>,
        inputs: &[usize],
        base: &Life,
        rest: &Life,
    ) -> bool {
        let (seed, moves) = (self.found.seed, self.found.schedule.0.clone());
        let moved = moves.iter().map(|displaced| earlier(displaced, gone.len() as u64, base, rest)).collect();
        if self.keeps(seed, moves, inputs, rest) || self.keeps(seed, moved, inputs, rest) {
            return true;
        }
        (0..SEEDS).any(|more| {
            let seed = self.found.seed.wrapping_add(more);
            let drawn = self.explorer.draw(seed, rest);
            self.keeps(seed, drawn.0, inputs, rest)
        })
    }
}

/// The displacement, as much earlier as the life is shorter, as if what is missing came before it.
fn earlier(displaced: &Move, inputs: u64, base: &Life, rest: &Life) -> Move {
    let sections = base.sections.saturating_sub(rest.sections);
    let interrupts = base.interrupts.saturating_sub(rest.interrupts);
    let at_least_one = |number: u64, less: u64| number.saturating_sub(less).max(1);
    match displaced.clone() {
        Move::Interrupt { line, after } => Move::Interrupt { line, after: at_least_one(after, sections) },
        Move::Late { interrupt, by } => Move::Late { interrupt: at_least_one(interrupt, interrupts), by },
        Move::Delay { input, by_us } => Move::Delay { input: at_least_one(input, inputs), by_us },
        Move::Split { input, bytes, by_us } => {
            Move::Split { input: at_least_one(input, inputs), bytes, by_us }
        }
        other => other,
    }
}

/// The displacement, smaller by `step` at most, and by how much it is; none if it cannot be any smaller.
fn smaller(displaced: &Move, step: u64) -> Option<(Move, u64)> {
    let less = |number: u64| {
        let by = step.min(number.checked_sub(1)?);
        (by > 0).then(|| (number - by, by))
    };
    Some(match displaced.clone() {
        Move::Interrupt { line, after } => {
            let (after, by) = less(after)?;
            (Move::Interrupt { line, after }, by)
        }
        Move::Late { interrupt, by } => {
            let (by, less) = less(by)?;
            (Move::Late { interrupt, by }, less)
        }
        Move::Delay { input, by_us } => {
            let (by_us, less) = less(by_us)?;
            (Move::Delay { input, by_us }, less)
        }
        Move::Split { input, bytes, by_us } => {
            let (by_us, less) = less(by_us)?;
            (Move::Split { input, bytes, by_us }, less)
        }
        Move::Cost(cost_us) => {
            let (cost_us, less) = less(cost_us)?;
            (Move::Cost(cost_us), less)
        }
        Move::Polls(_) | Move::Fault(_) => return None,
    })
}
