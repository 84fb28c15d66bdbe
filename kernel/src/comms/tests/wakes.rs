//! Futures that are polled by hand, with the wakes that they got written down in order.

use core::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, Waker},
};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    task::Wake,
};

/// Who was woken and has not been polled since, the first woken first.
#[derive(Clone, Default)]
pub(super) struct Woken(Arc<Mutex<VecDeque<usize>>>);

struct Bell {
    woken: Woken,
    number: usize,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.woken.with(|woken| {
            if !woken.contains(&self.number) {
                woken.push_back(self.number);
            }
        });
    }
}

impl Woken {
    fn with<R>(&self, with: impl FnOnce(&mut VecDeque<usize>) -> R) -> R {
        with(&mut self.0.lock().expect("no test panics with it"))
    }

    pub(super) fn contains(&self, number: usize) -> bool {
        self.with(|woken| woken.contains(&number))
    }

    /// The first that was woken.
    pub(super) fn first(&self) -> Option<usize> {
        self.with(|woken| woken.front().copied())
    }

    /// Somebody is not there any more, or is about to be polled.
    pub(super) fn forget(&self, number: usize) {
        self.with(|woken| woken.retain(|other| *other != number));
    }

    /// Polls a future of this number, which has acted upon its wakes then.
    pub(super) fn poll<F: Future + ?Sized>(&self, number: usize, future: Pin<&mut F>) -> Poll<F::Output> {
        self.forget(number);
        let bell = Waker::from(Arc::new(Bell { woken: self.clone(), number }));
        future.poll(&mut Context::from_waker(&bell))
    }
}
