//! Reads scenarios.

use std::str::FromStr as _;

use super::{
    Ending, Expected, Mistakes, Reason, Scenario, Statement, What, When,
    names::{Device, Names},
    words::{Words, Wrong},
};
use crate::{
    Drive, External, Fault,
    mistake::{Source, near},
};

/// What statements begin with, to find the one that is meant.
const STATEMENTS: &[&str] = &[
    "after",
    "allow",
    "at",
    "break",
    "end",
    "exhaust",
    "expect",
    "fail",
    "fault",
    "flip",
    "fragment",
    "free",
    "garble",
    "interrupt",
    "kill",
    "mask",
    "nak",
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
    "rot",
    "screenshot",
    "send",
    "sense",
    "set",
    "stick",
    "unmask",
    "wait",
];

/// The port whose user a screenshot shows.
const SCREEN: usize = 0;

impl Scenario {
    /// Reads a scenario; `name` is what it is called in reports, which is its file's name.
    ///
    /// # Errors
    ///
    /// All its mistakes, with what would be right.
    pub fn parse(name: &str, text: &str) -> Result<Self, Mistakes> {
        let source = Source::new(name, text);
        let mut statements = Vec::new();
        let mut names = Names::default();
        let mut mistakes = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let mut words = Words::new(line);
            match statement(&mut words, &mut names, index + 1) {
                Ok(Some(statement)) => statements.push(statement),
                Ok(None) => {}
                Err((byte, reason)) => {
                    mistakes.push(source.mistake(words.place(index + 1, byte), reason));
                }
            }
        }
        if mistakes.is_empty() && statements.is_empty() {
            mistakes.push(source.mistake(source.end(), Reason::Empty));
        }
        source.judge(mistakes)?;
        Ok(Self { source, statements })
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
            // A tape has `power cut`.
            let meant = if word == "power" { "poweroff" } else { word };
            let near = near(meant, STATEMENTS.iter().copied());
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
