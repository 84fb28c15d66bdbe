//! Ways for tasks and interrupts to pass things on, apart from services.
//!
//! - [`pipe`]: bytes, between an interrupt and a task.
//! - [`channel`]: values, between tasks, bounded.
//! - [`broadcast`]: values, from one task to all that care.
//! - [`oneshot`]: one value at a time.
//!
//! All of them allocate when they are made and never again, close when either side is dropped, and tell the other.

pub mod broadcast;
pub mod channel;
pub mod oneshot;
pub mod pipe;
#[cfg(test)]
mod tests;
