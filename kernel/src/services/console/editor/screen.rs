//! The row of the terminal that shows the prompt and the line.
//!
//! ```text
//!  column 0                                           columns - 1
//!  │ prompt │ characters first .. first + window     │ never written │
//! ```
//!
//! The line keeps to one row: a line longer than the row is seen through a window that follows the cursor. So a
//! redraw costs one row at most, however long the line, and nothing ever wraps. The last column stays empty,
//! because terminals disagree on where the cursor stands after writing there.
//!
//! Only what changed is drawn: a character typed at the end of the line costs itself and nothing more.

use core::fmt::{self, Write};

use super::{COLUMNS_MAX, COLUMNS_MIN, PROMPT_LIMIT};

#[derive(Debug)]
pub(super) struct Screen {
    prompt: &'static str,
    /// Columns that the prompt takes.
    margin: usize,
    /// Characters of the line that fit in the row.
    window: usize,
    /// The first character of the line that is shown.
    first: usize,
    /// How many characters of the line are shown.
    shown: usize,
    /// The column where the terminal's cursor is.
    at: usize,
}

impl Screen {
    pub(super) fn new(prompt: &'static str, columns: usize) -> Self {
        assert!(prompt.len() <= PROMPT_LIMIT, "the prompt is too long");
        let mut screen =
            Self { prompt, margin: prompt.chars().count(), window: 0, first: 0, shown: 0, at: 0 };
        screen.set_columns(columns);
        screen
    }

    pub(super) fn set_columns(&mut self, columns: usize) {
        self.window = columns.clamp(COLUMNS_MIN, COLUMNS_MAX) - 1 - self.margin;
    }

    /// Columns that may be written.
    pub(super) fn width(&self) -> usize {
        self.margin + self.window
    }

    /// Draws the whole row anew, wherever in it the cursor is.
    pub(super) fn redraw(&mut self, text: &str, cursor: usize, out: &mut Sink<'_>) {
        out.text("\r");
        out.text(self.prompt);
        self.at = self.margin;
        // What the row held before is unknown: everything behind the line is to be erased.
        self.shown = usize::MAX;
        self.update(text, cursor, 0, out);
    }

    /// Brings the row up to date after `text` has changed from byte `from` on.
    pub(super) fn update(&mut self, text: &str, cursor: usize, from: usize, out: &mut Sink<'_>) {
        let cursor = characters(text, cursor);
        let total = text.chars().count();
        let from =
            if self.follow(cursor, total) { self.first } else { characters(text, from).max(self.first) };
        let behind = self.first + self.window;
        let end = total.clamp(self.first, behind);
        if from < end {
            self.go(from, out);
            for c in text.chars().take(end).skip(from) {
                out.char(c);
            }
            self.at += end - from;
        }
        let shown = end - self.first;
        if shown < self.shown {
            self.go(end, out);
            out.text("\x1b[K");
        }
        self.shown = shown;
        self.go(cursor, out);
    }

    /// Goes on to the next row, after writing `mark` behind the line, or over its end where the row is full.
    pub(super) fn leave(&mut self, mark: &str, out: &mut Sink<'_>) {
        if !mark.is_empty() {
            let room = self.window.saturating_sub(mark.len());
            self.go(self.first + self.shown.min(room), out);
        }
        out.text(mark);
        out.text("\r\n");
        self.forget();
    }

    /// Empties the row.
    pub(super) fn erase(&mut self, out: &mut Sink<'_>) {
        out.text("\r\x1b[K");
        self.forget();
    }

    /// The row is empty and the cursor at its beginning.
    pub(super) fn forget(&mut self) {
        self.first = 0;
        self.shown = 0;
        self.at = 0;
    }

    /// Moves the window if the cursor has left it or the line fits in it. Answers whether it moved.
    fn follow(&mut self, cursor: usize, total: usize) -> bool {
        let before = self.first;
        if total <= self.window {
            self.first = 0;
        } else if cursor < before || (cursor == before && before > 0) || cursor > before + self.window {
            // Half a window at a time, or each further key would redraw the row.
            self.first = cursor.saturating_sub(self.window / 2);
        }
        self.first != before
    }

    /// Moves the terminal's cursor to the character `place`, which is in the window.
    fn go(&mut self, place: usize, out: &mut Sink<'_>) {
        let column = self.margin + place - self.first;
        match (column.checked_sub(self.at), self.at.saturating_sub(column)) {
            (Some(0), _) => {}
            (Some(right), _) => out.format(format_args!("\x1b[{right}C")),
            (None, 1) => out.text("\x08"),
            (None, left) => out.format(format_args!("\x1b[{left}D")),
        }
        self.at = column;
    }
}

/// Where the row is written to. A sink that fails loses text, and nothing here depends on it.
pub(super) struct Sink<'a>(pub(super) &'a mut dyn Write);

impl Sink<'_> {
    pub(super) fn text(&mut self, text: &str) {
        self.format(format_args!("{text}"));
    }

    pub(super) fn char(&mut self, c: char) {
        self.format(format_args!("{c}"));
    }

    pub(super) fn format(&mut self, text: fmt::Arguments<'_>) {
        // The caller who made the sink knows that it is full or closed; the next redraw mends the row.
        let _ = self.0.write_fmt(text);
    }
}

/// How many characters precede byte `place`.
fn characters(text: &str, place: usize) -> usize {
    text.get(..place).unwrap_or(text).chars().count()
}
