//! What tasks wait with, and the one place that atomics come from.

pub mod atomic;
mod signal;
#[cfg(test)]
mod tests;
mod wait_list;

pub use self::{
    signal::{Raised, Signal},
    wait_list::{Look, WaitList, WaitUntil},
};
