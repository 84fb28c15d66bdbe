//! async-task on a bare queue, and flume's channels on that.
#![expect(unsafe_code, reason = "a task that stays on its thread need not check that it does")]

use std::{cell::RefCell, collections::VecDeque, future::Future, hint::black_box, rc::Rc};

use async_task::Runnable;

use super::Executor;

type Queue = Rc<RefCell<VecDeque<Runnable>>>;

pub(in crate::cases) struct Bare {
    queue: Queue,
}

impl Executor for Bare {
    fn new() -> Self {
        Self { queue: Rc::default() }
    }

    fn start(&self, future: impl Future<Output = ()> + 'static) {
        let queue = self.queue.clone();
        // SAFETY: neither the future nor the wakers leave this thread.
        let (runnable, task) = unsafe {
            async_task::spawn_unchecked(future, move |runnable| queue.borrow_mut().push_back(runnable))
        };
        runnable.schedule();
        task.detach();
    }

    fn settle(&mut self) {
        loop {
            let Some(runnable) = self.queue.borrow_mut().pop_front() else { return };
            runnable.run();
        }
    }
}

/// One channel each way, used again and again.
fn flume(times: u64, in_flight: usize) {
    let mut executor = Bare::new();
    let (ask, asked) = flume::bounded::<u64>(in_flight);
    let (answer, answered) = flume::bounded::<u64>(in_flight);
    executor.start(async move {
        while let Ok(number) = asked.recv_async().await {
            let _ = answer.send_async(number.wrapping_add(1)).await;
        }
    });
    executor.start(async move {
        for number in 0..times / in_flight as u64 {
            for _ in 0..in_flight {
                ask.send_async(number).await.expect("there is a server");
            }
            for _ in 0..in_flight {
                black_box(answered.recv_async().await.expect("there is a server"));
            }
        }
    });
    executor.settle();
}

pub(in crate::cases) fn flume_round_trip(times: u64) {
    flume(times, 1);
}

pub(in crate::cases) fn flume_round_trip_16(times: u64) {
    flume(times, 16);
}
