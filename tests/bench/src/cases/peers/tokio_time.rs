//! tokio's timers, on a runtime whose clock is set by hand, or moves on to the next timer when there is nothing to do.

use std::{
    future::Future,
    hint::black_box,
    pin::{Pin, pin},
    task::{Context, Waker},
    time::Duration,
};

use tokio::{
    runtime::{Builder, Runtime},
    time::{Sleep, advance, sleep},
};

use crate::cases::timers::scatter;

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime of one thread")
}

/// Sets so many timers, as `cases::timers` does.
fn fill(pending: u64) -> Vec<Pin<Box<Sleep>>> {
    let set = |number: u64| {
        let mut sleep = Box::pin(sleep(Duration::from_micros(1_000_000 + scatter(number, 37))));
        assert!(sleep.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        sleep
    };
    (0..pending).map(set).collect()
}

/// A timer is set and cancelled.
pub(in crate::cases) fn insert_cancel<const PENDING: u64>(times: u64) {
    let runtime = runtime();
    let _inside = runtime.enter();
    let pending = fill(PENDING);
    let mut context = Context::from_waker(Waker::noop());
    for number in 0..times {
        let mut sleep = pin!(sleep(Duration::from_micros(1 + scatter(number, 37))));
        black_box(sleep.as_mut().poll(&mut context).is_pending());
    }
    drop(pending);
}

/// A timer is set, fires, and is seen to have fired.
pub(in crate::cases) fn insert_fire<const PENDING: u64>(times: u64) {
    runtime().block_on(async {
        let pending = fill(PENDING);
        for number in 0..times {
            sleep(Duration::from_micros(1 + scatter(number, 13))).await;
        }
        drop(pending);
    });
}

/// Time passes, and nothing is due: a turn of the runtime.
pub(in crate::cases) fn empty_tick<const PENDING: u64>(times: u64) {
    runtime().block_on(async {
        let pending = fill(PENDING);
        for _ in 0..times {
            advance(Duration::from_micros(1)).await;
        }
        drop(pending);
    });
}
