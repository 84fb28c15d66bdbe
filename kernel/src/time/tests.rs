#![expect(unsafe_code, reason = "wakers that re-enter the timers are made `Send` for a test of one thread")]

mod interval;
mod model;
mod reentry;
mod scale;
mod sleep;
mod timeout;

use std::{
    boxed::Box,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::Wake,
    vec::Vec,
};

use core::task::{Context, Poll, Waker};

use super::*;

/// Starts at which counters of 32 and 64 bits are about to wrap, among others.
const STARTS_US: [u64; 6] = [0, 1, (1 << 32) - 1, 1 << 40, u64::MAX - 100_000, u64::MAX - 10_000];

fn timers_at(now_us: u64) -> Timers {
    let timers = Timers::new();
    assert_eq!(timers.advance(Instant::from_micros(now_us)), 0);
    timers
}

fn poll_once<F: Future + ?Sized>(future: Pin<&mut F>, waker: &Waker) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(waker))
}

/// Polls with a waker that nobody hears.
fn poll_idly<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    poll_once(future, Waker::noop())
}

/// Counts its wakes.
#[derive(Default)]
struct Counter(AtomicUsize);

impl Counter {
    fn new() -> (Arc<Self>, Waker) {
        let counter = Arc::new(Self::default());
        (Arc::clone(&counter), Waker::from(counter))
    }

    fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl Wake for Counter {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Writes down who was woken, in order.
#[derive(Clone, Default)]
struct Journal(Arc<Mutex<Vec<usize>>>);

impl Journal {
    fn waker(&self, name: usize) -> Waker {
        struct Writer(Journal, usize);
        impl Wake for Writer {
            fn wake(self: Arc<Self>) {
                self.0.0.lock().unwrap().push(self.1);
            }
        }
        Waker::from(Arc::new(Writer(self.clone(), name)))
    }

    fn take(&self) -> Vec<usize> {
        core::mem::take(&mut self.0.lock().unwrap())
    }
}

/// A waker that runs code of the test's thread.
fn waker_that(runs: impl Fn() + 'static) -> Waker {
    struct Hook(Box<dyn Fn()>);
    // SAFETY: a test makes, calls and drops its wakers on one thread.
    unsafe impl Send for Hook {}
    // SAFETY: as above.
    unsafe impl Sync for Hook {}
    impl Wake for Hook {
        fn wake(self: Arc<Self>) {
            (self.0)();
        }
    }
    Waker::from(Arc::new(Hook(Box::new(runs))))
}

/// Timers in a static, for wakers that must not borrow.
struct OneThread(Timers);

// SAFETY: each test has its own, and one thread.
unsafe impl Sync for OneThread {}
