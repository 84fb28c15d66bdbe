//! Names of pins and serial ports.

use super::{
    Reason,
    words::{Words, Wrong},
};
use crate::{external::uart_number, mistake::near};

/// Words that mean something where a name may stand.
const RESERVED: &[&str] = &["no", "pin", "poweroff", "reboot", "panic"];

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Device {
    Uart(usize),
    Pin {
        number: u8,
        /// The level at which it is on.
        active: bool,
    },
}

/// The names of a scenario so far.
#[derive(Default)]
pub(super) struct Names {
    given: Vec<(String, Device)>,
}

impl Names {
    /// What every simulated machine has: the LED where the Pico has it.
    const BUILT_IN: &[(&str, Device)] = &[("led", Device::Pin { number: 25, active: true })];

    fn find(&self, name: &str) -> Option<Device> {
        let given = self.given.iter().find(|(known, _)| known == name).map(|(_, device)| *device);
        given.or_else(|| Self::BUILT_IN.iter().find(|(known, _)| *known == name).map(|(_, device)| *device))
    }

    fn like(&self, word: &str) -> Option<String> {
        let given = self.given.iter().map(|(name, _)| name.as_str());
        near(word, given.chain(Self::BUILT_IN.iter().map(|(name, _)| *name)).chain(["uart0", "pin"]))
    }

    /// The device that comes next.
    pub(super) fn device(&self, words: &mut Words<'_>) -> Result<Device, Wrong> {
        let word = words.next();
        if word == "pin" {
            let number = words.next();
            return match number.parse() {
                Ok(number) => Ok(Device::Pin { number, active: true }),
                Err(_) => Err(words.wrong(Reason::NotOneOf {
                    word: number.to_owned(),
                    wanted: "a pin's number, such as `pin 3`,",
                    near: None,
                })),
            };
        }
        if let Some(uart) = uart_number(word) {
            return Ok(Device::Uart(uart));
        }
        self.find(word)
            .ok_or_else(|| words.wrong(Reason::UnknownName { word: word.to_owned(), near: self.like(word) }))
    }

    pub(super) fn uart(&self, words: &mut Words<'_>) -> Result<usize, Wrong> {
        let word = words.peek();
        match self.device(words)? {
            Device::Uart(uart) => Ok(uart),
            Device::Pin { .. } => Err(words.wrong(Reason::WrongKind {
                word: word.to_owned(),
                wanted: "a serial port, such as `uart0`,",
            })),
        }
    }

    pub(super) fn pin(&self, words: &mut Words<'_>) -> Result<(u8, bool), Wrong> {
        let word = words.peek();
        match self.device(words)? {
            Device::Pin { number, active } => Ok((number, active)),
            Device::Uart(_) => Err(words.wrong(Reason::WrongKind {
                word: word.to_owned(),
                wanted: "a pin, such as `pin 3` or `led`,",
            })),
        }
    }

    /// Reads `led = pin 25 active low`.
    pub(super) fn give(&mut self, words: &mut Words<'_>) -> Result<(), Wrong> {
        let name = words.next();
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
        let begins = name.starts_with(|first: char| first.is_ascii_lowercase());
        let reserved = RESERVED.contains(&name) || uart_number(name).is_some();
        if !begins || !name.bytes().all(plain) || reserved {
            return Err(words.wrong(Reason::NotAName));
        }
        if self.given.iter().any(|(known, _)| known == name) {
            return Err(words.wrong(Reason::NameTaken));
        }
        words.exactly("=", "`=`")?;
        let mut device = self.device(words)?;
        if let Device::Pin { active, .. } = &mut device
            && words.peek() == "active"
        {
            words.next();
            *active = words.one_of(&[("high", true), ("low", false)], "`high` or `low`")?;
        }
        words.end()?;
        self.given.push((name.to_owned(), device));
        Ok(())
    }
}
