//! Tasks and timers.

use core::{
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
};

use kernel::{
    Handle,
    time::{Duration, Instant},
};

use super::stopwatch::Stopwatch;

/// The only task that is ready lets others run: a wake of itself, and a poll.
pub(super) async fn yields(watch: &Stopwatch) -> u32 {
    watch
        .cost(async |times| {
            for _ in 0..times {
                yield_now().await;
            }
        })
        .await
}

/// Lets other tasks run once.
async fn yield_now() {
    let mut yielded = false;
    poll_fn(|context| {
        if yielded {
            return Poll::Ready(());
        }
        yielded = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// A task is spawned, runs to its end, and is joined by the one that spawned it: two polls.
pub(super) async fn spawn(kernel: &Handle, watch: &Stopwatch) -> u32 {
    watch
        .cost(async |times| {
            for number in 0..times {
                let task =
                    kernel.try_spawn("short", async move { number }).expect("there is memory for a task");
                assert_eq!(task.await, Ok(number));
            }
        })
        .await
}

/// A timer is set, and cancelled before its time.
pub(super) async fn timer(kernel: &Handle, watch: &Stopwatch) -> u32 {
    let timers = kernel.timers();
    let then = kernel.now() + Duration::from_secs(10);
    watch
        .cost(async |times| {
            for number in 0..times {
                set_and_cancel(timers, then + Duration::from_micros(u64::from(number))).await;
            }
        })
        .await
}

async fn set_and_cancel(timers: &kernel::time::Timers, at: Instant) {
    let mut sleep = pin!(timers.sleep_until(at));
    poll_fn(|context| {
        assert!(sleep.as_mut().poll(context).is_pending());
        Poll::Ready(())
    })
    .await;
}
