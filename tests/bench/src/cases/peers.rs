//! What others need for the same work: their rows have no aim.
//!
//! Each does the work the way its own documentation shows, on one thread, with what it offers for that: a channel and
//! whatever carries the answer.

use std::{
    cell::Cell,
    future::{Future, poll_fn},
    hint::black_box,
    rc::Rc,
    task::{Poll, Waker},
};

use crate::machine::yield_now;

pub(super) mod async_task;
pub(super) mod binary_heap;
pub(super) mod embassy;
pub(super) mod embassy_time;
pub(super) mod futures;
pub(super) mod memory;
pub(super) mod tokio;
pub(super) mod tokio_time;

/// An executor of somebody else.
pub(super) trait Executor {
    fn new() -> Self;

    /// Spawns a task and detaches it.
    fn start(&self, future: impl Future<Output = ()> + 'static);

    /// Runs until nothing is ready.
    fn settle(&mut self);
}

pub(super) fn yield_1<E: Executor>(times: u64) {
    yields::<E>(1, times);
}

pub(super) fn yield_1000<E: Executor>(times: u64) {
    yields::<E>(1000, times / 1000);
}

fn yields<E: Executor>(tasks: u32, times: u64) {
    let mut executor = E::new();
    for _ in 0..tasks {
        executor.start(async move {
            for _ in 0..times {
                yield_now().await;
            }
        });
    }
    executor.settle();
}

pub(super) fn outside_wake<E: Executor>(times: u64) {
    let mut executor = E::new();
    let kept = Rc::new(Cell::new(None::<Waker>));
    let mut keep = Some(kept.clone());
    executor.start(async move {
        poll_fn(|context| {
            if let Some(keep) = keep.take() {
                keep.set(Some(context.waker().clone()));
            }
            Poll::<()>::Pending
        })
        .await;
    });
    executor.settle();
    let waker = kept.take().expect("the task left its waker");
    for _ in 0..times {
        waker.wake_by_ref();
        executor.settle();
    }
}

pub(super) fn spawn<E: Executor>(times: u64) {
    let mut executor = E::new();
    for number in 0..times {
        executor.start(async move {
            black_box(number);
        });
        executor.settle();
    }
}
