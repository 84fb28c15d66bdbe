//! The laws of tasks.

mod between;
mod life;
mod panics;
mod shutdown;
mod wakes;

use core::{
    cell::{Cell, RefCell},
    future::{Future, poll_fn},
    pin::Pin,
    task::{Context, Poll, Waker},
};
use std::{
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    task::Wake,
};

use super::*;
use crate::{Handle, testing::Machine};

/// Counts how often it was dropped.
#[derive(Clone, Default)]
struct Drops(Rc<Cell<u32>>);

/// Counts one drop.
struct Dropped(Drops);

impl Drops {
    fn one(&self) -> Dropped {
        Dropped(self.clone())
    }

    fn count(&self) -> u32 {
        self.0.get()
    }
}

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.0.set(self.0.0.get() + 1);
    }
}

/// Counts wakes.
#[derive(Default)]
struct Wakes(AtomicU32);

impl Wakes {
    fn new() -> (Arc<Self>, Waker) {
        let wakes = Arc::new(Self::default());
        (wakes.clone(), wakes.into())
    }

    fn count(&self) -> u32 {
        self.0.load(Ordering::SeqCst)
    }
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Where a parked task leaves its waker.
type Place = Rc<RefCell<Option<Waker>>>;

/// Parks until it is woken through the place, once.
fn park(place: &Place) -> impl Future<Output = ()> + use<> {
    let (place, mut polled) = (place.clone(), false);
    poll_fn(move |context| {
        place.replace(Some(context.waker().clone()));
        if core::mem::replace(&mut polled, true) { Poll::Ready(()) } else { Poll::Pending }
    })
}

fn wake(place: &Place) {
    let waker = place.borrow_mut().take();
    waker.expect("somebody has parked").wake();
}

/// Lets all others that are ready run once.
fn yield_now() -> impl Future<Output = ()> {
    let mut polled = false;
    poll_fn(move |context| {
        context.waker().wake_by_ref();
        if core::mem::replace(&mut polled, true) { Poll::Ready(()) } else { Poll::Pending }
    })
}

fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// Ticks until nothing is ready, and takes the outcome that must be there then.
fn outcome<T>(machine: &Machine, handle: &mut JoinHandle<T>) -> Result<T, JoinError> {
    machine.settle();
    match poll_once(handle) {
        Poll::Ready(outcome) => outcome,
        Poll::Pending => panic!("the task is not over"),
    }
}

fn used(kernel: &Handle) -> usize {
    kernel.heap().stats().used
}
