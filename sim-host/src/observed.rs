//! What a machine does to the outside: values like what happens to it, in the order in which it does it.

use std::{
    fmt, mem,
    str::FromStr,
    sync::{Arc, Mutex},
};

use crate::{
    external::{Quoted, split_word, uart_number},
    mailbox::lock,
};

/// Something that a machine does, as the outside sees it.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Observed {
    /// Bytes have left a UART: `uart0 "mnemos> "`.
    Bytes {
        /// The UART's number.
        uart: usize,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// The machine has changed the level of a pin: `pin 25 high`.
    Pin {
        /// The pin's number.
        pin: u8,
        /// The new level.
        high: bool,
    },
}

impl fmt::Display for Observed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes { uart, bytes } => write!(f, "uart{uart} {}", Quoted(bytes)),
            Self::Pin { pin, high } => write!(f, "pin {pin} {}", if *high { "high" } else { "low" }),
        }
    }
}

/// The text is none that a machine's doing is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotObserved;

impl fmt::Display for NotObserved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(r#"neither `uart0 "BYTES"` nor `pin 25 high` or `low`"#)
    }
}

impl std::error::Error for NotObserved {}

impl FromStr for Observed {
    type Err = NotObserved;

    fn from_str(line: &str) -> Result<Self, NotObserved> {
        let (word, rest) = split_word(line);
        if let Some(uart) = uart_number(word) {
            return match Quoted::parse(rest) {
                Some((bytes, "")) => Ok(Self::Bytes { uart, bytes }),
                _ => Err(NotObserved),
            };
        }
        let (pin, level) = split_word(rest);
        match (word, pin.parse(), level) {
            ("pin", Ok(pin), "high") => Ok(Self::Pin { pin, high: true }),
            ("pin", Ok(pin), "low") => Ok(Self::Pin { pin, high: false }),
            _ => Err(NotObserved),
        }
    }
}

/// Where the devices of one machine leave what shows outside, in its order, until the end of the step.
#[derive(Clone, Default)]
pub(crate) struct Outbox(Arc<Mutex<Vec<Observed>>>);

impl Outbox {
    /// A byte has left a UART.
    pub(crate) fn byte(&self, number: usize, byte: u8) {
        let mut observed = lock(&self.0);
        match observed.last_mut() {
            Some(Observed::Bytes { uart, bytes }) if *uart == number => bytes.push(byte),
            _ => observed.push(Observed::Bytes { uart: number, bytes: vec![byte] }),
        }
    }

    /// The machine has changed a pin.
    pub(crate) fn pin(&self, pin: u8, high: bool) {
        lock(&self.0).push(Observed::Pin { pin, high });
    }

    /// Takes all of it.
    pub(crate) fn take(&self) -> Vec<Observed> {
        mem::take(&mut lock(&self.0))
    }
}
