//! Laws over random values, texts and frames.

use proptest::prelude::*;
use serde::{Serialize, de::DeserializeOwned};

use super::{
    super::{EMPTY_MAX, TextErrorKind, decode},
    hostile::SCHEMAS,
    postcard_of, print, read,
    zoo::{
        Blob, Gpio, Hollow, Level, Many, Marker, Odd, Pairs, Pin, Point, Rule, Shape, Shape2, Size, Word,
        Wrapped, Zoo,
    },
};
use postcard_schema::Schema;

fn words() -> impl Strategy<Value = Word> {
    any::<String>().prop_map(|text| Word::cut(&text))
}

fn levels() -> impl Strategy<Value = Level> {
    prop_oneof![Just(Level::Error), Just(Level::Info), Just(Level::Debug)]
}

fn rules() -> impl Strategy<Value = Rule> {
    (words(), proptest::option::of(levels())).prop_map(|(target, level)| Rule { target, level })
}

fn gpios() -> impl Strategy<Value = Gpio> {
    prop_oneof![
        any::<(u8, bool)>().prop_map(|(pin, level)| Gpio::Write { pin, level }),
        any::<u8>().prop_map(|pin| Gpio::Read { pin }),
        Just(Gpio::Reset),
    ]
}

fn shapes() -> impl Strategy<Value = Shape> {
    let inner = prop_oneof![
        Just(Shape2::None),
        any::<Option<Option<i64>>>().prop_map(Shape2::Some),
        any::<f32>().prop_map(|float| Shape2::Null((), float)),
    ];
    prop_oneof![
        Just(Shape::Unit),
        words().prop_map(Shape::Word),
        any::<u8>().prop_map(|pin| Shape::Pin(Pin(pin))),
        any::<(u8, bool)>().prop_map(Shape::Pair),
        (any::<u8>(), words()).prop_map(|(a, b)| Shape::Two(a, b)),
        Just(Shape::None()),
        Just(Shape::Nothing {}),
        rules().prop_map(Shape::Rule),
        gpios().prop_map(Shape::Gpio),
        any::<Option<u8>>().prop_map(Shape::Option),
        Just(Shape::Marker(Marker)),
        any::<u8>().prop_map(Shape::Odd),
        Just(Shape::unit),
        proptest::collection::vec(inner, 0..4).prop_map(|many| Shape::Many(Many(many))),
    ]
}

fn zoos() -> impl Strategy<Value = Zoo> {
    let numbers =
        (any::<(u8, i8, bool, char)>(), any::<(u16, i16, u32, i32, u64, i64)>(), any::<(u128, i128)>());
    let points = proptest::collection::vec(any::<(i16, i16)>().prop_map(|(x, y)| Point(x, y)), 0..4);
    let table = proptest::collection::vec((words(), any::<Option<u8>>().prop_map(|pin| pin.map(Pin))), 0..4);
    let lists = (points, table, proptest::collection::vec(shapes(), 0..4));
    let strings = (words(), proptest::collection::vec(any::<u8>(), 0..40), any::<[u8; 3]>());
    let result = prop_oneof![Just(Ok(Marker)), levels().prop_map(Err)];
    (numbers, any::<(f32, f64)>(), strings, lists, result).prop_map(
        |((small, wide, widest), floats, (word, blob, array), (points, table, shapes), result)| Zoo {
            small,
            wide,
            widest,
            floats,
            word,
            blob: Blob::cut(&blob),
            array,
            points: Many(points),
            table: Pairs(table),
            result,
            shapes: Many(shapes),
            empty: (Hollow {}, ()),
        },
    )
}

/// Text that looks like what is meant to be read, so that it gets far.
fn near_texts() -> impl Strategy<Value = String> {
    let token = prop_oneof![
        6 => proptest::sample::select(vec![
            "(", ")", "[", "]", "{", "}", ",", ":", "::", "=", " ", "'", "\"", "\\", "Some", "None", "null", "pin",
            "level", "target", "true", "Read", "Write", "Gpio", "Rule", "Wrapped", "Ok", "Two", "0x1f", "-1", "2.5",
            "b\"a\\xff\"", "x\"00ff\"", "'c'", "\"s\"", "\\u{e9}", "type", "Many", "Null", "nan",
        ]).prop_map(str::to_owned),
        1 => any::<String>(),
    ];
    proptest::collection::vec(token, 0..24).prop_map(|tokens| tokens.concat())
}

/// postcard and we agree on whether a frame starts with a value, and how long it is.
fn agrees<T: Schema + Serialize + DeserializeOwned>(frame: &[u8]) -> Result<(), TestCaseError> {
    let mut text = String::new();
    let ours = decode(T::SCHEMA, frame, &mut text);
    prop_assert!(text.len() <= 64 * (frame.len() + EMPTY_MAX));
    if matches!(ours, Err(error) if error.kind == TextErrorKind::TooManyEmpty) {
        return Ok(());
    }
    match postcard::take_from_bytes::<T>(frame) {
        Ok((value, rest)) => {
            let Ok(len) = ours else {
                // Only a char with more than one character in it.
                prop_assert_ne!(postcard_of(&value).len(), frame.len() - rest.len(), "{:?}", ours);
                return Ok(());
            };
            prop_assert_eq!(len, frame.len() - rest.len());
            prop_assert_eq!(print(T::SCHEMA, &postcard_of(&value)), Ok(text.clone()));
            prop_assert_eq!(print(T::SCHEMA, &read(T::SCHEMA, &text).unwrap()), Ok(text));
        }
        Err(_) => prop_assert!(ours.is_err(), "{:?}", text),
    }
    Ok(())
}

proptest! {
    #[test]
    fn every_value_survives_its_text(zoo in zoos()) {
        let frame = postcard_of(&zoo);
        let text = print(Zoo::SCHEMA, &frame).unwrap();
        prop_assert!(!text.chars().any(char::is_control));
        let again = read(Zoo::SCHEMA, &text).map_err(|error| TestCaseError::fail(format!("{error}: {text}")))?;
        prop_assert_eq!(again.len(), frame.len());
        // A NaN equals nothing, but prints the same.
        prop_assert_eq!(print(Zoo::SCHEMA, &again).unwrap(), text);
        if zoo == zoo.clone() {
            prop_assert_eq!(again, frame);
        }
    }

    #[test]
    fn any_bytes_are_printed_or_refused_as_postcard_does(
        frame in proptest::collection::vec(prop_oneof![0_u8..4, any::<u8>()], 0..64),
    ) {
        agrees::<Shape>(&frame)?;
        agrees::<Many<Shape>>(&frame)?;
        agrees::<(bool, char, i16, Option<u128>)>(&frame)?;
        agrees::<Many<Result<Pin, Point>>>(&frame)?;
        agrees::<Pairs<char, Size>>(&frame)?;
        agrees::<(Odd, Wrapped, f32)>(&frame)?;
        agrees::<(i128, u64)>(&frame)?;
    }

    #[test]
    fn any_text_is_read_or_refused(text in prop_oneof![near_texts(), any::<String>()]) {
        for schema in SCHEMAS {
            match read(schema, &text) {
                Ok(frame) => {
                    let canonical = print(schema, &frame).unwrap();
                    prop_assert_eq!(read(schema, &canonical), Ok(frame), "{} read from {}", canonical, text);
                }
                Err(error) => {
                    prop_assert!(error.at <= text.len() && text.is_char_boundary(error.at), "{:?}", error);
                    prop_assert!(!error.to_string().chars().any(char::is_control));
                }
            }
        }
    }
}
