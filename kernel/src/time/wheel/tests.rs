#![expect(unsafe_code, reason = "the bench keeps the promises that a sleep keeps")]

mod model;

use std::{boxed::Box, pin::Pin, vec, vec::Vec};

use super::*;

/// A wheel and the entries in it, by number.
struct Bench {
    wheel: Wheel<Option<usize>>,
    entries: Vec<Pin<Box<Entry<Option<usize>>>>>,
}

impl Bench {
    fn at(now_us: u64) -> Self {
        let wheel = Wheel::new();
        assert_eq!(wheel.pop_due(now_us), None);
        Self { wheel, entries: Vec::new() }
    }

    fn with(now_us: u64, deadlines_us: &[u64]) -> Self {
        let mut bench = Self::at(now_us);
        for &deadline_us in deadlines_us {
            bench.insert(deadline_us);
        }
        bench
    }

    fn insert(&mut self, deadline_us: u64) -> usize {
        let number = self.entries.len();
        self.entries.push(Box::pin(Entry::new(deadline_us, Some(number))));
        // SAFETY: the entry is boxed, new, and taken out before the bench is dropped.
        unsafe { self.wheel.insert(&self.entries[number]) };
        number
    }

    fn remove(&self, number: usize) {
        // SAFETY: the bench's entries are in its wheel or in none.
        unsafe { self.wheel.remove(&self.entries[number]) };
    }

    fn advance(&self, now_us: u64) -> Vec<usize> {
        if now_us >= self.wheel.cursor_us.get() && self.wheel.skip_to(now_us) {
            return Vec::new();
        }
        std::iter::from_fn(|| self.wheel.pop_due(now_us)).map(Option::unwrap).collect()
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        for number in 0..self.entries.len() {
            self.remove(number);
        }
        assert_eq!(self.wheel.len(), 0);
        assert_eq!(self.wheel.levels.get(), 0);
        assert!(self.wheel.occupied.iter().all(|level| level.get() == 0));
    }
}

/// Starts at which counters of 32 and 64 bits are about to wrap, among others.
pub(super) const STARTS_US: [u64; 7] =
    [0, 1, (1 << 32) - 1, 0x7a_3001, (1 << 63) - 2, u64::MAX - 1_000, u64::MAX - 16];

#[test]
fn a_deadline_is_filed_by_the_highest_digit_that_differs() {
    let place = |deadline_us, cursor_us| Place::of(deadline_us, cursor_us).0;
    assert_eq!(place(0x7_c118, 0x7_a301), Place::new(3, 0xc));
    assert_eq!(place(1, 0), Place::new(0, 1));
    assert_eq!(place(0x10, 0xf), Place::new(1, 1));
    assert_eq!(place(u64::MAX, 0), Place::new(15, 15));
    assert_eq!(place(u64::MAX, u64::MAX - 1), Place::new(0, 15));
    assert_eq!(place(u64::MAX, u64::MAX), Place::new(0, 15));
    assert_eq!(place(1 << 60, (1 << 60) - 1), Place::new(15, 1));
}

#[test]
fn a_slot_starts_where_its_digits_say() {
    assert_eq!(Place::new(3, 0xc).start_us(0x7_a301), 0x7_c000);
    assert_eq!(Place::new(15, 15).start_us(0), 15 << 60);
    assert_eq!(Place::new(0, 15).start_us(u64::MAX), u64::MAX);
    for level in 0..16 {
        for slot in 0..16 {
            let start_us = Place::new(level, slot).start_us(0);
            assert_eq!(start_us, u64::from(slot) << (4 * level));
            if slot > 0 {
                assert_eq!(Place::of(start_us, 0), (Place::new(level, slot), start_us));
                assert_eq!(
                    Place::of(start_us | ((1 << (4 * level)) - 1), 0),
                    (Place::new(level, slot), start_us)
                );
            }
        }
    }
}

#[test]
fn what_is_due_comes_in_the_order_of_the_deadlines() {
    for start_us in STARTS_US {
        let after = |us: u64| start_us.saturating_add(us);
        let bench = Bench::with(start_us, &[300, 2, 16, 15, 17, 1, 256, 255, 257, 3].map(after));
        let by_deadline = |&number: &usize| bench.entries[number].deadline_us();
        let fired = bench.advance(after(1_000));
        assert_eq!(fired.len(), 10, "from {start_us}");
        assert!(fired.is_sorted_by_key(by_deadline), "from {start_us}: {fired:?}");
    }
}

#[test]
fn equal_deadlines_come_in_the_order_of_their_arrival() {
    for start_us in STARTS_US {
        let bench = Bench::with(start_us, &[u64::MAX; 12]);
        assert_eq!(bench.advance(u64::MAX), (0..12).collect::<Vec<_>>());
    }
}

#[test]
fn equal_deadlines_that_arrive_on_different_levels_keep_their_order() {
    let mut bench = Bench::with(0, &[0x1234, 0x1234]);
    for now_us in [0x0fff, 0x1000, 0x11ff, 0x1200, 0x1230, 0x1233] {
        assert_eq!(bench.advance(now_us), []);
        bench.insert(0x1234);
    }
    assert_eq!(bench.advance(0x1234), (0..8).collect::<Vec<_>>());
}

#[test]
fn nothing_comes_before_its_deadline() {
    for start_us in STARTS_US {
        for digit in 0..16 {
            let Some(deadline_us) = start_us.checked_add(1 << (4 * digit)) else { continue };
            let mut bench = Bench::with(start_us, &[deadline_us]);
            // A neighbour makes the slot one that has to be taken apart.
            if let Some(neighbour_us) = deadline_us.checked_add(3) {
                bench.insert(neighbour_us);
            }
            assert_eq!(bench.advance(deadline_us - 1), []);
            assert_eq!(bench.advance(deadline_us), [0]);
        }
    }
}

#[test]
fn the_last_microsecond_can_be_waited_for() {
    let bench = Bench::with(0, &[u64::MAX, u64::MAX - 1]);
    assert_eq!(bench.advance(u64::MAX - 2), []);
    assert_eq!(bench.wheel.next_deadline_us(), Some(u64::MAX - 1));
    assert_eq!(bench.advance(u64::MAX - 1), [1]);
    assert_eq!(bench.wheel.next_deadline_us(), Some(u64::MAX));
    assert_eq!(bench.advance(u64::MAX), [0]);
    assert_eq!(bench.wheel.next_deadline_us(), None);
    assert_eq!(bench.advance(u64::MAX), []);
}

#[test]
fn a_deadline_in_the_past_is_due_at_once() {
    for start_us in STARTS_US {
        let bench = Bench::with(start_us, &[start_us, 0, start_us / 2]);
        assert_eq!(bench.advance(start_us), [0, 1, 2]);
    }
}

#[test]
fn entries_can_be_removed_from_anywhere_in_a_slot() {
    for removed in 0..4 {
        let bench = Bench::with(0, &[500, 500, 500, 500]);
        bench.remove(removed);
        bench.remove(removed);
        assert_eq!(bench.wheel.len(), 3);
        let rest: Vec<_> = (0..4).filter(|&number| number != removed).collect();
        assert_eq!(bench.advance(500), rest);
    }
}

#[test]
fn removing_the_last_entry_empties_the_wheel() {
    for digit in 0..16 {
        let bench = Bench::with(0, &[1 << (4 * digit)]);
        bench.remove(0);
        assert_eq!(bench.wheel.next_deadline_us(), None);
        assert_eq!(bench.advance(u64::MAX), []);
    }
}

#[test]
fn an_entry_can_be_inserted_again() {
    let bench = Bench::with(0, &[10]);
    for now_us in [10, 1_000, u64::MAX] {
        bench.remove(0);
        bench.entries[0].set_deadline_us(now_us);
        bench.entries[0].payload().set(Some(0));
        // SAFETY: as in `Bench::insert`; it was just removed.
        unsafe { bench.wheel.insert(&bench.entries[0]) };
        assert_eq!(bench.advance(now_us), [0]);
    }
}

#[test]
fn time_does_not_go_back() {
    let bench = Bench::with(1_000, &[1_001]);
    assert_eq!(bench.advance(999), []);
    assert_eq!(bench.wheel.cursor_us.get(), 1_000);
    assert_eq!(bench.advance(1_001), [0]);
}

#[test]
fn the_next_deadline_is_exact_among_few() {
    let far_us = 0x1_0000;
    let few: Vec<u64> = (0..EXACT_SCAN_LIMIT as u64).map(|n| far_us + 0x777 - n).collect();
    let bench = Bench::with(0, &few);
    assert_eq!(bench.wheel.next_deadline_us(), few.last().copied());
}

#[test]
fn the_next_deadline_among_many_is_early_but_gets_ahead() {
    for start_us in STARTS_US {
        let first_us = start_us.saturating_add(u64::MAX / 2).max(u64::MAX - 900);
        let many: Vec<u64> = (0..20).map(|n| first_us.saturating_add(n)).collect();
        let bench = Bench::with(start_us, &many);
        let mut steps = 0;
        loop {
            let before_us = bench.wheel.cursor_us.get();
            let next_us = bench.wheel.next_deadline_us().unwrap();
            assert!(next_us <= first_us && next_us > before_us, "{before_us} {next_us} {first_us}");
            steps += 1;
            assert!(steps <= LEVELS, "each step takes a level");
            if !bench.advance(next_us).is_empty() {
                break;
            }
        }
    }
}

#[test]
fn a_removal_lets_time_skip_on() {
    let mut bench = Bench::with(0, &[100, 5_000]);
    bench.remove(0);
    assert_eq!(bench.wheel.next_deadline_us(), Some(5_000));
    assert_eq!(bench.advance(200), []);
    let late = bench.insert(201);
    assert_eq!(bench.advance(6_000), vec![late, 1]);
}
