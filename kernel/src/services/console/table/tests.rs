use std::fmt::{self, Display};

use super::{Column, Size, Table};

fn row<const N: usize>(columns: [Column; N], cells: [&dyn Display; N]) -> String {
    let mut out = String::new();
    Table::new(columns).row(&mut out, cells).unwrap();
    out
}

#[test]
fn text_leans_left_and_numbers_lean_right_two_spaces_apart() {
    const COLUMNS: [Column; 3] = [Column::left("name", 6), Column::right("n", 4), Column::left("state", 5)];
    let mut out = String::new();
    Table::new(COLUMNS).header(&mut out).unwrap();
    Table::new(COLUMNS).row(&mut out, [&"uart", &7, &"idle"]).unwrap();
    assert_eq!(out, "name       n  state\nuart       7  idle\n");
}

#[test]
fn a_line_never_ends_in_spaces() {
    assert_eq!(row([Column::left("", 4), Column::left("", 4)], [&"a ", &""]), "a\n");
    assert_eq!(row([Column::left("", 4), Column::right("", 4)], [&"", &"  "]), "\n");
}

#[test]
fn spaces_inside_a_line_are_kept() {
    assert_eq!(row([Column::left("", 4), Column::left("", 4)], [&"", &" b"]), "       b\n");
}

#[test]
fn text_wider_than_its_column_is_cut_and_marked() {
    assert_eq!(row([Column::left("", 4), Column::left("", 1)], [&"abcde", &"xy"]), "abc~  ~\n");
    assert_eq!(row([Column::left("", 4), Column::left("", 1)], [&"abcd", &"x"]), "abcd  x\n");
    assert_eq!(row([Column::left("", 3)], [&"éàüo"]), "éà~\n");
    assert_eq!(row([Column::left("", 0), Column::left("", 1)], [&"a", &"b"]), "  b\n");
}

#[test]
fn a_cell_cut_in_the_middle_of_its_pieces_keeps_its_width() {
    struct Pieces;
    impl Display for Pieces {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            ["ab", "cd", "ef"].iter().try_for_each(|piece| f.write_str(piece))
        }
    }
    assert_eq!(row([Column::left("", 4), Column::left("", 1)], [&Pieces, &"|"]), "abc~  |\n");
}

#[test]
fn a_number_wider_than_its_column_is_never_cut() {
    assert_eq!(row([Column::right("", 2), Column::left("", 1)], [&12345, &"x"]), "12345  x\n");
}

#[test]
fn an_open_column_takes_any_length() {
    let long = "m".repeat(300);
    assert_eq!(row([Column::right("", 2), Column::open("")], [&1, &long]), format!(" 1  {long}\n"));
}

#[test]
fn no_cell_can_break_its_row_or_command_the_terminal() {
    assert_eq!(row([Column::left("", 9)], [&"a\n\x1b[2J\u{9b}\r"]), "a??[2J??\n");
}

#[test]
fn a_full_sink_is_reported() {
    struct Full;
    impl fmt::Write for Full {
        fn write_str(&mut self, _: &str) -> fmt::Result {
            Err(fmt::Error)
        }
    }
    assert!(Table::new([Column::left("a", 1)]).header(&mut Full).is_err());
}

#[test]
fn a_size_has_one_digit_of_fraction_and_the_largest_fitting_unit() {
    for (bytes, text) in [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1536, "1.5 KiB"),
        (131_072, "128.0 KiB"),
        (1024 * 1024 - 1, "1.0 MiB"),
        (1024 * 1024, "1.0 MiB"),
        (5 << 30, "5.0 GiB"),
        (u64::MAX, "16.0 EiB"),
    ] {
        assert_eq!(Size(bytes).to_string(), text);
    }
}
