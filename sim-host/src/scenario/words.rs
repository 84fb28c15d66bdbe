//! The words of a line, and where they are.

use std::str::FromStr as _;

use kernel::time::Duration;

use super::{Reason, pattern::Pattern};
use crate::{
    Span,
    external::Quoted,
    mistake::{Place, near},
};

/// A mistake's place in the line, in bytes, and what it is.
pub(super) type Wrong = (usize, Reason);

/// What is left of a line.
pub(super) struct Words<'a> {
    text: &'a str,
    /// Where the rest begins, in bytes.
    at: usize,
    /// Where the last word began.
    last: usize,
}

impl<'a> Words<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0, last: 0 }
    }

    /// The place of a byte, in a line of this number.
    pub(super) fn place(&self, line: usize, byte: usize) -> Place {
        Place::of_byte(line, self.text, byte)
    }

    /// What comes next, from its first character to the line's end; empty before a comment.
    fn rest(&mut self) -> &'a str {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let trimmed = rest.trim_start();
        self.at += rest.len() - trimmed.len();
        self.last = self.at;
        if trimmed.starts_with('#') { "" } else { trimmed }
    }

    /// The next word; empty at the end.
    pub(super) fn next(&mut self) -> &'a str {
        let word = self.rest().split(char::is_whitespace).next().unwrap_or_default();
        self.at += word.len();
        word
    }

    /// The next word, which is left where it is.
    pub(super) fn peek(&mut self) -> &'a str {
        let word = self.next();
        self.at = self.last;
        word
    }

    /// All that is left before a comment, and where it begins.
    pub(super) fn all(&mut self) -> (usize, &'a str) {
        let rest = self.rest();
        let (mut quoted, mut escaped, mut blank) = (false, false, true);
        let end = rest.char_indices().find(|(_, character)| {
            let comment = *character == '#' && blank && !quoted;
            quoted ^= *character == '"' && !escaped;
            escaped = quoted && *character == '\\' && !escaped;
            blank = character.is_whitespace();
            comment
        });
        let rest = rest.get(..end.map_or(rest.len(), |(at, _)| at)).unwrap_or_default().trim_end();
        self.at += rest.len();
        (self.last, rest)
    }

    /// The last word is wrong, or what should be there.
    pub(super) fn wrong(&self, reason: Reason) -> Wrong {
        (self.last, reason)
    }

    /// This word must be next.
    pub(super) fn exactly(&mut self, expected: &'static str, wanted: &'static str) -> Result<(), Wrong> {
        self.one_of(&[(expected, ())], wanted)
    }

    /// One of these words must be next.
    pub(super) fn one_of<T: Copy>(
        &mut self,
        words: &[(&'static str, T)],
        wanted: &'static str,
    ) -> Result<T, Wrong> {
        let word = self.next();
        match words.iter().find(|(known, _)| *known == word) {
            Some((_, value)) => Ok(*value),
            None => {
                let near = near(word, words.iter().map(|(known, _)| *known));
                Err(self.wrong(Reason::NotOneOf { word: word.to_owned(), wanted, near }))
            }
        }
    }

    pub(super) fn time(&mut self) -> Result<Duration, Wrong> {
        let word = self.next();
        Span::from_str(word).map(|Span(time)| time).map_err(|_| self.wrong(Reason::NotATime))
    }

    /// Bytes in quotes.
    pub(super) fn bytes(&mut self) -> Result<Vec<u8>, Wrong> {
        let rest = self.rest();
        let (bytes, behind) = Quoted::parse(rest).ok_or(self.wrong(Reason::NotBytes))?;
        self.at += rest.len() - behind.len();
        Ok(bytes)
    }

    /// Text in quotes.
    pub(super) fn text(&mut self) -> Result<String, Wrong> {
        let text = String::from_utf8(self.bytes()?).map_err(|_| self.wrong(Reason::NoText))?;
        let strange = |character: char| character.is_control() && !matches!(character, '\n' | '\t');
        if text.contains(strange) { Err(self.wrong(Reason::NoText)) } else { Ok(text) }
    }

    /// Text in quotes, or a regular expression between slashes.
    pub(super) fn pattern(&mut self) -> Result<Pattern, Wrong> {
        let rest = self.rest();
        if rest.starts_with('"') {
            let text = self.text()?;
            return if text.is_empty() {
                Err(self.wrong(Reason::EmptyPattern))
            } else {
                Ok(Pattern::Text(text))
            };
        }
        let Some(inner) = rest.strip_prefix('/') else { return Err(self.wrong(Reason::NotAPattern)) };
        let mut escaped = false;
        let end = inner.find(|character| {
            let ends = character == '/' && !escaped;
            escaped = character == '\\' && !escaped;
            ends
        });
        let end = end.ok_or(self.wrong(Reason::Unfinished))?;
        let (regex, behind) = inner.split_at(end);
        if regex.is_empty() {
            return Err(self.wrong(Reason::EmptyPattern));
        }
        let any_case = behind.starts_with("/i");
        let pattern = Pattern::regex(&regex.replace(r"\/", "/"), any_case)
            .map_err(|why| self.wrong(Reason::Regex(why)))?;
        self.at += 1 + regex.len() + 1 + usize::from(any_case);
        Ok(pattern)
    }

    /// Nothing may be left.
    pub(super) fn end(&mut self) -> Result<(), Wrong> {
        if self.rest().is_empty() { Ok(()) } else { Err(self.wrong(Reason::TooMuch)) }
    }
}
