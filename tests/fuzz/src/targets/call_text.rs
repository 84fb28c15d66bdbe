//! What `call` reads and prints: values as text, and as bytes, by their schema.

use kernel::{
    services::{echo, gpio, inspect, log, serial, supervise},
    wire::text::{decode, decode_all, describe, encode},
};
use postcard_schema::{
    Schema,
    schema::{DataModelType, NamedType},
};

use crate::{Choices, Counted, show};

/// Bytes of the longest value.
const VALUE: usize = 512;

/// A type of every kind that services do not use.
#[expect(dead_code, reason = "only its schema is looked at")]
#[derive(Schema)]
struct Odd<'o> {
    unit: (),
    letter: char,
    numbers: (i8, i16, i32, i64, i128),
    naturals: (u8, u16, u32, u64, u128),
    fractions: [f32; 2],
    fraction: f64,
    perhaps: Option<Option<bool>>,
    text: &'o str,
    list: &'o [Node],
    map: Pairs,
    result: Result<Node, ()>,
}

#[expect(dead_code, reason = "only its schema is looked at")]
#[derive(Schema)]
enum Node {
    Leaf,
    Pair(u8, i8),
    Named { deep: Option<u64>, r#type: [bool; 3] },
    Wrapped(Inner),
}

#[expect(dead_code, reason = "only its schema is looked at")]
#[derive(Schema)]
struct Inner(u16);

/// A map, which has no type of its own here.
struct Pairs;

impl Schema for Pairs {
    const SCHEMA: &'static NamedType =
        &NamedType { name: "Pairs", ty: &DataModelType::Map { key: u8::SCHEMA, val: <[Node]>::SCHEMA } };
}

const SCHEMAS: &[&NamedType] = &[
    echo::Request::SCHEMA,
    gpio::Request::SCHEMA,
    gpio::Response::SCHEMA,
    inspect::Request::SCHEMA,
    inspect::Response::SCHEMA,
    log::Request::SCHEMA,
    log::Response::SCHEMA,
    serial::Request::SCHEMA,
    serial::Response::SCHEMA,
    supervise::Request::SCHEMA,
    supervise::Response::SCHEMA,
    Node::SCHEMA,
    Odd::SCHEMA,
    <[()]>::SCHEMA,
    <[&[Option<char>]]>::SCHEMA,
    <str as Schema>::SCHEMA,
    f64::SCHEMA,
    i128::SCHEMA,
];

/// What was read is printed, and what was printed is read as the same.
pub fn run(bytes: &[u8]) {
    let mut choices = Choices(bytes);
    let schema = SCHEMAS[usize::from(choices.byte()) % SCHEMAS.len()];
    let is_text = choices.byte() % 2 == 0;
    describe(schema, &mut Counted::default()).expect("a counter takes everything");
    if is_text {
        read(schema, &String::from_utf8_lossy(choices.rest()));
    } else {
        print(schema, choices.rest());
    }
}

fn read(schema: &NamedType, text: &str) {
    let mut value = [0; VALUE];
    match encode(schema, text, &mut value) {
        Ok(len) => print(schema, &value[..len]),
        Err(error) => {
            assert!(error.at <= text.len() + 1, "an error beyond the end");
            show(error);
        }
    }
}

fn print(schema: &NamedType, value: &[u8]) {
    let mut text = String::new();
    let len = match decode(schema, value, &mut text) {
        Ok(len) => len,
        Err(error) => return show(error),
    };
    assert_eq!(decode_all(schema, value, &mut Counted::default()).is_ok(), len == value.len());
    let mut again = [0; VALUE];
    // A value may be longer than any that is read, but not differ.
    let Ok(len) = encode(schema, &text, &mut again) else {
        assert!(value.len() > VALUE / 8, "what was printed is not read: {text}");
        return;
    };
    let mut printed = String::new();
    decode_all(schema, &again[..len], &mut printed).expect("what was written is read");
    assert_eq!(printed, text, "what was read is printed differently");
}
