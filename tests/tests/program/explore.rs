//! `sim-host explore`: scripts that survive, shares, single seeds, and what is refused.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    guest::{Ended, file, run},
    trace::Trace,
};

fn explore(script: &Path, options: &[&str]) -> Ended {
    let script = script.to_str().expect("a plain path");
    run(&[&["explore", script], options].concat(), b"")
}

fn session(name: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/session")).join(name)
}

/// What is said of `ten-lines.txt`, which kills a driver that it uses then.
const ONE_FAILS: &str =
    "sim-host: warning: 1 of the script's 10 commands fails without any displacement, too\n";

fn ten_lines() -> PathBuf {
    session("ten-lines.txt")
}

fn number(json: &str, key: &str) -> u64 {
    let (_, rest) = json.split_once(&format!("\"{key}\":")).unwrap_or_else(|| panic!("no {key} in {json}"));
    rest.split([',', '}']).next().and_then(|number| number.parse().ok()).expect("a number")
}

#[test]
fn the_standard_services_bear_interrupts_anywhere() {
    let ended = explore(&ten_lines(), &["--seeds", "0..300", "--json"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ONE_FAILS), "{ended:?}");
    assert_eq!(number(&ended.stdout, "seeds"), 300);
    assert!(!ended.stdout.contains("failed"), "{ended:?}");
}

#[test]
fn the_standard_services_bear_faults_anywhere() {
    let ended = explore(&ten_lines(), &["--faults", "--seeds", "0..300", "--json"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ONE_FAILS), "{ended:?}");
    assert_eq!(number(&ended.stdout, "seeds"), 300);
    let drawn = explore(&ten_lines(), &["--faults", "--seed", "4"]);
    assert!(drawn.code == Some(0) && drawn.stderr.contains("fault:"), "{drawn:?}");
    let said = drawn.stderr.lines().find_map(|line| line.split("schedule ").nth(1)).expect("a schedule");
    let trace = file("explore-faults.pftrace", "");
    let trace = trace.to_str().expect("a plain path");
    let again = explore(&ten_lines(), &["--faults", "--seed", "4", "--schedule", said, "--timeline", trace]);
    assert_eq!((again.code, &again.stdout, &again.stderr), (drawn.code, &drawn.stdout, &drawn.stderr));
}

#[test]
fn all_devices_bear_faults_anywhere() {
    let ended = explore(&session("devices.txt"), &["--faults", "--seeds", "0..300", "--json"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{ended:?}");
    let drawn = |kind: &str| {
        (0..40).any(|seed| {
            let life = explore(&session("devices.txt"), &["--faults", "--seed", &seed.to_string()]);
            life.stderr.contains(kind)
        })
    };
    assert!(["storage", "i2c", "power~cut"].into_iter().all(drawn), "all are among what is drawn");
}

#[test]
fn what_a_fault_holds_of_a_machine_that_is_off_is_no_leak() {
    let script = file("explore-exhausted.txt", "ping\nsleep 2ms\npoweroff\n");
    let ended =
        explore(&script, &["--faults", "--seed", "1", "--schedule", "fault:exhaust~heap~from~1ms~until~8ms"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

#[test]
fn the_shares_of_an_exploration_are_the_whole() {
    let share = |share| {
        let ended = explore(&ten_lines(), &["--seeds", "0..20", "--shard", share, "--json"]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        number(&ended.stdout, "seeds")
    };
    assert_eq!(["0/3", "1/3", "2/3"].map(share), [7, 7, 6]);
}

#[test]
fn one_seed_says_its_schedule_and_lives_again_by_it() {
    let drawn = explore(&ten_lines(), &["--seed", "4"]);
    assert_eq!(drawn.code, Some(0), "{drawn:?}");
    let said = drawn.stderr.split("schedule ").nth(1).expect("a schedule").trim();
    let again = explore(&ten_lines(), &["--seed", "4", "--schedule", said]);
    assert_eq!((again.code, &again.stdout, &again.stderr), (drawn.code, &drawn.stdout, &drawn.stderr));
    let none = explore(&ten_lines(), &["--seed", "4", "--schedule", "none", "--lines", "5,2-3"]);
    assert_eq!((none.code, none.stdout.lines().next()), (Some(0), Some("Number(7)")), "{none:?}");
}

#[test]
fn a_script_that_reboots_is_explored_through_all_of_its_boots() {
    let script =
        file("explore-reboots.txt", "gpio 25\nreboot\nfrobnicate\nping\nreboot\nping echo 3\npoweroff\n");
    let ended = explore(&script, &["--seeds", "0..50"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

#[test]
fn that_nothing_was_found_is_said_and_what_of_the_script_fails_anyway() {
    let ended = explore(&ten_lines(), &["--seeds", "0..10"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ONE_FAILS));
    assert!(
        ended.stdout.starts_with("10 seeds in ") && ended.stdout.contains("nothing was found"),
        "{ended:?}"
    );
    let script = file("explore-fails.txt", "ping\nfrobnicate\n\n# no command\nping echo\nfrobnicate twice\n");
    let warning = "sim-host: warning: 2 of the script's 4 commands fail without any displacement, too\n";
    let ended = explore(&script, &["--seeds", "0..10"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), warning));
    let ended = explore(&script, &["--seeds", "0..10", "--json"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), warning));
    assert_eq!(number(&ended.stdout, "base_failing_commands"), 2);
}

#[test]
fn what_fails_by_itself_is_exit_code_10() {
    let script = file("explore-panics.txt", "ping\npanic\n");
    let ended = explore(&script, &["--seeds", "0..10"]);
    assert_eq!(ended.code, Some(10), "{ended:?}");
    assert!(ended.stderr.contains("fails by itself: the machine has ended: Panic"), "{ended:?}");
}

#[test]
fn nonsense_is_refused_with_advice() {
    for (options, advice) in [
        (&["--seeds", "5..5"][..], "use A..B"),
        (&["--shard", "3/3"], "use I/N"),
        (&["--seed", "1", "--lines", "0"], "counted from 1"),
        (&["--seed", "1", "--schedule", "later"], "irq:LINE@N"),
        (&["--schedule", "none"], "--seed"),
        (&["--timeline", "x.pftrace"], "needs explore's --seed"),
        (&["--seeds", "0..10", "--timeline", "x.pftrace"], "needs explore's --seed"),
        (&["--lines", "99"], "ten-lines.txt` has, whose last line is 10"),
        (&["--lines", "1,11"], "--lines 1,11 asks for more"),
    ] {
        let ended = explore(&ten_lines(), options);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.stderr.contains(advice), "{ended:?}");
    }
    let ended = run(&["--timeline", "x.pftrace", "explore", "x.txt"], b"");
    assert!(ended.code == Some(2) && ended.stderr.contains("--timeline"), "{ended:?}");
    let ended = explore(&ten_lines(), &["--seed", "1", "--timeline", "no/such/directory.pftrace"]);
    assert!(ended.code == Some(1) && ended.stderr.contains("no/such/directory.pftrace"), "{ended:?}");
    let ended = run(&["--until", "1s", "explore", "x.txt"], b"");
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("--heap"), "{ended:?}");
    let ended = run(&["--heap", "1K", "explore", ten_lines().to_str().expect("a plain path")], b"");
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let ended = run(&["explore", "there-is-no-such-script.txt"], b"");
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let ended = run(&["explore", "there-is-no-such.scn"], b"");
    assert!(ended.code == Some(1) && ended.stderr.contains("the scenario `there"), "{ended:?}");
    let ended = explore(&file("explore-empty.txt", ""), &[]);
    assert!(ended.code == Some(1) && ended.stderr.contains("it has no lines"), "{ended:?}");
}

#[test]
fn a_scenario_is_explored_and_a_failed_expectation_is_reproduced() {
    let good = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/scenarios/led.scn"));
    let ended = explore(&good, &["--seeds", "0..100"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let ended = explore(&good, &["--seed", "4"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.contains("gpio 14 wait"), "{ended:?}");
    // Input that comes late is what an answer at once does not bear.
    let hasty = file("explore-hasty.scn", "send uart0 \"echo hi\\n\"\nexpect uart0 /^hi$/ within 0s\n");
    let ended = explore(&hasty, &["--seeds", "0..100"]);
    assert_eq!(ended.code, Some(9), "{ended:?}");
    assert!(ended.stdout.contains("explore-hasty.scn:2:1: expected uart0 /^hi$/ within 0 us"), "{ended:?}");
    let line =
        ended.stdout.lines().find_map(|line| line.strip_prefix("reproduce: sim-host ")).expect("a line");
    let again = run(&line.split(' ').collect::<Vec<_>>(), b"");
    assert_eq!(again.code, Some(9), "{line}: {again:?}");
    // The line takes a timeline, which the machine cannot tell.
    let trace = file("explore-hasty.pftrace", "");
    let line = format!("{line} --timeline {}", trace.display());
    let shown = run(&line.split(' ').collect::<Vec<_>>(), b"");
    assert_eq!((shown.code, &shown.stdout, &shown.stderr), (again.code, &again.stdout, &again.stderr));
    let shown = Trace::read(&fs::read(&trace).expect("a timeline"));
    let [group] = *shown.groups() else { panic!("one boot of one life") };
    assert!(!shown.slices_on(shown.named(group, "console")).is_empty());
    let bad = file("explore-bad.scn", "expect led on within 1ms\n");
    assert_eq!(explore(&bad, &["--seeds", "0..10"]).code, Some(10));
    let none = file("explore-none.scn", "sned\n");
    assert_eq!(explore(&none, &["--seeds", "0..10"]).code, Some(2));
    assert_eq!(explore(&good, &["--lines", "1-2"]).code, Some(2));
}
