//! Why there is no memory.

use core::fmt;

/// Why an allocation was refused.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AllocError {
    /// No free block is large enough now; one may be later.
    OutOfMemory {
        /// Bytes asked for.
        requested: usize,
    },
    /// The request could not be met even by an empty heap.
    TooLarge {
        /// Bytes asked for.
        requested: usize,
        /// Bytes in the heap.
        capacity: usize,
    },
    /// The owner would exceed its quota.
    Quota {
        /// Bytes asked for, with overhead.
        requested: usize,
        /// The quota, in bytes.
        quota: usize,
    },
    /// The owner has declared itself ready and may not allocate any more.
    SteadyState,
    /// Somebody has waited for memory for long, and later requests may not overtake it any more.
    Contended,
}

impl fmt::Display for AllocError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfMemory { requested } => {
                write!(f, "no free block of {requested} bytes; free some memory, or wait for it")
            }
            Self::TooLarge { requested, capacity } => {
                write!(f, "{requested} bytes can never fit in a heap of {capacity}")
            }
            Self::Quota { requested, quota } => {
                write!(f, "{requested} more bytes would exceed the owner's quota of {quota}")
            }
            Self::SteadyState => {
                f.write_str("the owner is ready and may not allocate any more; allocate at set-up")
            }
            Self::Contended => {
                f.write_str("others wait for memory already; wait in line with the async call")
            }
        }
    }
}

impl core::error::Error for AllocError {}

/// A value that was not moved to the heap, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AllocFailed<T> {
    /// The value, handed back.
    pub value: T,
    /// Why there was no memory for it.
    pub error: AllocError,
}

impl<T> fmt::Display for AllocFailed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl<T: fmt::Debug> core::error::Error for AllocFailed<T> {}
