//! The memory that a machine gives to a kernel.
#![expect(unsafe_code, reason = "a region vouches for memory that it points at")]

use core::{fmt, mem::MaybeUninit, ptr::NonNull};

/// Memory that becomes a kernel's heap, and how it is given back when the kernel needs it no more.
pub struct Region {
    start: NonNull<u8>,
    len: usize,
    release: Option<Release>,
}

/// Gives a region back to whoever made it. It may be called from any thread that drops the last waker.
pub type Release = unsafe fn(start: NonNull<u8>, len: usize);

/// Why a region cannot be a heap.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegionError {
    /// It is too small for the heap's own tables.
    TooSmall {
        /// Bytes needed at least.
        needed: usize,
        /// Bytes given.
        given: usize,
    },
}

impl fmt::Display for RegionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooSmall { needed, given } => {
                write!(f, "{given} bytes are too few, the heap's tables alone need {needed}")
            }
        }
    }
}

impl core::error::Error for RegionError {}

impl Region {
    /// A region that is never given back, as a board has.
    pub fn from_static(memory: &'static mut [MaybeUninit<u8>]) -> Self {
        Self { start: NonNull::from(&mut *memory).cast(), len: memory.len(), release: None }
    }

    /// A region of `len` bytes from `start` on, which `release` gives back.
    ///
    /// # Safety
    ///
    /// The memory is valid for reads and writes and nobody else uses it until `release` is called, which may happen on
    /// any thread.
    pub unsafe fn from_raw(start: NonNull<u8>, len: usize, release: Release) -> Self {
        Self { start, len, release: Some(release) }
    }

    pub(super) fn start(&self) -> NonNull<u8> {
        self.start
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Gives the memory back.
    ///
    /// # Safety
    ///
    /// Nothing in the region is used any more.
    pub(super) unsafe fn release(self) {
        if let Some(release) = self.release {
            // SAFETY: passed on to `from_raw`'s caller and ours.
            unsafe { release(self.start, self.len) };
        }
    }
}
