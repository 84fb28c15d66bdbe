//! What is looked for in output.

use std::{fmt, ops::Range};

use regex::{Regex, RegexBuilder};

use crate::external::Quoted;

/// Bytes of a compiled regular expression, at most.
const COMPILED: usize = 1 << 20;

/// Text, or a regular expression.
#[derive(Debug, Clone)]
pub(super) enum Pattern {
    /// This very text.
    Text(String),
    /// A regular expression, and whether case does not matter.
    Regex(Regex, bool),
}

impl Pattern {
    /// A regular expression; or what is wrong with it.
    pub(super) fn regex(text: &str, any_case: bool) -> Result<Self, String> {
        let regex =
            RegexBuilder::new(text).multi_line(true).case_insensitive(any_case).size_limit(COMPILED).build();
        regex.map(|regex| Self::Regex(regex, any_case)).map_err(|error| {
            let text = error.to_string();
            let last = text.lines().last().unwrap_or_default().trim();
            last.strip_prefix("error: ").unwrap_or(last).to_owned()
        })
    }

    /// Where it is first.
    pub(super) fn find(&self, text: &str) -> Option<Range<usize>> {
        match self {
            Self::Text(wanted) => text.find(wanted).map(|at| at..at + wanted.len()),
            Self::Regex(regex, _) => regex.find(text).map(|found| found.range()),
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => Quoted(text.as_bytes()).fmt(f),
            Self::Regex(regex, any_case) => {
                let text = regex.as_str().replace('/', r"\/");
                write!(f, "/{text}/{}", if *any_case { "i" } else { "" })
            }
        }
    }
}
