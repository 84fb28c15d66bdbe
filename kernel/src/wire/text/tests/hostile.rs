//! What an enemy would send: nothing here may panic, hang or print without end.

use postcard_schema::{Schema, schema::NamedType};

use super::{
    super::{DEPTH_MAX, TextErrorKind},
    print, read,
    zoo::{Gpio, Hollow, Level, Many, Nested, Odd, Pairs, Pin, Rule, Shape, Size, Wrapped, Zoo},
};

pub(super) const SCHEMAS: &[&NamedType] = &[
    Zoo::SCHEMA,
    Shape::SCHEMA,
    Gpio::SCHEMA,
    Rule::SCHEMA,
    Odd::SCHEMA,
    Wrapped::SCHEMA,
    Size::SCHEMA,
    <Many<Hollow>>::SCHEMA,
    <Pairs<char, Option<Pin>>>::SCHEMA,
    <[Result<Level, f64>; 3]>::SCHEMA,
    <str as Schema>::SCHEMA,
    i128::SCHEMA,
];

#[test]
fn values_nest_up_to_the_limit_and_no_further() {
    // The unit in the middle is a value too.
    let text = |lists| format!("{}(){}", "[".repeat(lists), "]".repeat(lists));
    assert!(read(Nested::<15>::SCHEMA, &text(DEPTH_MAX - 1)).is_ok());
    assert_eq!(print(Nested::<15>::SCHEMA, &[1; DEPTH_MAX - 1]), Ok(text(DEPTH_MAX - 1)));
    let error = read(Nested::<16>::SCHEMA, &text(DEPTH_MAX)).unwrap_err();
    assert_eq!((error.at, error.kind), (DEPTH_MAX, TextErrorKind::TooDeep));
    assert_eq!(print(Nested::<16>::SCHEMA, &[1; DEPTH_MAX]).unwrap_err().kind, TextErrorKind::TooDeep);
    assert_eq!(print(Nested::<16>::SCHEMA, &[0]).as_deref(), Ok("[]"));
}

#[test]
fn brackets_that_are_skipped_nest_up_to_a_limit() {
    for bracket in ["(", "[", "{"] {
        let text = format!("Read{{pin: {}", bracket.repeat(100_000));
        assert_eq!(read(Gpio::SCHEMA, &text).unwrap_err().kind, TextErrorKind::TooDeep);
    }
}

#[test]
fn every_cut_of_a_good_text_is_read_or_refused() {
    let text = "{level: Some(Level::Debug), \"target\": 'a\\u{e9}\\ud83d\\ude00é', }";
    assert!(read(Rule::SCHEMA, text).is_ok());
    for (cut, _) in text.char_indices() {
        assert!(read(Rule::SCHEMA, &text[..cut]).is_err());
        let _ = read(Rule::SCHEMA, &text[cut..]);
    }
}

#[test]
fn long_nonsense_is_read_in_little_time() {
    // Under Miri everything takes long.
    let count = if cfg!(miri) { 100 } else { 50_000 };
    for unit in
        ["target:", "{", "\"", "\\", "level: a ", "'", ":", "=", ",", "é", "a::", "[(", "Some ", "Rule{"]
    {
        let text = unit.repeat(count);
        for schema in SCHEMAS {
            if let Err(error) = read(schema, &text) {
                assert!(error.to_string().len() < 400, "{error}");
            }
        }
    }
}
