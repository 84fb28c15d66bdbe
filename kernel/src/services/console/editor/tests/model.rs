//! Random keys and random bytes, against a model that is too simple to be wrong.

use proptest::{collection::vec, prelude::*};

use super::{Action, COMPLETION_OUTPUT_LIMIT, Editor, LineError, Mode, OUTPUT_LIMIT, Session, Storage};

/// The editor as it would be with a heap and no terminal.
#[derive(Default)]
struct Model {
    line: Vec<char>,
    cursor: usize,
    draft: Vec<char>,
    history: Vec<String>,
    recalled: usize,
}

#[derive(Clone, Copy, Debug)]
enum Press {
    Char(char),
    Enter,
    Cancel,
    Left,
    Right,
    WordLeft,
    WordRight,
    Home,
    End,
    Backspace,
    Delete,
    KillHead,
    KillTail,
    KillWord,
    Transpose,
    Older,
    Newer,
    ClearScreen,
    Swallowed,
}

const LINE: usize = 100;
const HISTORY: usize = 160;

impl Press {
    fn bytes(self) -> Vec<u8> {
        match self {
            Self::Char(c) => c.to_string().into_bytes(),
            Self::Enter => b"\r".to_vec(),
            Self::Cancel => b"\x03".to_vec(),
            Self::Left => b"\x1b[D".to_vec(),
            Self::Right => b"\x06".to_vec(),
            Self::WordLeft => b"\x1b[1;5D".to_vec(),
            Self::WordRight => b"\x1bf".to_vec(),
            Self::Home => b"\x1b[1~".to_vec(),
            Self::End => b"\x05".to_vec(),
            Self::Backspace => b"\x7f".to_vec(),
            Self::Delete => b"\x1b[3~".to_vec(),
            Self::KillHead => b"\x15".to_vec(),
            Self::KillTail => b"\x0b".to_vec(),
            Self::KillWord => b"\x17".to_vec(),
            Self::Transpose => b"\x14".to_vec(),
            Self::Older => b"\x1b[A".to_vec(),
            Self::Newer => b"\x1bOB".to_vec(),
            Self::ClearScreen => b"\x0c".to_vec(),
            Self::Swallowed => b"\x1b[?25;1$y".to_vec(),
        }
    }
}

impl Model {
    fn press(&mut self, press: Press) {
        match press {
            Press::Char(c) => {
                if self.text().len() + c.len_utf8() <= LINE {
                    self.line.insert(self.cursor, c);
                    self.cursor += 1;
                }
            }
            Press::Enter => {
                let text = self.text();
                if !text.trim().is_empty() && self.history.last() != Some(&text) {
                    self.history.push(text);
                    while self.history.iter().map(|line| line.len() + 1).sum::<usize>() > HISTORY {
                        self.history.remove(0);
                    }
                }
                self.finish();
            }
            Press::Cancel => self.finish(),
            Press::Left => self.cursor = self.cursor.saturating_sub(1),
            Press::Right => self.cursor = self.line.len().min(self.cursor + 1),
            Press::WordLeft => self.cursor = self.word_left(),
            Press::WordRight => {
                while self.line.get(self.cursor).is_some_and(|c| c.is_whitespace()) {
                    self.cursor += 1;
                }
                while self.line.get(self.cursor).is_some_and(|c| !c.is_whitespace()) {
                    self.cursor += 1;
                }
            }
            Press::Home => self.cursor = 0,
            Press::End => self.cursor = self.line.len(),
            Press::Backspace => self.remove_from(self.cursor.saturating_sub(1)),
            Press::Delete => {
                if self.cursor < self.line.len() {
                    self.line.remove(self.cursor);
                }
            }
            Press::KillHead => self.remove_from(0),
            Press::KillTail => self.line.truncate(self.cursor),
            Press::KillWord => self.remove_from(self.word_left()),
            Press::Transpose => {
                let second = self.cursor.min(self.line.len().saturating_sub(1));
                if second > 0 {
                    self.line.swap(second - 1, second);
                    self.cursor = second + 1;
                }
            }
            Press::Older => {
                if self.recalled < self.history.len() {
                    if self.recalled == 0 {
                        self.draft = self.line.clone();
                    }
                    self.recalled += 1;
                    self.recall();
                }
            }
            Press::Newer => {
                if self.recalled > 0 {
                    self.recalled -= 1;
                    self.recall();
                }
            }
            Press::ClearScreen | Press::Swallowed => {}
        }
    }

    fn text(&self) -> String {
        self.line.iter().collect()
    }

    fn finish(&mut self) {
        *self = Self { history: std::mem::take(&mut self.history), ..Self::default() };
    }

    fn recall(&mut self) {
        self.line = match self.recalled {
            0 => self.draft.clone(),
            back => self.history[self.history.len() - back].chars().collect(),
        };
        self.cursor = self.line.len();
    }

    fn remove_from(&mut self, start: usize) {
        self.line.drain(start..self.cursor);
        self.cursor = start;
    }

    fn word_left(&self) -> usize {
        let mut place = self.cursor;
        while place > 0 && self.line[place - 1].is_whitespace() {
            place -= 1;
        }
        while place > 0 && !self.line[place - 1].is_whitespace() {
            place -= 1;
        }
        place
    }
}

fn press() -> impl Strategy<Value = Press> {
    let characters =
        prop_oneof![Just(' '), Just('é'), Just('漢'), Just('\u{1f600}'), proptest::char::range('a', 'z')];
    prop_oneof![
        12 => characters.prop_map(Press::Char),
        1 => prop::sample::select(vec![Press::Enter, Press::Cancel, Press::Enter, Press::Enter]),
        12 => prop::sample::select(vec![
            Press::Left, Press::Right, Press::WordLeft, Press::WordRight, Press::Home, Press::End,
            Press::Backspace, Press::Delete, Press::KillWord, Press::Transpose, Press::Older, Press::Newer,
            Press::ClearScreen, Press::Swallowed, Press::Left, Press::Left,
        ]),
        1 => prop::sample::select(vec![Press::KillHead, Press::KillTail]),
    ]
}

/// Bytes that mean something more often than chance would have it.
fn byte() -> impl Strategy<Value = u8> {
    prop_oneof![
        4 => any::<u8>(),
        4 => 0x20..0x7f_u8,
        2 => 0..0x20_u8,
        2 => prop::sample::select(b"\x1b[O;0123~ABCDHF\xc3\xa9\xe2\x82\xac\t\t ".to_vec()),
    ]
}

proptest! {
    #[test]
    fn any_keys_leave_the_line_and_the_cursor_of_the_model(presses in vec(press(), 0..400), columns in 40..132_usize) {
        let mut session = Session::new(LINE, HISTORY);
        session.editor.set_columns(columns);
        session.terminal.columns = columns;
        session.begin();
        let mut model = Model::default();
        for press in presses {
            if matches!(press, Press::Enter) {
                prop_assert_eq!(session.byte(b'\r'), Action::Line);
                prop_assert_eq!(session.editor.line(), model.text());
                session.begin();
            } else if matches!(press, Press::Cancel) {
                prop_assert_eq!(session.byte(0x03), Action::Cancel);
                session.begin();
            } else {
                session.type_in(press.bytes());
            }
            model.press(press);
            prop_assert_eq!(session.editor.line(), model.text());
            prop_assert_eq!(session.editor.line.head().chars().count(), model.cursor);
            let history: Vec<_> = session.editor.history().iter().collect();
            prop_assert!(history.iter().rev().eq(model.history.iter()));
        }
    }

    #[test]
    fn any_bytes_keep_the_row_true_and_the_output_bounded(bytes in vec(byte(), 0..600), capacity in 0..200_usize) {
        let candidates = ["heap", "heal", "help", "naïve", "naïf", "kill", "0", "01", "a b"];
        let mut session = Session::new(capacity, capacity);
        for byte in bytes {
            match session.byte(byte) {
                Action::None => {}
                Action::Complete => {
                    let before = session.terminal.received;
                    session.editor.complete(
                        &|each| candidates.iter().for_each(|candidate| each(candidate)),
                        &mut session.terminal,
                    );
                    prop_assert!(session.terminal.received - before <= COMPLETION_OUTPUT_LIMIT);
                    session.check();
                }
                Action::Refused(error) => panic!("a terminal hears a bell, not {error}"),
                Action::Line | Action::Cancel | Action::EndOfInput => session.begin(),
            }
            prop_assert!(session.editor.line().len() <= capacity);
            prop_assert!(!session.editor.line().contains(char::is_control));
        }
    }

    #[test]
    fn the_widest_characters_stay_within_the_output_limit(columns in 0..200_usize, keys in vec(press(), 0..60)) {
        let mut session = Session::new(1000, 1000);
        session.editor.set_columns(columns);
        session.terminal.columns = columns.clamp(40, 132);
        session.begin();
        session.type_in("\u{1f600}".repeat(240));
        session.type_in("\x0c\x01\x0c\x05");
        for key in keys.into_iter().filter(|key| !matches!(key, Press::Enter | Press::Cancel)) {
            session.type_in(key.bytes());
            let before = session.terminal.received;
            session.type_in("\x0c");
            prop_assert!(session.terminal.received - before <= OUTPUT_LIMIT);
        }
    }

    #[test]
    fn any_script_brings_one_outcome_for_each_of_its_lines(lines in vec(vec(any::<u8>(), 0..24), 0..20)) {
        // What the editor gives a meaning of its own is left out of the lines, and what is not text is kept.
        let meant = [b'\r', b'\n', 0x03, 0x04, 0x1b];
        let lines: Vec<Vec<u8>> =
            lines.into_iter().map(|line| line.into_iter().filter(|byte| !meant.contains(byte)).collect()).collect();
        let storage = Storage { line: vec![0; 16], draft: vec![], history: vec![] };
        let mut editor = Editor::new(Mode::Plain, "", storage);
        for line in lines {
            for byte in &line {
                prop_assert_eq!(editor.feed(*byte, &mut String::new()), Action::None);
            }
            let action = editor.feed(b'\n', &mut String::new());
            let expected = std::str::from_utf8(&line)
                .map(|text| text.replace('\t', " ").chars().filter(|c| !c.is_control()).collect::<String>());
            match expected {
                Ok(text) if text.len() <= 16 => {
                    prop_assert_eq!(action, Action::Line);
                    prop_assert_eq!(editor.line(), text);
                }
                Ok(_) => prop_assert_eq!(action, Action::Refused(LineError::TooLong)),
                Err(_) => prop_assert!(matches!(action, Action::Refused(_))),
            }
        }
    }

    #[test]
    fn any_bytes_decode_to_the_characters_that_utf8_finds_in_them(bytes in vec(0x80..=0xff_u8, 0..40)) {
        let mut session = Session::new(200, 0);
        for byte in &bytes {
            let _ = session.byte(*byte);
        }
        let expected: String = bytes.utf8_chunks().flat_map(|chunk| chunk.valid().chars()).filter(|c| !c.is_control()).collect();
        prop_assert_eq!(session.editor.line(), expected);
    }
}
