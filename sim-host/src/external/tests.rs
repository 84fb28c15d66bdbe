//! Text to values and back, and the order of the queue.

use kernel::time::Instant;

use super::{Cause, Drive, External, ExternalError, Queue, Quoted};

#[test]
fn what_happens_is_the_same_after_it_was_text() {
    let all: Vec<u8> = (0..=255).collect();
    let externals = [
        External::Bytes { uart: 0, bytes: all },
        External::Bytes { uart: 12, bytes: Vec::new() },
        External::Garbled { uart: 1 },
        External::Break { uart: 0 },
        External::Overrun { uart: 0, byte: b'"' },
        External::EndOfInput { uart: 0 },
        External::Pin { pin: 29, drive: Drive::High },
        External::Pin { pin: 0, drive: Drive::Low },
        External::Pin { pin: 7, drive: Drive::Released },
        External::Interrupt { line: "button".into() },
        External::Kill { task: "echo".into() },
        External::Mask { line: "uart0".into() },
        External::Unmask { line: "uart0".into() },
        External::Refuse { task: "echo".into() },
        External::Allow { task: "echo".into() },
        External::Exhaust,
        External::Fragment,
        External::Relieve,
        External::Flip,
        External::Fail,
        External::Rot,
        External::PowerCut,
    ];
    for external in externals {
        let text = external.to_string();
        assert!(text.is_ascii() && !text.contains('\n'), "{text}");
        assert_eq!(text.parse(), Ok(external), "{text}");
    }
}

#[test]
fn a_line_that_says_nothing_is_refused_with_what_would_be_right() {
    let refused = |line: &str| line.parse::<External>().expect_err(line);
    assert_eq!(refused("  "), ExternalError::Nothing);
    assert_eq!(refused("sing uart0"), ExternalError::UnknownWord { word: "sing".into() });
    assert_eq!(refused("power on"), ExternalError::UnknownWord { word: "power".into() });
    for line in [
        "send",
        "send 0 \"x\"",
        "send uart \"x\"",
        "send uart-1 \"x\"",
        "send uart99999999999999999999 \"x\"",
    ] {
        assert_eq!(refused(line), ExternalError::NotAUart, "{line}");
    }
    for line in ["send uart0", "send uart0 x", "send uart0 \"x", r#"send uart0 "\q""#, r#"send uart0 "\x1""#]
    {
        assert_eq!(refused(line), ExternalError::NotBytes, "{line}");
    }
    assert_eq!(refused("overrun uart0 \"xy\""), ExternalError::NotOneByte);
    assert_eq!(refused("pin 256 high"), ExternalError::NotAPin);
    assert_eq!(refused("pin 3 up"), ExternalError::NotADrive);
    for line in ["interrupt", "mask", "unmask"] {
        assert_eq!(refused(line), ExternalError::NotALine, "{line}");
    }
    for line in ["kill", "refuse", "allow"] {
        assert_eq!(refused(line), ExternalError::NotATask, "{line}");
    }
    assert_eq!(refused("exhaust uart0"), ExternalError::UnknownWord { word: "exhaust".into() });
    assert_eq!(refused("rot heap"), ExternalError::UnknownWord { word: "rot".into() });
    assert_eq!(refused("flip storage read"), ExternalError::TooMuch { rest: "read".into() });
    assert_eq!(refused("break uart0 now"), ExternalError::TooMuch { rest: "now".into() });
    assert_eq!(refused("send uart0 \"x\" y"), ExternalError::TooMuch { rest: "y".into() });
}

#[test]
fn text_beyond_ascii_is_taken_as_utf8() {
    let parsed = Quoted::parse("\"Grüße\"").expect("quoted");
    assert_eq!(parsed, ("Grüße".as_bytes().to_vec(), ""));
}

#[test]
fn things_happen_in_the_order_of_their_times_and_then_of_their_scheduling() {
    let mut queue = Queue::default();
    for (at_ms, pin) in [(2, 3), (1, 0), (1, 1), (1, 2), (3, 4)] {
        queue.schedule(
            Instant::from_millis(at_ms),
            External::Pin { pin, drive: Drive::High },
            Cause::Outside,
        );
    }
    assert_eq!(queue.next_at(), Some(Instant::from_millis(1)));
    assert_eq!(queue.take_due(Instant::from_micros(999)), None);
    let order: Vec<_> =
        std::iter::from_fn(|| queue.take_due(Instant::MAX)).map(|(external, _)| external).collect();
    let expected: Vec<_> = (0..5).map(|pin| External::Pin { pin, drive: Drive::High }).collect();
    assert_eq!(order, expected);
}
