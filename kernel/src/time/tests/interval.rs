use core::pin::pin;

use super::*;

/// Awaits a tick as a task does that is polled each time it is woken, on a machine that sleeps until it is. Returns the
/// time that the tick is for, and that at which it came.
fn next_tick(timers: &Timers, interval: &mut Interval<'_>) -> (u64, u64) {
    let (woken, waker) = Counter::new();
    let mut tick = pin!(interval.tick());
    for polls in 1..=10_000 {
        if let Poll::Ready(due) = poll_once(tick.as_mut(), &waker) {
            return (due.as_micros(), timers.now().as_micros());
        }
        while woken.count() < polls {
            timers.advance(timers.next_deadline().unwrap());
        }
    }
    panic!("the tick never came");
}

/// The ticks of the policies' table: taken at 10, then busy until 37.
fn ticks_after_a_delay(missed: MissedTicks) -> Vec<(u64, u64)> {
    let timers = timers_at(0);
    let mut interval = timers.interval(Duration::from_micros(10)).unwrap();
    interval.set_missed(missed);
    assert_eq!(next_tick(&timers, &mut interval), (10, 10));
    timers.advance(Instant::from_micros(37));
    (0..4).map(|_| next_tick(&timers, &mut interval)).collect()
}

#[test]
fn burst_makes_up_for_missed_ticks() {
    assert_eq!(ticks_after_a_delay(MissedTicks::Burst), [(20, 37), (30, 37), (40, 40), (50, 50)]);
}

#[test]
fn delay_keeps_the_distance() {
    assert_eq!(ticks_after_a_delay(MissedTicks::Delay), [(20, 37), (47, 47), (57, 57), (67, 67)]);
}

#[test]
fn skip_keeps_the_phase() {
    assert_eq!(ticks_after_a_delay(MissedTicks::Skip), [(20, 37), (40, 40), (50, 50), (60, 60)]);
    assert_eq!(MissedTicks::default(), MissedTicks::Skip);
}

#[test]
fn skip_ticks_at_most_once_at_a_time() {
    for (taken_us, next_us) in [(19, 20), (20, 30), (21, 30), (30, 40)] {
        let timers = timers_at(0);
        let mut interval = timers.interval(Duration::from_micros(10)).unwrap();
        timers.advance(Instant::from_micros(taken_us));
        assert_eq!(next_tick(&timers, &mut interval), (10, taken_us));
        assert_eq!(next_tick(&timers, &mut interval), (next_us, next_us));
    }
}

#[test]
fn a_jump_of_the_clock_ticks_once_under_skip() {
    let timers = timers_at(0);
    let mut interval = timers.interval(Duration::from_micros(3)).unwrap();
    timers.advance(Instant::from_micros(u64::MAX / 2));
    assert_eq!(next_tick(&timers, &mut interval).0, 3);
    assert_eq!(interval.next_tick().as_micros(), (u64::MAX / 2 / 3 + 1) * 3);
}

#[test]
fn a_tick_that_is_overdue_lets_others_run_first() {
    for missed in [MissedTicks::Burst, MissedTicks::Delay, MissedTicks::Skip] {
        let timers = timers_at(0);
        let (woken, waker) = Counter::new();
        let mut interval = timers.interval(Duration::from_micros(3)).unwrap();
        interval.set_missed(missed);
        timers.advance(Instant::from_micros(1_000));
        let mut tick = pin!(interval.tick());
        assert!(poll_once(tick.as_mut(), &waker).is_pending());
        assert_eq!(woken.count(), 1);
        assert!(poll_once(tick.as_mut(), &waker).is_ready());
    }
}

#[test]
fn a_dropped_tick_is_not_lost() {
    let timers = timers_at(0);
    let mut interval = timers.interval(Duration::from_micros(10)).unwrap();
    {
        let mut tick = pin!(interval.tick());
        assert!(poll_idly(tick.as_mut()).is_pending());
        timers.advance(Instant::from_micros(10));
    }
    assert_eq!(timers.len(), 0);
    assert_eq!(next_tick(&timers, &mut interval), (10, 10));
}

#[test]
fn a_period_of_zero_is_refused() {
    let timers = timers_at(0);
    assert_eq!(timers.interval(Duration::ZERO).err(), Some(IntervalError));
    assert_eq!(timers.interval_at(Instant::MAX, Duration::ZERO).err(), Some(IntervalError));
}

#[test]
fn the_first_tick_is_where_it_was_asked_for() {
    let timers = timers_at(5);
    let mut interval = timers.interval_at(Instant::from_micros(5), Duration::from_micros(100)).unwrap();
    assert_eq!(next_tick(&timers, &mut interval), (5, 5));
    assert_eq!(next_tick(&timers, &mut interval), (105, 105));
    interval.reset();
    assert_eq!(interval.next_tick(), Instant::from_micros(205));
    assert_eq!(interval.period(), Duration::from_micros(100));
}

#[test]
fn ticks_at_the_end_of_time_neither_wrap_nor_panic() {
    for missed in [MissedTicks::Burst, MissedTicks::Delay, MissedTicks::Skip] {
        for period_us in [1, 1_000, u64::MAX] {
            let timers = timers_at(u64::MAX - 10);
            let mut interval = timers.interval(Duration::from_micros(period_us)).unwrap();
            interval.set_missed(missed);
            let mut last = 0;
            for _ in 0..30 {
                let (due, now) = next_tick(&timers, &mut interval);
                assert!(due >= last && due <= now);
                last = due;
            }
            assert_eq!(last, u64::MAX);
        }
    }
}

#[test]
fn a_reset_interval_ticks_one_period_from_now() {
    let timers = timers_at(0);
    let mut interval = timers.interval(Duration::from_micros(10)).unwrap();
    timers.advance(Instant::from_micros(37));
    interval.reset();
    assert_eq!(interval.next_tick(), Instant::from_micros(47));
}
