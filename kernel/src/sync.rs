//! What tasks wait with, and the one place that atomics come from.

pub mod atomic;
