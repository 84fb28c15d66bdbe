//! Values of the simulator's options.

#[path = "../../../../sim-host/src/program/options/values.rs"]
mod values;

use std::str::FromStr;

use self::values::{Baud, Filter, Heap, Lockstep, Time, Uart, ValueError};
use crate::{Choices, show};

/// A value is taken or refused with a sentence, and what is taken is within its bounds.
pub fn run(bytes: &[u8]) {
    let mut choices = Choices(bytes);
    let which = choices.byte() % 6;
    let text = String::from_utf8_lossy(choices.rest());
    match which {
        0 => parse::<Heap>(&text, |heap| (Heap::SMALLEST..=Heap::LARGEST).contains(&heap.0)),
        1 => parse::<Time>(
            &text,
            |time| !matches!(time, Time::Scaled(times) if !(0.001..=1e6).contains(times)),
        ),
        2 => parse::<Uart>(&text, |uart| !matches!(uart, Uart::Tcp(address) if !address.contains(':'))),
        3 => parse::<Baud>(&text, |_| true),
        5 => parse::<Lockstep>(&text, |_| true),
        _ => parse::<Filter>(&text, |filter| filter.targets.iter().all(|(target, _)| !target.is_empty())),
    }
}

fn parse<V: FromStr<Err = ValueError>>(text: &str, is_sound: impl Fn(&V) -> bool) {
    match text.parse() {
        Ok(value) => assert!(is_sound(&value), "{text}"),
        Err(error) => show(error),
    }
}
