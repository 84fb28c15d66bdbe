//! Every key, on a terminal.

use super::{Action, PROMPT, Session};

fn typed(bytes: impl AsRef<[u8]>) -> Session {
    let mut session = Session::new(64, 64);
    session.type_in(bytes);
    session
}

#[track_caller]
fn gives(keys: impl AsRef<[u8]>, line: &str) {
    assert_eq!(typed(keys).line(), line);
}

#[test]
fn typed_characters_are_echoed_and_kept() {
    let mut session = typed("heap é漢\u{1f600}");
    assert_eq!(session.terminal.row(), format!("{PROMPT}heap é漢\u{1f600}"));
    assert_eq!(session.byte(b'\r'), Action::Line);
    assert_eq!(session.editor.line(), "heap é漢\u{1f600}");
    assert_eq!(session.terminal.bells, 0);
}

#[test]
fn a_character_at_the_end_of_the_line_costs_only_itself() {
    let mut session = typed("hea");
    let before = session.terminal.received;
    session.type_in("p");
    assert_eq!(session.terminal.received - before, 1);
}

#[test]
fn arrows_and_their_control_keys_move_by_a_character() {
    gives("aé\x1b[D", "a|é");
    gives("aé\x02\x02", "|aé");
    gives("aé\x1b[D\x1b[D\x1b[D\x1b[C", "a|é");
    gives("aé\x02\x02\x06", "a|é");
    gives("aé\x1bOD\x1bOD\x1bOC", "a|é");
    gives("aé\x1b[C\x06", "aé|");
}

#[test]
fn every_form_of_home_and_end_goes_to_either_end() {
    for home in ["\x01", "\x1b[H", "\x1bOH", "\x1b[1~", "\x1b[7~"] {
        gives(format!("abc{home}x"), "x|abc");
        for end in ["\x05", "\x1b[F", "\x1bOF", "\x1b[4~", "\x1b[8~"] {
            gives(format!("abc{home}{end}x"), "abcx|");
        }
    }
}

#[test]
fn word_keys_move_over_a_word_and_the_space_before_it() {
    for left in ["\x1bb", "\x1b[1;5D", "\x1b[1;3D"] {
        gives(format!("ab  cd  {left}"), "ab  |cd  ");
        gives(format!("ab  cd  {left}{left}{left}"), "|ab  cd  ");
    }
    for right in ["\x1bf", "\x1b[1;5C"] {
        gives(format!("ab  cd\x01{right}"), "ab|  cd");
        gives(format!("ab  cd\x01{right}{right}{right}"), "ab  cd|");
    }
}

#[test]
fn backspace_and_delete_remove_one_whole_character() {
    for backspace in ["\x08", "\x7f"] {
        gives(format!("aé{backspace}"), "a|");
        gives(format!("aéb\x02{backspace}"), "a|b");
        gives(format!("a\x01{backspace}"), "|a");
    }
    for delete in ["\x04", "\x1b[3~", "\x1b[3;5~"] {
        gives(format!("éb\x01{delete}"), "|b");
        gives(format!("é{delete}"), "é|");
    }
}

#[test]
fn kill_keys_remove_the_head_the_tail_or_the_word_before() {
    gives("ab cd\x02\x15", "|d");
    gives("ab cd\x02\x0b", "ab c|");
    gives("ab cd  \x17", "ab |");
    gives("ab cd\x02\x17", "ab |d");
    gives("ab\x17\x17", "|");
    gives("ab cd\x1b\x7f", "ab |");
}

#[test]
fn transpose_exchanges_the_characters_round_the_cursor() {
    gives("aé漢\x14", "a漢é|");
    gives("aé漢\x02\x02\x14", "éa|漢");
    for too_few in ["\x14", "a\x14", "ab\x01\x14"] {
        assert_eq!(typed(too_few).terminal.bells, 1);
    }
}

#[test]
fn cr_lf_and_cr_lf_together_are_one_enter_each() {
    for (ends, lines) in
        [("\r", 1), ("\n", 1), ("\r\n", 1), ("\n\n", 2), ("\r\r\n", 2), ("\r\n\n", 2), ("\n\r\n", 2)]
    {
        let mut session = Session::new(64, 64);
        let finished = ends.bytes().filter(|byte| {
            let finished = session.byte(*byte) == Action::Line;
            session.begin();
            finished
        });
        assert_eq!(finished.count(), lines, "{ends:?}");
    }
}

#[test]
fn the_finished_line_stays_until_the_next_byte() {
    let mut session = typed("heap\x01");
    assert_eq!(session.byte(b'\r'), Action::Line);
    assert_eq!(session.editor.line(), "heap");
    assert_eq!(session.terminal.above, [format!("{PROMPT}heap")]);
    let _ = session.editor.feed(b'x', &mut session.terminal);
    assert_eq!(session.editor.line(), "x");
}

#[test]
fn ctrl_c_abandons_the_line_and_shows_that_it_did() {
    let mut session = typed("abc\x01");
    assert_eq!(session.byte(0x03), Action::Cancel);
    assert_eq!(session.terminal.last_row(), format!("{PROMPT}abc^C"));
    session.begin();
    assert_eq!(session.line(), "|");
    session.type_in("\x1b[A");
    assert_eq!(session.line(), "|");
}

#[test]
fn ctrl_c_on_a_full_row_writes_over_its_end() {
    let mut session = Session::new(300, 300);
    session.type_in("x".repeat(200));
    session.type_in("\x01");
    assert_eq!(session.byte(0x03), Action::Cancel);
    assert_eq!(session.terminal.last_row(), format!("{PROMPT}{}^C", "x".repeat(80 - 1 - 4 - 2)));
}

#[test]
fn ctrl_d_on_an_empty_line_ends_the_input() {
    let mut session = typed("a\x08");
    assert_eq!(session.byte(0x04), Action::EndOfInput);
}

#[test]
fn ctrl_l_clears_the_screen_and_keeps_the_line() {
    let mut session = Session::new(64, 64);
    session.enter("one");
    session.type_in("ab\x02\x0c");
    assert_eq!(session.terminal.above, [""; 0]);
    assert_eq!(session.terminal.row(), format!("{PROMPT}ab"));
    assert_eq!(session.line(), "a|b");
}

#[test]
fn unknown_escape_sequences_are_swallowed_whole() {
    for sequence in [
        "\x1b[5~",
        "\x1b[200~",
        "\x1b[?1;2c",
        "\x1b[<0;10;20M",
        "\x1b[1;2;3;4;5z",
        "\x1b[99999999999~",
        "\x1b[ q",
        "\x1bOP",
        "\x1b[[A",
        "\x1b[Z",
        "\x1bx",
        "\x1b(B",
        "\x1b#8",
        "\x1b]0;title é\x07",
        "\x1b]11;rgb\x1b\\",
        "\x1bP1$r\x1b\\",
        "\x1b\x1b[5~",
        "\x1b[>A",
        "\x1bO2P",
    ] {
        gives(format!("a{sequence}b"), "ab|");
    }
}

#[test]
fn a_control_character_ends_a_sequence_and_is_obeyed() {
    for begun in ["\x1b", "\x1b[", "\x1b[1;", "\x1bO", "\x1b]0;ti", "\x1b(", "\x1b[["] {
        let mut session = typed(format!("a{begun}"));
        assert_eq!(session.byte(b'\r'), Action::Line, "{begun:?}");
        assert_eq!(session.editor.line(), "a");
        let mut session = typed(format!("a{begun}"));
        assert_eq!(session.byte(0x03), Action::Cancel, "{begun:?}");
        gives(format!("a{begun}\x18b"), "ab|");
    }
}

#[test]
fn a_character_above_127_ends_a_sequence_and_is_kept() {
    gives("a\x1b[1é", "aé|");
    gives("a\x1bé", "aé|");
}

#[test]
fn control_characters_without_a_meaning_are_ignored() {
    for byte in [0x00, 0x07, 0x0f, 0x11, 0x12, 0x13, 0x16, 0x18, 0x19, 0x1a, 0x1c, 0x1d, 0x1e, 0x1f] {
        let mut session = typed("ab\x02");
        session.type_in([byte]);
        assert_eq!((session.line().as_str(), session.terminal.bells), ("a|b", 0), "{byte:#x}");
    }
    gives("a\u{9b}b", "ab|");
}

#[test]
fn bytes_that_are_not_utf8_ring_the_bell_and_insert_nothing() {
    let wrong: [&[u8]; 9] = [
        b"\x80",
        b"\xff",
        b"\xc0",
        b"\xc3",
        b"\xe2\x82",
        b"\xed\xa0\x80",
        b"\xf0\x9f\x98",
        b"\xf4\x90\x80\x80",
        b"\xe0\x80",
    ];
    for bytes in wrong {
        let mut session = typed(b"a");
        session.type_in(bytes);
        session.type_in(b"b");
        assert_eq!(session.line(), "ab|", "{bytes:x?}");
        assert!(session.terminal.bells >= 1, "{bytes:x?}");
    }
    let mut session = typed(b"\xe2\x82\xc3\xa9");
    assert_eq!((session.line().as_str(), session.terminal.bells), ("é|", 1));
    session.type_in(b"\xc3");
    assert_eq!(session.byte(b'\r'), Action::Line);
    assert_eq!((session.editor.line(), session.terminal.bells), ("é", 2));
}

#[test]
fn what_exceeds_the_line_rings_the_bell_and_is_refused() {
    let mut session = Session::new(4, 64);
    session.type_in("abcde");
    assert_eq!((session.line().as_str(), session.terminal.bells), ("abcd|", 1));
    session.type_in("\x08é");
    assert_eq!((session.line().as_str(), session.terminal.bells), ("abc|", 2));
    session.type_in("d");
    assert_eq!(session.line(), "abcd|");
}

#[test]
fn a_line_longer_than_the_row_is_seen_through_a_window() {
    let mut session = Session::new(300, 300);
    session.type_in("0123456789".repeat(20));
    session.type_in("\x02".repeat(150));
    session.type_in("abc");
    session.type_in("\x06".repeat(150));
    session.type_in("\x7f".repeat(80));
    session.type_in("\x01\x05\x01\x0b");
    assert_eq!(session.terminal.row(), PROMPT.trim_end().to_owned() + " ");
}

#[test]
fn the_row_follows_the_columns_that_are_told() {
    for (told, columns) in [(0, 40), (40, 40), (80, 80), (132, 132), (usize::MAX, 132)] {
        let mut session = Session::new(300, 300);
        session.editor.set_columns(told);
        session.terminal.columns = columns;
        session.begin();
        session.type_in("漢".repeat(90));
        session.type_in("\x0c\x01\x0c");
        assert_eq!(session.terminal.row().chars().count(), PROMPT.chars().count() + 90.min(columns - 5));
    }
}

#[test]
fn hidden_and_shown_again_the_line_is_as_before() {
    let mut session = typed("abc\x02");
    session.editor.hide(&mut session.terminal);
    assert_eq!((session.terminal.row().as_str(), session.terminal.column), ("", 0));
    session.editor.show(&mut session.terminal);
    session.check();
    session.type_in("x");
    assert_eq!(session.line(), "abx|c");
}

#[test]
fn older_and_newer_lines_come_in_order_and_the_draft_is_kept() {
    for (up, down) in [("\x1b[A", "\x1b[B"), ("\x1bOA", "\x1bOB"), ("\x10", "\x0e")] {
        let mut session = Session::new(64, 64);
        session.enter("one");
        session.enter("two");
        session.type_in("draft");
        let mut lines = vec![];
        for key in [up, up, up, down, down, down] {
            session.type_in(key);
            lines.push(session.line());
        }
        assert_eq!(lines, ["two|", "one|", "one|", "two|", "draft|", "draft|"]);
        assert_eq!(session.terminal.bells, 2);
    }
}

#[test]
fn history_skips_blank_lines_and_repeats_of_the_newest() {
    let mut session = Session::new(64, 64);
    for line in ["one", "one", "", "  ", "two", "one"] {
        session.enter(line);
    }
    assert_eq!(session.editor.history().iter().collect::<Vec<_>>(), ["one", "two", "one"]);
}

#[test]
fn history_drops_its_oldest_lines_to_make_room() {
    let mut session = Session::new(64, 12);
    session.enter("one");
    session.enter("two");
    session.enter("six");
    assert_eq!(session.editor.history().iter().collect::<Vec<_>>(), ["six", "two", "one"]);
    session.enter("seven");
    assert_eq!(session.editor.history().iter().collect::<Vec<_>>(), ["seven", "six"]);
    session.enter("eleven chars");
    assert_eq!(session.editor.history().iter().collect::<Vec<_>>(), ["seven", "six"]);
    session.enter("eleven char");
    assert_eq!(session.editor.history().iter().collect::<Vec<_>>(), ["eleven char"]);
}

#[test]
fn an_older_line_can_be_edited_and_entered() {
    let mut session = Session::new(64, 64);
    session.enter("heap stat");
    session.type_in("\x1b[A\x17top");
    assert_eq!(session.byte(b'\r'), Action::Line);
    assert_eq!(session.editor.line(), "heap top");
    session.begin();
    session.type_in("\x1b[A\x1b[A");
    assert_eq!(session.line(), "heap stat|");
}
