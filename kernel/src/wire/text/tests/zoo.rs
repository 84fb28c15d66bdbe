//! Types of every shape that serde and the schema know.

use core::{fmt, marker::PhantomData};

use postcard_schema::{
    Schema,
    schema::{DataModelType, NamedType},
};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{MapAccess, SeqAccess, Visitor},
};

use crate::inline::{Bytes, Text};

/// Long enough for what tests put in.
pub(super) type Word = Text<64>;
pub(super) type Blob = Bytes<64>;

pub(super) fn word(text: &str) -> Word {
    Word::try_from(text).unwrap()
}

pub(super) fn blob(bytes: &[u8]) -> Blob {
    Blob::try_from(bytes).unwrap()
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Schema)]
pub(super) enum Gpio {
    Write { pin: u8, level: bool },
    Read { pin: u8 },
    Reset,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Schema)]
pub(super) enum Level {
    Error,
    Info,
    Debug,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Schema)]
pub(super) struct Rule {
    pub(super) target: Word,
    pub(super) level: Option<Level>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Schema)]
pub(super) struct Pin(pub(super) u8);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Schema)]
pub(super) struct Point(pub(super) i16, pub(super) i16);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Schema)]
pub(super) struct Marker;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Schema)]
pub(super) struct Hollow {}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Schema)]
#[serde(rename = "odd name")]
pub(super) struct OddUnit;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Schema)]
pub(super) struct Odd {
    pub(super) r#type: u8,
    #[serde(rename = "two words")]
    pub(super) spaced: OddUnit,
    #[serde(rename = "")]
    pub(super) nameless: u8,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Schema)]
pub(super) enum Shape {
    Unit,
    Word(Word),
    Pin(Pin),
    Pair((u8, bool)),
    Two(u8, Word),
    None(),
    Nothing {},
    Rule(Rule),
    Gpio(Gpio),
    Option(Option<u8>),
    Marker(Marker),
    #[serde(rename = "a-b c")]
    Odd(u8),
    #[expect(non_camel_case_types, reason = "names that differ in case only")]
    unit,
    Many(Many<Shape2>),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Schema)]
pub(super) enum Shape2 {
    None,
    Some(Option<Option<i64>>),
    Null((), f32),
}

/// A wrapper whose name is also that of a variant of what it holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Schema)]
pub(super) struct Wrapped(pub(super) WrappedKind);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Schema)]
pub(super) enum WrappedKind {
    Wrapped(u8),
    Other,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Schema)]
pub(super) struct Zoo {
    pub(super) small: (u8, i8, bool, char),
    pub(super) wide: (u16, i16, u32, i32, u64, i64),
    pub(super) widest: (u128, i128),
    pub(super) floats: (f32, f64),
    pub(super) word: Word,
    pub(super) blob: Blob,
    pub(super) array: [u8; 3],
    pub(super) points: Many<Point>,
    pub(super) table: Pairs<Word, Option<Pin>>,
    pub(super) result: Result<Marker, Level>,
    pub(super) shapes: Many<Shape>,
    pub(super) empty: (Hollow, ()),
}

/// A `Vec`, for which this build of serde has no implementations.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Many<T>(pub(super) Vec<T>);

impl<T: Schema> Schema for Many<T> {
    const SCHEMA: &'static NamedType = <[T]>::SCHEMA;
}

impl<T: Serialize> Serialize for Many<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(&self.0)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Many<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FromSeq<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for FromSeq<T> {
            type Value = Many<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a sequence")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Many<T>, A::Error> {
                let mut many = Vec::new();
                while let Some(element) = seq.next_element()? {
                    many.push(element);
                }
                Ok(Many(many))
            }
        }

        deserializer.deserialize_seq(FromSeq(PhantomData))
    }
}

/// A map that keeps its order, and repeated keys.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Pairs<K, V>(pub(super) Vec<(K, V)>);

impl<K: Schema, V: Schema> Schema for Pairs<K, V> {
    const SCHEMA: &'static NamedType =
        &NamedType { name: "Pairs<K, V>", ty: &DataModelType::Map { key: K::SCHEMA, val: V::SCHEMA } };
}

impl<K: Serialize, V: Serialize> Serialize for Pairs<K, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

impl<'de, K: Deserialize<'de>, V: Deserialize<'de>> Deserialize<'de> for Pairs<K, V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FromMap<K, V>(PhantomData<(K, V)>);

        impl<'de, K: Deserialize<'de>, V: Deserialize<'de>> Visitor<'de> for FromMap<K, V> {
            type Value = Pairs<K, V>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs<K, V>, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }

        deserializer.deserialize_map(FromMap(PhantomData))
    }
}

macro_rules! machine_width {
    ($name:ident, $held:ty, $ty:ident) => {
        /// An integer as wide as the machine, for which the schema has a type but no implementation.
        #[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(transparent)]
        pub(super) struct $name(pub(super) $held);

        impl Schema for $name {
            const SCHEMA: &'static NamedType =
                &NamedType { name: stringify!($held), ty: &DataModelType::$ty };
        }
    };
}

machine_width!(Size, usize, Usize);
machine_width!(Difference, isize, Isize);

/// A type whose schema is a schema.
pub(super) struct Meta;

impl Schema for Meta {
    const SCHEMA: &'static NamedType = &NamedType { name: "Schema", ty: &DataModelType::Schema };
}

/// `DEPTH` lists in one another around a unit.
pub(super) struct Nested<const DEPTH: usize>;

macro_rules! nested {
    ($($outer:literal $inner:literal),*) => {
        impl Schema for Nested<0> {
            const SCHEMA: &'static NamedType = <()>::SCHEMA;
        }
        $(impl Schema for Nested<$outer> {
            const SCHEMA: &'static NamedType = <[Nested<$inner>]>::SCHEMA;
        })*
    };
}

nested!(1 0, 2 1, 3 2, 4 3, 5 4, 6 5, 7 6, 8 7, 9 8, 10 9, 11 10, 12 11, 13 12, 14 13, 15 14, 16 15);
