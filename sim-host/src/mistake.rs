//! Mistakes in texts that people write: where, what, and what would be right.

use std::fmt;

/// All mistakes that were found in a text, in the order of its lines. `R` says what can be wrong with such a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistakes<R> {
    /// The text's name, which is its file's.
    pub name: String,
    /// The mistakes; at least one.
    pub mistakes: Vec<Mistake<R>>,
}

/// A mistake in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake<R> {
    /// The line, counted from 1.
    pub line: usize,
    /// The column, in characters, counted from 1.
    pub column: usize,
    /// The line's text.
    pub text: String,
    /// What is wrong there.
    pub reason: R,
}

impl<R: fmt::Display> fmt::Display for Mistakes<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, Mistake { line, column, text, reason }) in self.mistakes.iter().enumerate() {
            if number > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{}:{line}:{column}: {reason}\n{}", self.name, pointed(text, *column))?;
        }
        Ok(())
    }
}

impl<R: fmt::Debug + fmt::Display> std::error::Error for Mistakes<R> {}

/// A place in a text: line and column in characters, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

impl Place {
    /// The place of a byte of a line.
    pub(crate) fn of_byte(line: usize, text: &str, byte: usize) -> Self {
        Self { line, column: text.get(..byte).unwrap_or_default().chars().count() + 1 }
    }
}

/// A text that was read, and its name: what mistakes are told by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Source {
    pub(crate) name: String,
    lines: Vec<String>,
}

impl Source {
    pub(crate) fn new(name: &str, text: &str) -> Self {
        Self { name: name.to_owned(), lines: text.lines().map(str::to_owned).collect() }
    }

    /// The text of a line, counted from 1.
    pub(crate) fn line(&self, number: usize) -> &str {
        number.checked_sub(1).and_then(|index| self.lines.get(index)).map_or("", String::as_str)
    }

    /// The beginning of the last line, where something is missing that the text should have.
    pub(crate) fn end(&self) -> Place {
        Place { line: self.lines.len().max(1), column: 1 }
    }

    pub(crate) fn mistake<R>(&self, Place { line, column }: Place, reason: R) -> Mistake<R> {
        Mistake { line, column, text: self.line(line).to_owned(), reason }
    }

    /// The text is as it should be, unless there are mistakes.
    pub(crate) fn judge<R>(&self, mistakes: Vec<Mistake<R>>) -> Result<(), Mistakes<R>> {
        if mistakes.is_empty() { Ok(()) } else { Err(Mistakes { name: self.name.clone(), mistakes }) }
    }
}

/// A line, and a caret below a column of it.
pub(crate) fn pointed(text: &str, column: usize) -> String {
    // A tab stays one, so that the caret is below its character.
    let before = text.chars().take(column.saturating_sub(1));
    let blank: String = before.map(|character| if character == '\t' { '\t' } else { ' ' }).collect();
    format!("    {text}\n    {blank}^")
}

/// Words as a sentence lists them: `a, b and c`.
pub(crate) fn listed(words: &[impl fmt::Display]) -> String {
    let mut text = String::new();
    for (number, word) in words.iter().enumerate() {
        text += match number {
            0 => "",
            _ if number + 1 == words.len() => " and ",
            _ => ", ",
        };
        text += &word.to_string();
    }
    text
}

/// The word that is most like another one, if one is like it.
pub(crate) fn near<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    // A letter in three may be wrong.
    let limit = word.chars().count().div_ceil(3);
    let distances = known.into_iter().map(|known| (strsim::damerau_levenshtein(word, known), known));
    distances.filter(|(distance, _)| *distance <= limit).min().map(|(_, known)| known.to_owned())
}
