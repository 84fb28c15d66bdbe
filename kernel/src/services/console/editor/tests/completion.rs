//! Tab.

use super::{Action, Completion, LineError, Mode, PROMPT, Session, Storage};
use crate::services::console::editor::{Editor, LISTING_LIMIT};

const COMMANDS: [&str; 5] = ["heap", "help", "history", "kill", "naïveté"];

fn typed(text: &str) -> Session {
    let mut session = Session::new(64, 64);
    session.type_in(text);
    session
}

#[test]
fn the_only_candidate_is_completed_with_a_space() {
    let mut session = typed("k");
    assert_eq!(session.tab(&COMMANDS), Completion::Whole);
    assert_eq!(session.line(), "kill |");
    let mut session = typed("heap");
    assert_eq!(session.tab(&COMMANDS), Completion::Whole);
    assert_eq!(session.line(), "heap |");
}

#[test]
fn a_space_that_is_there_already_is_not_doubled() {
    let mut session = typed("k x\x02\x02");
    assert_eq!(session.tab(&COMMANDS), Completion::Whole);
    assert_eq!(session.line(), "kill| x");
}

#[test]
fn several_candidates_are_completed_as_far_as_they_agree_and_listed_on_the_second_tab() {
    let mut session = typed("h");
    assert_eq!(session.tab(&["heap", "heal", "kill"]), Completion::Part);
    assert_eq!((session.line().as_str(), session.terminal.bells), ("hea|", 0));
    assert_eq!(session.tab(&["heap", "heal", "kill"]), Completion::Listed);
    assert_eq!(session.terminal.above, [format!("{PROMPT}hea"), "heap  heal".to_owned()]);
    assert_eq!(session.line(), "hea|");
}

#[test]
fn candidates_that_agree_on_nothing_more_ring_the_bell() {
    let mut session = typed("he");
    assert_eq!(session.tab(&COMMANDS), Completion::Part);
    assert_eq!((session.line().as_str(), session.terminal.bells), ("he|", 1));
}

#[test]
fn a_key_between_two_tabs_makes_the_second_a_first_one() {
    let mut session = typed("h");
    assert_eq!(session.tab(&COMMANDS), Completion::Part);
    session.type_in("e");
    assert_eq!(session.tab(&COMMANDS), Completion::Part);
    assert_eq!(session.tab(&COMMANDS), Completion::Listed);
}

#[test]
fn no_candidate_rings_the_bell_and_changes_nothing() {
    let mut session = typed("x");
    assert_eq!(session.tab(&COMMANDS), Completion::Nothing);
    assert_eq!((session.line().as_str(), session.terminal.bells), ("x|", 1));
    assert_eq!(session.tab(&[]), Completion::Nothing);
}

#[test]
fn the_word_before_the_cursor_is_completed_wherever_it_stands() {
    let mut session = typed("call naï now\x1bb\x02");
    assert_eq!((session.editor.before_word(), session.editor.word()), ("call ", "naï"));
    assert_eq!(session.tab(&COMMANDS), Completion::Whole);
    assert_eq!(session.line(), "call naïveté| now");
    let mut session = typed("call ");
    assert_eq!((session.editor.before_word(), session.editor.word()), ("call ", ""));
    assert_eq!(session.tab(&["x"]), Completion::Whole);
    assert_eq!(session.line(), "call x |");
}

#[test]
fn candidates_are_never_cut_inside_a_character() {
    // The two letters share their first byte.
    let mut session = typed("n");
    assert_eq!(session.tab(&["naé", "naè"]), Completion::Part);
    assert_eq!(session.line(), "na|");
}

#[test]
fn candidates_with_control_characters_are_passed_over() {
    let mut session = typed("h");
    assert_eq!(session.tab(&["h\x1b[2J", "heap", "h\n"]), Completion::Whole);
    assert_eq!(session.line(), "heap |");
}

#[test]
fn a_completion_without_room_is_refused_whole() {
    let mut session = Session::new(6, 6);
    session.type_in("ab");
    assert_eq!(session.tab(&["abcdefg"]), Completion::TooLong);
    assert_eq!((session.line().as_str(), session.terminal.bells), ("ab|", 1));
    assert_eq!(session.tab(&["abcdefg", "abcdx"]), Completion::Part);
    assert_eq!(session.line(), "abcd|");
    session.type_in("e");
    assert_eq!(session.tab(&["abcdef"]), Completion::Whole);
    assert_eq!((session.line().as_str(), session.terminal.bells), ("abcdef|", 2));
}

#[test]
fn a_long_listing_is_wrapped_cut_and_says_how_many_it_left_out() {
    let names: Vec<String> = (0..1000).map(|n| format!("service-{n:04}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut session = typed("s");
    assert_eq!(session.tab(&names), Completion::Part);
    assert_eq!(session.tab(&names), Completion::Listed);
    let shown = LISTING_LIMIT / ("service-0000".len() + 2);
    assert_eq!(session.terminal.last_row(), format!("... {} more", 1000 - shown));
    assert_eq!(session.terminal.above[1].split("  ").count(), 5);
}

#[test]
fn a_candidate_wider_than_the_terminal_is_left_out_of_the_listing() {
    let wide = format!("h{}", "x".repeat(90));
    let mut session = typed("h");
    assert_eq!(session.tab(&[&wide, "heap"]), Completion::Part);
    assert_eq!(session.tab(&[&wide, "heap"]), Completion::Listed);
    assert_eq!(session.terminal.above[1..], ["heap", "... 1 more"]);
}

#[test]
fn a_script_completes_nothing() {
    let storage = Storage { line: [0; 8], draft: [0; 8], history: [0; 8] };
    let mut editor = Editor::new(Mode::Plain, PROMPT, storage);
    let mut out = String::new();
    assert_eq!(editor.feed(b'h', &mut out), Action::None);
    assert_eq!(editor.feed(b'\t', &mut out), Action::None);
    assert_eq!(editor.complete(&|each| each("heap"), &mut out), Completion::Nothing);
    assert_eq!(editor.feed(b'\n', &mut out), Action::Line);
    assert_eq!((editor.line(), out.as_str()), ("h ", ""));
    assert_eq!(LineError::TooLong.to_string(), "the line is too long");
}
