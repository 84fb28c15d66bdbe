//! Everything that parses what comes from outside, as functions that take any bytes and panic only where a law is broken.
//!
//! `scripts/fuzz` looks for bytes that break one. What it found on the way, the smallest set that reaches all that it has
//! reached, is in `corpora`, and `cargo test` runs it again.

use std::io::{self, Read as _};

pub mod corpus;
mod targets;

pub use self::targets::{call_text, console, editor, frames, images, json, options, scenario, words};

/// A function under test.
pub type Target = fn(&[u8]);

/// All of them, by the names of their corpora.
pub const TARGETS: &[(&str, Target)] = &[
    ("words", words::run),
    ("editor", editor::run),
    ("console", console::run),
    ("call_text", call_text::run),
    ("json", json::run),
    ("frames", frames::run),
    ("images", images::run),
    ("options", options::run),
    ("scenario", scenario::run),
];

/// Takes choices and pieces off the bytes that a target is given.
struct Choices<'b>(&'b [u8]);

impl<'b> Choices<'b> {
    /// The next byte; 0 when there is none.
    fn byte(&mut self) -> u8 {
        let mut byte = [0];
        // Reading from a slice does not fail.
        let _ = self.0.read(&mut byte);
        let [byte] = byte;
        byte
    }

    /// A piece of at most 255 bytes times `scale`, whose length comes before it.
    fn piece(&mut self, scale: usize) -> &'b [u8] {
        let len = usize::from(self.byte()) * scale;
        let (piece, rest) = self.0.split_at(len.min(self.0.len()));
        self.0 = rest;
        piece
    }

    /// As [`piece`](Self::piece), as text.
    fn text(&mut self) -> String {
        String::from_utf8_lossy(self.piece(1)).into_owned()
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn rest(self) -> &'b [u8] {
        self.0
    }
}

/// Counts what is written to it.
#[derive(Default)]
struct Counted(usize);

impl std::fmt::Write for Counted {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.0 += text.len();
        Ok(())
    }
}

/// Prints a value of any kind to nowhere: what cannot be shown breaks a law, too.
fn show(value: impl std::fmt::Display) {
    // A sink takes everything.
    let _ = io::Write::write_fmt(&mut io::sink(), format_args!("{value}"));
}
