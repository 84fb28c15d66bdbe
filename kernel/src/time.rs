//! Time: instants and durations in microseconds, timers, and the futures that wait for them.
//!
//! Timers cover the whole range of 64 bits: a sleep of [`Duration::MAX`] is as good as any other. Setting and cancelling
//! a timer costs the same however many are set. The machine need not tick: [`Timers::next_deadline`] tells how long it
//! may sleep.

mod interval;
mod scale;
mod sleep;
#[cfg(test)]
mod tests;
mod timeout;
mod wheel;

pub use self::{
    interval::{Interval, IntervalError, MissedTicks},
    scale::{Duration, Instant},
    sleep::{Sleep, Timers},
    timeout::{Elapsed, Timeout},
};
