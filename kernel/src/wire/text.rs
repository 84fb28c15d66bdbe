//! Postcard values as text, guided by their schema.
//!
//! A console must be able to call every service, also those that it has never heard of. So each service hands
//! out the schema of its messages, and here a schema and a line of text make a frame ([`encode()`]), a schema and
//! a frame make a line of text ([`decode()`]), and a schema alone makes a line of help ([`describe()`]).
//!
//! # The text form
//!
//! It is what RON and JSON have in common, read leniently:
//!
//! | type | canonical | also read |
//! |---|---|---|
//! | `bool` | `true` | |
//! | integers | `-25` | `0x19`, `0o31`, `0b1_1001`, `1_000`, `+3` |
//! | floats | `1.5`, `inf`, `NaN` | `1`, `2e-3`, `1_000.0` |
//! | `char` | `'x'` | `"x"` |
//! | string | `"a \"b\"\n"` | `'a'`, the bare word `uart0`; escapes of Rust and of JSON |
//! | byte array | `b"GET\x00"`, or `x"00ff"` if mostly unprintable | `x"00 ff"`, `"GET"`, `[0, 255]` |
//! | `()`, unit struct | `()`, `Name` | `null`, nothing at all where nothing else may stand |
//! | option | `Some(5)`, `None` | `Some 5`, `5`, `null` |
//! | list, array | `[1, 2, 3]` | `b"..."` and `x"..."` for lists of `u8`, a trailing comma, `(1, 2, 3)` |
//! | tuple | `(1, "a")` | `[1, "a"]` |
//! | map | `{"a": 1, "b": 2}` | `{"a" = 1}` |
//! | struct | `{pin: 25, level: true}` | `Name{...}`, any order, `"pin": 25`, `pin=25`, no commas |
//! | newtype | as its content | `Name(25)` |
//! | enum | `Read`, `Read(25)`, `Set(1, 2)`, `Write{pin: 25}` | `Type::Read`, `read`, `Read 25`, `{"Read": 25}`, `"Read"` |
//!
//! At the outermost level the brackets of a struct, a tuple, or of a variant's arguments may be left out:
//! `Write pin=25 level=true`, `Set 1, 2`. A variant is first looked for as it is written and only then without
//! regard to case; the names of fields are exact.
//!
//! # Laws
//!
//! - What [`encode()`] accepts is what postcard would have written, byte for byte (a NaN becomes the usual NaN).
//! - What [`decode()`] prints, [`encode()`] accepts, and it stands for the same value.
//! - [`decode()`] accepts the frames that postcard accepts (it refuses only those postcard reads by ignoring bytes
//!   inside a `char`), and prints no control character, so that no frame can play with the terminal.
//! - Neither panics, allocates or recurses deeper than [`DEPTH_MAX`], whatever it is given. The work of
//!   [`encode()`] is at most proportional to the length of the text, times the number of fields or variants of the
//!   widest type, times [`DEPTH_MAX`]; that of [`decode()`] to the number of bytes plus [`EMPTY_MAX`], times
//!   [`DEPTH_MAX`].
//!
//! ```
//! use kernel::wire::text::{decode_all, describe, encode};
//! use postcard_schema::Schema;
//!
//! #[derive(Schema)]
//! enum Request {
//!     Write { pin: u8, level: bool },
//!     Read { pin: u8 },
//! }
//!
//! let mut frame = [0; 8];
//! let len = encode(Request::SCHEMA, "write pin=25, level=true", &mut frame)?;
//! assert_eq!(frame[..len], [0, 25, 1]);
//!
//! let mut line = String::new();
//! decode_all(Request::SCHEMA, &frame[..len], &mut line)?;
//! assert_eq!(line, "Write{pin: 25, level: true}");
//!
//! let error = encode(Request::SCHEMA, "Read{pin: 300}", &mut frame).unwrap_err();
//! assert_eq!(error.to_string(), "`300` is out of range for u8 at column 11");
//!
//! let mut help = String::new();
//! describe(Request::SCHEMA, &mut help)?;
//! assert_eq!(help, "Write{pin: u8, level: bool} | Read{pin: u8}");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Repeated keys of a map are passed on as they are: the wire has no rule against them.

mod cursor;
mod decode;
mod describe;
mod encode;
mod error;
mod escape;
mod float;
mod number;
mod wire;

pub use decode::{decode, decode_all};
pub use describe::describe;
pub use encode::encode;
pub use error::{FOUND_MAX, Found, TextError, TextErrorKind, Wanted, WireFault};

/// How many values may be nested in one another: far beyond any message of a service, and little enough that a
/// hostile line cannot exhaust a small stack.
pub const DEPTH_MAX: usize = 16;

/// How many brackets may be open at once: a value opens at most two (`{"Read": {`).
const NESTING_MAX: usize = 2 * DEPTH_MAX;

/// How many values that take no bytes may be printed from one frame. Four bytes can announce 2^28 of them.
pub const EMPTY_MAX: usize = 256;

#[cfg(test)]
mod tests;
