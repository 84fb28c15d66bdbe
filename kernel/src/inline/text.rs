//! A string of at most `N` bytes.

use core::{
    cmp::Ordering,
    fmt,
    hash::{Hash, Hasher},
    ops::Deref,
};

use postcard_schema::{Schema, schema::NamedType};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::TooLong;

/// UTF-8 text of at most `N` bytes, held in place.
///
/// As a [`fmt::Write`] it keeps what fits, up to a whole character, and reports an error for the rest.
#[derive(Clone, Copy)]
pub struct Text<const N: usize> {
    /// How many of `bytes` are text; the first `len` bytes are always valid UTF-8.
    len: u16,
    bytes: [u8; N],
}

impl<const N: usize> Text<N> {
    /// The most bytes that it can hold.
    pub const CAPACITY: usize = {
        assert!(N <= u16::MAX as usize, "the length of a Text is kept in 16 bits");
        N
    };

    /// Empty text.
    pub const fn new() -> Self {
        let _checked = Self::CAPACITY;
        Self { len: 0, bytes: [0; N] }
    }

    /// As much of `text` as fits, cut between two characters. Whether anything was lost is not remembered.
    pub fn cut(text: &str) -> Self {
        let mut cut = Self::new();
        cut.keep(text);
        cut
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        let held = self.bytes.get(..usize::from(self.len)).unwrap_or_default();
        match core::str::from_utf8(held) {
            Ok(text) => text,
            // Not `expect`, which would have the image print errors of UTF-8, too.
            Err(_) => unreachable!("only whole characters are ever put in"),
        }
    }

    /// Forgets the text.
    pub fn clear(&mut self) {
        self.len = 0;
    }

    /// Appends what fits of `text`, up to a whole character, and returns how many bytes that was.
    fn keep(&mut self, text: &str) -> usize {
        let start = usize::from(self.len);
        let fits = text.floor_char_boundary(N.saturating_sub(start));
        if let (Some(room), Some(kept)) =
            (self.bytes.get_mut(start..start + fits), text.as_bytes().get(..fits))
        {
            room.copy_from_slice(kept);
            // `start + fits` is at most `N`, which `CAPACITY` proved to fit 16 bits.
            self.len = (start + fits) as u16;
        }
        fits
    }
}

impl<const N: usize> Default for Text<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> TryFrom<&str> for Text<N> {
    type Error = TooLong;

    fn try_from(text: &str) -> Result<Self, TooLong> {
        if text.len() > N {
            return Err(TooLong { len: text.len(), capacity: N });
        }
        Ok(Self::cut(text))
    }
}

impl<const N: usize> Deref for Text<N> {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl<const N: usize> AsRef<str> for Text<N> {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl<const N: usize> fmt::Write for Text<N> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.keep(text) == text.len() { Ok(()) } else { Err(fmt::Error) }
    }
}

impl<const N: usize> fmt::Display for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl<const N: usize> fmt::Debug for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl<const N: usize, const M: usize> PartialEq<Text<M>> for Text<N> {
    fn eq(&self, other: &Text<M>) -> bool {
        self.as_str() == other.as_str()
    }
}

impl<const N: usize> Eq for Text<N> {}

impl<const N: usize> PartialEq<str> for Text<N> {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl<const N: usize> PartialEq<&str> for Text<N> {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl<const N: usize> PartialOrd for Text<N> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<const N: usize> Ord for Text<N> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl<const N: usize> Hash for Text<N> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl<const N: usize> Schema for Text<N> {
    const SCHEMA: &'static NamedType = <str as Schema>::SCHEMA;
}

impl<const N: usize> Serialize for Text<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de, const N: usize> Deserialize<'de> for Text<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FromStr<const N: usize>;

        impl<const N: usize> de::Visitor<'_> for FromStr<N> {
            type Value = Text<N>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "text of at most {N} bytes")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Text<N>, E> {
                Text::try_from(text).map_err(|too_long| E::invalid_length(too_long.len, &self))
            }
        }

        deserializer.deserialize_str(FromStr)
    }
}
