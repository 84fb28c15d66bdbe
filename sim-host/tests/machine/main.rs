//! The laws of the simulator: time, input, interrupts, panics, and that a run can be repeated.

mod explore;
mod faults;
mod fleet;
mod i2c;
mod input;
mod lives;
mod pins;
mod shared;
mod storage;
mod tapes;
mod time;
mod timelines;
mod wakes;
