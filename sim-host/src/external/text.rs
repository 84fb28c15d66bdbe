//! What happens from outside as a line of text, and back.

use std::{
    fmt::{self, Write as _},
    str::FromStr,
};

use super::{Drive, External};

/// Why a line says nothing that can happen.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExternalError {
    /// The line is empty.
    Nothing,
    /// It begins with a word that nothing begins with.
    UnknownWord {
        /// The word.
        word: String,
    },
    /// A UART is missing, or it is not called `uart` and a number.
    NotAUart,
    /// Bytes are missing, or not in quotes as they should be.
    NotBytes,
    /// There must be one byte.
    NotOneByte,
    /// A pin's number is missing, or none.
    NotAPin,
    /// A pin is driven in another way.
    NotADrive,
    /// The name of an interrupt line is missing.
    NotALine,
    /// The name of a task is missing.
    NotATask,
    /// There is more on the line than there should be.
    TooMuch {
        /// What there is.
        rest: String,
    },
}

impl fmt::Display for ExternalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("nothing to do on this line"),
            Self::UnknownWord { word } => {
                write!(
                    f,
                    "`{word}` is none of send, garble, break, overrun, end, pin, interrupt, mask, unmask, kill, \
                     refuse, allow, exhaust heap, fragment heap, relieve heap, flip storage, fail storage, rot storage \
                     and power cut"
                )
            }
            Self::NotAUart => f.write_str("name a serial port as `uart0`"),
            Self::NotBytes => {
                f.write_str(r#"write bytes in quotes, with \n, \r, \t, \\, \" and \x00 for what is no text"#)
            }
            Self::NotOneByte => f.write_str(r#"one byte belongs there, such as "x""#),
            Self::NotAPin => f.write_str("name a pin by its number, such as `pin 3`"),
            Self::NotADrive => f.write_str("a pin is driven `high` or `low`, or is `released`"),
            Self::NotATask => f.write_str("name a task, such as `kill echo`; the console's `ps` lists them"),
            Self::NotALine => f.write_str("name an interrupt line, such as `interrupt button`"),
            Self::TooMuch { rest } => write!(f, "`{rest}` is too much on this line"),
        }
    }
}

impl std::error::Error for ExternalError {}

impl fmt::Display for External {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes { uart, bytes } => write!(f, "send uart{uart} {}", Quoted(bytes)),
            Self::Garbled { uart } => write!(f, "garble uart{uart}"),
            Self::Break { uart } => write!(f, "break uart{uart}"),
            Self::Overrun { uart, byte } => write!(f, "overrun uart{uart} {}", Quoted(&[*byte])),
            Self::EndOfInput { uart } => write!(f, "end uart{uart}"),
            Self::Pin { pin, drive } => write!(
                f,
                "pin {pin} {}",
                match drive {
                    Drive::High => "high",
                    Drive::Low => "low",
                    Drive::Released => "released",
                }
            ),
            Self::Interrupt { line } => write!(f, "interrupt {line}"),
            Self::Kill { task } => write!(f, "kill {task}"),
            Self::Mask { line } => write!(f, "mask {line}"),
            Self::Unmask { line } => write!(f, "unmask {line}"),
            Self::Refuse { task } => write!(f, "refuse {task}"),
            Self::Allow { task } => write!(f, "allow {task}"),
            Self::Exhaust => f.write_str("exhaust heap"),
            Self::Fragment => f.write_str("fragment heap"),
            Self::Relieve => f.write_str("relieve heap"),
            Self::Flip => f.write_str("flip storage"),
            Self::Fail => f.write_str("fail storage"),
            Self::Rot => f.write_str("rot storage"),
            Self::PowerCut => f.write_str("power cut"),
        }
    }
}

impl FromStr for External {
    type Err = ExternalError;

    fn from_str(line: &str) -> Result<Self, ExternalError> {
        let (word, rest) = split_word(line);
        match word {
            "" => Err(ExternalError::Nothing),
            "send" => {
                let (uart, rest) = uart(rest)?;
                Ok(Self::Bytes { uart, bytes: all_quoted(rest)? })
            }
            "garble" => only_uart(rest).map(|uart| Self::Garbled { uart }),
            "break" => only_uart(rest).map(|uart| Self::Break { uart }),
            "end" => only_uart(rest).map(|uart| Self::EndOfInput { uart }),
            "overrun" => {
                let (uart, rest) = uart(rest)?;
                match all_quoted(rest)?.as_slice() {
                    [byte] => Ok(Self::Overrun { uart, byte: *byte }),
                    _ => Err(ExternalError::NotOneByte),
                }
            }
            "pin" => pin(rest),
            "interrupt" => only_name(rest, ExternalError::NotALine).map(|line| Self::Interrupt { line }),
            "mask" => only_name(rest, ExternalError::NotALine).map(|line| Self::Mask { line }),
            "unmask" => only_name(rest, ExternalError::NotALine).map(|line| Self::Unmask { line }),
            "kill" => only_name(rest, ExternalError::NotATask).map(|task| Self::Kill { task }),
            "refuse" => only_name(rest, ExternalError::NotATask).map(|task| Self::Refuse { task }),
            "allow" => only_name(rest, ExternalError::NotATask).map(|task| Self::Allow { task }),
            "exhaust" | "fragment" | "relieve" if split_word(rest).0 == "heap" => {
                nothing_more(split_word(rest).1)?;
                Ok(match word {
                    "exhaust" => Self::Exhaust,
                    "fragment" => Self::Fragment,
                    _ => Self::Relieve,
                })
            }
            "flip" | "fail" | "rot" if split_word(rest).0 == "storage" => {
                nothing_more(split_word(rest).1)?;
                Ok(match word {
                    "flip" => Self::Flip,
                    "fail" => Self::Fail,
                    _ => Self::Rot,
                })
            }
            "power" if split_word(rest).0 == "cut" => {
                nothing_more(split_word(rest).1)?;
                Ok(Self::PowerCut)
            }
            unknown => Err(ExternalError::UnknownWord { word: unknown.to_owned() }),
        }
    }
}

fn pin(rest: &str) -> Result<External, ExternalError> {
    let (number, rest) = split_word(rest);
    let pin = number.parse().map_err(|_| ExternalError::NotAPin)?;
    let (drive, rest) = split_word(rest);
    let drive = match drive {
        "high" => Drive::High,
        "low" => Drive::Low,
        "released" => Drive::Released,
        _ => return Err(ExternalError::NotADrive),
    };
    nothing_more(rest)?;
    Ok(External::Pin { pin, drive })
}

fn uart(rest: &str) -> Result<(usize, &str), ExternalError> {
    let (name, rest) = split_word(rest);
    Ok((uart_number(name).ok_or(ExternalError::NotAUart)?, rest))
}

fn only_uart(rest: &str) -> Result<usize, ExternalError> {
    let (uart, rest) = uart(rest)?;
    nothing_more(rest)?;
    Ok(uart)
}

fn only_name(rest: &str, missing: ExternalError) -> Result<String, ExternalError> {
    let (name, rest) = split_word(rest);
    if name.is_empty() {
        return Err(missing);
    }
    nothing_more(rest)?;
    Ok(name.to_owned())
}

/// The number of a UART's name.
pub(crate) fn uart_number(name: &str) -> Option<usize> {
    name.strip_prefix("uart").filter(|number| number.bytes().all(|byte| byte.is_ascii_digit()))?.parse().ok()
}

fn all_quoted(text: &str) -> Result<Vec<u8>, ExternalError> {
    let (bytes, rest) = Quoted::parse(text).ok_or(ExternalError::NotBytes)?;
    nothing_more(rest)?;
    Ok(bytes)
}

fn nothing_more(rest: &str) -> Result<(), ExternalError> {
    match rest.trim() {
        "" => Ok(()),
        rest => Err(ExternalError::TooMuch { rest: rest.to_owned() }),
    }
}

/// The first word of a line, and what comes after it.
pub(crate) fn split_word(line: &str) -> (&str, &str) {
    let line = line.trim_start();
    let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    (word, rest.trim_start())
}

/// Bytes in quotes: printable ASCII as it is, all else escaped.
///
/// ```
/// use sim_host::external::Quoted;
///
/// assert_eq!(Quoted(b"say \"hi\"\n\x04").to_string(), r#""say \"hi\"\n\x04""#);
/// assert_eq!(Quoted::parse(r#""a\x00\t" b"#), Some((b"a\0\t".to_vec(), " b")));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quoted<'a>(pub &'a [u8]);

impl Quoted<'_> {
    /// Reads quoted bytes at the beginning of a text; returns them and what comes after the closing quote.
    pub fn parse(text: &str) -> Option<(Vec<u8>, &str)> {
        let mut rest = text.strip_prefix('"')?;
        let mut bytes = Vec::new();
        loop {
            let mut chars = rest.chars();
            let byte = match chars.next()? {
                '"' => return Some((bytes, chars.as_str())),
                '\\' => match chars.next()? {
                    'n' => b'\n',
                    'r' => b'\r',
                    't' => b'\t',
                    'x' => {
                        let mut digit = || chars.next()?.to_digit(16);
                        let (high, low) = (digit()?, digit()?);
                        u8::try_from(high * 16 + low).ok()?
                    }
                    escaped @ ('\\' | '"' | '\'') => u8::try_from(escaped).ok()?,
                    _ => return None,
                },
                // Text beyond ASCII is taken as its UTF-8.
                plain => {
                    bytes.extend(plain.encode_utf8(&mut [0; 4]).bytes());
                    rest = chars.as_str();
                    continue;
                }
            };
            bytes.push(byte);
            rest = chars.as_str();
        }
    }
}

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for byte in self.0 {
            match byte {
                b'\'' => f.write_char('\'')?,
                byte => byte.escape_ascii().fmt(f)?,
            }
        }
        f.write_char('"')
    }
}
