//! tokio's local set, on a runtime of one thread.

use std::{
    future::Future,
    hint::black_box,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Wake, Waker},
};

use tokio::{
    runtime::{Builder, Runtime},
    sync::{broadcast, mpsc, oneshot},
    task::LocalSet,
};

use super::Executor;
use crate::{
    cases::fan_out::{CAPACITY, SUBSCRIBERS},
    machine::yield_now,
};

pub(in crate::cases) struct Local {
    runtime: Runtime,
    set: LocalSet,
    woken: Arc<Woken>,
    waker: Waker,
}

#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Executor for Local {
    fn new() -> Self {
        let runtime = Builder::new_current_thread().build().expect("a runtime of one thread");
        let woken = Arc::<Woken>::default();
        Self { runtime, set: LocalSet::new(), waker: woken.clone().into(), woken }
    }

    fn start(&self, future: impl Future<Output = ()> + 'static) {
        self.set.spawn_local(future);
    }

    fn settle(&mut self) {
        let _inside = self.runtime.enter();
        loop {
            self.woken.0.store(false, Ordering::Relaxed);
            let done = pin!(&mut self.set).poll(&mut Context::from_waker(&self.waker)).is_ready();
            if done || !self.woken.0.load(Ordering::Relaxed) {
                return;
            }
        }
    }
}

/// A channel of requests, each with a channel for its answer.
fn requests(times: u64, in_flight: usize) {
    let mut executor = Local::new();
    let (ask, mut asked) = mpsc::channel::<(u64, oneshot::Sender<u64>)>(in_flight);
    executor.start(async move {
        while let Some((number, answer)) = asked.recv().await {
            let _ = answer.send(number.wrapping_add(1));
        }
    });
    executor.start(async move {
        let mut pending = Vec::with_capacity(in_flight);
        for number in 0..times / in_flight as u64 {
            for _ in 0..in_flight {
                let (answer, answered) = oneshot::channel();
                ask.send((number, answer)).await.expect("there is a server");
                pending.push(answered);
            }
            while let Some(answered) = pending.pop() {
                black_box(answered.await.expect("answered"));
            }
        }
    });
    executor.settle();
}

pub(in crate::cases) fn round_trip(times: u64) {
    requests(times, 1);
}

pub(in crate::cases) fn round_trip_16(times: u64) {
    requests(times, 16);
}

/// A client hands the server its end of a channel of their own, is let in, and leaves.
pub(in crate::cases) fn connect(times: u64) {
    let mut executor = Local::new();
    let (knock, mut door) = mpsc::channel::<(mpsc::Receiver<u64>, oneshot::Sender<()>)>(1);
    executor.start(async move {
        while let Some((requests, let_in)) = door.recv().await {
            let _ = let_in.send(());
            drop(requests);
        }
    });
    executor.start(async move {
        for _ in 0..times {
            let (client, requests) = mpsc::channel(1);
            let (let_in, inside) = oneshot::channel();
            knock.send((requests, let_in)).await.expect("there is a server");
            inside.await.expect("let in");
            black_box(client);
        }
    });
    executor.settle();
}

/// A value is published, and all have seen it.
pub(in crate::cases) fn fan_out(times: u64) {
    let mut executor = Local::new();
    let (publisher, _) = broadcast::channel(CAPACITY);
    for _ in 0..SUBSCRIBERS {
        let mut subscriber = publisher.subscribe();
        executor.start(async move {
            while let Ok(number) = subscriber.recv().await {
                black_box::<u64>(number);
            }
        });
    }
    executor.start(async move {
        for number in 0..times {
            publisher.send(number).expect("there are subscribers");
            yield_now().await;
        }
    });
    executor.settle();
}
