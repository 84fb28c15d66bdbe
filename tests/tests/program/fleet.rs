//! Fleets from a file: what their boards say, and how they end.

use crate::guest::{Ended, file, run};

fn fleet(name: &str, text: &str, options: &[&str]) -> Ended {
    let path = file(name, text);
    let path = path.to_str().expect("a plain path");
    run(&[options, &["fleet", path]].concat(), b"")
}

#[test]
fn what_boards_say_is_printed_behind_their_names() {
    let text = r#"
# Two boards at a desk.
board a
board bee
at 10ms bee send uart0 "echo first\n"
at 15ms bee send uart0 "call serial Write \"no end\"\n"
at 20ms a send uart0 "echo second\nuptime\n"
at 25ms a send uart0 "random 2\n"
at 30ms a power cut
at 1s a send uart0 "poweroff\n"
at 1s bee send uart0 "poweroff\n"
"#;
    let ended = fleet("desk.fleet", text, &["--digest"]);
    let said = "bee.uart0 | first\nbee.uart0 | no endDone\na.uart0   | second\na.uart0   | 0 d 00:00:00.020000\na.uart0   | ";
    assert!(ended.code == Some(0) && ended.stdout.starts_with(said), "{ended:?}");
    assert!(ended.stderr.starts_with("digest ") && ended.stderr.lines().count() == 1, "{ended:?}");
    assert_eq!(fleet("desk.fleet", text, &["--digest"]).stderr, ended.stderr);
    assert_ne!(fleet("desk.fleet", text, &["--digest", "--seed", "1"]).stderr, ended.stderr);
}

#[test]
fn boards_talk_over_links_that_take_their_time() {
    // What the console of the one says, the console of the other takes for a command.
    let text = r#"
boards 2 node
link node0.uart0 node1.uart0 rate 9600 latency 100ms
at 10ms node0 send uart0 "echo gpio 3 out\n"
"#;
    let ended = fleet("talk.fleet", text, &["--until", "2s"]);
    // That says nothing when it has worked.
    assert_eq!((ended.code, ended.stdout.as_str(), ended.stderr.as_str()), (Some(0), "", ""), "{ended:?}");
    let ended = fleet("talk.fleet", &text.replace("gpio 3 out", "gpio 99 out"), &["--until", "2s"]);
    assert_eq!(ended.code, Some(5), "{ended:?}");
}

#[test]
fn one_board_types_at_the_console_of_another() {
    let desk = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fleets/desk.fleet");
    let ended = run(&["--until", "1h", "fleet", desk], b"");
    let said = "left.uart0  | Done\nleft.uart0  | Data(b\"hello\\n\")\n";
    assert_eq!((ended.code, ended.stdout.as_str(), ended.stderr.as_str()), (Some(0), said, ""), "{ended:?}");
}

#[test]
fn log_lines_tell_whose_they_are() {
    let ended = fleet("log.fleet", "boards 2 node\nat 1s node1 kill echo\n", &[]);
    let lines: Vec<_> = ended.stderr.lines().collect();
    assert!(matches!(lines[..], [line] if line.contains("board{name=\"node1\"}")), "{ended:?}");
}

#[test]
fn a_thousand_boards_live_for_an_hour() {
    let ended = fleet("thousand.fleet", "boards 1000 node\n", &["--until", "1h", "--heap", "64K"]);
    assert_eq!((ended.code, ended.stdout.as_str(), ended.stderr.as_str()), (Some(0), "", ""), "{ended:?}");
}

#[test]
fn a_fleet_ends_as_the_worst_of_its_boards() {
    let two = "board a\nboard b\n";
    let ended = fleet("panic.fleet", &format!("{two}at 5ms a send uart0 \"panic\\n\"\n"), &[]);
    assert!(ended.code == Some(3) && ended.stderr.contains("board `a`"), "{ended:?}");
    let ended = fleet("fails.fleet", &format!("{two}at 5ms a send uart0 \"nonsense\\n\"\n"), &[]);
    assert_eq!(ended.code, Some(5), "{ended:?}");
    assert_eq!(fleet("nothing.fleet", two, &[]).code, Some(0));
    assert_eq!(fleet("tiny.fleet", two, &["--heap", "1K"]).code, Some(1));
}

#[test]
fn what_describes_no_fleet_is_refused_with_its_place() {
    let refused = |text: &str, place: &str| {
        let ended = fleet("wrong.fleet", text, &[]);
        assert_eq!(ended.code, Some(1), "{ended:?}");
        let found =
            ended.stderr.lines().count() == 1 && ended.stderr.contains(&format!("wrong.fleet:{place}: "));
        assert!(found, "{text}: {ended:?}");
    };
    refused("bored a", "1:1");
    refused("board", "1:6");
    refused("board a.b", "1:7");
    refused("board a\n  board a", "2:9");
    refused("boards 0 a", "1:8");
    refused("boards 10001 a", "1:8");
    refused("boards 2", "1:9");
    refused("board a b", "1:9");
    refused("board a\nlink a.uart0", "2:13");
    refused("board a\nlink a.uart8 a.uart1", "2:6");
    refused("board a\nlink a.uart0 b.uart0", "2:14");
    refused("boards 2 a\nlink a0.uart0 a1.uart0 latency", "2:24");
    refused("board a\nat noon a power cut", "2:4");
    refused("board a\nat 5ms b power cut", "2:8");
    refused("board a\nat 5ms a power surge", "2:10");
    let ended = fleet("twice.fleet", "boards 3 a\nlink a0.uart0 a1.uart0\nlink a0.uart0 a2.uart0\n", &[]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("`a0`") && ended.stderr.contains("uart0"), "{ended:?}");
    let ended = run(&["fleet", "no/such.fleet"], b"");
    assert!(ended.code == Some(1) && ended.stderr.contains("no/such.fleet"), "{ended:?}");
    for options in [["--time", "virtual"], ["--command", "ps"], ["--record", "a.tape"]] {
        assert_eq!(fleet("options.fleet", "board a\n", &options).code, Some(2), "{options:?}");
    }
}
