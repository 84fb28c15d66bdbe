//! The editor's laws, observed through a model of the terminal.

mod completion;
mod editing;
#[cfg(not(miri))]
mod model;
mod plain;
mod terminal;

use super::{Action, COMPLETION_OUTPUT_LIMIT, Completion, Editor, LineError, Mode, OUTPUT_LIMIT, Storage};
use terminal::Terminal;

const PROMPT: &str = "né> ";

/// An editor and the terminal that it writes to, compared after every byte.
struct Session {
    editor: Editor<Vec<u8>>,
    terminal: Terminal,
}

impl Session {
    fn new(line: usize, history: usize) -> Self {
        let storage = Storage { line: vec![0; line], draft: vec![0; line], history: vec![0; history] };
        let mut session =
            Self { editor: Editor::new(Mode::Terminal, PROMPT, storage), terminal: Terminal::new(80) };
        session.begin();
        session
    }

    fn begin(&mut self) {
        self.editor.begin(&mut self.terminal);
        self.check();
    }

    fn byte(&mut self, byte: u8) -> Action {
        let before = self.terminal.received;
        let action = self.editor.feed(byte, &mut self.terminal);
        assert!(self.terminal.received - before <= OUTPUT_LIMIT);
        // Miri looks for undefined behaviour, not at the picture: there it is compared once per text typed.
        if !cfg!(miri) && matches!(action, Action::None | Action::Complete) {
            self.check();
        }
        action
    }

    /// Types `bytes`, none of which finishes the line.
    fn type_in(&mut self, bytes: impl AsRef<[u8]>) {
        for byte in bytes.as_ref() {
            assert_eq!(self.byte(*byte), Action::None);
        }
        self.check();
    }

    /// Types `text` and Enter, and begins the next line.
    fn enter(&mut self, text: &str) {
        self.type_in(text);
        assert_eq!(self.byte(b'\r'), Action::Line);
        self.begin();
    }

    fn tab(&mut self, candidates: &[&str]) -> Completion {
        assert_eq!(self.byte(b'\t'), Action::Complete);
        let before = self.terminal.received;
        let completion = self
            .editor
            .complete(&|each| candidates.iter().for_each(|candidate| each(candidate)), &mut self.terminal);
        assert!(self.terminal.received - before <= COMPLETION_OUTPUT_LIMIT);
        self.check();
        completion
    }

    /// The line with `|` for its cursor.
    fn line(&self) -> String {
        let (head, tail) = self.editor.line().split_at(self.editor.line.cursor());
        format!("{head}|{tail}")
    }

    /// The row shows the prompt and the part of the line round the cursor, with the cursor in its place.
    fn check(&self) {
        let row = self.terminal.row();
        let shown = row.strip_prefix(PROMPT).unwrap_or_else(|| panic!("no prompt in {row:?}"));
        let line = self.editor.line();
        let margin = PROMPT.chars().count();
        let cursor = self.editor.line.head().chars().count();
        let first = (cursor + margin)
            .checked_sub(self.terminal.column)
            .unwrap_or_else(|| panic!("the cursor is too far right in {row:?} of {line:?}"));
        let window = self.terminal.columns - 1 - margin;
        let expected: String = line.chars().skip(first).take(window).collect();
        assert_eq!(shown.trim_end(), expected.trim_end());
        if line.chars().count() <= window {
            assert_eq!(first, 0, "a line that fits is shown whole");
        }
    }
}

#[test]
fn a_failing_sink_spoils_the_display_and_never_the_line() {
    struct Full;
    impl std::fmt::Write for Full {
        fn write_str(&mut self, _: &str) -> std::fmt::Result {
            Err(std::fmt::Error)
        }
    }
    let mut session = Session::new(300, 300);
    for byte in "x".repeat(200).bytes().chain(*b"\x01\x1b[C\x0bab\x08") {
        assert_eq!(session.editor.feed(byte, &mut Full), Action::None);
    }
    assert_eq!(session.line(), "xa|");
    session.type_in(b"\x0c");
    assert_eq!(session.terminal.row(), format!("{PROMPT}xa"));
    assert_eq!(session.editor.feed(b'\r', &mut Full), Action::Line);
}

#[test]
fn buffers_of_no_length_refuse_everything_and_nothing_breaks() {
    let mut session = Session::new(0, 0);
    session.type_in("aé\x1b[A\x1b[B\x08\x1b[3~\x0b\x15\x17\x14");
    assert_eq!(session.tab(&["heap"]), Completion::TooLong);
    assert_eq!(session.line(), "|");
    assert_eq!(session.byte(b'\r'), Action::Line);
    let storage = Storage { line: [0; 0], draft: [0; 0], history: [0; 0] };
    let mut plain = Editor::new(Mode::Plain, "", storage);
    assert_eq!(plain.feed(b'a', &mut String::new()), Action::None);
    assert_eq!(plain.feed(b'\n', &mut String::new()), Action::Refused(LineError::TooLong));
    assert_eq!(plain.feed(b'\n', &mut String::new()), Action::Line);
}

#[test]
#[should_panic(expected = "the prompt is too long")]
fn a_prompt_over_its_limit_is_refused() {
    let storage = Storage { line: [0; 8], draft: [0; 8], history: [0; 8] };
    let _ = Editor::new(Mode::Terminal, "a prompt that goes on and on and on", storage);
}
