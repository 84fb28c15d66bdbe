//! A buffer of bytes.

use core::{
    fmt,
    ops::{Deref, DerefMut},
};

use super::{AllocError, FixedVec, Heap};

/// Bytes in the kernel's heap, all zero at first.
pub struct Buffer {
    bytes: FixedVec<u8>,
}

impl Buffer {
    fn of(mut bytes: FixedVec<u8>) -> Self {
        bytes.fill_with_zeros();
        Self { bytes }
    }
}

impl Deref for Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.bytes
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl AsMut<[u8]> for Buffer {
    fn as_mut(&mut self) -> &mut [u8] {
        self
    }
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.bytes.fmt(f)
    }
}

impl Heap {
    /// Makes a buffer of `len` zero bytes, if there is memory for it now.
    ///
    /// # Errors
    ///
    /// See [`AllocError`].
    pub fn try_buffer(&self, len: usize) -> Result<Buffer, AllocError> {
        self.try_vec(len).map(Buffer::of)
    }

    /// Makes a buffer of `len` zero bytes, as soon as there is memory for it.
    ///
    /// # Errors
    ///
    /// As for [`boxed`](Self::boxed).
    ///
    /// # Cancellation
    ///
    /// Dropping the future leaves the line.
    pub async fn buffer(&self, len: usize) -> Result<Buffer, AllocError> {
        self.vec(len).await.map(Buffer::of)
    }
}
