//! Reads rules.

use std::{fmt, str::FromStr};

use kernel::time::Duration;

use super::{Action, Fault, What, When, Which};
use crate::{
    External, Span,
    external::{target_address, uart_number},
};

/// What a rule is about that does not say which.
const ALL: Which = Which::PerMillion(1_000_000);

/// Why a rule is refused, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FaultError {
    /// The column in the rule, in characters, counted from 1.
    pub column: usize,
    /// What is wrong there.
    pub reason: FaultReason,
}

/// What is wrong with a rule.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultReason {
    /// No rule begins like this.
    NotAFault,
    /// A serial port is missing.
    NotAUart,
    /// A direction is missing.
    NotADirection,
    /// The name of a task or an interrupt line is missing.
    NotAName,
    /// This happens to the heap.
    NotTheHeap,
    /// This happens to the I²C bus.
    NotTheBus,
    /// A target's address is none.
    NotAnAddress,
    /// This happens to storage.
    NotTheStorage,
    /// What is read from storage is changed.
    NotARead,
    /// The power is cut.
    NotACut,
    /// `by` and a time are missing.
    NotADelay,
    /// A time is none, or missing.
    NotATime,
    /// A rate is none, or missing.
    NotARate,
    /// A count is none, or missing.
    NotACount,
    /// No byte is chosen by this word.
    NotABytesWord,
    /// This word does not say how long.
    NotAWhileWord,
    /// This word does not say when.
    NotAWhenWord,
    /// It is not said when.
    NoTime,
    /// It was said before.
    Twice,
    /// The end is not after the beginning.
    EndsBeforeItBegins,
}

impl fmt::Display for FaultReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAFault => {
                "a fault begins with drop, delay, duplicate, corrupt, garble, break, overrun, kill, stall, refuse, \
                 exhaust, fragment, flip, fail, rot, nak, stick or power"
            }
            Self::NotAUart => "name a serial port as `uart0`",
            Self::NotADirection => "say `rx` for bytes to the machine, or `tx` for bytes from it",
            Self::NotAName => "name the driver, such as `echo`",
            Self::NotTheHeap => "say `heap`: that is all that can be exhausted or fragmented",
            Self::NotTheBus => "say `i2c`: that is the bus that there is",
            Self::NotAnAddress => "targets have addresses from 0x08 to 0x77, such as `0x48`",
            Self::NotTheStorage => "say `storage`: that is all that fails, rots or has bits flipped",
            Self::NotARead => "say `read`: bits are flipped in what is read",
            Self::NotACut => "say `power cut`",
            Self::NotADelay => "say how late bytes come, such as `by 2ms`",
            Self::NotATime => "here is a time above 0, such as `250ms`: a number and us, ms, s, min, h or d",
            Self::NotARate => "here is a rate above 0 and up to all, such as `5%`, `0.5%` or `5permille`",
            Self::NotACount => "here is a number from 1 on",
            Self::NotABytesWord => "bytes, and operations of storage, are chosen by `rate`, `nth` or `every`, and by `from` and `until`",
            Self::NotAWhileWord => "this lasts `from` a time `until` another, and nothing else can be said of it",
            Self::NotAWhenWord => {
                "this happens `at` a time or `at event 500`, or `every` span `from` a time `until` another"
            }
            Self::NoTime => "say when: `at 5ms`, or `every 50ms`",
            Self::Twice => "this was said already: once is enough",
            Self::EndsBeforeItBegins => "the end must be later than the beginning",
        })
    }
}

impl fmt::Display for FaultError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "column {}: {}", self.column, self.reason)
    }
}

impl std::error::Error for FaultError {}

/// The words of a rule that are left, and where they are.
struct Words<'a> {
    text: &'a str,
    /// Where the rest begins, in bytes.
    at: usize,
    /// Where the last word began.
    last: usize,
}

impl<'a> Words<'a> {
    fn next(&mut self) -> Option<&'a str> {
        let rest = self.text.get(self.at..)?;
        let start = self.at + rest.len() - rest.trim_start().len();
        self.last = start.min(self.text.trim_end().len());
        let rest = self.text.get(start..).filter(|rest| !rest.is_empty())?;
        let word = rest.split(char::is_whitespace).next()?;
        self.at = start + word.len();
        Some(word)
    }

    /// The next word as a value.
    fn value<T>(
        &mut self,
        reason: FaultReason,
        read: impl FnOnce(&'a str) -> Option<T>,
    ) -> Result<T, FaultError> {
        self.next().and_then(read).ok_or_else(|| self.wrong(reason))
    }

    fn time(&mut self) -> Result<Duration, FaultError> {
        self.value(FaultReason::NotATime, |word| word.parse().ok().map(|Span(span)| span))
    }

    fn span(&mut self) -> Result<Duration, FaultError> {
        let span = self.time()?;
        if span.is_zero() { Err(self.wrong(FaultReason::NotATime)) } else { Ok(span) }
    }

    fn count(&mut self) -> Result<u64, FaultError> {
        self.value(FaultReason::NotACount, |word| word.parse().ok().filter(|count| *count > 0))
    }

    fn uart(&mut self) -> Result<usize, FaultError> {
        self.value(FaultReason::NotAUart, uart_number)
    }

    fn name(&mut self) -> Result<String, FaultError> {
        self.value(FaultReason::NotAName, |word| Some(word.to_owned()))
    }

    /// The address of a target on the I²C bus, if the next word is a number.
    fn address(&mut self) -> Result<Option<u8>, FaultError> {
        let (at, last) = (self.at, self.last);
        match self.next() {
            Some(word) if word.starts_with(|first: char| first.is_ascii_digit()) => {
                let address = target_address(word);
                address.map(Some).ok_or_else(|| self.wrong(FaultReason::NotAnAddress))
            }
            _ => {
                (self.at, self.last) = (at, last);
                Ok(None)
            }
        }
    }

    fn exactly(&mut self, expected: &str, reason: FaultReason) -> Result<(), FaultError> {
        self.value(reason, |word| (word == expected).then_some(()))
    }

    /// The last word is wrong, or what should be there.
    fn wrong(&self, reason: FaultReason) -> FaultError {
        let column = self.text.get(..self.last).unwrap_or_default().chars().count() + 1;
        FaultError { column, reason }
    }
}

/// What is said at the end of a rule.
#[derive(Default)]
struct Said {
    which: Option<Which>,
    when: Option<When>,
    from: Option<Duration>,
    /// Where that is said, and the time.
    until: Option<(usize, Duration)>,
}

/// What the end of a rule may say.
#[derive(Clone, Copy, PartialEq, Eq)]
enum About {
    Bytes,
    While,
    When,
}

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        let mut words = Words { text, at: 0, last: 0 };
        let words = &mut words;
        let word = words.next().unwrap_or_default();
        let lasts = |words: &mut Words<'_>, begin, end| happens(words, begin, Some(end), false);
        let (what, said) = match word {
            "drop" => bytes(words, true, |_| Ok(Action::Drop))?,
            "duplicate" => bytes(words, true, |_| Ok(Action::Duplicate))?,
            "corrupt" => bytes(words, true, |_| Ok(Action::Corrupt))?,
            "delay" => bytes(words, true, |words| {
                words.exactly("by", FaultReason::NotADelay)?;
                Ok(Action::Delay(words.span()?))
            })?,
            "garble" => bytes(words, false, |_| Ok(Action::Garble))?,
            "break" => bytes(words, false, |_| Ok(Action::Break))?,
            "overrun" => bytes(words, false, |_| Ok(Action::Overrun))?,
            "kill" => {
                let task = words.name()?;
                happens(words, External::Kill { task }, None, true)?
            }
            "power" => {
                words.exactly("cut", FaultReason::NotACut)?;
                happens(words, External::PowerCut, None, true)?
            }
            "stall" => {
                let line = words.name()?;
                lasts(words, External::Mask { line: line.clone() }, External::Unmask { line })?
            }
            "refuse" => {
                let task = words.name()?;
                lasts(words, External::Refuse { task: task.clone() }, External::Allow { task })?
            }
            "exhaust" | "fragment" => {
                words.exactly("heap", FaultReason::NotTheHeap)?;
                let begin = if word == "exhaust" { External::Exhaust } else { External::Fragment };
                lasts(words, begin, External::Relieve)?
            }
            "nak" => {
                words.exactly("i2c", FaultReason::NotTheBus)?;
                let address = words.address()?;
                let said = end(words, About::Bytes, false)?;
                (What::Nak { address, which: said.which.unwrap_or(ALL) }, said)
            }
            "stick" => {
                words.exactly("i2c", FaultReason::NotTheBus)?;
                lasts(words, External::Stick, External::Free)?
            }
            "flip" => {
                words.exactly("storage", FaultReason::NotTheStorage)?;
                words.exactly("read", FaultReason::NotARead)?;
                operations(words, External::Flip, true)?
            }
            "fail" => {
                words.exactly("storage", FaultReason::NotTheStorage)?;
                operations(words, External::Fail, false)?
            }
            "rot" => {
                words.exactly("storage", FaultReason::NotTheStorage)?;
                happens(words, External::Rot, None, true)?
            }
            _ => return Err(words.wrong(FaultReason::NotAFault)),
        };
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        Ok(Self {
            text,
            what,
            from: said.from.unwrap_or(Duration::ZERO),
            until: said.until.map(|(_, until)| until),
        })
    }
}

fn bytes(
    words: &mut Words<'_>,
    either_way: bool,
    action: impl FnOnce(&mut Words<'_>) -> Result<Action, FaultError>,
) -> Result<(What, Said), FaultError> {
    let uart = words.uart()?;
    let direction = |word: &str| match word {
        "rx" => Some(true),
        "tx" => Some(false),
        _ => None,
    };
    let to_machine = if either_way { words.value(FaultReason::NotADirection, direction)? } else { true };
    let action = action(words)?;
    let said = end(words, About::Bytes, false)?;
    let which = said.which.unwrap_or(ALL);
    Ok((What::Bytes { uart, to_machine, action, which }, said))
}

fn operations(
    words: &mut Words<'_>,
    external: External,
    reads_only: bool,
) -> Result<(What, Said), FaultError> {
    let said = end(words, About::Bytes, false)?;
    let which = said.which.unwrap_or(ALL);
    Ok((What::Storage { external, reads_only, which }, said))
}

fn happens(
    words: &mut Words<'_>,
    begin: External,
    end_with: Option<External>,
    at_events: bool,
) -> Result<(What, Said), FaultError> {
    let about = if end_with.is_some() { About::While } else { About::When };
    let mut said = end(words, about, at_events)?;
    if let Some(When::Every(span)) = said.when {
        let from = *said.from.get_or_insert(span);
        if let Some((at, until)) = said.until
            && until <= from
        {
            words.last = at;
            return Err(words.wrong(FaultReason::EndsBeforeItBegins));
        }
    }
    let when = match (about, said.when) {
        (About::While, _) => When::Once,
        (_, Some(when)) => when,
        (_, None) => return Err(words.wrong(FaultReason::NoTime)),
    };
    Ok((What::Happens { begin, end: end_with, when }, said))
}

/// Reads the end of a rule: which bytes, or when, or how long.
fn end(words: &mut Words<'_>, about: About, at_events: bool) -> Result<Said, FaultError> {
    let mut said = Said::default();
    while let Some(word) = words.next() {
        let at = words.last;
        let twice = match (about, word) {
            (About::Bytes, "rate") => {
                said.which.replace(Which::PerMillion(words.value(FaultReason::NotARate, rate)?)).is_some()
            }
            (About::Bytes, "nth") => said.which.replace(Which::Nth(words.count()?)).is_some(),
            (About::Bytes, "every") => said.which.replace(Which::Every(words.count()?)).is_some(),
            (About::When, "every") => said.when.replace(When::Every(words.span()?)).is_some(),
            (About::When, "at") => {
                let (time, last) = (words.at, words.last);
                let event = at_events && words.next() == Some("event");
                let when = if event {
                    When::Event(words.count()?)
                } else {
                    (words.at, words.last) = (time, last);
                    When::Once
                };
                if when == When::Once && said.from.replace(words.time()?).is_some() {
                    true
                } else {
                    said.when.replace(when).is_some()
                }
            }
            // A single time has no beginning and no end.
            (About::When, "from" | "until") if matches!(said.when, Some(When::Once | When::Event(_))) => true,
            (_, "from") => said.from.replace(words.time()?).is_some(),
            (_, "until") => {
                let until = words.time()?;
                if until <= said.from.unwrap_or(Duration::ZERO) {
                    return Err(words.wrong(FaultReason::EndsBeforeItBegins));
                }
                said.until.replace((words.last, until)).is_some()
            }
            _ => {
                return Err(words.wrong(match about {
                    About::Bytes => FaultReason::NotABytesWord,
                    About::While => FaultReason::NotAWhileWord,
                    About::When => FaultReason::NotAWhenWord,
                }));
            }
        };
        if twice {
            words.last = at;
            return Err(words.wrong(FaultReason::Twice));
        }
        if said.until.is_some_and(|(_, until)| said.from.is_some_and(|from| until <= from)) {
            return Err(words.wrong(FaultReason::EndsBeforeItBegins));
        }
    }
    Ok(said)
}

/// A rate, in millionths.
pub(crate) fn rate(word: &str) -> Option<u32> {
    let (number, unit) = match (word.strip_suffix('%'), word.strip_suffix("permille")) {
        (Some(number), _) => (number, 10_000),
        (_, Some(number)) => (number, 1_000),
        _ => return None,
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) {
        return None;
    }
    let mut rate = whole.parse::<u32>().ok()?.checked_mul(unit)?;
    let mut place = unit;
    for digit in fraction.chars() {
        place /= 10;
        rate = rate.checked_add(place * digit.to_digit(10)?)?;
    }
    (1..=1_000_000).contains(&rate).then_some(rate)
}
