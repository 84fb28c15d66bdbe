//! A limit on the time that another future may take.
//!
//! # Rules
//!
//! 1. Both fields of a [`Timeout`] are pinned with it: it never moves them after its first poll, has no `Drop` of its own,
//!    and is `Unpin` only if both are, which a [`Sleep`] is not.
#![expect(unsafe_code, reason = "a pinned timeout hands on pinned references to its two futures")]

use core::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use super::{Instant, Sleep};

/// Runs a future until a deadline; made by [`Timers::timeout`](super::Timers::timeout) and
/// [`Timers::timeout_at`](super::Timers::timeout_at).
///
/// The future is polled first: a result that is there when the deadline is noticed wins, and a future that is ready at
/// once gives its result even if the deadline has passed.
///
/// # Cancellation
///
/// Dropping the timeout drops the future, as does the end of an `.await` on it, whichever way it ended. Whether a result
/// can be lost that way is for the future's own documentation to say.
#[derive(Debug)]
#[must_use = "a future does nothing unless polled"]
pub struct Timeout<'t, F> {
    future: F,
    sleep: Sleep<'t>,
}

impl<'t, F> Timeout<'t, F> {
    pub(super) const fn new(future: F, sleep: Sleep<'t>) -> Self {
        Self { future, sleep }
    }

    /// When the time is up.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        self.sleep.deadline()
    }
}

impl<F: Future> Future for Timeout<'_, F> {
    type Output = Result<F::Output, Elapsed>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // SAFETY: rule 1: nothing is moved out of the reference, and the fields are pinned with the whole.
        let (future, sleep) = unsafe {
            let this = self.get_unchecked_mut();
            (Pin::new_unchecked(&mut this.future), Pin::new_unchecked(&mut this.sleep))
        };
        if let Poll::Ready(output) = future.poll(cx) {
            return Poll::Ready(Ok(output));
        }
        sleep.poll(cx).map(|()| Err(Elapsed))
    }
}

/// The time was up before the future was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Elapsed;

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the time was up before the operation was done")
    }
}

impl core::error::Error for Elapsed {}
