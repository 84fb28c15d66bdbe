//! embassy's executor and channels: tasks and channels are static, and nothing is looked up, closed or cancelled.
#![expect(unsafe_code, reason = "the executor calls back by a symbol, and is polled by hand")]

use std::{
    future::Future,
    hint::black_box,
    sync::atomic::{AtomicBool, Ordering},
};

use embassy_executor::raw::{Executor as Raw, TaskStorage};
use embassy_sync::{
    blocking_mutex::raw::NoopRawMutex, channel::Channel, pubsub::PubSubChannel, signal::Signal,
};

use super::Executor;
use crate::{
    cases::fan_out::{CAPACITY, SUBSCRIBERS},
    machine::yield_now,
};

static PENDING: AtomicBool = AtomicBool::new(false);

// The symbol that the executor calls, which exists once in the program.
#[unsafe(export_name = "__pender")]
fn pend(_context: *mut ()) {
    PENDING.store(true, Ordering::Relaxed);
}

pub(in crate::cases) struct Embassy {
    raw: &'static Raw,
}

impl Executor for Embassy {
    fn new() -> Self {
        Self { raw: Box::leak(Box::new(Raw::new(std::ptr::null_mut()))) }
    }

    fn start(&self, future: impl Future<Output = ()> + 'static) {
        start(self.raw, Box::leak(Box::new(TaskStorage::new())), future);
    }

    fn settle(&mut self) {
        settle(self.raw);
    }
}

fn start<F: Future<Output = ()> + 'static>(raw: &'static Raw, storage: &'static TaskStorage<F>, future: F) {
    raw.spawner().spawn(storage.spawn(|| future).expect("the storage is free"));
}

fn settle(raw: &'static Raw) {
    while PENDING.swap(false, Ordering::Relaxed) {
        // SAFETY: on the executor's thread, not within itself.
        unsafe { raw.poll() };
    }
}

/// One task's storage is used again and again, as a static one is.
pub(in crate::cases) fn spawn(times: u64) {
    async fn short(number: u64) {
        black_box(number);
    }

    fn storage<F: Future<Output = ()> + 'static>(_of: impl Fn(u64) -> F) -> &'static TaskStorage<F> {
        Box::leak(Box::new(TaskStorage::new()))
    }

    let executor = Embassy::new();
    let storage = storage(short);
    for number in 0..times {
        start(executor.raw, storage, short(number));
        settle(executor.raw);
    }
}

/// A channel of requests, and a signal for the answer.
pub(in crate::cases) fn round_trip(times: u64) {
    let mut executor = Embassy::new();
    let asked: &Channel<NoopRawMutex, u64, 1> = Box::leak(Box::new(Channel::new()));
    let answer: &Signal<NoopRawMutex, u64> = Box::leak(Box::new(Signal::new()));
    executor.start(async move {
        loop {
            answer.signal(asked.receive().await.wrapping_add(1));
        }
    });
    executor.start(async move {
        for number in 0..times {
            asked.send(number).await;
            black_box(answer.wait().await);
        }
    });
    executor.settle();
}

/// A channel each way.
pub(in crate::cases) fn round_trip_16(times: u64) {
    const IN_FLIGHT: usize = 16;
    let mut executor = Embassy::new();
    let asked: &Channel<NoopRawMutex, u64, IN_FLIGHT> = Box::leak(Box::new(Channel::new()));
    let answer: &Channel<NoopRawMutex, u64, IN_FLIGHT> = Box::leak(Box::new(Channel::new()));
    executor.start(async move {
        loop {
            let number = asked.receive().await;
            answer.send(number.wrapping_add(1)).await;
        }
    });
    executor.start(async move {
        for number in 0..times / IN_FLIGHT as u64 {
            for _ in 0..black_box(IN_FLIGHT) {
                asked.send(number).await;
            }
            for _ in 0..black_box(IN_FLIGHT) {
                black_box(answer.receive().await);
            }
        }
    });
    executor.settle();
}

/// A value is published, and all have seen it.
pub(in crate::cases) fn fan_out(times: u64) {
    let mut executor = Embassy::new();
    let channel: &PubSubChannel<NoopRawMutex, u64, CAPACITY, SUBSCRIBERS, 1> =
        Box::leak(Box::new(PubSubChannel::new()));
    for _ in 0..SUBSCRIBERS {
        let mut subscriber = channel.subscriber().expect("there is room for all");
        executor.start(async move {
            loop {
                black_box(subscriber.next_message_pure().await);
            }
        });
    }
    let publisher = channel.publisher().expect("there is room for it");
    executor.start(async move {
        for number in 0..times {
            publisher.publish_immediate(number);
            yield_now().await;
        }
    });
    executor.settle();
}
