//! Tasks: spawning, yielding, waking.

use std::{
    cell::Cell,
    future::poll_fn,
    hint::black_box,
    rc::Rc,
    task::{Poll, Waker},
};

use crate::machine::{Machine, yield_now};

/// One task lets others run, of which there are none.
pub(crate) fn yield_1(times: u64) {
    yields(1, times);
}

/// A thousand tasks take turns.
pub(crate) fn yield_1000(times: u64) {
    yields(1000, times / 1000);
}

fn yields(tasks: u64, times: u64) {
    yields_on(&Machine::boot(), tasks, times);
}

/// So many tasks yield, so many times each.
pub(super) fn yields_on(machine: &Machine, tasks: u64, times: u64) {
    for _ in 0..tasks {
        machine.start("yields", async move {
            for _ in 0..times {
                yield_now().await;
            }
        });
    }
    machine.settle();
}

/// A task is woken by a waker that was called outside of tasks, and polled.
pub(crate) fn outside_wake(times: u64) {
    let machine = Machine::boot();
    let kept = Rc::new(Cell::new(None::<Waker>));
    let mut keep = Some(kept.clone());
    machine.start("parked", async move {
        poll_fn(|context| {
            if let Some(keep) = keep.take() {
                keep.set(Some(context.waker().clone()));
            }
            Poll::<()>::Pending
        })
        .await;
    });
    machine.settle();
    let waker = kept.take().expect("the task left its waker");
    for _ in 0..times {
        waker.wake_by_ref();
        machine.settle();
    }
}

/// A task is spawned, run and finished.
pub(crate) fn spawn(times: u64) {
    spawn_on(&Machine::boot(), times);
}

/// The same, on a machine that may have other tasks.
pub(super) fn spawn_on(machine: &Machine, times: u64) {
    for number in 0..times {
        machine.start("short", async move {
            black_box(number);
        });
        machine.settle();
    }
}

/// A tick with nothing to do.
pub(crate) fn tick_idle(times: u64) {
    let machine = Machine::boot();
    for _ in 0..times {
        machine.settle();
    }
}
