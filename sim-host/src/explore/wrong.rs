//! From a seed to what goes wrong.

use kernel::time::Duration;

use super::{
    Life,
    draw::{below, log_uniform},
};
use crate::{Fault, Rng};

/// After so much of a machine's life all faults are over that last for a time.
pub const TROUBLE: Duration = Duration::from_millis(16);

/// Faults of one life, at most.
const FAULTS: u64 = 4;
/// How long a fault lasts, at most, in microseconds: a power of two.
const LASTS_US: u64 = 1 << 13;

/// Draws what goes wrong. Tasks of these names may be ended, and refused memory.
pub(super) fn draw(rng: &mut Rng, base: &Life, tasks: &[String]) -> Vec<Fault> {
    let mut rules = Vec::new();
    if rng.one_in(8) {
        rules.push(format!("power cut at event {}", 1 + rng.below(base.entries)));
    }
    for _ in 0..=rng.below(FAULTS) {
        rules.push(match below(rng, 8) {
            0..4 => bytes(rng, base),
            4 => format!("stall {} {}", one(rng, &base.lines).unwrap_or("timer"), lasts(rng)),
            5 if !tasks.is_empty() => {
                let task = &tasks[below(rng, tasks.len())];
                format!("kill {task} at event {}", 1 + rng.below(base.entries))
            }
            6 => format!("{} heap {}", ["exhaust", "fragment"][below(rng, 2)], lasts(rng)),
            7 if !tasks.is_empty() => {
                format!("refuse {} {}", tasks[below(rng, tasks.len())], lasts(rng))
            }
            _ => bytes(rng, base),
        });
    }
    // Drawn last, and only where it can matter: the seeds of what uses no storage stand for what they always have.
    if base.storage > 0 && rng.one_in(2) {
        rules.push(storage(rng, base));
    }
    rules.iter().filter_map(|rule| rule.parse().ok()).collect()
}

/// A rule about the bytes of a line.
fn bytes(rng: &mut Rng, base: &Life) -> String {
    let uarts: Vec<_> = base.lines.iter().copied().filter(|line| line.starts_with("uart")).collect();
    let uart = one(rng, &uarts).unwrap_or("uart0");
    let direction = ["rx", "tx"][below(rng, 2)];
    let what = match below(rng, 7) {
        0 => format!("drop {uart} {direction}"),
        1 => format!("duplicate {uart} {direction}"),
        2 => format!("corrupt {uart} {direction}"),
        3 => format!("delay {uart} {direction} by {}us", log_uniform(rng, LASTS_US)),
        4 => format!("garble {uart}"),
        5 => format!("break {uart}"),
        _ => format!("overrun {uart}"),
    };
    let which = match below(rng, 3) {
        0 => format!("rate {}%", 1 + rng.below(30)),
        1 => format!("every {}", 2 + rng.below(40)),
        _ => format!("nth {}", 1 + rng.below(60)),
    };
    format!("{what} {which} until {}us", TROUBLE.as_micros() / 2)
}

/// A rule about storage.
fn storage(rng: &mut Rng, base: &Life) -> String {
    let which = match below(rng, 2) {
        0 => format!("rate {}%", 1 + rng.below(30)),
        _ => format!("nth {}", 1 + rng.below(base.storage)),
    };
    let until_us = TROUBLE.as_micros() / 2;
    match below(rng, 4) {
        0 => format!("flip storage read {which} until {until_us}us"),
        1 => format!("fail storage {which} until {until_us}us"),
        2 => format!("rot storage at event {}", 1 + rng.below(base.entries)),
        // Perhaps in the midst of an operation.
        _ => format!("power cut at event {}", 1 + rng.below(base.entries)),
    }
}

/// From when until when.
fn lasts(rng: &mut Rng) -> String {
    let from_us = log_uniform(rng, LASTS_US);
    let until_us = from_us + log_uniform(rng, LASTS_US);
    format!("from {from_us}us until {until_us}us")
}

fn one<'a>(rng: &mut Rng, names: &[&'a str]) -> Option<&'a str> {
    (!names.is_empty()).then(|| names[below(rng, names.len())])
}

#[cfg(test)]
mod tests {
    use super::{Life, Rng, TROUBLE, draw};
    use crate::fault::What;

    #[test]
    fn what_is_drawn_is_a_rule_and_over_in_time() {
        let base = Life { lines: vec!["timer", "uart0", "gpio"], entries: 500, ..Life::default() };
        let with_storage = Life { storage: 20, ..base.clone() };
        let tasks = ["echo".to_owned()];
        for seed in 0..2000 {
            let before = draw(&mut Rng::new(seed), &base, &tasks);
            let faults = draw(&mut Rng::new(seed), &with_storage, &tasks);
            assert!(faults.starts_with(&before));
            assert!((1..=6).contains(&faults.len()), "{seed}");
            for fault in faults {
                let lasts = matches!(
                    fault.what,
                    What::Bytes { .. } | What::Storage { .. } | What::Happens { end: Some(_), .. }
                );
                assert!(!lasts || fault.until.is_some_and(|until| until <= TROUBLE), "{fault}");
            }
        }
        // Storage goes wrong where it is used.
        let about_storage = |base| {
            let drawn = (0..2000).flat_map(|seed| draw(&mut Rng::new(seed), base, &tasks));
            drawn.filter(|fault| fault.to_string().contains("storage")).count()
        };
        assert_eq!(about_storage(&base), 0);
        assert!(about_storage(&with_storage) > 600);
        // Nothing is lost on the way from words to rules.
        let count = |seed| draw(&mut Rng::new(seed), &base, &tasks).len();
        assert!((0..2000).map(count).sum::<usize>() > 4000);
    }
}
