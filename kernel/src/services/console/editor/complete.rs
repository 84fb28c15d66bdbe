//! Completion of the word before the cursor.

use core::fmt::Write;

use super::{Editor, LISTING_LIMIT, Mode, line::completes, screen::Sink};

/// What a word may become: a function that calls its argument with each candidate.
///
/// It may run twice, and need not hold its candidates in memory: each is looked at once per run.
pub type Candidates<'c> = dyn Fn(&mut dyn FnMut(&str)) + 'c;

/// What completion did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completion {
    /// No candidate begins with the word.
    Nothing,
    /// One candidate does: the word was completed, and a space follows it.
    Whole,
    /// Several do: the word was completed as far as they agree, which may be not at all.
    Part,
    /// Several do, and this was the second Tab: they were listed.
    Listed,
    /// The line has no room for what they agree on.
    TooLong,
}

impl<L: AsRef<[u8]> + AsMut<[u8]>, H: AsRef<[u8]> + AsMut<[u8]>> Editor<L, H> {
    /// The word that is being completed: what stands between the last white space and the cursor.
    pub fn word(&self) -> &str {
        self.line.head().get(self.line.word()..).unwrap_or_default()
    }

    /// What precedes that word: which candidates fit depends on it.
    pub fn before_word(&self) -> &str {
        self.line.head().get(..self.line.word()).unwrap_or_default()
    }

    /// Answers [`Action::Complete`](super::Action::Complete) with the candidates for [`Editor::word`].
    ///
    /// Candidates that do not begin with the word are passed over, as are
    /// those with control characters. The listing leaves out those wider than a row, is cut at [`LISTING_LIMIT`] bytes and says how many it left out. In [`Mode::Plain`] nothing happens.
    ///
    /// All that it writes fits in [`COMPLETION_OUTPUT_LIMIT`](super::COMPLETION_OUTPUT_LIMIT) bytes.
    pub fn complete(&mut self, candidates: &Candidates<'_>, out: &mut dyn Write) -> Completion {
        if self.mode == Mode::Plain || self.finished {
            return Completion::Nothing;
        }
        let out = &mut Sink(out);
        if self.ambiguous {
            self.list(candidates, out);
            return Completion::Listed;
        }
        let from = self.line.cursor();
        let common = self.line.common(candidates);
        if common.count == 0 || common.too_long {
            super::bell(out);
            return if common.count == 0 { Completion::Nothing } else { Completion::TooLong };
        }
        self.line.accept(common);
        self.ambiguous = common.count > 1;
        if self.ambiguous {
            if common.is_empty() {
                super::bell(out);
            }
        } else if !self.line.tail().starts_with(char::is_whitespace) && !self.line.insert(' ') {
            super::bell(out);
        }
        self.draw(from, out);
        if self.ambiguous { Completion::Part } else { Completion::Whole }
    }

    /// Writes the candidates below the line, and the line again below them.
    fn list(&mut self, candidates: &Candidates<'_>, out: &mut Sink<'_>) {
        let width = self.screen.width();
        self.screen.leave("", out);
        let word = self.line.head().get(self.line.word()..).unwrap_or_default();
        let (mut written, mut column, mut left_out) = (0_usize, 0, 0_usize);
        candidates(&mut |candidate| {
            if completes(candidate, word.as_bytes()).is_none() {
                return;
            }
            let characters = candidate.chars().count();
            if characters > width {
                left_out += 1;
                return;
            }
            // Two bytes separate it from its neighbour, be they spaces or the end of a row. The sum only grows:
            // after the first that is left out, all are, and the listing keeps the order of the candidates.
            written = candidate.len().saturating_add(2).saturating_add(written);
            if written > LISTING_LIMIT {
                left_out += 1;
                return;
            }
            if column > 0 {
                let fits = column + 2 + characters <= width;
                out.text(if fits { "  " } else { "\r\n" });
                column = if fits { column + 2 } else { 0 };
            }
            out.text(candidate);
            column += characters;
        });
        out.text("\r\n");
        if left_out > 0 {
            out.format(format_args!("... {left_out} more\r\n"));
        }
        self.screen.redraw(self.line.text(), self.line.cursor(), out);
    }
}
