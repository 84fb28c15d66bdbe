use core::pin::pin;

use std::rc::Rc;

use super::*;

#[test]
fn sleeping_tasks_wake_in_the_order_of_their_deadlines() {
    for start_us in STARTS_US {
        let timers = timers_at(start_us);
        let journal = Journal::default();
        let spans_us = [50, 10, 7_000, 50, 1, 300];
        let mut sleeps: Vec<_> =
            spans_us.map(|us| Box::pin(timers.sleep(Duration::from_micros(us)))).into_iter().collect();
        for (name, sleep) in sleeps.iter_mut().enumerate() {
            assert!(poll_once(sleep.as_mut(), &journal.waker(name)).is_pending());
        }
        assert_eq!(timers.len(), 6);
        assert_eq!(timers.advance(timers.now() + Duration::from_millis(9)), 6);
        assert_eq!(journal.take(), [4, 1, 0, 3, 5, 2], "from {start_us}");
        assert!(sleeps.iter_mut().all(|sleep| poll_idly(sleep.as_mut()).is_ready()));
        assert!(timers.is_empty());
    }
}

#[test]
fn a_sleep_ends_at_its_deadline_and_not_before() {
    for start_us in STARTS_US {
        let timers = timers_at(start_us);
        let (woken, waker) = Counter::new();
        let mut sleep = pin!(timers.sleep(Duration::from_micros(5_000)));
        for us in [0, 1, 4_998, 4_999] {
            timers.advance(Instant::from_micros(start_us + us));
            assert!(poll_once(sleep.as_mut(), &waker).is_pending());
        }
        assert_eq!(woken.count(), 0);
        assert_eq!(timers.advance(Instant::from_micros(start_us + 5_000)), 1);
        assert_eq!(woken.count(), 1);
        assert!(poll_once(sleep.as_mut(), &waker).is_ready());
        assert!(poll_once(sleep.as_mut(), &waker).is_ready(), "and again");
        assert_eq!(timers.advance(Instant::MAX), 0, "it fires once");
    }
}

#[test]
fn the_longest_sleep_neither_loops_nor_wraps_nor_panics() {
    for start_us in STARTS_US {
        let timers = timers_at(start_us);
        let mut sleep = pin!(timers.sleep(Duration::MAX));
        assert_eq!(sleep.deadline(), Instant::MAX);
        assert!(poll_idly(sleep.as_mut()).is_pending());
        assert_eq!(timers.next_deadline(), Some(Instant::MAX));
        assert_eq!(timers.advance(Instant::from_micros(u64::MAX - 1)), 0);
        assert!(poll_idly(sleep.as_mut()).is_pending());
        assert_eq!(timers.advance(Instant::MAX), 1);
        assert!(poll_idly(sleep.as_mut()).is_ready());
    }
}

#[test]
fn at_the_end_of_time_a_sleep_still_lets_others_run() {
    let timers = timers_at(u64::MAX);
    let (woken, waker) = Counter::new();
    for times in 1..4 {
        let mut sleep = pin!(timers.sleep(Duration::from_secs(1)));
        assert!(poll_once(sleep.as_mut(), &waker).is_pending());
        assert_eq!(woken.count(), times);
        assert!(poll_once(sleep.as_mut(), &waker).is_ready());
    }
    assert_eq!(timers.len(), 0);
}

#[test]
fn a_sleep_of_zero_yields_once() {
    let timers = timers_at(77);
    let (woken, waker) = Counter::new();
    let mut sleep = pin!(timers.sleep(Duration::ZERO));
    assert!(poll_once(sleep.as_mut(), &waker).is_pending());
    assert_eq!(woken.count(), 1);
    assert_eq!(timers.len(), 0, "it needs no timer");
    assert!(poll_once(sleep.as_mut(), &waker).is_ready());
    assert_eq!(woken.count(), 1);
}

#[test]
fn a_sleep_into_the_past_yields_once() {
    let timers = timers_at(1_000);
    let (woken, waker) = Counter::new();
    let mut sleep = pin!(timers.sleep_until(Instant::from_micros(3)));
    assert!(poll_once(sleep.as_mut(), &waker).is_pending());
    assert_eq!(woken.count(), 1);
    assert!(poll_once(sleep.as_mut(), &waker).is_ready());
}

#[test]
fn a_sleep_that_has_waited_does_not_yield_again() {
    let timers = timers_at(0);
    let (woken, waker) = Counter::new();
    let mut sleep = pin!(timers.sleep(Duration::from_micros(10)));
    assert!(poll_once(sleep.as_mut(), &waker).is_pending());
    timers.advance(Instant::from_micros(10));
    assert!(poll_once(sleep.as_mut(), &waker).is_ready());
    assert_eq!(woken.count(), 1);
}

#[test]
fn a_jump_of_the_clock_fires_everything_once_in_order() {
    let timers = timers_at(0);
    let journal = Journal::default();
    let mut sleeps: Vec<_> =
        (0..40).map(|name| Box::pin(timers.sleep(Duration::from_micros(1 << (39 - name))))).collect();
    for (name, sleep) in sleeps.iter_mut().enumerate() {
        assert!(poll_once(sleep.as_mut(), &journal.waker(name)).is_pending());
    }
    let years = Duration::from_secs(60 * 60 * 24 * 365) * 10_000;
    assert_eq!(timers.advance(timers.now() + years), 40);
    assert_eq!(journal.take(), (0..40).rev().collect::<Vec<_>>());
    assert_eq!(timers.advance(timers.now() + years), 0);
}

#[test]
fn dropping_a_sleep_unlinks_it() {
    let timers = timers_at(0);
    let (woken, waker) = Counter::new();
    let mut sleeps: Vec<_> = (0..5).map(|_| Box::pin(timers.sleep(Duration::from_micros(90)))).collect();
    for sleep in &mut sleeps {
        assert!(poll_once(sleep.as_mut(), &waker).is_pending());
    }
    for (left, dropped) in [(4, 2), (3, 0), (2, 2)] {
        drop(sleeps.remove(dropped));
        assert_eq!(timers.len(), left);
    }
    assert_eq!(Arc::strong_count(&woken), 4, "two sleeps, the waker and the test hold it");
    assert_eq!(timers.advance(Instant::MAX), 2);
    assert_eq!(woken.count(), 2);
    assert_eq!(Arc::strong_count(&woken), 2, "what fired let its waker go");
}

#[test]
fn a_sleep_that_was_never_polled_is_no_timer() {
    let timers = timers_at(0);
    let sleep = timers.sleep(Duration::from_micros(5));
    assert_eq!(timers.len(), 0);
    drop(sleep);
    assert_eq!(timers.next_deadline(), None);
}

#[test]
fn a_sleep_may_move_until_it_is_polled() {
    let timers = timers_at(0);
    let sleep = timers.sleep(Duration::from_micros(5));
    let mut moved = Box::pin([sleep].into_iter().next().unwrap());
    assert!(poll_idly(moved.as_mut()).is_pending());
    assert_eq!(timers.advance(Instant::from_micros(5)), 1);
}

#[test]
fn a_leaked_sleep_fires_and_harms_nobody() {
    let (woken, waker) = Counter::new();
    let timers = timers_at(0);
    let mut leaked = core::mem::ManuallyDrop::new(Box::pin(timers.sleep(Duration::from_micros(5))));
    let mut other = Box::pin(timers.sleep(Duration::from_micros(5)));
    assert!(poll_once(leaked.as_mut(), &waker).is_pending());
    assert!(poll_once(other.as_mut(), &waker).is_pending());
    drop(other);
    assert_eq!(timers.advance(Instant::from_micros(9)), 1);
    assert_eq!(woken.count(), 1);
    drop(core::mem::ManuallyDrop::into_inner(leaked));
}

#[test]
fn the_waker_of_the_last_poll_is_the_one_that_is_called() {
    let timers = timers_at(0);
    let journal = Journal::default();
    let mut sleep = pin!(timers.sleep(Duration::from_micros(5)));
    for name in 1..4 {
        assert!(poll_once(sleep.as_mut(), &journal.waker(name)).is_pending());
    }
    assert_eq!(timers.len(), 1);
    timers.advance(Instant::from_micros(5));
    assert_eq!(journal.take(), [3]);
}

#[test]
fn polling_again_with_the_same_waker_does_not_clone_it() {
    let timers = timers_at(0);
    let (woken, waker) = Counter::new();
    let mut sleep = pin!(timers.sleep(Duration::from_micros(5)));
    for _ in 0..3 {
        assert!(poll_once(sleep.as_mut(), &waker).is_pending());
        assert_eq!(Arc::strong_count(&woken), 3);
    }
}

#[test]
fn a_reset_moves_the_wake_without_another_poll() {
    for start_us in STARTS_US {
        for (old_us, new_us) in [(50, 9_000), (9_000, 50), (70, 71)] {
            let timers = timers_at(start_us);
            let (woken, waker) = Counter::new();
            let mut sleep = pin!(timers.sleep_until(Instant::from_micros(start_us + old_us)));
            assert!(poll_once(sleep.as_mut(), &waker).is_pending());
            sleep.as_mut().reset(Instant::from_micros(start_us + new_us));
            assert_eq!(timers.next_deadline(), Some(sleep.deadline()));
            assert_eq!(timers.advance(Instant::from_micros(start_us + new_us - 1)), 0);
            assert_eq!(timers.advance(Instant::from_micros(start_us + new_us)), 1);
            assert_eq!(woken.count(), 1);
            assert!(poll_once(sleep.as_mut(), &waker).is_ready());
        }
    }
}

#[test]
fn a_reset_into_the_past_wakes_at_once() {
    let timers = timers_at(1_000);
    let (woken, waker) = Counter::new();
    let mut sleep = pin!(timers.sleep(Duration::from_micros(5)));
    assert!(poll_once(sleep.as_mut(), &waker).is_pending());
    sleep.as_mut().reset(Instant::BOOT);
    assert_eq!((woken.count(), timers.len()), (1, 0));
    assert!(poll_once(sleep.as_mut(), &waker).is_ready());
}

#[test]
fn a_sleep_that_is_over_can_be_reset() {
    let timers = timers_at(0);
    let (woken, waker) = Counter::new();
    let mut sleep = pin!(timers.sleep(Duration::from_micros(5)));
    for us in [5, 10, 4_000] {
        sleep.as_mut().reset(Instant::from_micros(us));
        assert!(poll_once(sleep.as_mut(), &waker).is_pending());
        timers.advance(Instant::from_micros(us));
        assert!(poll_once(sleep.as_mut(), &waker).is_ready());
    }
    assert_eq!(woken.count(), 3);
    sleep.as_mut().reset(Instant::BOOT);
    assert!(poll_once(sleep.as_mut(), &waker).is_pending(), "a wait of no time still yields");
    assert!(poll_once(sleep.as_mut(), &waker).is_ready());
}

#[test]
fn a_reset_between_the_wake_and_the_poll_loses_no_wake() {
    let timers = timers_at(0);
    let (woken, waker) = Counter::new();
    let mut sleep = pin!(timers.sleep(Duration::from_micros(5)));
    assert!(poll_once(sleep.as_mut(), &waker).is_pending());
    timers.advance(Instant::from_micros(5));
    sleep.as_mut().reset(Instant::from_micros(50));
    assert!(poll_once(sleep.as_mut(), &waker).is_pending());
    assert_eq!(timers.advance(Instant::from_micros(50)), 1);
    assert_eq!(woken.count(), 2);
}

#[test]
fn an_advance_into_the_past_changes_nothing() {
    let timers = timers_at(5_000);
    let mut sleep = pin!(timers.sleep(Duration::from_micros(5)));
    assert!(poll_idly(sleep.as_mut()).is_pending());
    assert_eq!(timers.advance(Instant::from_micros(10)), 0);
    assert_eq!(timers.now(), Instant::from_micros(5_000));
    assert_eq!(timers.next_deadline(), Some(Instant::from_micros(5_005)));
}

#[test]
fn timers_say_when_to_come_back() {
    let timers = timers_at(100);
    assert_eq!(timers.next_deadline(), None);
    let mut late = pin!(timers.sleep(Duration::from_secs(3_600)));
    assert!(poll_idly(late.as_mut()).is_pending());
    assert_eq!(timers.next_deadline(), Some(Instant::from_micros(3_600_000_100)));
    {
        let mut soon = pin!(timers.sleep(Duration::from_millis(1)));
        assert!(poll_idly(soon.as_mut()).is_pending());
        assert_eq!(timers.next_deadline(), Some(Instant::from_micros(1_100)));
    }
    assert_eq!(timers.next_deadline(), Some(Instant::from_micros(3_600_000_100)));
}

#[test]
fn timers_in_one_process_share_nothing() {
    let (one, two) = (timers_at(0), timers_at(50));
    let mut sleep = pin!(one.sleep(Duration::from_micros(5)));
    assert!(poll_idly(sleep.as_mut()).is_pending());
    assert_eq!((one.len(), two.len()), (1, 0));
    assert_eq!(two.advance(Instant::MAX), 0);
    assert!(!sleep.is_elapsed());
}

#[test]
fn a_panic_in_a_waker_leaves_the_rest_to_the_next_advance() {
    let timers = Rc::new(timers_at(0));
    let journal = Journal::default();
    let bomb = waker_that(|| panic!("a waker that panics"));
    let mut sleeps: Vec<_> = (0..3).map(|_| Box::pin(timers.sleep(Duration::from_micros(50)))).collect();
    assert!(poll_once(sleeps[0].as_mut(), &journal.waker(0)).is_pending());
    assert!(poll_once(sleeps[1].as_mut(), &bomb).is_pending());
    assert!(poll_once(sleeps[2].as_mut(), &journal.waker(2)).is_pending());
    let advance = std::panic::AssertUnwindSafe(|| timers.advance(Instant::from_micros(60)));
    assert!(std::panic::catch_unwind(advance).is_err());
    assert_eq!(journal.take(), [0]);
    assert_eq!(timers.advance(Instant::from_micros(60)), 1, "even at the same time");
    assert_eq!(journal.take(), [2]);
}

#[test]
fn whether_something_may_be_due_is_known_beforehand() {
    let timers = timers_at(0);
    let (_, waker) = Counter::new();
    assert!(timers.is_empty());
    let mut sleep = Box::pin(timers.sleep_until(Instant::from_micros(10)));
    assert!(poll_once(sleep.as_mut(), &waker).is_pending());
    assert!(!timers.is_empty());
    assert!(!timers.is_due(Instant::from_micros(9)));
    assert!(timers.is_due(Instant::from_micros(10)));
}
