//! The laboratory: runs that end at a time, digests, checks, tapes, and lockstep.

use std::{fs, path::PathBuf};

use crate::guest::{Ended, file, run};

const VIRTUAL: [&str; 2] = ["--time", "virtual"];

fn with(options: &[&str]) -> Ended {
    run(options, b"")
}

fn digest_of(ended: &Ended) -> String {
    let digest = ended.stderr.lines().find_map(|line| line.strip_prefix("digest "));
    digest.unwrap_or_else(|| panic!("no digest in {ended:?}")).to_owned()
}

/// A place for a tape of this name.
fn tape(name: &str) -> String {
    file(name, "").to_str().expect("a plain path").to_owned()
}

/// Records a session in real time, and returns what it printed.
fn record(name: &str, input: &str) -> (String, Ended) {
    let path = tape(name);
    let ended = run(&["--record", &path, "--digest", "--seed", "5"], input.as_bytes());
    assert_eq!(ended.code, Some(0), "{ended:?}");
    (path, ended)
}

#[test]
fn a_day_in_virtual_time_ends_on_time_and_is_no_failure() {
    let ended = with(&["--time", "virtual", "--until", "24h", "--command", "sleep 23h"]);
    assert_eq!(ended.code, Some(5), "the console knows no hours: {ended:?}");
    let ended =
        with(&["--time", "virtual", "--until", "24h", "--command", "sleep 82800", "--command", "uptime"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), "0 d 23:00:00.000000\n"), "{ended:?}");
    let ended = with(&["--time", "virtual", "--until", "24h"]);
    assert_eq!((ended.code, ended.stdout.as_str(), ended.stderr.as_str()), (Some(0), "", ""));
}

#[test]
fn a_script_that_is_not_at_its_end_when_the_time_is_up_is_exit_code_8() {
    let ended =
        with(&["--time", "virtual", "--until", "1s", "--command", "sleep 2", "--command", "echo never"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(8), ""), "{ended:?}");
    assert!(ended.stderr.contains("--until") && ended.stderr.lines().count() == 1, "{ended:?}");
    // Over all of its boots.
    let lines = ["--command", "sleep 600ms", "--command", "reboot", "--command", "sleep 600ms"];
    let ended = with(&[&VIRTUAL[..], &["--until", "1s"], &lines].concat());
    assert_eq!(ended.code, Some(8), "{ended:?}");
    let ended = with(&["--time", "100x", "--until", "1s", "--command", "sleep 60"]);
    assert_eq!(ended.code, Some(8), "{ended:?}");
}

#[test]
fn no_time_at_all_is_a_time() {
    let ended = with(&["--time", "virtual", "--until", "0s", "--command", "echo first"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), "first\n"), "{ended:?}");
    for span in ["soon", "-1s", "", "5 s", "1y"] {
        assert_eq!(with(&["--until", span]).code, Some(2), "{span}");
    }
}

#[test]
fn the_same_options_and_script_give_the_same_digest_and_others_do_not() {
    let run = |seed: &str, line: &str| {
        let lines = ["--command", "ping echo 1000", "--command", line];
        digest_of(&with(&[&VIRTUAL[..], &["--digest", "--seed", seed], &lines].concat()))
    };
    let first = run("7", "random");
    assert_eq!((first.len(), run("7", "random")), (32, first.clone()));
    assert_ne!(run("8", "random"), first, "another seed");
    assert_ne!(run("7", "uptime"), first, "another script");
    // However the lines come.
    let script = file("digest.txt", "ping echo 1000\nrandom\n");
    let script = script.to_str().expect("a plain path");
    let ended = with(&["--time", "virtual", "--digest", "--seed", "7", "--script", script]);
    assert_eq!(digest_of(&ended), first);
    let piped =
        crate::guest::run(&["--time", "virtual", "--digest", "--seed", "7"], b"ping echo 1000\nrandom\n");
    assert_eq!(digest_of(&piped), first);
}

#[test]
fn two_runs_in_virtual_time_are_the_same_and_two_in_real_time_are_not() {
    let script =
        ["--command", "ping echo 100", "--command", "random", "--command", "reboot", "--command", "ps"];
    let ended = with(&[&VIRTUAL[..], &["--check-determinism"], &script].concat());
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stderr.contains("are the same in all of their"), "{ended:?}");
    assert_eq!(ended.stdout.matches("round trips").count(), 1, "one of the two is printed");
    let ended = with(&["--check-determinism", "--command", "ping echo 1000"]);
    assert_eq!(ended.code, Some(7), "{ended:?}");
    for text in ["two runs differ from event ", "\n  first:  at ", "\n  second: at "] {
        assert!(ended.stderr.contains(text), "no {text:?} in {ended:?}");
    }
    assert_eq!(with(&["--check-determinism"]).code, Some(2), "there is nothing to run");
    assert_eq!(with(&["--check-determinism", "--script", "-"]).code, Some(2), "it can be read once");
}

#[test]
fn a_session_in_real_time_is_replayed_exactly_faster_than_it_happened() {
    let input = "random\nping echo 500\nsleep 20ms\nuptime\nkill echo\nspawn echo\nreboot\nuptime\nps\n";
    let (path, recorded) = record("real.tape", input);
    let replayed = with(&["--replay", &path, "--digest"]);
    assert_eq!(replayed.code, Some(0), "{replayed:?}");
    assert_eq!(replayed.stdout, recorded.stdout);
    assert_eq!(digest_of(&replayed), digest_of(&recorded));
    // An hour at a thousand times the speed takes the replay no time.
    let path = tape("fast.tape");
    let ended =
        with(&["--time", "100000x", "--record", &path, "--command", "sleep 3600", "--command", "uptime"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let replayed = with(&["--replay", &path]);
    assert_eq!((replayed.code, replayed.stdout), (Some(0), ended.stdout));
}

#[test]
fn a_tape_of_a_session_that_a_signal_ends_is_whole() {
    let path = tape("signal.tape");
    let (child, _port) = crate::guest::start(&["--uart", "tcp:0", "--record", &path]);
    let id = child.id().to_string();
    std::process::Command::new("kill").arg("-TERM").arg(id).status().expect("sent");
    assert_eq!(crate::guest::wait(child).code(), Some(128 + 15));
    let replayed = with(&["--replay", &path]);
    assert_eq!(replayed.code, Some(0), "{replayed:?}");
}

#[test]
fn a_replay_that_goes_another_way_names_the_place() {
    let (path, _) = record("other.tape", "random\necho the end\n");
    let text = fs::read_to_string(&path).expect("a tape");
    let replay = |text: &str| {
        let other = file("changed.tape", text);
        with(&["--replay", other.to_str().expect("a plain path")])
    };
    // Another machine: as if the program that replays were not the one that recorded.
    let ended = replay(&text.replace("option seed 5", "option seed 6"));
    assert_eq!(ended.code, Some(7), "{ended:?}");
    for part in [
        "goes another way in step ",
        "of the tape)",
        "\n  on the tape: uart0 \"",
        "\n  the machine: uart0 \"",
    ] {
        assert!(ended.stderr.contains(part), "no {part:?} in {ended:?}");
    }
    // Another output.
    let ended = replay(&text.replace("the end\\n\"\n", "the beginning\\n\"\n"));
    assert_eq!(ended.code, Some(7), "{ended:?}");
    // Another digest, and nothing else.
    let end = text.lines().last().expect("an end");
    let (before, digest) = end.rsplit_once(' ').expect("a digest");
    let ended = replay(&text.replace(digest, &"0".repeat(32)));
    assert_eq!(ended.code, Some(7), "{ended:?}");
    assert!(ended.stderr.contains(&format!("on the tape: digest {}", "0".repeat(32))), "{ended:?}");
    // More on the tape than the machine does.
    let (step, at) = before.trim_end_matches(" end").split_once(' ').expect("a step and a time");
    let later = step.parse::<u64>().expect("a step") + 5;
    let ended = replay(&text.replace(end, &format!("{later} {at} end {digest}")));
    assert_eq!(ended.code, Some(7), "{ended:?}");
    assert!(ended.stderr.contains("the machine: is at rest, or has ended"), "{ended:?}");
}

#[test]
fn a_tape_that_is_none_is_refused_with_the_place() {
    let (path, _) = record("whole.tape", "echo\n");
    let text = fs::read_to_string(&path).expect("a tape");
    let refused = |bytes: &str, place: &str, reason: &str| {
        let damaged = file("damaged.tape", bytes);
        let ended = with(&["--replay", damaged.to_str().expect("a plain path")]);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{ended:?}");
        assert!(
            ended.stderr.contains(place) && ended.stderr.contains(reason),
            "{place}, {reason} in {ended:?}"
        );
        assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
    };
    refused("", "line 1 (byte 0)", "no tape");
    refused("echo hello\n", "line 1 (byte 0)", "no tape");
    refused(&text.replace("mnemos-tape 1", "mnemos-tape 2"), "line 1 (byte 0)", "version 2");
    let lines = text.lines().count();
    let end = text.trim_end().rfind('\n').expect("several lines") + 1;
    refused(&text[..end], &format!("line {lines} (byte {end})"), "cut off");
    refused(&text[..text.len() - 1], &format!("line {lines} (byte {end})"), "cut off");
    refused(&format!("{text}more\n"), &format!("line {} (byte {})", lines + 1, text.len()), "behind its end");
    let begin = text.find("begin\n").expect("a head") + "begin\n".len();
    let number = text[..begin].lines().count() + 1;
    let place = format!("line {number} (byte {begin})");
    for (line, reason) in [
        ("1 0 \u{7f}", "ASCII"),
        ("one 0 clock", "begins with the number"),
        ("1 -1 clock", "begins with the number"),
        ("1 0 tock", "`tock`"),
        ("1 0 clock now", "too much"),
        ("1 0 > send uart0 x", "quotes"),
        ("1 0 < uart0 x", "uart0"),
        ("1 0 digest 12", "hexadecimal"),
    ] {
        refused(&format!("{}{line}\n{}", &text[..begin], &text[begin..]), &place, reason);
    }
    refused(&text.replace("option seed 5", "option seed x"), "damaged.tape", "describe no machine");
    refused(&text.replace("option seed 5", "option speed 5"), "damaged.tape", "`speed`");
    refused(&text.replace("option console plain", "option console round"), "damaged.tape", "console");
    assert_eq!(with(&["--replay", "no/such/tape"]).code, Some(1));
    assert_eq!(with(&["--record", "no/such/folder/tape"]).code, Some(1));
    assert_eq!(with(&["--replay", &path, "--seed", "5"]).code, Some(2), "the tape says it");
}

#[test]
fn the_tapes_of_this_repository_are_reproduced() {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/tapes"));
    let mut replayed = 0;
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|extension| extension == "tape") {
            let ended = with(&["--replay", path.to_str().expect("a plain path")]);
            assert_eq!(ended.code, Some(0), "if this change is meant, run scripts/record-tapes: {ended:?}");
            replayed += 1;
        }
    }
    assert!(replayed > 0, "there are tapes");
}

#[test]
fn in_lockstep_time_passes_when_it_is_told_to() {
    let requests = [
        r#"send uart0 "gpio 25 out\ngpio 25 high\n""#,
        "observe",
        r#"send uart0 "sleep 10ms\ngpio 25 low\necho done\n""#,
        "advance 4ms",
        "advance 1h",
        "quit",
    ];
    let ended = run(&["--lockstep", "stdio"], (requests.join("\n") + "\n").as_bytes());
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{ended:?}");
    let expected = "ok\ntime 0\npin 25 high\nidle\nok\nok\ntime 4000\nidle until 10000\nok\n\
                    time 10000\npin 25 low\nuart0 \"done\\n\"\ntime 3600004000\nidle\nok\nok\n";
    assert_eq!(ended.stdout, expected);
}

#[test]
fn in_lockstep_what_is_wrong_is_an_error_on_a_line_and_the_session_goes_on() {
    let wrong = [
        "",
        "advance",
        "advance soon",
        "observe closely",
        "fly",
        "send uart9 \"x\"",
        "send uart0 x",
        "pin 30 high",
        "interrupt doorbell",
        "sense 0x48 \"hot\"",
        "at noon pin 3 high",
        "at 1s advance 1s",
        "quit now",
    ];
    let ended = run(&["--lockstep", "stdio"], (wrong.join("\n") + "\nobserve\n").as_bytes());
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let lines: Vec<_> = ended.stdout.lines().collect();
    let (errors, rest) = lines.split_at(wrong.len());
    assert!(errors.iter().all(|line| line.starts_with("error ")), "{errors:#?}");
    assert_eq!(rest, ["time 0", "idle", "ok"]);
    // What there is beside is of use to whoever has mistaken the word, and to nobody else.
    for (request, error) in wrong.iter().zip(errors) {
        assert_eq!(
            error.contains("beside these there are"),
            ["fly", "at 1s advance 1s"].contains(request),
            "{error}"
        );
    }
    // A line without end is not kept in memory.
    let ended = run(&["--lockstep", "stdio"], &vec![b'x'; 3 << 20]);
    assert_eq!((ended.code, ended.stdout.lines().count()), (Some(0), 1), "{}", ended.stdout.len());
}

#[test]
fn in_lockstep_a_task_that_is_not_there_cannot_be_killed() {
    let requests = "observe\nkill ecko\nat 0s kill ecko\nkill echo\nat 2ms kill ecko\nadvance 3ms\n";
    let ended = run(&["--lockstep", "stdio", "--log", "off"], requests.as_bytes());
    let [_, _, _, now, past, lines @ ..] = &ended.stdout.lines().collect::<Vec<_>>()[..] else {
        panic!("{ended:?}");
    };
    assert!(
        now.starts_with("error no task is called `ecko`: there are ") && now.contains("echo"),
        "{ended:?}"
    );
    assert_eq!((past, lines.first(), lines.get(1)), (now, Some(&"ok"), Some(&"ok")), "{ended:?}");
    // Whether there will be one later is not known, so that is told when it is over.
    let told = "sim-host: warning: no task was called `ecko` when it was to be killed: there were ";
    assert!(ended.code == Some(0) && ended.stderr.starts_with(told), "{ended:?}");
    assert_eq!(ended.stderr.lines().count(), 1, "{ended:?}");
}

#[test]
fn in_lockstep_a_machine_that_has_ended_can_be_booted_again() {
    let requests =
        ["power cut", "observe", "reboot", r#"send uart0 "poweroff\n""#, "advance 1s", "reboot", "observe"];
    let ended = run(&["--lockstep", "stdio"], (requests.join("\n") + "\n").as_bytes());
    let expected =
        "ok\ntime 0\nstopped power cut\nok\nok\nok\ntime 0\nstopped poweroff\nok\nok\ntime 0\nidle\nok\n";
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), expected));
}

#[test]
fn a_lockstep_session_over_a_socket_is_recorded_and_replayed() {
    use std::io::{Read as _, Write as _};
    let path = tape("lockstep.tape");
    let (child, place) = crate::guest::start(&["--lockstep", "tcp:0", "--record", &path, "--digest"]);
    let mut socket = std::net::TcpStream::connect(place.trim_start_matches("tcp:")).expect("it listens");
    let requests = "send uart0 \"gpio 3 wait\\n\"\nat 30ms pin 3 high\nat 40ms power cut\nadvance 1s\nreboot\n\
                    send uart0 \"uptime\\n\"\nadvance 1s\ndigest\nquit\n";
    socket.write_all(requests.as_bytes()).expect("sent");
    let mut answers = String::new();
    socket.read_to_string(&mut answers).expect("answered");
    assert!(answers.contains("time 30000\nuart0 \"pin 3 went high at 30 ms\\n\"\ntime 40000\n"), "{answers}");
    assert_eq!(crate::guest::wait(child).code(), Some(0));
    let replayed = with(&["--replay", &path, "--digest"]);
    assert_eq!(replayed.code, Some(0), "{replayed:?}");
    assert!(answers.contains(&format!("digest {}", digest_of(&replayed))), "{answers}");
}

#[test]
fn the_example_in_python_regulates_a_room_and_is_the_same_twice() {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/lockstep/thermostat.py");
    let run =
        || std::process::Command::new("python3").args([example, env!("CARGO_BIN_EXE_sim-host")]).output();
    let Ok(first) = run() else {
        eprintln!("python3 is missing: the example is not tried");
        return;
    };
    let text = String::from_utf8_lossy(&first.stdout);
    assert!(first.status.success() && text.contains("the room has 20."), "{first:?}");
    assert_eq!(run().expect("python3 is there").stdout, first.stdout);
}
