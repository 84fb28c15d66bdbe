//! Keys, typed at the line editor.

use kernel::services::console::editor::{
    Action, COMPLETION_OUTPUT_LIMIT, Editor, Mode, OUTPUT_LIMIT, Storage,
};

use crate::{Choices, Counted};

const CANDIDATES: &[&str] = &["help", "heap", "heap-owners", "häuser", "ps", "a word", ""];

/// No key makes the editor write more than it says, and the line stays within its buffer.
pub fn run(bytes: &[u8]) {
    let mut choices = Choices(bytes);
    let mode = if choices.byte() % 4 == 0 { Mode::Plain } else { Mode::Terminal };
    let (line, history) = (usize::from(choices.byte()), usize::from(choices.byte()));
    let columns = usize::from(choices.byte());
    let storage = Storage { line: vec![0; line], draft: vec![0; line], history: vec![0; history] };
    let mut editor = Editor::new(mode, "né> ", storage);
    editor.set_columns(columns);
    let mut out = Counted::default();
    editor.begin(&mut out);
    for byte in choices.rest() {
        let before = out.0;
        let action = editor.feed(*byte, &mut out);
        assert!(out.0 - before <= OUTPUT_LIMIT);
        assert!(editor.line().len() <= line);
        match action {
            Action::None | Action::Refused(_) => {}
            Action::Line | Action::Cancel => editor.begin(&mut out),
            Action::EndOfInput => editor.set_mode(mode),
            Action::Complete => {
                let before = out.0;
                let _ = editor.complete(&|each| CANDIDATES.iter().for_each(|word| each(word)), &mut out);
                assert!(out.0 - before <= COMPLETION_OUTPUT_LIMIT);
                assert!(editor.line().len() <= line);
            }
        }
    }
    editor.hide(&mut out);
    editor.show(&mut out);
    assert!(editor.history().iter().map(str::len).sum::<usize>() <= history);
}
