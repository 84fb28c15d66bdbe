//! The text form against real postcard, on a zoo of types.

mod hostile;
mod printing;
mod reading;
mod refusing;
#[cfg(not(miri))]
mod round_trips;
mod zoo;

use postcard_schema::{Schema, schema::NamedType};
use serde::Serialize;

use super::{TextError, decode_all, describe, encode};

/// Far more than any value of the zoo needs.
const FRAME_MAX: usize = 1024;

fn read(schema: &NamedType, text: &str) -> Result<Vec<u8>, TextError> {
    let mut frame = [0xaa; FRAME_MAX];
    let len = encode(schema, text, &mut frame)?;
    Ok(frame[..len].to_vec())
}

fn print(schema: &NamedType, frame: &[u8]) -> Result<String, TextError> {
    let mut text = String::new();
    decode_all(schema, frame, &mut text)?;
    Ok(text)
}

fn postcard_of<T: Serialize>(value: &T) -> Vec<u8> {
    postcard::to_slice(value, &mut [0; FRAME_MAX]).unwrap().to_vec()
}

/// `text` is read as `value`.
#[track_caller]
fn reads<T: Serialize + Schema>(text: &str, value: T) {
    match read(T::SCHEMA, text) {
        Ok(frame) => assert_eq!(frame, postcard_of(&value), "{text}"),
        Err(error) => panic!("{text}: {error}"),
    }
}

/// `value` is printed as `text`, which is read as `value`.
#[track_caller]
fn is<T: Serialize + Schema>(value: T, text: &str) {
    assert_eq!(print(T::SCHEMA, &postcard_of(&value)).as_deref(), Ok(text));
    reads(text, value);
}

/// `text` is refused with `message`.
#[track_caller]
fn refuses<T: Schema>(text: &str, message: &str) {
    match read(T::SCHEMA, text) {
        Ok(frame) => panic!("{text} was read as {frame:?}"),
        Err(error) => assert_eq!(error.to_string(), message, "{text}"),
    }
}

#[track_caller]
fn described<T: Schema + ?Sized>(text: &str) {
    let mut line = String::new();
    describe(T::SCHEMA, &mut line).unwrap();
    assert_eq!(line, text);
}
