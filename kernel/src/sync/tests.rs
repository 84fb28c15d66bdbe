//! The laws of signals.

use core::{
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use super::Signal;

fn poll<F: Future>(future: core::pin::Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn a_signal_raised_before_anybody_waits_is_seen_once_however_often_it_was_raised() {
    let signal = Signal::new();
    signal.raise();
    signal.raise();
    assert!(poll(pin!(signal.wait())).is_ready());
    assert!(poll(pin!(signal.wait())).is_pending());
    assert!(!signal.take());
}

#[test]
fn a_signal_raised_while_a_wait_is_given_up_is_seen_by_the_next() {
    let signal = Signal::new();
    {
        let mut wait = pin!(signal.wait());
        assert!(poll(wait.as_mut()).is_pending());
        signal.raise();
    }
    assert!(poll(pin!(signal.wait())).is_ready());
}

#[test]
fn no_signal_raised_on_another_thread_is_lost() {
    const RAISES: u32 = if cfg!(miri) { 3 } else { 200 };
    struct Unparks(thread::Thread);
    impl std::task::Wake for Unparks {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let (there, back) = (Arc::new(Signal::new()), Arc::new(Signal::new()));
    let block_on = |signal: &Signal| {
        let waker: Waker = Arc::new(Unparks(thread::current())).into();
        let mut wait = pin!(signal.wait());
        while wait.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
            thread::park();
        }
    };
    let (other_there, other_back) = (there.clone(), back.clone());
    let other = thread::spawn(move || {
        for _ in 0..RAISES {
            block_on(&other_there);
            other_back.raise();
        }
    });
    for _ in 0..RAISES {
        there.raise();
        block_on(&back);
    }
    other.join().expect("no panic");
}

#[test]
fn a_wait_leaves_no_waker_behind_whether_it_is_given_up_or_over() {
    struct Nobody;
    impl std::task::Wake for Nobody {
        fn wake(self: Arc<Self>) {}
    }
    let (signal, nobody) = (Signal::new(), Arc::new(Nobody));
    for raised in [false, true] {
        {
            let waker = Waker::from(nobody.clone());
            let mut wait = pin!(signal.wait());
            assert!(wait.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
            if raised {
                signal.raise();
                assert!(wait.as_mut().poll(&mut Context::from_waker(&waker)).is_ready());
            }
        }
        assert_eq!(Arc::strong_count(&nobody), 1);
    }
}

/// Counts wakes.
#[derive(Default)]
struct Bell(AtomicUsize);

impl std::task::Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
#[cfg_attr(miri, ignore = "Miri gives a waker's table another address each time, so no waker is known again")]
fn who_waits_sleeps_until_the_signal_is_raised_however_often_it_is_polled() {
    let (signal, bell) = (Signal::new(), Arc::new(Bell::default()));
    let waker = Waker::from(bell.clone());
    let mut wait = pin!(signal.wait());
    for _ in 0..3 {
        assert!(wait.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    }
    assert_eq!(bell.0.load(Ordering::Relaxed), 0);
    signal.raise();
    assert_eq!(bell.0.load(Ordering::Relaxed), 1);
}

#[test]
fn a_wait_that_was_never_polled_wakes_nobody() {
    let (signal, bell) = (Signal::new(), Arc::new(Bell::default()));
    let waker = Waker::from(bell.clone());
    let mut wait = pin!(signal.wait());
    assert!(wait.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    drop(signal.wait());
    assert_eq!(bell.0.load(Ordering::Relaxed), 0);
    signal.raise();
    assert_eq!(bell.0.load(Ordering::Relaxed), 1);
}
