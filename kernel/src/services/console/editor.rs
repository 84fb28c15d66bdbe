//! Lines out of a byte stream: typed and edited by a person on a terminal, or plainly read from a script.
//!
//! An [`Editor`] is a state machine without a clock, a heap or anything to wait for: it is fed one byte at a
//! time, writes what a terminal has to show into the sink passed along, and answers what the byte brought. Its
//! buffers are the caller's.
//!
//! ```text
//!           begin            feed: Enter, Ctrl-C, Ctrl-D
//!   (new) ────────▶ editing ─────────────────────────────▶ finished
//!                   ▲  │  feed                               │  line() is what was entered
//!                   └──┘                                     │
//!                   ▲            begin, or the next feed     │
//!                   └────────────────────────────────────────┘
//! ```
//!
//! # Keys, in [`Mode::Terminal`]
//!
//! | key | does |
//! |---|---|
//! | Enter (CR, LF or CR LF) | finishes the line |
//! | Ctrl-C | abandons it |
//! | Ctrl-D | deletes the next character; on an empty line, ends the input |
//! | Left, Ctrl-B; Right, Ctrl-F | one character |
//! | Ctrl-Left, Alt-B; Ctrl-Right, Alt-F | one word |
//! | Home, Ctrl-A; End, Ctrl-E | either end |
//! | Backspace, Delete | delete one character |
//! | Ctrl-W, Alt-Backspace; Ctrl-U; Ctrl-K | delete the word before; everything before; everything behind |
//! | Ctrl-T | exchanges two characters |
//! | Up, Ctrl-P; Down, Ctrl-N | older and newer lines; the line being written is kept meanwhile |
//! | Tab | completes; a second Tab lists what is possible |
//! | Ctrl-L | clears the screen |
//!
//! Other control characters and escape sequences do nothing. What cannot be done (no room, no such line, bytes
//! that are not UTF-8) rings the bell.
//!
//! # Laws
//!
//! * One byte writes at most [`OUTPUT_LIMIT`] bytes; a completion at most [`COMPLETION_OUTPUT_LIMIT`].
//! * [`Mode::Plain`] writes nothing. Each line ends in exactly one of [`Action::Line`] and [`Action::Refused`].
//! * No input makes the memory grow: what exceeds the line's buffer is refused.
//! * A line holds whole UTF-8 characters, and no control characters.
//! * A sink that fails spoils the display until Ctrl-L, never the line.
//! * Every character counts as one column. Wide and combining characters are kept, but shown askew.
//!
//! # Example
//!
//! ```
//! # use kernel::services::console::editor::{Action, Editor, Mode, Storage};
//! let storage = Storage { line: [0; 64], draft: [0; 64], history: [0; 256] };
//! let mut editor = Editor::new(Mode::Terminal, "> ", storage);
//! let mut out = String::new();
//! editor.begin(&mut out);
//! for byte in *b"hepl\x14" {
//!     assert_eq!(editor.feed(byte, &mut out), Action::None);
//! }
//! assert_eq!(editor.feed(b'\r', &mut out), Action::Line);
//! assert_eq!(editor.line(), "help");
//! ```

mod complete;
mod history;
mod keys;
mod line;
mod screen;

use core::{error, fmt, fmt::Write};

pub use complete::{Candidates, Completion};
pub use history::History;
use keys::{Decoded, Decoder, Key};
use line::Line;
use screen::{Screen, Sink};

/// The columns of a terminal of which nothing is known: those of a VT100.
pub const COLUMNS_DEFAULT: usize = 80;
/// The narrowest row: it holds the longest prompt and a few characters.
pub const COLUMNS_MIN: usize = 40;
/// The widest row: a VT100's wide mode. It bounds what one redraw writes.
pub const COLUMNS_MAX: usize = 132;
/// The longest prompt, in bytes.
pub const PROMPT_LIMIT: usize = 32;
/// The most that [`Editor::feed`] writes: a row of the widest characters, and the moves round it.
pub const OUTPUT_LIMIT: usize = PROMPT_LIMIT + COLUMNS_MAX * 4 + 32;
/// The most bytes of candidates that are listed.
pub const LISTING_LIMIT: usize = 512;
/// The most that [`Editor::complete`] writes: a listing, its last line, and the row again.
pub const COMPLETION_OUTPUT_LIMIT: usize = LISTING_LIMIT + 48 + OUTPUT_LIMIT;

/// A line editor over buffers of its owner: see the [module](self).
#[derive(Debug)]
pub struct Editor<L, H = L> {
    mode: Mode,
    line: Line<L>,
    /// The line being written, while an older one is shown in its place.
    draft: Line<L>,
    history: History<H>,
    /// How far back the line shown comes from; 0 is the line being written.
    recalled: usize,
    decoder: Decoder,
    screen: Screen,
    /// The line was handed out, and is cleared when the next byte comes.
    finished: bool,
    /// Plain: what is wrong with the line. The rest of it is passed over.
    refused: Option<LineError>,
    /// The byte before was a Tab, and several candidates were possible.
    ambiguous: bool,
}

/// The buffers of an [`Editor`]. Their lengths are its limits.
#[derive(Clone, Copy, Debug)]
pub struct Storage<L, H = L> {
    /// As long as the longest line.
    pub line: L,
    /// As long again: keeps an unfinished line while older ones are looked at. May be empty in [`Mode::Plain`].
    pub draft: L,
    /// Some lines' worth, each with one byte more. May be empty: then nothing is remembered.
    pub history: H,
}

/// Who is at the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// A person on a terminal that knows the VT100's escape sequences: echo, prompt, editing.
    Terminal,
    /// A pipe or a script: lines come in, nothing is written.
    ///
    /// Only Enter, Ctrl-C and Ctrl-D mean anything, and a Tab is a space. Ctrl-D ends an unfinished line, or on
    /// an empty line the input: at the end of a pipe, feed it until [`Action::EndOfInput`].
    Plain,
}

/// What a byte brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Action {
    /// Nothing to do yet.
    None,
    /// A line is finished: [`Editor::line`] is it. It may be empty.
    Line,
    /// Ctrl-C: the line is abandoned, and so is whatever runs.
    Cancel,
    /// Ctrl-D on an empty line: nothing more will come.
    EndOfInput,
    /// Tab, only in [`Mode::Terminal`]: answer with [`Editor::complete`].
    Complete,
    /// A line is finished that cannot be used, only in [`Mode::Plain`]; a terminal hears a bell at the very byte.
    Refused(LineError),
}

/// Why a line cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LineError {
    /// It is longer than the editor's buffer.
    TooLong,
    /// It holds bytes that are not UTF-8.
    NotText,
}

impl<L: AsRef<[u8]> + AsMut<[u8]>, H: AsRef<[u8]> + AsMut<[u8]>> Editor<L, H> {
    /// An editor that shows `prompt`, which is plain text of at most [`PROMPT_LIMIT`] bytes.
    ///
    /// # Panics
    ///
    /// When the prompt is longer.
    #[must_use]
    pub fn new(mode: Mode, prompt: &'static str, storage: Storage<L, H>) -> Self {
        Self {
            mode,
            line: Line::new(storage.line),
            draft: Line::new(storage.draft),
            history: History::new(storage.history),
            recalled: 0,
            decoder: Decoder::new(),
            screen: Screen::new(prompt, COLUMNS_DEFAULT),
            finished: false,
            refused: None,
            ambiguous: false,
        }
    }

    /// Tells how wide the terminal is, between [`COLUMNS_MIN`] and [`COLUMNS_MAX`]; [`Editor::show`] draws it so.
    pub fn set_columns(&mut self, columns: usize) {
        self.screen.set_columns(columns);
    }

    /// Changes the mode. The line begun is dropped.
    pub fn set_mode(&mut self, mode: Mode) {
        self.mode = mode;
        self.clear();
    }

    /// The mode.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// The line: after [`Action::Line`] the finished one, until the next call of `feed` or `begin`.
    pub fn line(&self) -> &str {
        self.line.text()
    }

    /// The lines entered before.
    pub fn history(&self) -> &History<H> {
        &self.history
    }

    /// Begins an empty line and shows the prompt, at the beginning of a row.
    pub fn begin(&mut self, out: &mut dyn Write) {
        self.clear();
        self.show(out);
    }

    /// Takes the prompt and the line off the terminal, to make way for other text; [`Editor::show`] brings them back.
    pub fn hide(&mut self, out: &mut dyn Write) {
        if self.mode == Mode::Terminal {
            self.screen.erase(&mut Sink(out));
        }
    }

    /// Shows the prompt and the line, at the beginning of a row.
    pub fn show(&mut self, out: &mut dyn Write) {
        if self.mode == Mode::Terminal {
            self.screen.redraw(self.line.text(), self.line.cursor(), &mut Sink(out));
        }
    }

    /// Takes one byte, and writes to `out` what the terminal has to show for it.
    pub fn feed(&mut self, byte: u8, out: &mut dyn Write) -> Action {
        if self.finished {
            self.clear();
        }
        let Decoded { broken, key } = self.decoder.feed(byte);
        if key.is_some_and(|key| key != Key::Tab) {
            self.ambiguous = false;
        }
        match self.mode {
            Mode::Plain => {
                if broken {
                    self.refuse(LineError::NotText);
                }
                key.map_or(Action::None, |key| self.read(key))
            }
            Mode::Terminal => {
                let out = &mut Sink(out);
                if broken {
                    bell(out);
                }
                key.map_or(Action::None, |key| self.press(key, out))
            }
        }
    }

    fn clear(&mut self) {
        self.line.clear();
        self.draft.clear();
        self.recalled = 0;
        self.finished = false;
        self.refused = None;
        self.ambiguous = false;
        self.screen.forget();
    }

    /// One key of a script.
    fn read(&mut self, key: Key) -> Action {
        match key {
            Key::Char(c) => self.append(c),
            Key::Tab => self.append(' '),
            Key::Enter => return self.take(),
            Key::DeleteOrEnd if self.line.is_empty() && self.refused.is_none() => return Action::EndOfInput,
            Key::DeleteOrEnd => return self.take(),
            Key::Interrupt => {
                self.clear();
                return Action::Cancel;
            }
            _ => {}
        }
        Action::None
    }

    fn append(&mut self, c: char) {
        if self.refused.is_none() && !self.line.insert(c) {
            self.refuse(LineError::TooLong);
        }
    }

    fn refuse(&mut self, error: LineError) {
        self.refused.get_or_insert(error);
    }

    fn take(&mut self) -> Action {
        self.finished = true;
        let Some(error) = self.refused else { return Action::Line };
        self.line.clear();
        Action::Refused(error)
    }

    /// One key of a person.
    fn press(&mut self, key: Key, out: &mut Sink<'_>) -> Action {
        let before = self.line.cursor();
        match key {
            Key::Enter => {
                self.history.push(self.line.text());
                self.screen.leave("", out);
                self.finished = true;
                return Action::Line;
            }
            Key::Interrupt => {
                self.screen.leave("^C", out);
                self.clear();
                return Action::Cancel;
            }
            Key::DeleteOrEnd if self.line.is_empty() => {
                self.screen.leave("", out);
                return Action::EndOfInput;
            }
            Key::Tab => return Action::Complete,
            Key::Char(c) => {
                if self.line.insert(c) {
                    self.draw(before, out);
                } else {
                    bell(out);
                }
            }
            Key::Backspace => self.delete(self.line.left(), out),
            Key::Delete | Key::DeleteOrEnd => self.delete(self.line.right(), out),
            Key::KillHead => self.delete(0, out),
            Key::KillTail => self.delete(self.line.end(), out),
            Key::KillWord => self.delete(self.line.word_left(), out),
            Key::Left => self.move_to(self.line.left(), out),
            Key::Right => self.move_to(self.line.right(), out),
            Key::WordLeft => self.move_to(self.line.word_left(), out),
            Key::WordRight => self.move_to(self.line.word_right(), out),
            Key::Home => self.move_to(0, out),
            Key::End => self.move_to(self.line.end(), out),
            Key::Transpose => match self.line.transpose() {
                Some(from) => self.draw(from, out),
                None => bell(out),
            },
            Key::Older => self.recall_older(out),
            Key::Newer => self.recall_newer(out),
            Key::ClearScreen => {
                out.text("\x1b[H\x1b[2J");
                self.screen.redraw(self.line.text(), before, out);
            }
        }
        Action::None
    }

    fn delete(&mut self, to: usize, out: &mut Sink<'_>) {
        self.line.remove_to(to);
        self.draw(self.line.cursor(), out);
    }

    fn move_to(&mut self, place: usize, out: &mut Sink<'_>) {
        self.line.move_to(place);
        self.draw(self.line.end(), out);
    }

    /// Shows the line after it changed from byte `from` on.
    fn draw(&mut self, from: usize, out: &mut Sink<'_>) {
        self.screen.update(self.line.text(), self.line.cursor(), from, out);
    }

    fn recall_older(&mut self, out: &mut Sink<'_>) {
        let Some(older) = self.history.iter().nth(self.recalled) else { return bell(out) };
        // A draft that cannot be kept is not given up.
        if self.recalled == 0 && !self.draft.set(self.line.text()) {
            return bell(out);
        }
        if self.line.set(older) {
            self.recalled += 1;
            self.draw(0, out);
        }
    }

    fn recall_newer(&mut self, out: &mut Sink<'_>) {
        let newer = match self.recalled {
            0 => None,
            1 => Some(self.draft.text()),
            further => self.history.iter().nth(further - 2),
        };
        let Some(newer) = newer else { return bell(out) };
        if self.line.set(newer) {
            self.recalled -= 1;
            self.draw(0, out);
        }
    }
}

fn bell(out: &mut Sink<'_>) {
    out.text("\x07");
}

impl fmt::Display for LineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "the line is too long",
            Self::NotText => "the line is not UTF-8 text",
        })
    }
}

impl error::Error for LineError {}

#[cfg(test)]
mod tests;
