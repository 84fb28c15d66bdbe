//! Rules as text, and what they do to bytes.

use super::{Fault, FaultReason};

fn refused(rule: &str) -> (usize, FaultReason) {
    let error = rule.parse::<Fault>().expect_err(rule);
    (error.column, error.reason)
}

#[test]
fn a_rule_reads_as_it_was_written() {
    for rule in [
        "drop uart0 rx",
        "drop uart0 tx rate 5%",
        "delay uart1 rx by 2ms nth 3",
        "duplicate uart0 tx every 10 from 1s until 2s",
        "corrupt uart0 rx rate 0.5permille until 1h",
        "garble uart0 every 7",
        "break uart0 nth 1",
        "overrun uart0 rate 100%",
        "kill echo at 5ms",
        "kill echo every 50ms from 1s until 2s",
        "stall uart0 from 5ms until 10ms",
        "refuse echo",
        "exhaust heap from 1s",
        "fragment heap until 1s",
        "nak i2c",
        "nak i2c 0x48 rate 5%",
        "nak i2c 72 nth 3",
        "nak i2c every 10 from 1s until 2s",
        "stick i2c from 5ms until 10ms",
        "stick i2c",
        "flip storage read rate 1permille",
        "flip storage read nth 3 from 1s until 2s",
        "fail storage",
        "fail storage every 10 until 1s",
        "rot storage at 5ms",
        "rot storage every 1s until 5s",
        "rot storage at event 40",
        "power cut at event 500",
        "kill echo at event 5",
        "power cut at 5ms",
        "power cut every 1s until 5s",
    ] {
        assert_eq!(rule.parse::<Fault>().map(|fault| fault.to_string()), Ok(rule.to_owned()));
        assert_eq!(
            format!("  {}\t", rule.replace(' ', "  ")).parse::<Fault>().expect(rule).to_string(),
            rule
        );
    }
}

#[test]
fn a_bad_rule_is_refused_where_it_is_bad() {
    for (rule, column, reason) in [
        ("", 1, FaultReason::NotAFault),
        ("  lose uart0", 3, FaultReason::NotAFault),
        ("drop", 5, FaultReason::NotAUart),
        ("drop ü", 6, FaultReason::NotAUart),
        ("drop uart0 sideways", 12, FaultReason::NotADirection),
        ("drop uart0 rx rate", 19, FaultReason::NotARate),
        ("drop uart0 rx rate 0%", 20, FaultReason::NotARate),
        ("drop uart0 rx rate 100.1%", 20, FaultReason::NotARate),
        ("drop uart0 rx rate 1e1%", 20, FaultReason::NotARate),
        ("drop uart0 rx rate 99999999999%", 20, FaultReason::NotARate),
        ("drop uart0 rx nth 0", 19, FaultReason::NotACount),
        ("drop uart0 rx nth 1 every 2", 21, FaultReason::Twice),
        ("drop uart0 rx at 5ms", 15, FaultReason::NotABytesWord),
        ("drop uart0 rx from soon", 20, FaultReason::NotATime),
        ("drop uart0 rx from 2s until 1s", 29, FaultReason::EndsBeforeItBegins),
        ("drop uart0 rx until 1s from 2s", 29, FaultReason::EndsBeforeItBegins),
        ("delay uart0 rx 2ms", 16, FaultReason::NotADelay),
        ("delay uart0 rx by 0ms", 19, FaultReason::NotATime),
        ("garble uart0 rx", 14, FaultReason::NotABytesWord),
        ("kill", 5, FaultReason::NotAName),
        ("kill echo", 10, FaultReason::NoTime),
        ("kill echo at event 0", 20, FaultReason::NotACount),
        ("kill echo at 1s at 2s", 17, FaultReason::Twice),
        ("kill echo at 1s until 2s", 17, FaultReason::Twice),
        ("kill echo every 0s", 17, FaultReason::NotATime),
        ("kill echo every 5ms until 2ms", 27, FaultReason::EndsBeforeItBegins),
        ("rot storage until 5ms every 5ms", 19, FaultReason::EndsBeforeItBegins),
        ("stall uart0 every 5ms", 13, FaultReason::NotAWhileWord),
        ("exhaust memory", 9, FaultReason::NotTheHeap),
        ("nak", 4, FaultReason::NotTheBus),
        ("nak uart0", 5, FaultReason::NotTheBus),
        ("nak i2c 0x07", 9, FaultReason::NotAnAddress),
        ("nak i2c 0x78", 9, FaultReason::NotAnAddress),
        ("nak i2c 0x+48", 9, FaultReason::NotAnAddress),
        ("nak i2c 300", 9, FaultReason::NotAnAddress),
        ("nak i2c 0x48 0x49", 14, FaultReason::NotABytesWord),
        ("nak i2c soon", 9, FaultReason::NotABytesWord),
        ("nak i2c 0x48 rate 0%", 19, FaultReason::NotARate),
        ("stick i2c nth 1", 11, FaultReason::NotAWhileWord),
        ("stick heap", 7, FaultReason::NotTheBus),
        ("flip heap", 6, FaultReason::NotTheStorage),
        ("flip storage write", 14, FaultReason::NotARead),
        ("flip storage read at 5ms", 19, FaultReason::NotABytesWord),
        ("fail", 5, FaultReason::NotTheStorage),
        ("fail storage read", 14, FaultReason::NotABytesWord),
        ("fail storage rate 0%", 19, FaultReason::NotARate),
        ("rot storage", 12, FaultReason::NoTime),
        ("rot storage rate 5%", 13, FaultReason::NotAWhenWord),
        ("power off", 7, FaultReason::NotACut),
        ("power cut at event none", 20, FaultReason::NotACount),
    ] {
        assert_eq!(refused(rule), (column, reason), "{rule:?}");
    }
}
