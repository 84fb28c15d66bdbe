//! Lines from a pipe or a script.

use super::{Action, Editor, LineError, Mode, Storage};

/// What `input` brings to an editor with room for eight bytes.
fn read(input: impl AsRef<[u8]>) -> Vec<Result<String, Action>> {
    let storage = Storage { line: vec![0; 8], draft: vec![], history: vec![] };
    let mut editor = Editor::new(Mode::Plain, "> ", storage);
    let mut out = String::new();
    editor.begin(&mut out);
    let mut brought = vec![];
    for byte in input.as_ref() {
        match editor.feed(*byte, &mut out) {
            Action::None => {}
            Action::Line => brought.push(Ok(editor.line().to_owned())),
            other => brought.push(Err(other)),
        }
    }
    assert_eq!(out, "");
    brought
}

fn line(text: &str) -> Result<String, Action> {
    Ok(text.to_owned())
}

const TOO_LONG: Result<String, Action> = Err(Action::Refused(LineError::TooLong));
const NOT_TEXT: Result<String, Action> = Err(Action::Refused(LineError::NotText));

#[test]
fn lines_come_in_and_nothing_goes_out() {
    assert_eq!(read("a b\r\né\n\n漢\r"), [line("a b"), line("é"), line(""), line("漢")]);
}

#[test]
fn a_tab_is_a_space_and_other_control_characters_and_sequences_are_ignored() {
    assert_eq!(read("a\tb\x01\x08\x7f\x15\x1b[D\x1b[3~c\n"), [line("a bc")]);
}

#[test]
fn a_line_that_just_fits_is_taken() {
    assert_eq!(read("12345678\n123456é\n"), [line("12345678"), line("123456é")]);
}

#[test]
fn a_line_that_is_too_long_is_refused_once_and_the_next_one_is_taken() {
    assert_eq!(read("123456789 and more\nnext\n"), [TOO_LONG, line("next")]);
    assert_eq!(read("1234567é\r\nnext\r\n"), [TOO_LONG, line("next")]);
}

#[test]
fn a_megabyte_without_a_newline_is_one_refused_line() {
    let size = if cfg!(miri) { 1000 } else { 1 << 20 };
    let mut input = vec![b'x'; size];
    input.extend(b"\nnext\n");
    assert_eq!(read(input), [TOO_LONG, line("next")]);
}

#[test]
fn a_line_that_is_not_utf8_is_refused_once_and_the_next_one_is_taken() {
    for wrong in [&b"a\xffb"[..], b"\xc3", b"\xe2\x82x", b"a\xed\xa0\x80", b"\xff\xff\xff and a long tail"] {
        let mut input = wrong.to_vec();
        input.extend(b"\nnext\n");
        assert_eq!(read(input), [NOT_TEXT, line("next")], "{wrong:x?}");
    }
}

#[test]
fn ctrl_c_abandons_the_line_even_a_refused_one() {
    assert_eq!(read("ab\x03cd\n"), [Err(Action::Cancel), line("cd")]);
    assert_eq!(read("123456789\x03cd\n"), [Err(Action::Cancel), line("cd")]);
}

#[test]
fn ctrl_d_takes_the_unfinished_line_and_then_ends_the_input() {
    assert_eq!(read("ab\x04\x04"), [line("ab"), Err(Action::EndOfInput)]);
    assert_eq!(read("ab\n\x04"), [line("ab"), Err(Action::EndOfInput)]);
    assert_eq!(read("123456789\x04\x04"), [TOO_LONG, Err(Action::EndOfInput)]);
    assert_eq!(read(b"\xc3\x04\x04"), [NOT_TEXT, Err(Action::EndOfInput)]);
}

#[test]
fn nothing_is_remembered_of_a_script() {
    let storage = Storage { line: [0; 8], draft: [0; 8], history: [0; 64] };
    let mut editor = Editor::new(Mode::Plain, "", storage);
    for byte in *b"ab\ncd\n" {
        let _ = editor.feed(byte, &mut String::new());
    }
    assert_eq!(editor.history().iter().count(), 0);
}

#[test]
fn a_change_of_mode_drops_the_line_begun() {
    let storage = Storage { line: [0; 8], draft: [0; 8], history: [0; 64] };
    let mut editor = Editor::new(Mode::Plain, "> ", storage);
    let mut out = String::new();
    assert_eq!(editor.feed(b'a', &mut out), Action::None);
    editor.set_mode(Mode::Terminal);
    editor.begin(&mut out);
    assert_eq!(editor.feed(b'b', &mut out), Action::None);
    assert_eq!((editor.mode(), editor.line(), out.as_str()), (Mode::Terminal, "b", "\r> \x1b[Kb"));
}
