//! `--fault`: what goes wrong by rules, in sessions, on tapes, in lockstep and in explorations.

use crate::guest::{Ended, file, run};

const VIRTUAL: [&str; 2] = ["--time", "virtual"];

fn with(options: &[&str]) -> Ended {
    run(&[&VIRTUAL, options].concat(), b"")
}

#[test]
fn rules_of_the_command_line_apply_and_those_that_never_do_are_told() {
    let ended = with(&["--fault", "drop uart0 rx nth 6", "--command", "echo abc"]);
    assert_eq!((ended.code, ended.stdout.as_str(), ended.stderr.as_str()), (Some(0), "bc\n", ""));
    let rules = ["--fault", "drop uart0 tx nth 1", "--fault", "kill  nobody at 1ms"];
    let ended = with(&[&rules[..], &["--command", "echo abc"]].concat());
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), "bc\n"));
    let told = "sim-host: warning: the fault `kill nobody at 1ms` never applied; no task is called `nobody`: there are ";
    assert!(ended.stderr.starts_with(told) && ended.stderr.ends_with(" and console\n"), "{ended:?}");
    // A task that is there is no mistake.
    let ended = with(&["--fault", "kill echo at 1h", "--command", "echo abc"]);
    assert_eq!(ended.stderr, "sim-host: warning: the fault `kill echo at 1h` never applied\n");
}

#[test]
fn chance_comes_from_the_seed() {
    let life = |seed| {
        let rule = ["--fault", "corrupt uart0 tx rate 20%", "--seed", seed, "--command", "help"];
        with(&rule).stdout
    };
    assert_eq!(life("1"), life("1"));
    assert_ne!(life("1"), life("2"));
    let rule = ["--fault", "drop uart0 rx rate 5%", "--seed", "3", "--command", "ping echo 10"];
    let ended = with(&[&rule[..], &["--check-determinism"]].concat());
    assert!(ended.stderr.contains("two runs are the same"), "{ended:?}");
}

#[test]
fn the_power_comes_back_after_a_cut() {
    let lines = ["--command", "sleep 1", "--command", "uptime"];
    let ended = with(&[&["--fault", "power cut at 500ms"], &lines[..]].concat());
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), "0 d 00:00:00.000000\n"), "{ended:?}");
    // Or else nobody would know why `sleep` has not come to its end.
    assert!(ended.stderr.contains("a fault cuts the power 500 ms after power-on"), "{ended:?}");
    let quiet = with(&[&["--fault", "power cut at 500ms", "--log", "error"], &lines[..]].concat());
    assert_eq!(quiet.stderr, "");
}

#[test]
fn a_rule_that_is_none_or_of_no_device_is_refused() {
    let ended = with(&["--fault", "drop uart0 rx rate 150%"]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("column 20: here is a rate"), "{ended:?}");
    let ended = with(&["--fault", "drop uart7 rx"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("no uart7"), "{ended:?}");
    let ended = with(&["--fault", "stall urat0"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("no interrupt line `urat0`: there are timer, uart0, "), "{ended:?}");
    let ended = run(&["--replay", "x.tape", "--fault", "drop uart0 rx"], b"");
    assert_eq!(ended.code, Some(2), "{ended:?}");
}

#[test]
fn a_tape_of_a_life_with_faults_replays_without_its_rules() {
    let tape = file("faults.tape", "");
    let tape = tape.to_str().expect("a plain path");
    let rules = [
        "drop uart0 rx nth 45",
        "delay uart0 rx by 2ms nth 40",
        "garble uart0 rate 1%",
        "kill echo at 20ms",
        "exhaust heap from 22ms until 25ms",
        "power cut at 30ms",
    ];
    let mut options = vec!["--seed", "4", "--digest", "--record", tape];
    rules.iter().for_each(|rule| options.extend(["--fault", rule]));
    for _ in 0..8 {
        options.extend(["--command", "ping echo 3", "--command", "sleep 10ms", "--command", "drivers"]);
    }
    let lived = with(&options);
    assert!(!lived.stdout.is_empty() && !lived.stderr.contains("warning"), "{lived:?}");
    let digest = lived.stderr.lines().find(|line| line.starts_with("digest")).expect("a digest");
    let again = run(&["--replay", tape, "--digest"], b"");
    assert_eq!((again.code, &again.stdout), (Some(0), &lived.stdout), "{again:?}");
    assert!(again.stderr.contains(digest), "{again:?}");
}

#[test]
fn lockstep_has_faults_too() {
    let rules = ["--lockstep", "stdio", "--fault", "drop uart0 rx nth 6", "--fault", "kill nobody at 1ms"];
    let ended = run(&rules, b"send uart0 \"echo abc\\n\"\nadvance 2ms\nquit\n");
    assert!(ended.stdout.contains(r#"uart0 "bc\n""#), "{ended:?}");
    assert!(ended.stderr.contains("`kill nobody at 1ms` never applied"), "{ended:?}");
}

#[test]
fn what_an_exploration_finds_under_faults_is_reproduced_with_them() {
    let script = file("explore-faults.txt", "ping echo\nsleep 10ms\nping echo 2\n");
    let script = script.to_str().expect("a plain path");
    let rules = ["--fault", "power cut at 5ms", "--fault", "kill nobody at 1ms"];
    let ended = run(&[&rules[..], &["explore", script, "--seeds", "0..20"]].concat(), b"");
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(
        ended.stderr.starts_with("sim-host: warning: the fault `kill nobody at 1ms` never applied; "),
        "{ended:?}"
    );
    // By chance a byte is lost with some seeds, and not with that of the base run.
    let rule = ["--fault", "drop uart0 rx rate 1%", "explore", script, "--seeds", "0..200"];
    let ended = run(&rule, b"");
    assert_eq!(ended.code, Some(9), "{ended:?}");
    let line =
        ended.stdout.lines().find_map(|line| line.strip_prefix("reproduce: sim-host ")).expect("a line");
    let rest = line.strip_prefix("--fault 'drop uart0 rx rate 1%' ").expect("the rule");
    let again: Vec<_> = ["--fault", "drop uart0 rx rate 1%"].into_iter().chain(rest.split(' ')).collect();
    let again = run(&again, b"");
    assert_eq!(again.code, Some(9), "{line}: {again:?}");
}
