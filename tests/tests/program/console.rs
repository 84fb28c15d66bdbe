//! Pipes, scripts, commands, and the exit codes that come of them.

use crate::guest::{command, file, run};

#[test]
fn piped_lines_print_three_tables_and_power_off() {
    let ended = run(&[], b"services\nps\nheap\npoweroff\n");
    assert_eq!(ended.code, Some(0), "{ended:?}");
    for title in ["INSTANCE  SERVICE", " TASK  NAME", "HEAP"] {
        assert_eq!(ended.stdout.matches(title).count(), 1, "{title} in:\n{}", ended.stdout);
    }
    assert!(!ended.stdout.contains(['\x1b', '\r']), "no escape codes in:\n{}", ended.stdout);
    assert_eq!(ended.stderr, "", "nothing went wrong");
}

#[test]
fn the_end_of_input_powers_off() {
    let ended = run(&[], b"version\n");
    assert_eq!(
        (ended.code, ended.stdout.as_str()),
        (Some(0), "mnemOS 0.1.0 on the simulator\nserial number 0000000000000000\n"),
        "{ended:?}"
    );
    assert_eq!(run(&[], b"").code, Some(0));
    // A last line without its end is a line.
    assert_eq!(run(&[], b"echo last").stdout, "last\n");
}

#[test]
fn commands_and_scripts_tell_by_their_exit_code_whether_all_went_well() {
    let good = run(&["--command", "echo one", "--command", "echo two"], b"");
    assert_eq!((good.code, good.stdout.as_str()), (Some(0), "one\ntwo\n"), "{good:?}");
    let bad = run(&["--command", "frobnicate", "--command", "echo on"], b"");
    assert_eq!(bad.code, Some(5), "{bad:?}");
    assert!(bad.stdout.contains("error: unknown command `frobnicate`") && bad.stdout.ends_with("on\n"));
    // A pipe is a script.
    assert_eq!(run(&[], b"frobnicate\necho on\n").code, Some(5));

    let script = file("good.txt", "# a comment\necho from a file\n\nuptime\n");
    let ended = run(&["--time", "virtual", "--script", script.to_str().expect("a plain path")], b"");
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(ended.stdout, "from a file\n0 d 00:00:00.000000\n");
    let ended = run(&["--script", "-"], b"echo from stdin\n");
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), "from stdin\n"), "{ended:?}");
}

#[test]
fn what_the_host_cannot_do_is_exit_code_1() {
    let ended = run(&["--script", "no/such/file"], b"");
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("no/such/file") && ended.stderr.lines().count() == 1, "{ended:?}");
    let ended = run(&["--uart", "tcp:999.1.1.1:1"], b"");
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let ended = run(&["--heap", "2K"], b"");
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("memory"), "{ended:?}");
}

#[test]
fn wrong_usage_is_exit_code_2() {
    for arguments in [&["--heap", "lots"][..], &["--time", "soon"], &["--no-such-option"], &["--uart", "usb"]]
    {
        let ended = run(arguments, b"");
        assert_eq!(ended.code, Some(2), "{arguments:?}: {ended:?}");
        assert!(ended.stdout.is_empty() && !ended.stderr.is_empty(), "{ended:?}");
    }
}

#[test]
fn help_and_version_are_no_failures() {
    let help = run(&["--help"], b"");
    assert_eq!(help.code, Some(0));
    for word in [
        "--heap",
        "--time",
        "--seed",
        "--uart",
        "--log",
        "--alloc-policy",
        "--command",
        "--script",
        "--fault",
        "--scenario",
        "--junit",
        "Exit codes",
    ] {
        assert!(help.stdout.contains(word), "{word} is missing in:\n{}", help.stdout);
    }
    assert_eq!(run(&["--version"], b"").stdout, "sim-host 0.1.0\n");
}

#[test]
fn a_kernel_panic_is_exit_code_3() {
    let ended = run(&["--command", "panic"], b"");
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert!(ended.stderr.contains("panic"), "{ended:?}");
}

#[test]
fn a_script_that_waits_for_ever_is_exit_code_4() {
    let ended = run(&["--time", "virtual", "--command", "gpio 3 wait", "--command", "echo never"], b"");
    assert_eq!(ended.code, Some(4), "{ended:?}");
    assert!(!ended.stdout.contains("never"), "{ended:?}");
}

#[test]
fn a_reboot_starts_anew_and_the_script_goes_on() {
    let ended = run(&["--command", "kill echo", "--command", "reboot", "--command", "ping"], b"");
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.contains("1 round trips to echo"), "{ended:?}");
}

#[test]
fn a_hundred_thousand_pings_allocate_nothing() {
    let arguments = ["--time", "virtual", "--alloc-policy", "deny", "--command", "ping echo 100000"];
    let ended = run(&arguments, b"");
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(
        ended.stdout.contains("100000 round trips") && ended.stdout.ends_with("\n0 allocations\n"),
        "{ended:?}"
    );
}

#[test]
fn virtual_time_does_not_wait() {
    let ended = run(&["--time", "virtual", "--command", "sleep 86400", "--command", "uptime"], b"");
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), "1 d 00:00:00.000000\n"), "{ended:?}");
}

#[test]
fn hostile_input_is_refused_and_the_kernel_lives_on() {
    let mut input = vec![b'x'; 1024 * 1024];
    input.extend(b"\necho one\n\xff\xfe\xfd\necho two\n\x00\x01\x1b[31m\x7f\necho three\n");
    let ended = run(&[], &input);
    assert_eq!(ended.code, Some(5), "{ended:?}");
    let answers: Vec<_> = ended.stdout.lines().filter(|line| !line.starts_with("error: ")).collect();
    assert_eq!(answers, ["one", "two", "three"], "{ended:?}");
    assert!(ended.stdout.matches("error: ").count() >= 2, "{ended:?}");
}

#[test]
fn the_same_seed_and_script_print_the_same() {
    let script = [
        "--time",
        "virtual",
        "--seed",
        "7",
        "--command",
        "ping echo 50",
        "--command",
        "events 100",
        "--command",
        "ps",
    ];
    let (first, second) = (run(&script, b""), run(&script, b""));
    assert_eq!(first.stdout, second.stdout);
    assert!(first.stdout.len() > 500, "{first:?}");
}

#[test]
fn a_reader_that_leaves_early_is_no_panic() {
    use std::process::Stdio;
    let mut child = command(&["--command", "help", "--command", "help"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    drop(child.stdout.take());
    let ended = child.wait_with_output().expect("the program ends");
    let stderr = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(!stderr.contains("panicked"), "{stderr}");
}
