use postcard_schema::{Schema, schema::NamedType};

use super::{
    read, reads,
    zoo::{
        Blob, Difference, Gpio, Hollow, Level, Many, Marker, Odd, OddUnit, Pairs, Pin, Point, Rule, Shape,
        Size, Wrapped, WrappedKind, blob, word,
    },
};

#[test]
fn truths() {
    reads("true", true);
    reads(" FALSE ", false);
}

#[test]
fn integers_of_every_width_reach_their_ends() {
    reads("0", 0_u8);
    reads("255", u8::MAX);
    reads("-128", i8::MIN);
    reads("127", i8::MAX);
    reads("65535", u16::MAX);
    reads("-32768", i16::MIN);
    reads("4294967295", u32::MAX);
    reads("-2147483648", i32::MIN);
    reads("2147483647", i32::MAX);
    reads("18446744073709551615", u64::MAX);
    reads("-9223372036854775808", i64::MIN);
    reads("340282366920938463463374607431768211455", u128::MAX);
    reads("-170141183460469231731687303715884105728", i128::MIN);
    reads("170141183460469231731687303715884105727", i128::MAX);
    reads(&usize::MAX.to_string(), Size(usize::MAX));
    reads(&isize::MIN.to_string(), Difference(isize::MIN));
    reads(&isize::MAX.to_string(), Difference(isize::MAX));
}

#[test]
fn integers_in_other_bases_and_with_separators() {
    reads("0x19", 25_u8);
    reads("0XfF", 255_u8);
    reads("0b1_1001", 25_u8);
    reads("0o31", 25_u8);
    reads("1_000_000", 1_000_000_u32);
    reads("+3", 3_i8);
    reads("-0x80", -128_i8);
    reads("-0", 0_u8);
    reads("007", 7_u8);
}

#[test]
fn floats() {
    reads("1", 1.0_f32);
    reads("-1.5", -1.5_f64);
    reads("2e-3", 2e-3_f64);
    reads("1_000.25", 1000.25_f32);
    reads("inf", f32::INFINITY);
    reads("-inf", f64::NEG_INFINITY);
    reads("NaN", f64::NAN);
    reads("-0.0", -0.0_f64);
    reads("3.4028235e38", f32::MAX);
    // Rounding to 64 bits on the way would give the wrong neighbour.
    reads("1.00000017881393432617187499", 1.000_000_1_f32);
}

#[test]
fn characters() {
    reads("'x'", 'x');
    reads("\"é\"", 'é');
    reads("'\\''", '\'');
    reads("'\"'", '"');
    reads("'\\u{1F600}'", '😀');
}

#[test]
fn strings_with_every_escape() {
    reads(r#""""#, word(""));
    reads(r#""a b""#, word("a b"));
    reads("'it\"s'", word("it\"s"));
    reads(r#""\n\r\t\0\\\"\'\/\b\f""#, word("\n\r\t\0\\\"'/\u{8}\u{c}"));
    reads(r#""\x41\u{e9}\u00e9\ud83d\ude00""#, word("Aéé😀"));
    reads("\"näïve 😀\"", word("näïve 😀"));
}

#[test]
fn one_word_needs_no_quotes() {
    reads("uart0", word("uart0"));
    reads("a/b-c.d", word("a/b-c.d"));
    reads("{target: uart, level: None}", Rule { target: word("uart"), level: None });
    reads("[a, b]", Many(vec![word("a"), word("b")]));
}

#[test]
fn byte_arrays_in_four_ways() {
    reads(r#"b"GET\x00\xff\n""#, blob(b"GET\0\xff\n"));
    reads(r#"x"00ff 0a:0B_1c""#, blob(b"\0\xff\x0a\x0b\x1c"));
    reads(r#"x"""#, blob(b""));
    reads("\"é\"", blob("é".as_bytes()));
    reads("[1, 0x2, 255]", blob(&[1, 2, 255]));
    reads(r#"b"abc""#, *b"abc");
    reads("[97, 98, 99]", *b"abc");
    reads("(97, 98, 99)", *b"abc");
    reads(r#"x"616263""#, Many(b"abc".to_vec()));
    reads(r#"b"""#, Many::<u8>(vec![]));
}

#[test]
fn counts_longer_than_one_byte_go_in_front() {
    let frame = read(<[bool]>::SCHEMA, &format!("[{}]", "true, ".repeat(300))).unwrap();
    assert_eq!(frame[..3], [0xac, 0x02, 1]);
    assert_eq!(frame.len(), 302);
    let frame = read(<[&str]>::SCHEMA, &format!("[a, {:?}]", "x".repeat(200))).unwrap();
    assert_eq!(frame[..6], [2, 1, b'a', 200, 1, b'x']);
}

#[test]
fn units() {
    reads("()", ());
    reads("", ());
    reads("null", ());
    reads("Marker", Marker);
    reads("()", Marker);
    reads("marker", Marker);
    reads("", Marker);
    reads("{}", Hollow {});
    reads("Hollow {}", Hollow {});
    reads("", Hollow {});
    reads("\"odd name\"", OddUnit);
    reads("[(), null]", Many(vec![(), ()]));
}

#[test]
fn options() {
    reads("None", None::<u8>);
    reads("null", None::<u8>);
    reads("Some(5)", Some(5_u8));
    reads("Some 5", Some(5_u8));
    reads("5", Some(5_u8));
    reads("Some(None)", Some(None::<u8>));
    reads("Some(Some(5,),)", Some(Some(5_u8)));
    reads("5", Some(Some(5_u8)));
    reads("Some((1, 2))", Some((1_u8, 2_u8)));
    reads("(1, 2)", Some((1_u8, 2_u8)));
    reads("Some", Some(()));
    reads("Some()", Some(()));
    reads("\"None\"", Some(word("None")));
}

#[test]
fn lists_and_tuples() {
    reads("[]", Many::<u8>(vec![]));
    reads("[ 1,2 , 3, ]", Many(vec![1_u16, 2, 3]));
    reads("[[1], []]", Many(vec![Many(vec![1_i32]), Many(vec![])]));
    reads("(1, \"a\")", (1_u8, word("a")));
    reads("[1, \"a\",]", (1_u8, word("a")));
    reads("1, a", (1_u8, word("a")));
    reads("1 a", (1_u8, word("a")));
    reads("Point(-1, 2)", Point(-1, 2));
    reads("-1 2", Point(-1, 2));
    reads("[-1, 2]", [-1_i64, 2]);
}

#[test]
fn maps() {
    reads("{}", Pairs::<u8, u8>(vec![]));
    reads("{1: true, 2: false,}", Pairs(vec![(1_u8, true), (2, false)]));
    reads("{\"a\": 1, b = 2}", Pairs(vec![(word("a"), 1_u8), (word("b"), 2)]));
    reads("{(1, 2): {x: ()}}", Pairs(vec![((1_u8, 2_u8), Pairs(vec![(word("x"), ())]))]));
}

#[test]
fn structs_take_their_fields_in_any_order() {
    let rule = || Rule { target: word("uart,}"), level: Some(Level::Debug) };
    reads("{target: \"uart,}\", level: Some(Debug)}", rule());
    reads("{level: Debug, target: \"uart,}\"}", rule());
    reads("Rule { \"level\": \"Debug\", \"target\": \"uart,}\", }", rule());
    reads("level=Level::Debug target='uart,}'", rule());
    reads("target: \"uart,}\", level: debug", rule());
    reads("Rule{level=debug target=\"uart,}\"}", rule());
    let odd = || Odd { r#type: 1, spaced: OddUnit, nameless: 2 };
    reads("{\"\": 2, type: 1, \"two words\": ()}", odd());
    reads("\"two\\x20words\": null, r#type: 1, '': 2".replace("r#", "").as_str(), odd());
}

#[test]
fn newtypes_are_what_they_hold() {
    reads("25", Pin(25));
    reads("Pin(25)", Pin(25));
    reads("Pin (25,)", Pin(25));
    reads("Wrapped(5)", Wrapped(WrappedKind::Wrapped(5)));
    reads("Other", Wrapped(WrappedKind::Other));
}

#[test]
fn variants() {
    reads("Reset", Gpio::Reset);
    reads("Reset()", Gpio::Reset);
    reads("reset", Gpio::Reset);
    reads("Gpio::Reset", Gpio::Reset);
    reads("\"Reset\"", Gpio::Reset);
    reads("Read{pin:25}", Gpio::Read { pin: 25 });
    reads("read pin=25", Gpio::Read { pin: 25 });
    reads("Write { level: true, pin: 1 }", Gpio::Write { pin: 1, level: true });
    reads("write level=true pin=1", Gpio::Write { pin: 1, level: true });
    reads("{\"Write\": {\"pin\": 1, \"level\": true}}", Gpio::Write { pin: 1, level: true });
    reads("{\"Reset\": null}", Gpio::Reset);
    reads("[Reset, Read{pin: 1}, {Read: {pin: 2}}]", {
        Many(vec![Gpio::Reset, Gpio::Read { pin: 1 }, Gpio::Read { pin: 2 }])
    });
}

#[test]
fn arguments_of_variants() {
    reads("Word(a)", Shape::Word(word("a")));
    reads("Word \"a b\"", Shape::Word(word("a b")));
    reads("Word'a'", Shape::Word(word("a")));
    reads("Pin 25", Shape::Pin(Pin(25)));
    reads("Pin Pin(25)", Shape::Pin(Pin(25)));
    reads("Pair((1, true))", Shape::Pair((1, true)));
    reads("Pair[1, true]", Shape::Pair((1, true)));
    reads("Pair 1 true", Shape::Pair((1, true)));
    reads("Two(1, a)", Shape::Two(1, word("a")));
    reads("Two 1, a", Shape::Two(1, word("a")));
    reads("{Two: [1, a]}", Shape::Two(1, word("a")));
    reads("None", Shape::None());
    reads("None()", Shape::None());
    reads("Nothing", Shape::Nothing {});
    reads("Nothing{}", Shape::Nothing {});
    reads("Rule{target: a, level: null}", Shape::Rule(Rule { target: word("a"), level: None }));
    reads("Rule target=a level=info", Shape::Rule(Rule { target: word("a"), level: Some(Level::Info) }));
    reads("Gpio Read pin=3", Shape::Gpio(Gpio::Read { pin: 3 }));
    reads("Gpio(Read{pin: 3})", Shape::Gpio(Gpio::Read { pin: 3 }));
    reads("Option 5", Shape::Option(Some(5)));
    reads("Marker", Shape::Marker(Marker));
    reads("Marker()", Shape::Marker(Marker));
    reads("Marker(Marker)", Shape::Marker(Marker));
    reads("\"a-b c\"(1)", Shape::Odd(1));
    reads("[Pin 1, Pin 2]", Many(vec![Shape::Pin(Pin(1)), Shape::Pin(Pin(2))]));
    reads("Ok", Ok::<(), Level>(()));
    reads("Ok(())", Ok::<(), Level>(()));
    reads("Err Debug", Err::<(), Level>(Level::Debug));
    reads("{Err: \"Debug\"}", Err::<(), Level>(Level::Debug));
}

#[test]
fn a_variant_as_written_goes_before_one_in_other_case() {
    reads("Unit", Shape::Unit);
    reads("unit", Shape::unit);
}

#[test]
fn a_frame_may_fill_its_room_to_the_last_byte() {
    let schema: &NamedType = Blob::SCHEMA;
    let mut frame = [0; 4];
    assert_eq!(super::encode(schema, "x\"010203\"", &mut frame), Ok(4));
    assert_eq!(frame, [3, 1, 2, 3]);
}
