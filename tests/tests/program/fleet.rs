//! Fleets from a file: what their boards say, and how they end.

use std::fs;

use crate::{
    guest::{Ended, file, run},
    trace::Trace,
};

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
        assert_eq!(ended.code, Some(2), "{ended:?}");
        let found = ended.stderr.starts_with("sim-host: this is no fleet\n")
            && ended.stderr.contains(&format!("wrong.fleet:{place}: "))
            && ended.stderr.lines().count() == 4;
        assert!(found, "{text}: {ended:?}");
    };
    refused("", "1:1");
    refused("# nobody\n", "1:1");
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
    refused("boards 3 a\nlink a0.uart0 a1.uart0\nlink a0.uart0 a2.uart0", "3:6");
    refused("boards 3 a\nlink a0.uart0 a0.uart0", "2:15");
    refused("board a\nat 5ms a pin 99 high", "2:10");
    refused("board a\nat 5ms a mask button", "2:10");
    let ended = run(&["fleet", "no/such.fleet"], b"");
    assert!(ended.code == Some(1) && ended.stderr.contains("no/such.fleet"), "{ended:?}");
    for options in
        [&["--time", "virtual"][..], &["--command", "ps"], &["--record", "a.tape"], &["--junit", "a.xml"]]
    {
        assert_eq!(fleet("options.fleet", "board a\n", options).code, Some(2), "{options:?}");
    }
    let both = ["--check-determinism", "--timeline", "a.pftrace"];
    assert_eq!(fleet("options.fleet", "board a\n", &both).code, Some(2));
}

#[test]
fn all_mistakes_of_a_file_are_told_and_nothing_runs() {
    let text =
        "board desk\nbored a\nlink dask.uart1 desk.uart0\nat 1ms desk pin 99 high\nat noon desk power cut\n";
    let ended = fleet("many.fleet", text, &[]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{ended:?}");
    for told in [
        "many.fleet:2:1: no line begins with `bored`: is it `board`?\n    bored a\n    ^\n",
        "many.fleet:3:6: there is no board `dask` above: is it `desk`?\n    link dask.uart1",
        "many.fleet:5:4: say when",
    ] {
        assert!(ended.stderr.contains(told), "{told}: {ended:?}");
    }
    // What boards have is known when they are there.
    let text = "board a\nat 1ms a pin 99 high\nat 2ms a interrupt button\n";
    let ended = fleet("devices.fleet", text, &[]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    for told in [
        "devices.fleet:2:10: the machine has no pin 99",
        "devices.fleet:3:10: the machine has no interrupt line",
    ] {
        assert!(ended.stderr.contains(told), "{told}: {ended:?}");
    }
}

/// Two boards that talk, one of which loses its power.
const TALK: &str = r#"
boards 2 node
link node0.uart1 node1.uart1 rate 9600 latency 20ms loss 1%
at 10ms node0 send uart0 "random\ncall serial:uart1 Write \"hello\"\n"
at 50ms node1 kill echo
at 60ms node1 send uart0 "call serial:uart1 Read\n"
"#;

#[test]
fn options_may_stand_before_the_file_or_behind_it() {
    let path = file("order.fleet", TALK);
    let path = path.to_str().expect("a plain path");
    let said = ["--seed", "3", "--until", "1s", "--digest", "--heap", "96K", "--log", "off"];
    let before = run(&[&said[..], &["fleet", path]].concat(), b"");
    let behind = run(&[&["fleet", path][..], &said].concat(), b"");
    assert_eq!(before.code, Some(0), "{before:?}");
    assert!(before.stderr.starts_with("digest "), "{before:?}");
    assert_eq!((&before.stdout, &before.stderr), (&behind.stdout, &behind.stderr));
    // What stands behind holds.
    let mixed = run(
        &[&["--seed", "4", "--heap", "32K", "--until", "9ms"], &["fleet", path][..], &said].concat(),
        b"",
    );
    assert_eq!(mixed.stderr, before.stderr);
    let rules =
        ["--fault", "drop uart0 tx nth 1", "fleet", path, "--fault", "drop uart0 tx nth 3", "--until", "1s"];
    let random = |ended: &Ended| ended.stdout.lines().next().map(|line| line.replace(' ', "").len());
    assert_eq!(random(&run(&rules, b"")), random(&before).map(|len| len - 2), "both apply");
}

#[test]
fn a_driver_is_left_out_wherever_that_is_said() {
    let path = file("without.fleet", "board a\nat 10ms a send uart0 \"drivers\\n\"\n");
    let path = path.to_str().expect("a plain path");
    let until = ["--until", "1s"];
    let with = run(&[&["fleet", path], &until[..]].concat(), b"");
    let before = run(&[&["--without", "i2c", "fleet", path], &until[..]].concat(), b"");
    let behind = run(&[&["fleet", path, "--without", "i2c"], &until[..]].concat(), b"");
    assert_eq!((before.code, &before.stdout), (Some(0), &behind.stdout), "{behind:?}");
    assert!(with.stdout.contains("i2c") && !behind.stdout.contains("i2c"), "{behind:?}");
    for task in ["fleet", "explore"] {
        assert!(run(&[task, "--help"], b"").stdout.contains("--without"), "{task}");
    }
}

#[test]
fn two_runs_of_a_fleet_are_compared() {
    let ended = fleet("twice.fleet", TALK, &["--until", "1s", "--check-determinism"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let lines: Vec<_> = ended.stderr.lines().collect();
    assert!(
        matches!(lines[..], [log, same] if log.contains("echo") && same.contains("two runs are the same in all of their")),
        "the second run is silent: {ended:?}"
    );
    assert_eq!(ended.stdout.matches("Done").count(), 1, "{ended:?}");
}

#[test]
fn a_fault_that_no_board_has_had_is_told() {
    let rules =
        ["--fault", "power cut at 100ms", "--fault", "kill nobody at 1ms", "--fault", "drop uart1 rx nth 1"];
    let options = [&rules[..], &["--until", "1s", "--log", "off"]].concat();
    let ended = fleet("idle.fleet", TALK, &options);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let told: Vec<_> = ended.stderr.lines().collect();
    assert!(
        matches!(told[..], [line] if line.contains("the fault `kill nobody at 1ms` never applied")),
        "one board is enough: {ended:?}"
    );
}

#[test]
fn a_task_that_is_not_there_to_be_killed_is_told_with_its_board() {
    let text = "board a\nboard b\nat 10ms a kill echo\nat 10ms b kill ecko\nat 20ms b kill ecko\n";
    let ended = fleet("kill.fleet", text, &["--until", "1s", "--log", "off"]);
    let told: Vec<_> = ended.stderr.lines().collect();
    let begins =
        "sim-host: warning: on the board `b` no task was called `ecko` when it was to be killed: there were ";
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(matches!(told[..], [line] if line.starts_with(begins) && line.contains("echo")), "{ended:?}");
}

#[test]
fn a_fleet_has_one_timeline_with_the_name_of_each_board() {
    let text = format!("{TALK}at 200ms node1 send uart0 \"reboot\\n\"\n");
    let trace = file("fleet.pftrace", "");
    let trace = trace.to_str().expect("a plain path");
    let with = fleet("traced.fleet", &text, &["--until", "1s", "--digest", "--timeline", trace]);
    assert_eq!(with.code, Some(0), "{with:?}");
    let bytes = fs::read(trace).expect("a timeline");
    let read = Trace::read(&bytes);
    let names: Vec<_> = read.groups().iter().map(|group| read.tracks[group].name.as_str()).collect();
    assert_eq!(names, ["node0, boot 1", "node1, boot 1", "node1, boot 2"]);
    let ends_of = |group: usize, task: &str| {
        let track = read.named(read.groups()[group], task);
        read.slices_on(track).last().map(|slice| slice.end_ns / 1_000_000)
    };
    assert_eq!(read.instants_on(read.named(read.groups()[1], "echo")).last(), Some(&"cancelled"));
    assert_eq!((ends_of(0, "console"), ends_of(2, "console")), (Some(10), Some(200)), "in the fleet's time");
    assert_eq!(
        fleet("traced.fleet", &text, &["--until", "1s", "--digest"]).stderr,
        with.stderr,
        "nobody can tell"
    );
    fleet("traced.fleet", &text, &["--until", "1s", "--digest", "--timeline", trace]);
    assert!(fs::read(trace).expect("a timeline") == bytes, "the same seed, the same bytes");
}

#[test]
fn a_board_may_have_all_the_ports_that_can_be_named() {
    let text = "board a\nat 1ms a send uart7 \"x\"\nat 2ms a send uart0 \"echo here\\n\"\n";
    let ended = fleet("ports.fleet", text, &["--until", "1s"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), "a.uart0 | here\n"), "{ended:?}");
}
