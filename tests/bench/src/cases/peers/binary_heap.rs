//! A binary heap of deadlines. It has no way to take one out that is not the first.

use std::{cmp::Reverse, collections::BinaryHeap, hint::black_box};

use crate::cases::timers::scatter;

fn fill(pending: u64) -> BinaryHeap<Reverse<(u64, u32)>> {
    (0..pending).map(|number| Reverse((1_000_000 + scatter(number, 37), 0))).collect()
}

/// A deadline is put in, and taken out when it is the first.
pub(in crate::cases) fn insert_fire<const PENDING: u64>(times: u64) {
    let mut heap = fill(PENDING);
    for number in 0..times {
        heap.push(Reverse((scatter(number, 13), 1)));
        black_box(heap.pop());
    }
}

/// The first deadline is looked at, and is not due.
pub(in crate::cases) fn empty_tick<const PENDING: u64>(times: u64) {
    let heap = fill(PENDING);
    for number in 0..times {
        black_box(heap.peek().is_some_and(|Reverse((deadline, _))| *deadline <= black_box(number)));
    }
}
