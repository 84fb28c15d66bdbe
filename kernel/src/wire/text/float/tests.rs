//! `core` prints and reads floats exactly, too: here both must agree.

use proptest::prelude::*;

use super::{F32, F64, NoNumber};

fn printed(print: impl FnOnce(&mut String) -> core::fmt::Result) -> String {
    let mut text = String::new();
    print(&mut text).expect("a string takes all");
    text
}

fn prints_and_reads_single(value: f32) {
    let text = printed(|out| F32.print(value.to_bits().into(), out));
    assert_eq!(text, format!("{value:?}"));
    if !value.is_nan() {
        assert_eq!(F32.read(&text), Ok(value.to_bits().into()), "{text}");
    }
}

fn prints_and_reads_double(value: f64) {
    let text = printed(|out| F64.print(value.to_bits(), out));
    assert_eq!(text, format!("{value:?}"));
    if !value.is_nan() {
        assert_eq!(F64.read(&text), Ok(value.to_bits()), "{text}");
    }
}

fn reads_as_core(text: &str) {
    let single = match text.parse::<f32>() {
        Ok(value) if value.is_infinite() && text.contains(char::is_numeric) => Err(NoNumber::OutOfRange),
        Ok(value) => Ok(u64::from(value.to_bits())),
        Err(_) => Err(NoNumber::Malformed),
    };
    let double = match text.parse::<f64>() {
        Ok(value) if value.is_infinite() && text.contains(char::is_numeric) => Err(NoNumber::OutOfRange),
        Ok(value) => Ok(value.to_bits()),
        Err(_) => Err(NoNumber::Malformed),
    };
    assert_eq!((F32.read(text), F64.read(text)), (single, double), "{text:?}");
}

#[test]
fn floats_at_the_edges_are_printed_as_core_prints_them() {
    let edges = [0_u64, 1, 2, 3, (1 << 52) - 1, 1 << 52, (1 << 52) + 1, F64.infinity() - 1, F64.infinity()];
    edges.into_iter().for_each(|bits| prints_and_reads_double(f64::from_bits(bits)));
    let edges =
        [0_u32, 1, 2, 3, (1 << 23) - 1, 1 << 23, (1 << 23) + 1, 0x7f7f_ffff, 0x7f80_0000, 0x7f80_0001];
    edges.into_iter().for_each(|bits| prints_and_reads_single(f32::from_bits(bits)));
    for value in [1e-4, 9.999e-5, 1e15, 1e16, 1.5e16, 123_456.0, 9_007_199_254_740_993.0, 5e-324, 0.3, 100.0]
    {
        [value, -value].into_iter().for_each(prints_and_reads_double);
    }
}

#[test]
fn powers_of_two_and_their_neighbours_are_printed_as_core_prints_them() {
    for stored in (0..0x7ff_u64).step_by(13) {
        let bits = stored << 52;
        (bits.saturating_sub(1)..=bits + 1).for_each(|bits| prints_and_reads_double(f64::from_bits(bits)));
    }
    for stored in (0..0xff_u32).step_by(3) {
        let bits = stored << 23;
        (bits.saturating_sub(1)..=bits + 1).for_each(|bits| prints_and_reads_single(f32::from_bits(bits)));
    }
}

#[test]
fn texts_at_the_edges_are_read_as_core_reads_them() {
    for text in [
        "",
        ".",
        "-",
        "+",
        "e",
        "1e",
        "1e+",
        "1e-",
        ".e1",
        "1.",
        ".5",
        "-.5",
        "+1.e2",
        "00.00",
        "1e0000000001",
        "1.7976931348623157e308",
        "1.7976931348623158e308",
        "1.7976931348623159e308",
        "1e309",
        "-1e999999999999",
        "4.9e-324",
        "2.4703282292062328e-324",
        "2.4703282292062327e-324",
        "1e-400",
        "0e999999999999",
        "1e-9999999999",
        "2.2250738585072011e-308",
        "2.2250738585072014e-308",
        "9007199254740993",
        "9007199254740992.5",
        "9007199254740993.0000000000000000000001",
        "3.4028235677973366e38",
        "3.4028235677973362e38",
        "7e-46",
        "7.1e-46",
        "0.000000000000000000000000000000000000000000000000000000000000000000012345",
        "123456789012345678901234567890e-20",
        "inf",
        "-Infinity",
        "nan",
        "-nan",
        "in",
        "1.5.5",
        "1 ",
        "--1",
        "0x10",
        "infinity1",
        "1e5e5",
        "1e1.5",
    ] {
        reads_as_core(text);
    }
    assert_eq!(F64.read("1_000.2_5e0_1"), Ok(10002.5_f64.to_bits()));
    assert_eq!(F64.read("_"), Err(NoNumber::Malformed));
    let long = "0.".to_owned() + &"0".repeat(10_000) + "1e10001";
    assert_eq!(F64.read(&long), Ok(1_f64.to_bits()));
    let long = "1".to_owned() + &"0".repeat(10_000) + "e-10000";
    assert_eq!(F64.read(&long), Ok(1_f64.to_bits()));
}

proptest! {
    #[test]
    fn floats_are_printed_as_core_prints_them(bits: u64) {
        prints_and_reads_double(f64::from_bits(bits));
        prints_and_reads_single(f32::from_bits(bits as u32));
    }

    #[test]
    fn numbers_are_read_as_core_reads_them(text in "[+-]?[0-9]{0,20}(\\.[0-9]{0,19})?([eE][+-]?[0-9]{1,3})?") {
        reads_as_core(&text);
    }

    #[test]
    fn anything_is_read_as_core_reads_it(text in "[0-9.eE+-]{0,12}") {
        reads_as_core(&text);
    }
}
