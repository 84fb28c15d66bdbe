use core::{
    future::{pending, poll_fn, ready},
    pin::pin,
};

use super::*;

#[test]
fn a_future_in_time_gives_its_output() {
    let timers = timers_at(0);
    let mut timeout = pin!(timers.timeout(Duration::from_micros(5), ready(7)));
    assert_eq!(poll_idly(timeout.as_mut()), Poll::Ready(Ok(7)));
    assert!(timers.is_empty(), "no timer was needed");
}

#[test]
fn a_future_that_is_not_done_in_time_is_told_so() {
    let timers = timers_at(0);
    let (woken, waker) = Counter::new();
    let mut timeout = pin!(timers.timeout(Duration::from_micros(5), pending::<()>()));
    assert_eq!(timeout.deadline(), Instant::from_micros(5));
    assert!(poll_once(timeout.as_mut(), &waker).is_pending());
    timers.advance(Instant::from_micros(4));
    assert!(poll_once(timeout.as_mut(), &waker).is_pending());
    timers.advance(Instant::from_micros(5));
    assert_eq!(woken.count(), 1);
    assert_eq!(poll_once(timeout.as_mut(), &waker), Poll::Ready(Err(Elapsed)));
}

#[test]
fn an_output_that_is_there_at_the_deadline_wins() {
    let timers = timers_at(0);
    let done = Cell::new(false);
    let future = poll_fn(|_| if done.get() { Poll::Ready("done") } else { Poll::Pending });
    let mut timeout = pin!(timers.timeout(Duration::from_micros(5), future));
    assert!(poll_idly(timeout.as_mut()).is_pending());
    timers.advance(Instant::from_micros(500));
    done.set(true);
    assert_eq!(poll_idly(timeout.as_mut()), Poll::Ready(Ok("done")));
}

#[test]
fn a_timeout_of_zero_polls_once() {
    let timers = timers_at(9);
    let polls = Cell::new(0);
    let future = poll_fn(|_| {
        polls.set(polls.get() + 1);
        Poll::<()>::Pending
    });
    let mut timeout = pin!(timers.timeout(Duration::ZERO, future));
    assert_eq!(poll_idly(timeout.as_mut()), Poll::Ready(Err(Elapsed)));
    assert_eq!(polls.get(), 1);
    let mut late = pin!(timers.timeout_at(Instant::BOOT, ready(())));
    assert_eq!(poll_idly(late.as_mut()), Poll::Ready(Ok(())));
}

#[test]
fn an_endless_timeout_never_runs_out() {
    let timers = timers_at(u64::MAX - 2);
    let mut timeout = pin!(timers.timeout(Duration::MAX, pending::<()>()));
    assert!(poll_idly(timeout.as_mut()).is_pending());
    assert_eq!(timers.advance(Instant::from_micros(u64::MAX - 1)), 0);
    assert!(poll_idly(timeout.as_mut()).is_pending());
}

#[test]
fn dropping_a_timeout_drops_the_future_and_the_timer() {
    let timers = timers_at(0);
    let (alive, waker) = Counter::new();
    let mut timeout = Box::pin(timers.timeout(Duration::from_micros(5), async move {
        let _kept = waker;
        pending::<()>().await;
    }));
    assert!(poll_idly(timeout.as_mut()).is_pending());
    assert_eq!((timers.len(), Arc::strong_count(&alive)), (1, 2));
    drop(timeout);
    assert_eq!((timers.len(), Arc::strong_count(&alive)), (0, 1));
}

#[test]
fn timeouts_nest() {
    let timers = timers_at(0);
    let inner = timers.timeout(Duration::from_micros(5), pending::<()>());
    let mut outer = pin!(timers.timeout(Duration::from_micros(9), inner));
    assert!(poll_idly(outer.as_mut()).is_pending());
    assert_eq!(timers.len(), 2);
    timers.advance(Instant::from_micros(20));
    assert_eq!(poll_idly(outer.as_mut()), Poll::Ready(Ok(Err(Elapsed))));
}
