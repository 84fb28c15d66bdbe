//! Quoting: how strings, characters, bytes and names are printed so that they can be read back.
//!
//! Nothing printed here can move a terminal's cursor or turn its text around: control characters and invisible
//! formatting characters are always escaped.

use core::fmt;

/// Prints `text` between two of `quote`.
pub(super) fn quoted(text: &str, quote: char, out: &mut dyn fmt::Write) -> fmt::Result {
    out.write_char(quote)?;
    for char in text.chars() {
        escaped(char, quote, out)?;
    }
    out.write_char(quote)
}

/// Prints the name of a field, a variant or a type; quoted if it would not be read back as one word.
pub(super) fn name(name: &str, out: &mut dyn fmt::Write) -> fmt::Result {
    let name = plain(name);
    let is_word = !name.is_empty() && name.bytes().all(is_word) && !name.chars().any(is_unseen);
    if is_word { out.write_str(name) } else { quoted(name, '"', out) }
}

/// A name without the `r#` that lets Rust use a keyword as a name; the schema keeps it.
pub(super) fn plain(name: &str) -> &str {
    name.strip_prefix("r#").unwrap_or(name)
}

/// Whether a byte is part of a word: a name, a number, a string without quotes.
pub(super) fn is_word(byte: u8) -> bool {
    !matches!(
        byte,
        0..=b' '
            | 0x7f
            | b','
            | b':'
            | b'='
            | b';'
            | b'('
            | b')'
            | b'['
            | b']'
            | b'{'
            | b'}'
            | b'"'
            | b'\''
            | b'\\'
    )
}

/// Prints a byte array: as text if most of it is, otherwise as hexadecimal digits.
pub(super) fn bytes(bytes: &[u8], out: &mut dyn fmt::Write) -> fmt::Result {
    let readable = bytes.iter().filter(|byte| matches!(byte, b' '..=b'~' | b'\n' | b'\r' | b'\t')).count();
    if bytes.len() > 2 * readable {
        out.write_str("x\"")?;
        for byte in bytes {
            hex(*byte, out)?;
        }
    } else {
        out.write_str("b\"")?;
        for byte in bytes {
            match byte {
                0..=0x7f => escaped(char::from(*byte), '"', out)?,
                _ => {
                    out.write_str("\\x")?;
                    hex(*byte, out)?;
                }
            }
        }
    }
    out.write_char('"')
}

fn escaped(char: char, quote: char, out: &mut dyn fmt::Write) -> fmt::Result {
    match char {
        '\n' => out.write_str("\\n"),
        '\r' => out.write_str("\\r"),
        '\t' => out.write_str("\\t"),
        '\0' => out.write_str("\\0"),
        '\\' => out.write_str("\\\\"),
        _ if char == quote => {
            out.write_char('\\')?;
            out.write_char(quote)
        }
        '\u{1}'..='\u{1f}' | '\u{7f}' => {
            out.write_str("\\x")?;
            hex(char as u8, out)
        }
        _ if is_unseen(char) => write!(out, "\\u{{{:x}}}", u32::from(char)),
        _ => out.write_char(char),
    }
}

/// Whether a character would change how its neighbours show instead of showing itself.
fn is_unseen(char: char) -> bool {
    matches!(
        char,
        '\u{80}'..='\u{9f}'
            | '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

fn hex(byte: u8, out: &mut dyn fmt::Write) -> fmt::Result {
    write!(out, "{byte:02x}")
}
