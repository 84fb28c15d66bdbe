//! Wakers that come back to the timers while these wake, clone or drop them.

use core::cell::RefCell;

use std::rc::Rc;

use super::*;

type Slot = Rc<RefCell<Option<Pin<Box<Sleep<'static>>>>>>;

fn linked(timers: &'static Timers, us: u64, waker: &Waker) -> Slot {
    let mut sleep = Box::pin(timers.sleep_until(Instant::from_micros(us)));
    assert!(poll_once(sleep.as_mut(), waker).is_pending());
    Rc::new(RefCell::new(Some(sleep)))
}

#[test]
fn what_a_waker_drops_before_its_turn_does_not_fire() {
    static TIMERS: OneThread = OneThread(Timers::new());
    let timers: &'static Timers = &TIMERS.0;
    let journal = Journal::default();
    let victims: Vec<Slot> =
        [50, 50, 60, 9_000].into_iter().map(|us| linked(timers, us, &journal.waker(us as usize))).collect();
    let first = linked(timers, 40, &{
        let victims = victims.clone();
        waker_that(move || [1, 2, 3].into_iter().for_each(|at| drop(victims[at].take())))
    });
    assert_eq!(timers.advance(Instant::MAX), 2);
    assert_eq!(journal.take(), [50]);
    assert!(timers.is_empty());
    drop((first, victims));
}

#[test]
fn a_waker_may_drop_the_very_sleep_that_fires() {
    static TIMERS: OneThread = OneThread(Timers::new());
    let timers: &'static Timers = &TIMERS.0;
    let own: Slot = Rc::default();
    let waker = {
        let own = Rc::clone(&own);
        waker_that(move || drop(own.take()))
    };
    *own.borrow_mut() = linked(timers, 40, &waker).take();
    let other = linked(timers, 40, Waker::noop());
    drop(waker);
    assert_eq!(timers.advance(Instant::from_micros(40)), 2);
    assert!(own.borrow().is_none());
    drop(other);
}

#[test]
fn what_a_waker_starts_waits_for_its_own_time() {
    static TIMERS: OneThread = OneThread(Timers::new());
    let timers: &'static Timers = &TIMERS.0;
    let journal = Journal::default();
    let started: Rc<RefCell<Vec<Slot>>> = Rc::default();
    let first = linked(timers, 40, &{
        let (started, journal) = (Rc::clone(&started), journal.clone());
        waker_that(move || {
            // Time is the target of the advance already, not the deadline that fires.
            assert_eq!(timers.now(), Instant::from_micros(1_000));
            for us in [45, 1_000, 1_001] {
                started.borrow_mut().push(linked(timers, us, &journal.waker(us as usize)));
            }
        })
    });
    let second = linked(timers, 500, &journal.waker(500));
    assert_eq!(timers.advance(Instant::from_micros(1_000)), 2);
    assert_eq!(journal.take(), [45, 1_000, 500], "what is over before it begins wakes itself at once");
    assert_eq!(timers.len(), 1);
    assert_eq!(timers.advance(Instant::from_micros(1_001)), 1);
    assert_eq!(journal.take(), [1_001]);
    drop((first, second));
    started.take();
}

#[test]
fn a_waker_may_advance_the_time_further() {
    static TIMERS: OneThread = OneThread(Timers::new());
    let timers: &'static Timers = &TIMERS.0;
    let journal = Journal::default();
    let first =
        linked(timers, 40, &waker_that(move || assert_eq!(timers.advance(Instant::from_micros(600)), 2)));
    let rest: Vec<Slot> =
        [500, 50, 700].into_iter().map(|us| linked(timers, us, &journal.waker(us as usize))).collect();
    assert_eq!(timers.advance(Instant::from_micros(100)), 1, "the inner advance fired the others");
    assert_eq!(journal.take(), [50, 500]);
    assert_eq!(timers.now(), Instant::from_micros(600));
    assert_eq!(timers.next_deadline(), Some(Instant::from_micros(700)));
    drop((first, rest));
}

#[test]
fn a_waker_may_poll_its_sleep_right_away() {
    static TIMERS: OneThread = OneThread(Timers::new());
    let timers: &'static Timers = &TIMERS.0;
    let later = linked(timers, 70, Waker::noop());
    let first = linked(timers, 40, &{
        let later = Rc::clone(&later);
        waker_that(move || {
            let mut later = later.borrow_mut();
            assert!(poll_idly(later.as_mut().unwrap().as_mut()).is_ready());
        })
    });
    assert_eq!(timers.advance(Instant::from_micros(100)), 1, "what is over already does not fire");
    assert!(timers.is_empty());
    drop((first, later));
}

#[test]
fn a_waker_may_advance_the_time_while_a_poll_clones_it() {
    use core::task::{RawWaker, RawWakerVTable};

    static TIMERS: OneThread = OneThread(Timers::new());
    static VTABLE: RawWakerVTable = RawWakerVTable::new(
        |data| {
            TIMERS.0.advance(Instant::from_micros(50));
            RawWaker::new(data, &VTABLE)
        },
        |_| (),
        |_| (),
        |_| (),
    );
    // SAFETY: the waker has no data, and does what it does from anywhere in this test's thread.
    let waker = unsafe { Waker::new(core::ptr::null(), &VTABLE) };
    let mut sleep = Box::pin(TIMERS.0.sleep_until(Instant::from_micros(50)));
    assert!(poll_once(sleep.as_mut(), &waker).is_ready(), "the deadline came while it was polled");
    assert!(TIMERS.0.is_empty());
}

#[test]
fn a_waker_may_advance_the_time_while_a_poll_drops_it() {
    static TIMERS: OneThread = OneThread(Timers::new());
    struct AtDrop;
    impl Drop for AtDrop {
        fn drop(&mut self) {
            TIMERS.0.advance(Instant::from_micros(50));
        }
    }
    let journal = Journal::default();
    let mut sleep = Box::pin(TIMERS.0.sleep_until(Instant::from_micros(50)));
    let waker = {
        let at_drop = AtDrop;
        waker_that(move || {
            let _kept = &at_drop;
        })
    };
    assert!(poll_once(sleep.as_mut(), &waker).is_pending());
    drop(waker);
    // This poll drops the last clone of the first waker.
    assert!(poll_once(sleep.as_mut(), &journal.waker(1)).is_ready());
    assert!(TIMERS.0.is_empty());
}
