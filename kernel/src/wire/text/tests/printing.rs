use postcard_schema::Schema;

use super::{
    super::{DEPTH_MAX, EMPTY_MAX, TextErrorKind, WireFault, decode},
    described, is, print,
    zoo::{
        Blob, Difference, Gpio, Hollow, Level, Many, Marker, Meta, Nested, Odd, OddUnit, Pairs, Pin, Point,
        Rule, Shape, Shape2, Size, Word, Wrapped, WrappedKind, Zoo, blob, word,
    },
};

#[test]
fn scalars() {
    is(true, "true");
    is(false, "false");
    is(255_u8, "255");
    is(-128_i8, "-128");
    is(300_u16, "300");
    is(-300_i16, "-300");
    is(u32::MAX, "4294967295");
    is(i32::MIN, "-2147483648");
    is(u64::MAX, "18446744073709551615");
    is(i64::MIN, "-9223372036854775808");
    is(u128::MAX, "340282366920938463463374607431768211455");
    is(i128::MIN, "-170141183460469231731687303715884105728");
    is(Size(usize::MAX), &usize::MAX.to_string());
    is(Difference(isize::MIN), &isize::MIN.to_string());
    is(1.5_f32, "1.5");
    is(-0.0_f64, "-0.0");
    is(1e300_f64, "1e300");
    is(f32::NEG_INFINITY, "-inf");
    is(f64::NAN, "NaN");
    is('x', "'x'");
    is('\'', r"'\''");
    is('"', "'\"'");
}

#[test]
fn strings_show_no_control_characters() {
    is(word("a \"b\" 'c'\n\r\t\0\\"), r#""a \"b\" 'c'\n\r\t\0\\""#);
    is(word("\u{1b}[2J\u{7f}\u{9b}\u{202e}\u{feff}é😀"), r#""\x1b[2J\x7f\u{9b}\u{202e}\u{feff}é😀""#);
}

#[test]
fn byte_arrays_show_as_text_if_they_are() {
    is(blob(b""), "b\"\"");
    is(blob(b"GET /\r\n\"\\\x1b\xff"), r#"b"GET /\r\n\"\\\x1b\xff""#);
    is(blob(b"\x00\x01\xffa"), "x\"0001ff61\"");
    is([1_u8, 2], "[1, 2]");
}

#[test]
fn structures() {
    is((), "()");
    is(Marker, "Marker");
    is(Hollow {}, "{}");
    is(None::<u8>, "None");
    is(Some(None::<u8>), "Some(None)");
    is(Some(()), "Some(())");
    is(Many(vec![Many(vec![1_i32]), Many(vec![])]), "[[1], []]");
    is((1_u8, word("a")), "(1, \"a\")");
    is((1_u8,), "(1)");
    is(Point(-1, 2), "(-1, 2)");
    is([Pin(1), Pin(2)], "[1, 2]");
    is(Pairs(vec![(word("a"), 1_u8), (word("b"), 2)]), "{\"a\": 1, \"b\": 2}");
    is(Rule { target: word("uart"), level: Some(Level::Debug) }, "{target: \"uart\", level: Some(Debug)}");
    is(Odd { r#type: 1, spaced: OddUnit, nameless: 2 }, "{type: 1, \"two words\": \"odd name\", \"\": 2}");
}

#[test]
fn variants() {
    is(Gpio::Write { pin: 25, level: true }, "Write{pin: 25, level: true}");
    is(Gpio::Reset, "Reset");
    is(Shape::Pair((1, true)), "Pair((1, true))");
    is(Shape::Two(1, word("")), "Two(1, \"\")");
    is(Shape::None(), "None()");
    is(Shape::Nothing {}, "Nothing{}");
    is(Shape::Gpio(Gpio::Read { pin: 3 }), "Gpio(Read{pin: 3})");
    is(Shape::Odd(7), "\"a-b c\"(7)");
    is(Shape::Marker(Marker), "Marker(Marker)");
    is(Shape::Rule(Rule { target: word("a"), level: None }), "Rule({target: \"a\", level: None})");
    is(Some(Shape2::None), "Some(None)");
    is(Shape2::Some(Some(None)), "Some(Some(None))");
    is(Ok::<Marker, Level>(Marker), "Ok(Marker)");
    is(Wrapped(WrappedKind::Wrapped(5)), "Wrapped(5)");
}

#[test]
fn the_whole_zoo() {
    let zoo = Zoo {
        small: (1, -1, true, 'é'),
        wide: (1, -1, 2, -2, 3, -3),
        widest: (4, -4),
        floats: (0.1, 0.2),
        word: word("w"),
        blob: blob(b"b"),
        array: *b"abc",
        points: Many(vec![Point(1, 2)]),
        table: Pairs(vec![(word("k"), Some(Pin(9)))]),
        result: Err(Level::Info),
        shapes: Many(vec![Shape::Unit, Shape::Many(Many(vec![Shape2::Null((), 1.0)]))]),
        empty: (Hollow {}, ()),
    };
    is(
        zoo,
        "{small: (1, -1, true, 'é'), wide: (1, -1, 2, -2, 3, -3), widest: (4, -4), floats: (0.1, 0.2), \
         word: \"w\", blob: b\"b\", array: [97, 98, 99], points: [(1, 2)], table: {\"k\": Some(9)}, \
         result: Err(Info), shapes: [Unit, Many([Null((), 1.0)])], empty: ({}, ())}",
    );
}

#[test]
fn types_in_one_line() {
    described::<Gpio>("Write{pin: u8, level: bool} | Read{pin: u8} | Reset");
    described::<Rule>("{target: string, level: Option<Error | Info | Debug>}");
    described::<Odd>("{type: u8, \"two words\": \"odd name\", \"\": u8}");
    described::<Pin>("u8");
    described::<[Pin; 3]>("[u8; 3]");
    described::<Many<Point>>("[(i16, i16)]");
    described::<Pairs<char, Blob>>("map{char: bytes}");
    described::<Result<(), Size>>("Ok(()) | Err(usize)");
    described::<(Hollow, Marker, Meta, f64, Difference, u128)>("({}, Marker, schema, f64, isize, u128)");
    described::<Nested<16>>(&format!("{}...{}", "[".repeat(DEPTH_MAX), "]".repeat(DEPTH_MAX)));
}

fn fault<T: Schema>(frame: &[u8]) -> String {
    print(T::SCHEMA, frame).unwrap_err().to_string()
}

#[test]
fn frames_that_are_none() {
    assert_eq!(fault::<bool>(&[2]), "the frame holds no bool at byte 0");
    assert_eq!(fault::<bool>(&[]), "the frame ends inside bool at byte 0");
    assert_eq!(fault::<u16>(&[0x80]), "the frame ends inside u16 at byte 1");
    assert_eq!(fault::<u16>(&[0xff, 0xff, 4]), "the frame holds no u16 at byte 3");
    assert_eq!(fault::<f32>(&[0; 3]), "the frame ends inside f32 at byte 0");
    assert_eq!(fault::<Option<u8>>(&[2]), "the frame holds no Option<u8> at byte 0");
    assert_eq!(fault::<Word>(&[2, b'a']), "the frame ends inside string at byte 1");
    assert_eq!(fault::<Word>(&[1, 0xff]), "the frame holds no string at byte 0");
    assert_eq!(fault::<char>(&[2, b'a', b'b']), "the frame holds no char at byte 0");
    assert_eq!(fault::<char>(&[0]), "the frame holds no char at byte 0");
    assert_eq!(fault::<(u8, Level)>(&[1, 3]), "the frame holds no Level at byte 1");
    assert_eq!(fault::<Many<u8>>(&[0xff, 0xff, 0xff, 0xff, 0x0f]), "the frame ends inside u8 at byte 5");
    assert_eq!(fault::<u8>(&[1, 2, 3]), "2 bytes too many at byte 1");
    assert_eq!(fault::<Meta>(&[1]), "there is no text form of schema");
}

#[test]
fn what_follows_the_value_is_left_alone() {
    let mut text = String::new();
    assert_eq!(decode(u8::SCHEMA, &[1, 2, 3], &mut text), Ok(1));
    assert_eq!(text, "1");
}

#[test]
fn four_bytes_cannot_announce_an_endless_text() {
    let bomb = [0x80, 0x80, 0x80, 0x80, 0x01];
    let mut text = String::new();
    let error = decode(<[()]>::SCHEMA, &bomb, &mut text).unwrap_err();
    assert_eq!(error.kind, TextErrorKind::TooManyEmpty);
    assert!(text.len() < 5 * EMPTY_MAX);
    for schema in
        [<[Hollow]>::SCHEMA, <[[(Marker, ()); 0]]>::SCHEMA, <[[Hollow; 3]]>::SCHEMA, <[(Pin, ())]>::SCHEMA]
    {
        let mut text = String::new();
        assert!(decode(schema, &bomb, &mut text).is_err());
        assert!(text.len() < 16 * EMPTY_MAX, "{}", text.len());
    }
    let many = Many(vec![(); EMPTY_MAX - 1]);
    assert!(print(<[()]>::SCHEMA, &super::postcard_of(&many)).is_ok());
}

#[test]
fn a_writer_that_is_full_ends_the_printing() {
    let mut text = crate::inline::Text::<6>::new();
    let error = decode(<[u8]>::SCHEMA, &[3, 10, 20, 30], &mut text).unwrap_err();
    assert_eq!(error.kind, TextErrorKind::OutputFull);
    assert_eq!(text, "[10, 2");
}

#[test]
fn faults_tell_their_kind() {
    let error = print(u8::SCHEMA, &[]).unwrap_err();
    assert!(
        matches!(error.kind, TextErrorKind::Frame { fault: WireFault::Ended, wanted } if wanted == *u8::SCHEMA)
    );
}
