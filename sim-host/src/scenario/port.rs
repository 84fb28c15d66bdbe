//! What a serial port has said: as text for expectations, as a screen for people.

use std::num::NonZeroU16;

use super::pattern::Pattern;

/// Bytes of a port's output that expectations look at.
pub const KEPT: usize = 64 * 1024;
/// Bytes of output that a screenshot is made of: what is older has scrolled away.
const SCREENED: usize = 64 * 1024;
/// The height of the terminal at each port.
pub const ROWS: u16 = 24;
/// The width of the terminal at each port.
pub const COLUMNS: u16 = 80;
/// Lines of output that are told with a failure.
const TOLD: usize = 10;

/// The far end of a serial port.
#[derive(Default)]
pub(super) struct Port {
    text: Text,
    escapes: vte::Parser,
    /// Where what no expectation has seen begins.
    seen: usize,
    /// Output has come since it was looked at.
    fresh: bool,
    raw: Vec<u8>,
}

/// Output without escape sequences and carriage returns.
#[derive(Default)]
struct Text(String);

impl vte::Perform for Text {
    fn print(&mut self, character: char) {
        self.0.push(character);
    }

    fn execute(&mut self, byte: u8) {
        if matches!(byte, b'\n' | b'\t') {
            self.0.push(byte.into());
        }
    }
}

impl Port {
    /// More output has come.
    pub(super) fn hear(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        self.escapes.advance(&mut self.text, bytes);
        self.fresh = true;
        let text = &mut self.text.0;
        if text.len() > 2 * KEPT {
            let cut = text.ceil_char_boundary(text.len() - KEPT);
            text.drain(..cut);
            self.seen = self.seen.saturating_sub(cut);
        }
        self.raw.extend(bytes);
        if self.raw.len() > 2 * SCREENED {
            self.raw.drain(..self.raw.len() - SCREENED);
        }
    }

    /// The next look is at all that was not seen, and not only when more comes.
    pub(super) fn look_again(&mut self) {
        self.fresh = true;
    }

    /// Finds a pattern in what was not seen; what was found, and all before it, is seen then if it is to be.
    pub(super) fn find(&mut self, pattern: &Pattern, see: bool) -> Option<&str> {
        if !std::mem::take(&mut self.fresh) {
            return None;
        }
        let from = self.seen.max(self.text.0.len().saturating_sub(KEPT));
        let from = self.text.0.ceil_char_boundary(from);
        let unseen = self.text.0.get(from..)?;
        let found = pattern.find(unseen)?;
        if see {
            self.seen = from + found.end;
        }
        unseen.get(found)
    }

    /// The last lines, and whether nothing of them is new to expectations.
    pub(super) fn last(&self) -> (Vec<String>, bool) {
        let lines: Vec<&str> = self.text.0.lines().collect();
        let first = lines.len().saturating_sub(TOLD);
        let last = lines.get(first..).unwrap_or_default();
        (last.iter().map(|line| (*line).to_owned()).collect(), self.seen == self.text.0.len())
    }

    /// What the user sees: the screen's rows, without blanks at their ends and empty ones at its end.
    pub(super) fn screen(&self) -> Vec<String> {
        let size = |size| NonZeroU16::new(size).unwrap_or(NonZeroU16::MIN);
        let mut terminal = vt100::Parser::new(size(ROWS), size(COLUMNS), 0);
        terminal.process(&self.raw);
        let rows = terminal.screen().rows(0, COLUMNS);
        let mut rows: Vec<String> = rows.map(|row| row.trim_end().to_owned()).collect();
        while rows.pop_if(|row| row.is_empty()).is_some() {}
        rows
    }
}
