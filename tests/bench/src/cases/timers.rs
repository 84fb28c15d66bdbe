//! Timers, with so many others pending.

use std::{
    future::Future,
    hint::black_box,
    pin::{Pin, pin},
    task::{Context, Waker},
};

use kernel::time::{Duration, Instant, Sleep, Timers};

/// A number of so many bits, which looks random.
pub(super) fn scatter(number: u64, bits: u32) -> u64 {
    number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - bits)
}

/// Sets so many timers, the first of them a second from now, the last a day and a half.
fn fill(timers: &Timers, pending: u64) -> Vec<Pin<Box<Sleep<'_>>>> {
    let set = |number: u64| {
        let us = 1_000_000 + scatter(number, 37);
        let mut sleep = Box::pin(timers.sleep(Duration::from_micros(us)));
        assert!(sleep.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        sleep
    };
    (0..pending).map(set).collect()
}

/// A timer is set and cancelled.
pub(crate) fn insert_cancel<const PENDING: u64>(times: u64) {
    insert_cancel_among(PENDING, times);
}

/// The same, with so many pending.
pub(super) fn insert_cancel_among(pending: u64, times: u64) {
    let timers = Timers::new();
    let pending = fill(&timers, pending);
    let mut context = Context::from_waker(Waker::noop());
    for number in 0..times {
        let us = 1 + scatter(number, 37);
        let mut sleep = pin!(timers.sleep(Duration::from_micros(us)));
        black_box(sleep.as_mut().poll(&mut context).is_pending());
    }
    drop(pending);
}

/// A timer is set, fires, and is seen to have fired.
pub(crate) fn insert_fire<const PENDING: u64>(times: u64) {
    insert_fire_among(PENDING, times);
}

/// The same, with so many pending.
pub(super) fn insert_fire_among(pending: u64, times: u64) {
    let timers = Timers::new();
    let pending = fill(&timers, pending);
    let mut context = Context::from_waker(Waker::noop());
    for number in 0..times {
        let us = 1 + scatter(number, 13);
        let mut sleep = pin!(timers.sleep(Duration::from_micros(us)));
        black_box(sleep.as_mut().poll(&mut context).is_pending());
        timers.advance(timers.now() + Duration::from_micros(us));
        black_box(sleep.as_mut().poll(&mut context).is_ready());
    }
    drop(pending);
}

/// Time passes, and nothing is due.
pub(crate) fn empty_tick<const PENDING: u64>(times: u64) {
    let timers = Timers::new();
    let pending = fill(&timers, PENDING);
    for number in 0..times {
        black_box(timers.advance(Instant::from_micros(number)));
    }
    drop(pending);
}
