use postcard_schema::Schema;

use super::{
    super::{TextErrorKind, encode},
    refuses,
    zoo::{Gpio, Hollow, Level, Many, Marker, Meta, Pairs, Pin, Point, Rule, Shape, Word},
};

#[test]
fn what_is_wrong_and_where() {
    refuses::<u8>("", "expected u8 at column 1, found the end");
    refuses::<u8>("  x", "expected u8 at column 3, found `x`");
    refuses::<u8>("\"5\"", "expected u8 at column 1, found `\"5\"`");
    refuses::<u8>("5 6", "unexpected `6` after the value at column 3");
    refuses::<u8>(")", "expected u8 at column 1, found `)`");
    refuses::<bool>("yes", "expected bool at column 1, found `yes`");
    refuses::<char>("'xy'", "expected char at column 1, found `'xy'`");
    refuses::<char>("''", "expected char at column 1, found `''`");
    refuses::<char>("x", "expected char at column 1, found `x`");
    refuses::<Word>("[", "expected string at column 1, found `[`");
    refuses::<Pin>("x", "expected u8 at column 1, found `x`");
    refuses::<Marker>("x", "expected Marker at column 1, found `x`");
    refuses::<Marker>("(", "expected `)` at column 2, found the end");
    refuses::<Option<u8>>("x", "expected u8 at column 1, found `x`");
    refuses::<Meta>("x", "there is no text form of schema");
}

#[test]
fn numbers_beyond_their_type() {
    refuses::<u8>("300", "`300` is out of range for u8 at column 1");
    refuses::<u8>("-1", "`-1` is out of range for u8 at column 1");
    refuses::<i8>("128", "`128` is out of range for i8 at column 1");
    refuses::<i8>("-129", "`-129` is out of range for i8 at column 1");
    refuses::<i128>(
        "170141183460469231731687303715884105728",
        "`170141183460469231731687`... is out of range for i128 at column 1",
    );
    refuses::<u128>(&"9".repeat(60), "`999999999999999999999999`... is out of range for u128 at column 1");
    refuses::<f32>("1e39", "`1e39` is out of range for f32 at column 1");
    refuses::<f64>("-1e999", "`-1e999` is out of range for f64 at column 1");
}

#[test]
fn numbers_that_are_none() {
    for text in ["1.0", "1e3", "0x", "0b2", "-", "_", "--1", "+-1", "0xg", "1u8", "²"] {
        refuses::<u32>(text, &format!("expected u32 at column 1, found `{text}`"));
    }
    for text in ["1.0.0", "e", "0x10", "_", "1e"] {
        refuses::<f32>(text, &format!("expected f32 at column 1, found `{text}`"));
    }
}

#[test]
fn strings_that_are_none() {
    refuses::<Word>("  \"a", "unclosed quote at column 3");
    refuses::<Word>("\"a\\", "unclosed quote at column 1");
    refuses::<Word>("\"a\\\"", "unclosed quote at column 1");
    for escape in
        [r"\q", r"\x8", r"\xff", r"\u12", r"\u{}", r"\u{110000}", r"\ud800", r"\ud800\u0041", r"\u{+1}"]
    {
        refuses::<Word>(&format!("\"a{escape}\""), "unknown escape at column 3");
    }
    refuses::<[u8; 2]>("b\"abc\"", "expected 2 bytes but got 3 at column 1");
    refuses::<[u8; 2]>("x\"0\"", "expected a pair of hexadecimal digits at column 4, found the end");
    refuses::<[u8; 2]>("x\"0 0\"", "expected a pair of hexadecimal digits at column 4, found ` `");
    refuses::<[u8; 2]>("x\"é\"", "expected a pair of hexadecimal digits at column 3, found `é`");
}

#[test]
fn lists_that_are_none() {
    refuses::<Many<u8>>("[1 2]", "expected `,` or `]` at column 4, found `2`");
    refuses::<Many<u8>>("[1, 2", "expected `,` or `]` at column 6, found the end");
    refuses::<Many<u8>>("[,]", "expected u8 at column 2, found `,`");
    refuses::<Many<u8>>("[1,,2]", "expected u8 at column 4, found `,`");
    refuses::<Many<u8>>("[1)", "expected `,` or `]` at column 3, found `)`");
    refuses::<Many<u8>>("1", "expected [u8] at column 1, found `1`");
    refuses::<(u8, bool)>("(1)", "expected bool at column 3, found `)`");
    refuses::<(u8, bool)>("(1 true)", "expected `,` or `)` at column 4, found `true`");
    refuses::<(u8, bool)>("(1, true, 2)", "expected `)` at column 11, found `2`");
    refuses::<(u8, bool)>("1 true 2", "unexpected `2` after the value at column 8");
    refuses::<Many<(u8, bool)>>("[1]", "expected (u8, bool) at column 2, found `1`");
    refuses::<Many<Point>>("[1]", "expected Point at column 2, found `1`");
    refuses::<Pairs<u8, u8>>("{1, 2}", "expected `:` at column 3, found `,`");
    refuses::<Pairs<u8, u8>>("{1: 2 3: 4}", "expected `,` or `}` at column 7, found `3`");
    refuses::<Pairs<u8, u8>>("[]", "expected map{u8: u8} at column 1, found `[`");
}

#[test]
fn fields_are_given_once_each() {
    refuses::<Gpio>("Read{}", "missing field pin: u8 at column 6");
    refuses::<Gpio>("Write pin=1", "missing field level: bool at column 12");
    refuses::<Gpio>("Read{pin: 1, pin: 2}", "repeated field pin at column 14");
    refuses::<Gpio>("Read{pn: 1}", "unknown field `pn` at column 6; there is pin");
    refuses::<Gpio>("Read{Pin: 1}", "unknown field `Pin` at column 6; there is pin");
    refuses::<Rule>("{a: 1}", "unknown field `a` at column 2; there is target, level");
    refuses::<Hollow>("{a: 1}", "unknown field `a` at column 2; there is none");
    refuses::<Hollow>("{\"\": 1}", "unknown field `` at column 2; there is none");
    refuses::<Gpio>("Read{pin: x}", "expected u8 at column 11, found `x`");
    refuses::<Gpio>("Read{pin: 1 2}", "expected a field or `}` at column 13, found `2`");
    refuses::<Gpio>("Read{pin 1}", "expected `:` at column 10, found `1`");
    refuses::<Gpio>("Read{pin: , }", "expected u8 at column 11, found `,`");
    refuses::<Gpio>("Read{pin: 1,, }", "expected a field or `}` at column 13, found `,`");
    refuses::<Gpio>("Read{pin: 1", "expected a field or `}` at column 12, found the end");
    refuses::<Gpio>("Read{pin: (1}", "expected `)` at column 13, found `}`");
    refuses::<Gpio>("Read{pin: [1", "expected `]` at column 13, found the end");
    refuses::<Gpio>("Read{pin: 1:2}", "expected a field or `}` at column 12, found `:`");
    refuses::<Gpio>("Read pin=1 2", "expected a field or the end at column 12, found `2`");
    refuses::<Gpio>("Read 25", "expected `{` at column 6, found `25`");
    refuses::<Gpio>("Read", "missing field pin: u8 at column 5");
    refuses::<Many<Gpio>>("[Read pin=1]", "expected `{` at column 7, found `pin`");
    refuses::<Rule>("25", "expected Rule at column 1, found `25`");
    refuses::<Rule>("Rool{}", "expected Rule at column 1, found `Rool`");
}

#[test]
fn variants_that_are_none() {
    refuses::<Level>("Warn", "unknown variant `Warn` at column 1; there is Error, Info, Debug");
    refuses::<Level>("", "expected Level at column 1, found the end");
    refuses::<Level>("Debug 5", "unexpected `5` after the value at column 7");
    refuses::<Level>("Debug(5)", "unexpected `(` after the value at column 6");
    refuses::<Level>("Other::Debug", "unknown variant `Other` at column 1; there is Error, Info, Debug");
    refuses::<Level>("{Debug}", "expected `:` at column 7, found `}`");
    refuses::<Level>("{Debug: null, Info: null}", "expected `}` at column 15, found `Info`");
    refuses::<Level>("{Debug: 5}", "expected Level at column 9, found `5`");
    refuses::<Shape>("Pin", "expected u8 at column 4, found the end");
    refuses::<Shape>("Two(1)", "expected string at column 6, found `)`");
    refuses::<Many<Shape>>("[Two 1, a]", "expected `(` at column 6, found `1`");
    let error = encode(Shape::SCHEMA, "UNIT", &mut [0; 8]).unwrap_err();
    assert!(matches!(error.kind, TextErrorKind::UnknownVariant { .. }), "two differ in case only");
}

#[test]
fn a_frame_that_does_not_fit() {
    for (text, room) in [("[1, 2, 3]", 3), ("[1, 2, 3]", 0), ("[]", 0)] {
        let error = encode(<[u8]>::SCHEMA, text, &mut [0; 8][..room]).unwrap_err();
        assert_eq!(error.kind, TextErrorKind::OutputFull, "{text} in {room}");
    }
    assert_eq!(
        encode(<str as Schema>::SCHEMA, &"x".repeat(128), &mut [0; 129]).unwrap_err().to_string(),
        "no room left for the result"
    );
}

#[test]
fn messages_cannot_play_with_the_terminal() {
    refuses::<u8>("\u{1b}[2J", r"expected u8 at column 1, found `\x1b`");
    refuses::<u8>("a\u{202e}b", r"expected u8 at column 1, found `a\u{202e}b`");
}
