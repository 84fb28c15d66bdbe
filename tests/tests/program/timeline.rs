//! Timelines: `--timeline`, and what is in the file.

use std::{collections::BTreeMap, fs};

use crate::{
    guest::{Ended, file, run},
    trace::Trace,
};

const VIRTUAL: [&str; 3] = ["--time", "virtual", "--digest"];

/// Runs lines with a timeline, and reads it.
fn lines(name: &str, options: &[&str], lines: &[&str]) -> (Ended, Vec<u8>) {
    let path = file(name, "");
    let path = path.to_str().expect("a plain path");
    let mut arguments = [options, &["--timeline", path]].concat();
    lines.iter().for_each(|line| arguments.extend(["--command", line]));
    (run(&arguments, b""), fs::read(path).expect("a timeline"))
}

fn names(slices: &[&crate::trace::Slice]) -> BTreeMap<String, usize> {
    let mut names = BTreeMap::new();
    slices.iter().for_each(|slice| *names.entry(slice.name.clone()).or_default() += 1);
    names
}

#[test]
fn a_timeline_shows_polls_requests_interrupts_log_lines_and_memory() {
    let options = ["--time", "virtual", "--heap", "128K", "--log", "info"];
    let (ended, bytes) =
        lines("whole.pftrace", &options, &["ping echo 100", "sleep 5ms", "kill echo", "heap"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let trace = Trace::read(&bytes);
    let groups = trace.groups();
    let [group] = *groups else { panic!("one boot: {groups:?}") };
    let (echo, console) = (trace.named(group, "echo"), trace.named(group, "console"));
    assert_eq!(names(&trace.slices_on(echo)).get("answer echo"), Some(&100));
    assert!(names(&trace.slices_on(console)).get("request echo") >= Some(&100));
    let there_and_back = trace.flows().into_values().filter(|flow| *flow == [console, echo, console]);
    assert_eq!(there_and_back.count(), 100);
    assert_eq!(trace.instants_on(echo).last(), Some(&"cancelled"));
    assert!(trace.instants_on(trace.named(group, "interrupts")).contains(&"timer"));
    assert!(
        trace
            .instants_on(trace.named(group, "events"))
            .iter()
            .any(|text| text.starts_with("register service=echo"))
    );
    let log = trace.instants_on(trace.named(group, "log"));
    for line in ended.stderr.lines().filter_map(|line| line.split_once("at_us=").map(|(text, _)| text.trim()))
    {
        let text = line.split_once("mnemos: ").map_or(line, |(_, text)| text);
        assert!(log.contains(&text), "no {text:?} in {log:?}");
    }
    // After a sleep of 5 ms.
    assert!(trace.slices.last().is_some_and(|slice| slice.end_ns == 5_000_000));
    // The counters of all owners are the one of all memory.
    let sum: i64 = trace
        .tracks
        .iter()
        .filter(|(_, track)| track.name.starts_with("memory of "))
        .filter_map(|(uuid, _)| trace.last_count(*uuid))
        .sum();
    let used = trace.last_count(trace.named(group, "memory in use"));
    assert_eq!(used, Some(sum));
    assert!(used.is_some_and(|used| (16 * 1024..128 * 1024).contains(&used)), "{used:?}");
}

#[test]
fn a_machine_does_the_same_with_a_timeline_and_two_timelines_are_the_same() {
    let script = ["ping echo 300", "events", "random", "kill echo", "spawn echo", "reboot", "ps", "heap"];
    let mut without = VIRTUAL.to_vec();
    script.iter().for_each(|line| without.extend(["--command", line]));
    let without = run(&without, b"");
    let (first, trace) = lines("first.pftrace", &VIRTUAL, &script);
    let (second, same) = lines("second.pftrace", &VIRTUAL, &script);
    assert!(first.stderr.contains("digest "), "{first:?}");
    assert_eq!((&first.stdout, &first.stderr), (&without.stdout, &without.stderr));
    assert_eq!((&first.stdout, &first.stderr), (&second.stdout, &second.stderr));
    assert!(trace == same, "the same seed, the same bytes");
}

#[test]
fn each_boot_is_a_group_and_time_goes_on() {
    let script = ["sleep 10ms", "reboot", "sleep 20ms", "reboot"];
    let (ended, bytes) = lines("boots.pftrace", &VIRTUAL, &script);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let trace = Trace::read(&bytes);
    let groups = trace.groups();
    assert_eq!(groups.len(), 3);
    let first_polls = groups.iter().map(|group| {
        let console = trace.named(*group, "console");
        trace.slices_on(console).first().map(|slice| slice.begin_ns)
    });
    assert_eq!(first_polls.collect::<Vec<_>>(), [Some(0), Some(10_000_000), Some(30_000_000)]);
    let used: Vec<_> =
        groups.iter().map(|group| trace.last_count(trace.named(*group, "memory in use"))).collect();
    assert!(matches!(*used, [Some(0), Some(0), Some(1..)]), "{used:?}");
}

#[test]
fn a_session_in_real_time_and_its_replay_have_timelines() {
    let tape = file("timeline.tape", "");
    let tape = tape.to_str().expect("a plain path");
    let (ended, bytes) = lines("real.pftrace", &["--record", tape], &["ping echo 50", "sleep 2ms"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let answers = |bytes: &[u8]| {
        let trace = Trace::read(bytes);
        let echo = trace.named(trace.groups()[0], "echo");
        names(&trace.slices_on(echo)).get("answer echo").copied()
    };
    assert_eq!(answers(&bytes), Some(50));
    let (replayed, again) = lines("replay.pftrace", &["--replay", tape], &[]);
    assert_eq!((replayed.code, &replayed.stdout), (Some(0), &ended.stdout), "{replayed:?}");
    assert_eq!(answers(&again), Some(50));
}

#[test]
fn a_timeline_that_cannot_be_written_is_exit_code_1_and_one_sentence() {
    for path in ["/nonexistent/run.pftrace", "/dev/full"] {
        let ended = run(&["--timeline", path, "--command", "echo hi"], b"");
        assert_eq!(ended.code, Some(1), "{ended:?}");
        let expected = format!("sim-host: the timeline `{path}` cannot be written: ");
        assert!(ended.stderr.starts_with(&expected) && ended.stderr.lines().count() == 1, "{ended:?}");
    }
    let ended = run(&["--timeline", "x.pftrace", "--check-determinism", "--command", "ps"], b"");
    assert_eq!(ended.code, Some(2), "{ended:?}");
}
