//! A command line cut into words, without copying.
//!
//! Words are separated by white space. A word that *begins* with `"` or `'` runs to the next quote of the same
//! kind and may hold white space; the quotes are not part of it, and there are no escapes: to write one kind of
//! quote, use the other. Inside a word a quote is an ordinary character, so `it's` is one plain word.
//!
//! [`Words::rest`] is what no word has been taken from yet, exactly as typed: a command that ends in free text
//! (`call <service> <request>`) takes its words and leaves the rest alone.
//!
//! ```
//! # use kernel::services::console::words::{Words, WordsError};
//! let mut words = Words::new("call 'my echo'  Say { text: \"hi\" }");
//! assert_eq!(words.next(), Some(Ok("call")));
//! assert_eq!(words.next(), Some(Ok("my echo")));
//! assert_eq!(words.rest(), "Say { text: \"hi\" }");
//! ```

use core::{error, fmt, iter::FusedIterator};

/// The words of one line. After an error it yields nothing more.
#[derive(Clone, Debug)]
pub struct Words<'a> {
    line: &'a str,
    /// Where the part not yet looked at begins, in bytes.
    at: usize,
}

/// Why a line cannot be cut into words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WordsError {
    /// A quote was opened and the line ended before it was closed.
    UnclosedQuote {
        /// The quote, `"` or `'`.
        quote: char,
        /// Which character of the line it is, counted from 1.
        column: usize,
    },
    /// A closing quote is followed at once by more text.
    TextAfterQuote {
        /// Which character of the line that text begins at, counted from 1.
        column: usize,
    },
}

impl<'a> Words<'a> {
    /// The words of `line`.
    #[must_use]
    pub fn new(line: &'a str) -> Self {
        Self { line, at: 0 }
    }

    /// What follows the words taken so far, as typed, from its first character that is not white space.
    #[must_use]
    pub fn rest(&self) -> &'a str {
        self.unread().trim_start()
    }

    fn unread(&self) -> &'a str {
        self.line.get(self.at..).unwrap_or_default()
    }

    /// The number, counted from 1, of the character at byte `at`.
    fn column(&self, at: usize) -> usize {
        self.line.get(..at).unwrap_or_default().chars().count() + 1
    }

    fn quoted(&mut self, quote: char, inside: &'a str) -> Result<&'a str, WordsError> {
        let opened = self.line.len() - inside.len() - quote.len_utf8();
        self.at = self.line.len();
        let Some((word, after)) = inside.split_once(quote) else {
            return Err(WordsError::UnclosedQuote { quote, column: self.column(opened) });
        };
        let closed = self.line.len() - after.len();
        if after.starts_with(|next: char| !next.is_whitespace()) {
            return Err(WordsError::TextAfterQuote { column: self.column(closed) });
        }
        self.at = closed;
        Ok(word)
    }
}

impl<'a> Iterator for Words<'a> {
    type Item = Result<&'a str, WordsError>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.rest();
        let first = rest.chars().next()?;
        if matches!(first, '"' | '\'') {
            return Some(self.quoted(first, rest.get(first.len_utf8()..).unwrap_or_default()));
        }
        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        let (word, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
        self.at = self.line.len() - after.len();
        Some(Ok(word))
    }
}

impl FusedIterator for Words<'_> {}

impl fmt::Display for WordsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnclosedQuote { quote, column } => {
                write!(f, "the quote {quote} opened at column {column} is never closed")
            }
            Self::TextAfterQuote { column } => {
                write!(f, "a space is missing after the closing quote, at column {column}")
            }
        }
    }
}

impl error::Error for WordsError {}

#[cfg(test)]
mod tests;
