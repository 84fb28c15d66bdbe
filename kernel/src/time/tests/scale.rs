use std::{format, string::ToString};

use super::*;

#[test]
fn times_saturate_at_both_ends() {
    let (second, ages) = (Duration::from_secs(1), Duration::MAX);
    assert_eq!(ages + second, ages);
    assert_eq!(second - ages, Duration::ZERO);
    assert_eq!(ages * 2, ages);
    assert_eq!(Duration::from_secs(u64::MAX), ages);
    assert_eq!(Duration::from_millis(u64::MAX), ages);
    assert_eq!([ages, second].into_iter().sum::<Duration>(), ages);
    assert_eq!(Instant::MAX + second, Instant::MAX);
    assert_eq!(Instant::BOOT - second, Instant::BOOT);
    assert_eq!(Instant::from_secs(u64::MAX), Instant::MAX);
    assert_eq!(Instant::BOOT - Instant::MAX, Duration::ZERO);
    assert_eq!(Instant::MAX - Instant::BOOT, ages);
}

#[test]
fn checked_arithmetic_tells_what_cannot_be_counted() {
    let (one, two) = (Duration::from_micros(1), Duration::from_micros(2));
    assert_eq!(one.checked_add(one), Some(two));
    assert_eq!(Duration::MAX.checked_add(one), None);
    assert_eq!(two.checked_sub(one), Some(one));
    assert_eq!(one.checked_sub(two), None);
    assert_eq!(one.checked_mul(2), Some(two));
    assert_eq!(Duration::MAX.checked_mul(2), None);
    assert_eq!(two.checked_div(2), Some(one));
    assert_eq!(two.checked_div(0), None);
    let (early, late) = (Instant::from_micros(1), Instant::from_micros(3));
    assert_eq!(early.checked_add(two), Some(late));
    assert_eq!(Instant::MAX.checked_add(one), None);
    assert_eq!(late.checked_sub(two), Some(early));
    assert_eq!(early.checked_sub(two), None);
    assert_eq!(late.checked_since(early), Some(two));
    assert_eq!(early.checked_since(late), None);
}

#[test]
fn units_convert() {
    assert_eq!(Duration::from_secs(2).as_millis(), 2_000);
    assert_eq!(Duration::from_millis(2_999).as_secs(), 2);
    assert_eq!(Instant::from_millis(2_999).as_secs(), 2);
    assert_eq!(Instant::from_secs(2).as_millis(), 2_000);
    assert_eq!(Instant::from_secs(2).since_boot(), Duration::from_micros(2_000_000));
}

#[test]
fn core_durations_are_rounded_up_so_that_no_wait_is_cut_short() {
    use core::time::Duration as Core;

    assert_eq!(Duration::from(Core::from_nanos(1)), Duration::from_micros(1));
    assert_eq!(Duration::from(Core::from_nanos(1_000)), Duration::from_micros(1));
    assert_eq!(Duration::from(Core::from_nanos(1_999_999_001)), Duration::from_secs(2));
    assert_eq!(Duration::from(Core::ZERO), Duration::ZERO);
    assert_eq!(Duration::from(Core::MAX), Duration::MAX);
    assert_eq!(Core::from(Duration::from_millis(1_500)), Core::from_millis(1_500));
    assert_eq!(Duration::from(Core::from(Duration::MAX)), Duration::MAX);
}

#[test]
fn a_duration_is_written_in_the_unit_that_suits_it() {
    for (us, text) in [
        (0, "0 us"),
        (12, "12 us"),
        (999, "999 us"),
        (1_000, "1 ms"),
        (12_345, "12.345 ms"),
        (250_000, "250 ms"),
        (999_999, "999.999 ms"),
        (1_000_000, "1 s"),
        (1_500_000, "1.500 s"),
        (90_000_999, "90 s"),
        (u64::MAX, "18446744073709.551 s"),
    ] {
        assert_eq!(Duration::from_micros(us).to_string(), text);
    }
}

#[test]
fn an_instant_is_written_to_the_microsecond() {
    assert_eq!(Instant::BOOT.to_string(), "0.000000 s");
    assert_eq!(Instant::from_micros(12_000_345).to_string(), "12.000345 s");
    assert_eq!(Instant::MAX.to_string(), "18446744073709.551615 s");
}

#[test]
fn width_and_alignment_are_obeyed() {
    assert_eq!(format!("[{:>8}]", Duration::from_micros(12)), "[   12 us]");
    assert_eq!(format!("[{:<8}]", Duration::from_secs(2)), "[2 s     ]");
    assert_eq!(format!("[{:>12}]", Instant::from_secs(1)), "[  1.000000 s]");
}

#[test]
fn times_go_over_the_wire_as_plain_numbers() {
    let mut bytes = [0; 10];
    let sent = postcard::to_slice(&Duration::from_micros(300), &mut bytes).unwrap();
    assert_eq!(sent, [0xac, 0x02]);
    assert_eq!(postcard::from_bytes::<Instant>(sent), Ok(Instant::from_micros(300)));
}

#[test]
fn operators_do_what_the_methods_do() {
    let (three, ten) = (Duration::from_micros(3), Duration::from_micros(10));
    assert_eq!([ten - three, ten / 3], [Duration::from_micros(7), three]);
    let mut span = ten;
    span += three;
    assert_eq!(span, Duration::from_micros(13));
    span -= ten;
    assert_eq!(span, three);

    let mut instant = Instant::from_micros(10);
    assert_eq!(instant - three, Instant::from_micros(7));
    instant += three;
    assert_eq!(instant, Instant::from_micros(13));
    instant -= ten;
    assert_eq!(instant, Instant::from_micros(3));
}

#[test]
fn refusals_and_waits_say_what_they_are() {
    assert_eq!(Elapsed.to_string(), "the time was up before the operation was done");
    assert_eq!(IntervalError.to_string(), "an interval needs a period longer than zero");
    let timers = timers_at(7);
    let debug = "Timers { now: Instant(7), len: 0, next_deadline: None, .. }";
    assert_eq!(format!("{timers:?}"), debug);
    let sleep = timers.sleep(Duration::from_micros(3));
    assert_eq!(format!("{sleep:?}"), "Sleep { deadline: Instant(10), waiting: false, .. }");
}
