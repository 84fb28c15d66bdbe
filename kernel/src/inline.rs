//! Text and bytes kept inside the value that owns them, up to a fixed capacity.
//!
//! Rows that cross the wire (a task's name, a chunk for a console, a payload of an event) must be `'static`,
//! `Copy` and free of the heap. [`Text`] and [`Bytes`] are that: a length and an array. On the wire they are an
//! ordinary string and an ordinary byte array, whatever their capacity, so a peer with a roomier type reads the
//! same frames; a value that does not fit is refused, never cut in silence.
//!
//! ```
//! use core::fmt::Write;
//! use kernel::inline::Text;
//!
//! let mut name = Text::<8>::new();
//! write!(name, "uart{}", 0)?;
//! assert_eq!(name, "uart0");
//! assert_eq!(Text::<4>::cut("näive"), "näi");
//! assert!(Text::<4>::try_from("näive").is_err());
//! # Ok::<(), core::fmt::Error>(())
//! ```

mod bytes;
mod text;

use core::fmt;

pub use bytes::Bytes;
pub use text::Text;

/// The value does not fit the inline capacity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong {
    /// The length that was needed, in bytes.
    pub len: usize,
    /// The length that there is room for, in bytes.
    pub capacity: usize,
}

impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes do not fit into {}", self.len, self.capacity)
    }
}

impl core::error::Error for TooLong {}

#[cfg(test)]
mod tests;
