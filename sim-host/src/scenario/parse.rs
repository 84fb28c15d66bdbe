//! Reads scenarios.

use std::str::FromStr as _;

use super::{
    Ending, Expected, Mistakes, Place, Scenario, Statement, What, When,
    mistake::{Reason, near},
    words::{Words, Wrong},
};
use crate::{Drive, External, Fault, external::uart_number};

/// What statements begin with, to find the one that is meant.
const STATEMENTS: &[&str] = &[
    "after",
    "allow",
    "at",
    "break",
    "end",
    "exhaust",
    "expect",
    "fault",
    "fragment",
    "garble",
    "interrupt",
    "kill",
    "mask",
    "name",
    "overrun",
    "pin",
    "poweroff",
    "poweron",
    "press",
    "reboot",
    "refuse",
    "release",
    "relieve",
    "screenshot",
    "send",
    "set",
    "unmask",
    "wait",
];

/// Words that mean something where a name may stand.
const RESERVED: &[&str] = &["no", "pin", "poweroff", "reboot", "panic"];

/// The port whose user a screenshot shows.
const SCREEN: usize = 0;

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Device {
    Uart(usize),
    Pin {
        number: u8,
        /// The level at which it is on.
        active: bool,
    },
}

/// The names of a scenario so far.
struct Names {
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
    fn device(&self, words: &mut Words<'_>) -> Result<Device, Wrong> {
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

    fn uart(&self, words: &mut Words<'_>) -> Result<usize, Wrong> {
        let word = words.peek();
        match self.device(words)? {
            Device::Uart(uart) => Ok(uart),
            Device::Pin { .. } => Err(words.wrong(Reason::WrongKind {
                word: word.to_owned(),
                wanted: "a serial port, such as `uart0`,",
            })),
        }
    }

    fn pin(&self, words: &mut Words<'_>) -> Result<(u8, bool), Wrong> {
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
    fn give(&mut self, words: &mut Words<'_>) -> Result<(), Wrong> {
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

impl Scenario {
    /// Reads a scenario; `name` is what it is called in reports, which is its file's name.
    ///
    /// # Errors
    ///
    /// All its mistakes, with what would be right.
    pub fn parse(name: &str, text: &str) -> Result<Self, Mistakes> {
        let lines = text.lines().map(str::to_owned).collect();
        let mut scenario = Self { name: name.to_owned(), lines, statements: Vec::new() };
        let mut names = Names { given: Vec::new() };
        let mut mistakes = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let mut words = Words::new(line);
            match statement(&mut words, &mut names, index + 1) {
                Ok(Some(statement)) => scenario.statements.push(statement),
                Ok(None) => {}
                Err((byte, reason)) => {
                    mistakes.push(scenario.mistake(words.place(index + 1, byte), reason));
                }
            }
        }
        if mistakes.is_empty() && scenario.statements.is_empty() {
            let place = Place { line: scenario.lines.len().max(1), column: 1 };
            mistakes.push(scenario.mistake(place, Reason::Empty));
        }
        if mistakes.is_empty() { Ok(scenario) } else { Err(Mistakes { name: scenario.name, mistakes }) }
    }
}

/// Reads a line's statement, if it has one.
fn statement(words: &mut Words<'_>, names: &mut Names, line: usize) -> Result<Option<Statement>, Wrong> {
    match words.peek() {
        "" => return Ok(None),
        "name" => {
            words.next();
            names.give(words)?;
            return Ok(None);
        }
        _ => {}
    }
    let when = match words.peek() {
        "at" => {
            words.next();
            When::At(words.time()?)
        }
        "after" => {
            words.next();
            When::After(words.time()?)
        }
        _ => When::Next,
    };
    words.peek();
    let (byte, _) = words.wrong(Reason::TooMuch);
    let what = what(words, names)?;
    words.end()?;
    Ok(Some(Statement { place: words.place(line, byte), when, what }))
}

fn what(words: &mut Words<'_>, names: &Names) -> Result<What, Wrong> {
    let drives = [
        ("high", (Some(true), false)),
        ("low", (Some(false), false)),
        ("on", (Some(true), true)),
        ("off", (Some(false), true)),
        ("released", (None, false)),
    ];
    match words.peek() {
        "send" => {
            words.next();
            let uart = names.uart(words)?;
            Ok(What::Happen(External::Bytes { uart, bytes: words.bytes()? }))
        }
        "press" | "release" => {
            let pressed = words.next() == "press";
            let (pin, active) = names.pin(words)?;
            let drive = if pressed { Drive::from(active) } else { Drive::Released };
            Ok(What::Happen(External::Pin { pin, drive }))
        }
        "set" => {
            words.next();
            let (pin, active) = names.pin(words)?;
            let (level, by_name) = words.one_of(&drives, "`high`, `low`, `on`, `off` or `released`")?;
            let drive = level.map_or(Drive::Released, |level| Drive::from(level == (active || !by_name)));
            Ok(What::Happen(External::Pin { pin, drive }))
        }
        "wait" => {
            words.next();
            words.time().map(What::Wait)
        }
        "expect" => {
            words.next();
            expectation(words, names)
        }
        "fault" => {
            words.next();
            let (byte, rule) = words.all();
            Fault::from_str(rule).map(What::Fault).map_err(|error| {
                let before: usize = rule.chars().take(error.column - 1).map(char::len_utf8).sum();
                (byte + before, Reason::Fault(error.reason))
            })
        }
        "screenshot" => {
            words.next();
            let named = |words: &mut Words<'_>| words.peek().starts_with('"');
            let uart = if named(words) || words.peek().is_empty() { SCREEN } else { names.uart(words)? };
            let name = if named(words) { Some(words.text()?) } else { None };
            Ok(What::Screenshot { uart, name })
        }
        "poweroff" | "poweron" | "reboot" => Ok(match words.next() {
            "poweroff" => What::PowerOff,
            "poweron" => What::PowerOn,
            _ => What::Reboot,
        }),
        word if STATEMENTS.contains(&word) && !matches!(word, "at" | "after" | "name") => {
            let (byte, text) = words.all();
            External::from_str(text).map(What::Happen).map_err(|error| (byte, Reason::External(error)))
        }
        word => {
            let near = near(word, STATEMENTS.iter().copied());
            Err(words.wrong(Reason::NotAStatement { word: word.to_owned(), near }))
        }
    }
}

/// Reads what comes after `expect`.
fn expectation(words: &mut Words<'_>, names: &Names) -> Result<What, Wrong> {
    let negative = words.peek() == "no";
    if negative {
        words.next();
    }
    let ending = match words.peek() {
        "poweroff" => Some(Ending::PowerOff),
        "reboot" => Some(Ending::Reboot),
        "panic" => Some(Ending::Panic),
        _ => None,
    };
    let expected = match ending {
        Some(ending) => {
            words.next();
            Expected::Ending(ending)
        }
        None => match names.device(words)? {
            Device::Uart(uart) => Expected::Output { uart, pattern: words.pattern()? },
            Device::Pin { number, active } => {
                let levels = [("on", active), ("off", !active), ("high", true), ("low", false)];
                let high = words.one_of(&levels, "`on`, `off`, `high` or `low`")?;
                Expected::Level { pin: number, high }
            }
        },
    };
    if negative {
        words.exactly("for", "how long, such as `for 50ms`,")?;
        Ok(What::ExpectNo { unexpected: expected, lasting: words.time()? })
    } else {
        words.exactly("within", "how soon, such as `within 50ms`,")?;
        Ok(What::Expect { expected, within: words.time()? })
    }
}
