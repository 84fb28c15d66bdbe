//! Tasks and timers.

use core::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    task::{Context, Poll},
};

use kernel::{
    Handle,
    time::{Duration, Instant},
};

use super::stopwatch::Stopwatch;

/// The only task that is ready lets others run: a wake of itself, and a poll. It is a task of its own, since those who
/// measure lie in futures within futures, and each poll would go through all of them.
pub(super) async fn yields(kernel: &Handle, watch: &Stopwatch) -> u32 {
    watch
        .cost(async |times| {
            let task =
                kernel.try_spawn("yields", Yields { left: times }).expect("there is memory for a task");
            assert!(task.await.is_ok(), "nobody ends it");
        })
        .await
}

/// Lets other tasks run so many times.
struct Yields {
    left: u32,
}

impl Future for Yields {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.left == 0 {
            return Poll::Ready(());
        }
        self.left -= 1;
        context.waker().wake_by_ref();
        Poll::Pending
    }
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
