//! `--scenario`: what passes, what fails and how it is told, documents, digests, and exit codes.

use std::{fs, path::Path};

use crate::{
    guest::{Ended, file, run},
    trace::Trace,
};

const SCENARIOS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/scenarios");

/// All examples, by their names.
fn examples() -> Vec<String> {
    let files = fs::read_dir(SCENARIOS).expect("there are examples");
    let paths = files.map(|file| file.expect("a file").path().display().to_string());
    let mut paths: Vec<_> = paths.filter(|path| path.ends_with(".scn")).collect();
    paths.sort();
    paths
}

fn scenarios(paths: &[String], options: &[&str]) -> Ended {
    let each = paths.iter().flat_map(|path| ["--scenario", path.as_str()]);
    run(&options.iter().copied().chain(each).collect::<Vec<_>>(), b"")
}

fn scenario(name: &str, text: &str, options: &[&str]) -> Ended {
    scenarios(&[written(name, text)], options)
}

fn written(name: &str, text: &str) -> String {
    file(name, text).to_str().expect("a plain path").to_owned()
}

#[test]
fn options_that_would_do_nothing_are_refused() {
    let ended = run(&["--junit", "a.xml", "--command", "ps"], b"");
    assert_eq!(ended.code, Some(2), "{ended:?}");
}

#[test]
fn two_runs_of_a_scenario_are_the_same() {
    let examples = examples();
    let ended = scenarios(&examples, &["--check-determinism", "--log", "off"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    for name in &examples {
        let told = format!("sim-host: {name}: two runs are the same in all of their ");
        assert_eq!(ended.stderr.lines().filter(|line| line.starts_with(&told)).count(), 1, "{ended:?}");
    }
    assert_eq!(ended.stdout.matches("passed ").count(), examples.len(), "each is reported once");
    // What has failed has failed, twice; and a line of the log is told once.
    let text = "wait 1ms\nkill echo\nexpect led on within 1ms\n";
    let ended = scenario("scn-twice.scn", text, &["--check-determinism"]);
    assert_eq!((ended.code, ended.stderr.matches("echo").count()), (Some(6), 1), "{ended:?}");
}

/// A life with all that tapes and timelines have to bear: power that comes and goes, pins, and faults.
const EVENTFUL: &str = r#"
name button = pin 14
send uart0 "gpio 25 out\ngpio 25 high\n"
expect led on within 10ms
press button
after 5ms kill echo
fault corrupt uart0 rx rate 20% until 100ms
fault power cut at 150ms
send uart0 "\x03\nps\nping echo 5\n"
wait 150ms
at 200ms poweroff
release button
at 300ms poweron
expect uart0 "mnemos> " within 10ms
send uart0 "random\npoweroff\n"
expect poweroff within 1s
wait 1s
reboot
expect uart0 "mnemos> " within 10ms
"#;

#[test]
fn a_tape_of_a_scenario_replays_without_it() {
    let mut all = examples();
    all.push(written("scn-eventful.scn", EVENTFUL));
    let tape = written("scn.tape", "");
    for path in all {
        let once = std::slice::from_ref(&path);
        let options = ["--record", &tape, "--digest", "--log", "off", "--seed", "9"];
        let ended = scenarios(once, &options);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let digest = ended.stderr.trim_end().strip_suffix(&format!(" {path}"));
        let replayed = run(&["--replay", &tape, "--digest"], b"");
        assert_eq!(replayed.code, Some(0), "{path}: {replayed:?}");
        assert_eq!(replayed.stderr.lines().last(), digest, "{path}");
    }
    // One that fails leaves a tape of the failure.
    let bad = written("scn-taped.scn", "send uart0 \"echo so\\n\"\nexpect led on within 1ms\n");
    assert_eq!(scenarios(&[bad], &["--record", &tape]).code, Some(6));
    let replayed = run(&["--replay", &tape], b"");
    assert!(replayed.code == Some(0) && replayed.stdout.contains("\nso\r\n"), "{replayed:?}");
}

#[test]
fn a_scenario_has_a_timeline() {
    let trace = written("scn.pftrace", "");
    let path = written("scn-eventful-too.scn", EVENTFUL);
    let with = scenarios(std::slice::from_ref(&path), &["--timeline", &trace, "--digest"]);
    assert_eq!(with.code, Some(0), "{with:?}");
    let read = Trace::read(&fs::read(&trace).expect("a timeline"));
    let groups = read.groups();
    assert_eq!(groups.len(), 4, "each boot");
    assert_eq!(read.instants_on(read.named(groups[0], "echo")).last(), Some(&"cancelled"));
    assert_eq!(scenarios(&[path], &["--digest"]).stderr, with.stderr, "the machine cannot tell");
}

#[test]
fn all_examples_pass_and_are_counted() {
    let examples = examples();
    assert!(examples.len() >= 5, "{examples:?}");
    let ended = scenarios(&examples, &["--log", "off"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{ended:?}");
    assert!(ended.stdout.ends_with(&format!("\n{} passed, 0 failed\n", examples.len())), "{ended:?}");
    let readme = fs::read_to_string(Path::new(SCENARIOS).join("README.md")).expect("a readme");
    for example in &examples {
        let name = example.rsplit('/').next().expect("a name");
        assert!(readme.contains(&format!("`{name}`")), "{name} is not in the readme");
    }
}

#[test]
fn a_failed_expectation_is_exit_code_6_and_told_with_its_place_and_the_last_output() {
    let text = "send uart0 \"echo ready\\n\"\nexpect uart0 /^steady$/ within 50ms\n";
    let good = written("scn-good.scn", "expect uart0 \"mnemos> \" within 1ms\n");
    let bad = written("scn-bad.scn", text);
    let ended = scenarios(&[bad.clone(), good], &[]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(6), ""), "{ended:?}");
    let told = format!(
        "FAILED {bad}:2:1: expected uart0 /^steady$/ within 50 ms, and it has not come, at 0.050000 s\n    \
         expect uart0 /^steady$/ within 50ms\n    ^\n  the last output of uart0:\n"
    );
    assert!(ended.stdout.starts_with(&told), "{ended:?}");
    assert!(
        ended.stdout.contains("\n  | ready\n") && ended.stdout.ends_with("\n1 passed, 1 failed\n"),
        "{ended:?}"
    );
}

#[test]
fn the_time_of_until_is_exit_code_8_unless_a_scenario_failed() {
    let long = written("scn-long.scn", "wait 1s\nwait 1s\n");
    let ended = scenarios(std::slice::from_ref(&long), &["--until", "1500ms"]);
    assert_eq!(ended.code, Some(8), "{ended:?}");
    assert!(ended.stdout.contains(":2:1: the time was up at 1.500000 s") && ended.stderr.contains("--until"));
    let bad = written("scn-bad-at-once.scn", "expect led on within 1ms\n");
    assert_eq!(scenarios(&[long.clone(), bad], &["--until", "1500ms"]).code, Some(6));
    assert_eq!(scenarios(&[long], &["--until", "2s"]).code, Some(0));
}

#[test]
fn all_mistakes_of_all_files_are_told_and_nothing_runs() {
    let good = written("scn-fine.scn", "screenshot\n");
    let one = written("scn-mistake.scn", "\n  sned uart0 \"x\"\nexpect uart0 /(/ within 1ms\n");
    let two = written("scn-mistake-too.scn", "expect uart0 \"x\" within soon\n");
    let ended = scenarios(&[good.clone(), one.clone(), two.clone()], &[]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{ended:?}");
    for told in [
        format!("{one}:2:3: `sned` is no statement: is it `send`?\n      sned uart0 \"x\"\n      ^\n"),
        format!("{one}:3:14: this is no regular expression: unclosed group\n"),
        format!("{two}:1:25: a time belongs here"),
    ] {
        assert!(ended.stderr.contains(&told), "{told}: {ended:?}");
    }
    let missing = scenario("scn-port.scn", "send uart7 \"x\"\n", &[]);
    assert_eq!(missing.code, Some(2), "{missing:?}");
    assert!(missing.stderr.contains(":1:1: the machine has no uart7: it has 1"), "{missing:?}");
}

#[test]
fn wrong_usage_and_missing_files_are_refused() {
    let ended = scenarios(&["no/such.scn".to_owned()], &[]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("the scenario `no/such.scn` cannot be read"), "{ended:?}");
    let good = written("scn-usage.scn", "wait 1ms\n");
    for options in [
        &["--time", "real"][..],
        &["--command", "ps"],
        &["--uart", "pty"],
        &["--replay", "x.tape"],
        &["--lockstep", "stdio"],
        &["--check-determinism", "--record", "x.tape"],
    ] {
        let ended = scenarios(std::slice::from_ref(&good), options);
        assert_eq!(ended.code, Some(2), "{options:?}: {ended:?}");
    }
    for option in ["--record", "--timeline"] {
        let ended = scenarios(&[good.clone(), good.clone()], &[option, "x"]);
        assert_eq!(ended.code, Some(2), "{option}: {ended:?}");
        assert!(ended.stderr.contains("give one --scenario"), "{ended:?}");
    }
    assert_eq!(run(&["--junit", "x.xml"], b"").code, Some(2));
    let ended = scenarios(&[good], &["--junit", "no/such/directory.xml"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
}

#[test]
fn the_same_seed_gives_the_same_digest_report_and_document() {
    let (first, second) = (written("scn-1.xml", ""), written("scn-2.xml", ""));
    let live = |junit: &str, seed: &str| {
        let ended = scenarios(&examples(), &["--digest", "--log", "off", "--seed", seed, "--junit", junit]);
        let document = fs::read_to_string(junit).expect("a document");
        (ended.stdout, ended.stderr, document)
    };
    let once = live(&first, "7");
    assert_eq!(live(&second, "7"), once);
    let digests = once.1.lines().filter(|line| line.starts_with("digest ") && line.ends_with(".scn")).count();
    assert_eq!(digests, examples().len(), "{}", once.1);
    assert_ne!(live(&second, "8").1, once.1, "another seed");
    let document = roxmltree::Document::parse(&once.2).unwrap_or_else(|error| panic!("{error}: {}", once.2));
    let cases = document.descendants().filter(|node| node.has_tag_name("testcase")).count();
    assert_eq!(cases, examples().len());
}

#[test]
fn faults_of_the_command_line_and_of_the_scenario_apply() {
    let text = "send uart0 \"echo abc\\n\"\nexpect uart0 /^bc$/ within 1ms\n";
    assert_eq!(scenario("scn-fault.scn", text, &["--fault", "drop uart0 rx nth 6"]).code, Some(0));
    let text = format!("fault drop uart0 rx nth 6\nfault kill nobody at 1s\n{text}");
    let ended = scenario("scn-own-fault.scn", &text, &[]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(
        ended.stderr.contains("scn-own-fault.scn:2:1: the fault `kill nobody at 1s` never applied; no task is called `nobody`: there are "),
        "{ended:?}"
    );
}

#[test]
fn a_misspelt_driver_is_told_with_its_place_and_the_names_that_there_are() {
    let ended = scenario("scn-kill.scn", "wait 1ms\n  kill ecko\n", &[]);
    assert_eq!(ended.code, Some(6), "{ended:?}");
    let told = "scn-kill.scn:2:3: no task is called `ecko`: there are ";
    assert!(
        ended.stdout.contains(told) && ended.stdout.contains(" and console, at 0.001000 s\n"),
        "{ended:?}"
    );
    // One that has been ended is not there either; one that is about to start is.
    assert_eq!(scenario("scn-kill-first.scn", "kill echo\n", &[]).code, Some(0));
    assert_eq!(scenario("scn-kill-twice.scn", "kill echo\nwait 1ms\nkill echo\n", &[]).code, Some(6));
    // The lines of interrupts are known before.
    for statement in ["fault stall urat0", "mask urat0"] {
        let ended = scenario("scn-stall.scn", &format!("wait 1ms\n{statement}\n"), &[]);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{ended:?}");
        let told = "scn-stall.scn:2:1: the machine has no interrupt line `urat0`: there are timer, uart0, ";
        assert!(ended.stderr.contains(told), "{ended:?}");
    }
}

#[test]
fn a_screenshot_is_printed() {
    let ended = scenario("scn-screen.scn", "send uart0 \"echo hi\\n\"\nscreenshot \"here\"\n", &[]);
    assert!(ended.stdout.starts_with("screenshot \"here\" of uart0 at 0.000000 s\n"), "{ended:?}");
    assert!(ended.stdout.contains("\n  | mnemos> echo hi\n  | hi\n  | mnemos>\npassed "), "{ended:?}");
}
