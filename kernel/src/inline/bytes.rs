//! At most `N` bytes.

use core::{
    fmt,
    hash::{Hash, Hasher},
    ops::Deref,
};

use postcard_schema::{
    Schema,
    schema::{DataModelType, NamedType},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::TooLong;

/// At most `N` bytes, held in place.
#[derive(Clone, Copy)]
pub struct Bytes<const N: usize> {
    /// How many of `bytes` are held; never more than `N`.
    len: u16,
    bytes: [u8; N],
}

impl<const N: usize> Bytes<N> {
    /// The most bytes that it can hold.
    pub const CAPACITY: usize = {
        assert!(N <= u16::MAX as usize, "the length of a Bytes is kept in 16 bits");
        N
    };

    /// No bytes.
    pub const fn new() -> Self {
        let _checked = Self::CAPACITY;
        Self { len: 0, bytes: [0; N] }
    }

    /// The first bytes of `bytes`, as many as fit. Whether any were lost is not remembered.
    pub fn cut(bytes: &[u8]) -> Self {
        let mut cut = Self::new();
        // The prefix was measured to fit.
        let _fits = cut.extend(bytes.get(..N).unwrap_or(bytes));
        cut
    }

    /// Appends one byte.
    ///
    /// # Errors
    /// [`TooLong`] if it is full; nothing changes.
    pub fn push(&mut self, byte: u8) -> Result<(), TooLong> {
        self.extend(&[byte])
    }

    /// Appends all of `more`.
    ///
    /// # Errors
    /// [`TooLong`] if not all of it fits; nothing changes.
    pub fn extend(&mut self, more: &[u8]) -> Result<(), TooLong> {
        let start = usize::from(self.len);
        let len = start.saturating_add(more.len());
        let room = self.bytes.get_mut(start..len).ok_or(TooLong { len, capacity: N })?;
        room.copy_from_slice(more);
        // `len` is at most `N`, which `CAPACITY` proved to fit 16 bits.
        self.len = len as u16;
        Ok(())
    }

    /// The bytes.
    pub fn as_slice(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }

    /// Forgets the bytes.
    pub fn clear(&mut self) {
        self.len = 0;
    }
}

impl<const N: usize> Default for Bytes<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> TryFrom<&[u8]> for Bytes<N> {
    type Error = TooLong;

    fn try_from(bytes: &[u8]) -> Result<Self, TooLong> {
        let mut held = Self::new();
        held.extend(bytes)?;
        Ok(held)
    }
}

impl<const N: usize> Deref for Bytes<N> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.as_slice()
    }
}

impl<const N: usize> AsRef<[u8]> for Bytes<N> {
    fn as_ref(&self) -> &[u8] {
        self.as_slice()
    }
}

impl<const N: usize> fmt::Debug for Bytes<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "b\"{}\"", self.as_slice().escape_ascii())
    }
}

impl<const N: usize, const M: usize> PartialEq<Bytes<M>> for Bytes<N> {
    fn eq(&self, other: &Bytes<M>) -> bool {
        self.as_slice() == other.as_slice()
    }
}

impl<const N: usize> Eq for Bytes<N> {}

impl<const N: usize> PartialEq<[u8]> for Bytes<N> {
    fn eq(&self, other: &[u8]) -> bool {
        self.as_slice() == other
    }
}

impl<const N: usize, const M: usize> PartialEq<&[u8; M]> for Bytes<N> {
    fn eq(&self, other: &&[u8; M]) -> bool {
        self.as_slice() == other.as_slice()
    }
}

impl<const N: usize> Hash for Bytes<N> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_slice().hash(state);
    }
}

impl<const N: usize> Schema for Bytes<N> {
    const SCHEMA: &'static NamedType = &NamedType { name: "Bytes", ty: &DataModelType::ByteArray };
}

impl<const N: usize> Serialize for Bytes<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.as_slice())
    }
}

impl<'de, const N: usize> Deserialize<'de> for Bytes<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FromBytes<const N: usize>;

        impl<const N: usize> de::Visitor<'_> for FromBytes<N> {
            type Value = Bytes<N>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "at most {N} bytes")
            }

            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Bytes<N>, E> {
                Bytes::try_from(bytes).map_err(|too_long| E::invalid_length(too_long.len, &self))
            }
        }

        deserializer.deserialize_bytes(FromBytes)
    }
}
