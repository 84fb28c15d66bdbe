//! The wheel against a sorted map.

use std::{collections::BTreeMap, vec::Vec};

use super::{Bench, EXACT_SCAN_LIMIT, STARTS_US};

#[derive(Clone, Copy, Debug)]
enum Step {
    /// Insert a deadline that many microseconds from now, or at the end of time.
    InsertAfter(u64),
    /// Insert a deadline at that time, be it past.
    InsertAt(u64),
    /// Insert a deadline equal to that of an earlier entry, counted back.
    InsertLike(usize),
    /// Remove an entry, counted back.
    Remove(usize),
    /// Let that much time pass.
    Pass(u64),
    /// Let time pass to what the wheel says is next.
    PassToNext,
}

/// What the wheel must do: a map by deadline and number.
struct Model {
    now_us: u64,
    pending: BTreeMap<(u64, usize), ()>,
    filed_us: Vec<u64>,
}

fn run(start_us: u64, steps: &[Step]) {
    let mut bench = Bench::at(start_us);
    let mut model = Model { now_us: start_us, pending: BTreeMap::new(), filed_us: Vec::new() };
    for &step in steps {
        match step {
            Step::InsertAfter(us) => model.insert(&mut bench, model.now_us.saturating_add(us)),
            Step::InsertAt(us) => model.insert(&mut bench, us),
            Step::InsertLike(back) => {
                if let Some(&us) = model.filed_us.iter().rev().nth(back) {
                    model.insert(&mut bench, us);
                }
            }
            Step::Remove(back) => {
                if let Some(number) = bench.entries.len().checked_sub(back + 1) {
                    bench.remove(number);
                    model.pending.remove(&(model.filed_us[number], number));
                }
            }
            Step::Pass(us) => model.advance(&bench, model.now_us.saturating_add(us)),
            Step::PassToNext => {
                if let Some(us) = bench.wheel.next_deadline_us() {
                    model.advance(&bench, us);
                }
            }
        }
        model.check(&bench);
    }
    model.advance(&bench, u64::MAX);
    assert!(model.pending.is_empty());
}

impl Model {
    fn insert(&mut self, bench: &mut Bench, deadline_us: u64) {
        let number = bench.insert(deadline_us);
        let filed_us = deadline_us.max(self.now_us);
        self.filed_us.push(filed_us);
        self.pending.insert((filed_us, number), ());
    }

    fn advance(&mut self, bench: &Bench, now_us: u64) {
        self.now_us = self.now_us.max(now_us);
        let mut due = Vec::new();
        while let Some(first) = self.pending.first_entry().filter(|first| first.key().0 <= self.now_us) {
            due.push(first.remove_entry().0.1);
        }
        assert_eq!(bench.advance(now_us), due);
    }

    fn check(&self, bench: &Bench) {
        assert_eq!(bench.wheel.len(), self.pending.len());
        let next_us = bench.wheel.next_deadline_us();
        let earliest_us = self.pending.first_key_value().map(|(&(us, _), ())| us);
        if self.pending.len() <= EXACT_SCAN_LIMIT {
            assert_eq!(next_us, earliest_us);
        } else {
            assert!(next_us <= earliest_us, "late: {next_us:?} for {earliest_us:?}");
            assert!(next_us >= earliest_us.min(self.now_us.checked_add(1)), "{next_us:?} gets nowhere");
        }
    }
}

/// A small generator of its own, which Miri runs fast.
struct Lcg(u64);

impl Lcg {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0.rotate_left(32)
    }

    fn step(&mut self) -> Step {
        let kind = self.next();
        // A number of any length: small and huge ones are equally likely.
        let wild = self.next() >> (self.next() % 64);
        match kind % 16 {
            0..5 => Step::InsertAfter(wild),
            5 => Step::InsertAt(wild),
            6..8 => Step::InsertLike((wild % 8) as usize),
            8..11 => Step::Remove((wild % 16) as usize),
            11..14 => Step::Pass(wild >> 20),
            14 => Step::Pass(wild),
            _ => Step::PassToNext,
        }
    }
}

#[test]
fn the_wheel_does_what_a_sorted_map_does() {
    let rounds = if cfg!(miri) { 2 } else { 300 };
    for start_us in STARTS_US {
        for round in 0..rounds {
            let mut random = Lcg(start_us.wrapping_add(round));
            let steps: Vec<Step> = (0..80).map(|_| random.step()).collect();
            run(start_us, &steps);
        }
    }
}

#[cfg(not(miri))]
mod properties {
    use proptest::prelude::*;
    use std::vec::Vec;

    use super::{Step, run};

    /// Numbers of all lengths, the edges of digits among them.
    fn wild() -> impl Strategy<Value = u64> {
        prop_oneof![
            (any::<u64>(), 0..64_u32).prop_map(|(number, shift)| number >> shift),
            (0..64_u32, 0..3_u64).prop_map(|(bit, off)| (1_u64 << bit).wrapping_add(off).wrapping_sub(1)),
            (0..3_u64).prop_map(|off| u64::MAX - off),
            0..20_u64,
        ]
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => wild().prop_map(Step::InsertAfter),
            1 => wild().prop_map(Step::InsertAt),
            2 => (0..8_usize).prop_map(Step::InsertLike),
            2 => (0..16_usize).prop_map(Step::Remove),
            2 => wild().prop_map(Step::Pass),
            1 => (0..5_000_u64).prop_map(Step::Pass),
            1 => Just(Step::PassToNext),
        ]
    }

    proptest! {
        #[test]
        fn any_steps_from_any_time_agree_with_a_sorted_map(
            start_us in wild(),
            steps in prop::collection::vec(step(), 0..120),
        ) {
            let steps: Vec<Step> = steps;
            run(start_us, &steps);
        }
    }
}
