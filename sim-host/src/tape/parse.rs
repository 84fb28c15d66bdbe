//! Reads tapes, and refuses what is none.

use std::fmt;

use kernel::time::Instant;

use super::{Mark, NAME, Note, Tape, VERSION};
use crate::{
    digest::NotADigest,
    external::{ExternalError, split_word},
    observed::NotObserved,
};

/// Why a tape is refused, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TapeError {
    /// The line, counted from 1.
    pub line: usize,
    /// Where the line begins: bytes from the start of the tape.
    pub byte: usize,
    /// What is wrong with it.
    pub fault: Fault,
}

/// What is wrong with a line of a tape.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The tape does not begin as tapes do.
    NotATape,
    /// It is of another version.
    Version {
        /// Which it says it is.
        found: String,
    },
    /// It ends here, before its end.
    Truncated,
    /// It goes on behind its end.
    AfterTheEnd,
    /// It is not text.
    NotText,
    /// The head has `option NAME VALUE` and `begin`, and no other lines.
    NotAnOption,
    /// A line of the body begins with a step and a time.
    NotAStep,
    /// The step or the time goes back.
    OutOfOrder,
    /// The word after step and time is none.
    UnknownWord {
        /// The word.
        word: String,
    },
    /// What happens from outside is not written as it should be.
    Input(ExternalError),
    /// What the machine did is not written as it should be.
    Output(NotObserved),
    /// A digest is not written as it should be.
    Digest(NotADigest),
    /// There is more on the line than there should be.
    TooMuch,
}

impl fmt::Display for TapeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {} (byte {}): {}", self.line, self.byte, self.fault)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotATape => write!(f, "this is no tape: one begins with `{NAME} {VERSION}`"),
            Self::Version { found } => {
                write!(
                    f,
                    "the tape is of version {found}, and version {VERSION} can be replayed: record it anew"
                )
            }
            Self::Truncated => {
                f.write_str("the tape is cut off here: its recording did not end, or its copy is not whole")
            }
            Self::AfterTheEnd => f.write_str("the tape goes on behind its end"),
            Self::NotText => f.write_str("the tape is damaged: a line of a tape is ASCII text"),
            Self::NotAnOption => f.write_str("the tape is damaged: here is `option NAME VALUE`, or `begin`"),
            Self::NotAStep => f.write_str(
                "the tape is damaged: a line begins with the number of a step and a time in microseconds",
            ),
            Self::OutOfOrder => f.write_str("the tape is damaged: the step or its time goes back"),
            Self::UnknownWord { word } => {
                write!(f, "the tape is damaged: `{word}` is none of clock, >, <, digest, reboot and end")
            }
            Self::Input(error) => write!(f, "the tape is damaged: {error}"),
            Self::Output(error) => write!(f, "the tape is damaged: {error}"),
            Self::Digest(error) => write!(f, "the tape is damaged: {error}"),
            Self::TooMuch => f.write_str("the tape is damaged: there is too much on this line"),
        }
    }
}

impl std::error::Error for TapeError {}

/// The lines of a tape, and where they are.
struct Lines<'a> {
    rest: &'a [u8],
    line: usize,
    byte: usize,
    next_byte: usize,
}

impl<'a> Lines<'a> {
    /// The next line, without its end. The last one must have one, too.
    fn next(&mut self) -> Result<Option<&'a str>, TapeError> {
        self.line += 1;
        self.byte = self.next_byte;
        if self.rest.is_empty() {
            return Ok(None);
        }
        let end =
            self.rest.iter().position(|byte| *byte == b'\n').ok_or_else(|| self.wrong(Fault::Truncated))?;
        let (line, rest) = self.rest.split_at(end);
        self.rest = rest.get(1..).unwrap_or_default();
        self.next_byte += end + 1;
        let text = line.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ');
        let line = text.then(|| str::from_utf8(line).ok()).flatten();
        line.map(Some).ok_or_else(|| self.wrong(Fault::NotText))
    }

    fn wrong(&self, fault: Fault) -> TapeError {
        TapeError { line: self.line, byte: self.byte, fault }
    }
}

impl Tape {
    /// Reads a tape.
    ///
    /// # Errors
    ///
    /// When it is not whole, or is none, with the place.
    pub fn parse(bytes: &[u8]) -> Result<Self, TapeError> {
        let mut lines = Lines { rest: bytes, line: 0, byte: 0, next_byte: 0 };
        check_name(&mut lines)?;
        let options = parse_head(&mut lines)?;
        let mut notes: Vec<Note> = Vec::new();
        loop {
            let Some(line) = lines.next()? else { return Err(lines.wrong(Fault::Truncated)) };
            let note = parse_note(line, lines.line).map_err(|fault| lines.wrong(fault))?;
            if notes.last().is_some_and(|last| !may_follow(last, &note)) {
                return Err(lines.wrong(Fault::OutOfOrder));
            }
            let ended = matches!(note.mark, Mark::End(_));
            notes.push(note);
            if ended {
                break;
            }
        }
        match lines.rest.is_empty() {
            true => Ok(Self { options, notes }),
            false => {
                let _ = lines.next();
                Err(lines.wrong(Fault::AfterTheEnd))
            }
        }
    }
}

fn check_name(lines: &mut Lines<'_>) -> Result<(), TapeError> {
    // A file that is no text at all is no tape, rather than a damaged one.
    let begins =
        lines.rest.strip_prefix(NAME.as_bytes()).is_some_and(|rest| rest.first().is_none_or(|b| *b == b' '));
    let line = if begins || lines.rest.is_empty() { lines.next()? } else { None };
    let (_, version) = match line {
        Some(line) => split_word(line),
        None => return Err(TapeError { line: 1, byte: 0, fault: Fault::NotATape }),
    };
    match version.parse() == Ok(VERSION) {
        true => Ok(()),
        false => Err(lines.wrong(Fault::Version { found: version.to_owned() })),
    }
}

fn parse_head(lines: &mut Lines<'_>) -> Result<Vec<(String, String)>, TapeError> {
    let mut options = Vec::new();
    loop {
        let line = lines.next()?.ok_or_else(|| lines.wrong(Fault::Truncated))?;
        let (word, rest) = split_word(line);
        match (word, split_word(rest)) {
            ("begin", ("", "")) => return Ok(options),
            ("option", (name, value)) if !name.is_empty() => {
                options.push((name.to_owned(), value.to_owned()))
            }
            _ => return Err(lines.wrong(Fault::NotAnOption)),
        }
    }
}

fn parse_note(text: &str, line: usize) -> Result<Note, Fault> {
    let (step, rest) = split_word(text);
    let (at_us, rest) = split_word(rest);
    let number = |text: &str| match text.bytes().all(|byte| byte.is_ascii_digit()) {
        true => text.parse().map_err(|_| Fault::NotAStep),
        false => Err(Fault::NotAStep),
    };
    let (step, at) = (number(step)?, Instant::from_micros(number(at_us)?));
    let (word, rest) = split_word(rest);
    let alone = |mark| if rest.is_empty() { Ok(mark) } else { Err(Fault::TooMuch) };
    let mark = match word {
        "clock" => alone(Mark::Clock)?,
        "reboot" => alone(Mark::Reboot)?,
        ">" => Mark::Input(rest.parse().map_err(Fault::Input)?),
        "<" => Mark::Output(rest.parse().map_err(Fault::Output)?),
        "digest" => Mark::Digest(rest.parse().map_err(Fault::Digest)?),
        "end" => Mark::End(rest.parse().map_err(Fault::Digest)?),
        unknown => return Err(Fault::UnknownWord { word: unknown.to_owned() }),
    };
    Ok(Note { line, step, at, mark })
}

/// Steps go on, and within one their beginning comes first. Time goes on but for a reboot.
fn may_follow(last: &Note, note: &Note) -> bool {
    let step = if note.mark.begins_step() && !last.mark.begins_step() {
        note.step > last.step
    } else {
        note.step >= last.step
    };
    step && (note.at >= last.at || last.mark == Mark::Reboot)
}
