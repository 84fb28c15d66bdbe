//! The kernel's only source of atomics.
//!
//! Cortex-M0+ has no compare-and-swap, so they are `portable-atomic`'s; the board image chooses how they are made
//! atomic. Nothing else in the kernel names an atomic type, so a model checker can be put in here.

pub use portable_atomic::{
    AtomicBool, AtomicPtr, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence, hint,
};
