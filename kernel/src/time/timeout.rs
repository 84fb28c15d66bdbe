//! A future with a deadline.
#![expect(unsafe_code, reason = "pins are projected to the parts of a timeout")]

use core::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use super::{Duration, Instant, Sleep, Timers};

/// A future that is given so long to be ready.
#[must_use = "futures do nothing unless they are awaited"]
pub struct Timeout<'t, F> {
    future: F,
    sleep: Sleep<'t>,
}

/// Time is up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Elapsed;

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the deadline has passed")
    }
}

impl core::error::Error for Elapsed {}

impl Timers {
    /// Gives a future so long to be ready, counted from [`now`](Self::now).
    pub fn timeout<F: Future>(&self, limit: Duration, future: F) -> Timeout<'_, F> {
        self.timeout_at(self.now().saturating_add(limit), future)
    }

    /// Gives a future until then to be ready.
    pub fn timeout_at<F: Future>(&self, deadline: Instant, future: F) -> Timeout<'_, F> {
        Timeout { future, sleep: self.sleep_until(deadline) }
    }
}

impl<F: Future> Future for Timeout<'_, F> {
    type Output = Result<F::Output, Elapsed>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        // SAFETY: both parts stay where they are until they are dropped with the whole.
        let (future, sleep) = unsafe {
            let this = self.get_unchecked_mut();
            (Pin::new_unchecked(&mut this.future), Pin::new_unchecked(&mut this.sleep))
        };
        // The future first: an output that is there in time is not thrown away.
        if let Poll::Ready(output) = future.poll(context) {
            return Poll::Ready(Ok(output));
        }
        sleep.poll(context).map(|()| Err(Elapsed))
    }
}
