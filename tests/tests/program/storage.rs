//! `--storage`: a file that outlives the program, and what it cannot be.

use std::{fs, io::Write as _, os::unix::fs::PermissionsExt as _, path::PathBuf, process::Stdio};

use crate::guest::{Ended, command, file, read_until, run, wait};

/// A file of this name that is not there yet.
fn absent(name: &str) -> PathBuf {
    let path = file(name, "");
    fs::remove_file(&path).expect("it was made just now");
    path
}

fn with(path: &str, commands: &[&str]) -> Ended {
    let commands = commands.iter().flat_map(|line| ["--command", line]);
    let options: Vec<&str> = ["--time", "virtual", "--storage", path].into_iter().chain(commands).collect();
    run(&options, b"")
}

const WRITE: &str = "call storage Write{offset: 8, data: \"kept\"}";
const READ: &str = "call storage Read{offset: 8, len: 4}";

#[test]
fn what_is_stored_is_there_in_the_next_run() {
    let path = absent("kept.img");
    let name = path.to_str().expect("a plain path");
    let ended = with(name, &[READ, WRITE]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), "Data(x\"ffffffff\")\nDone\n"));
    let bytes = fs::read(&path).expect("it was made");
    assert_eq!((bytes.len(), &bytes[6..14]), (65536, &b"\xff\xffkept\xff\xff"[..]));
    let ended = with(name, &[READ, "reboot", READ, "call storage Erase{offset: 0, len: 4096}"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), "Data(b\"kept\")\nData(b\"kept\")\nDone\n"));
    assert_eq!(fs::read(&path).expect("still there"), [0xff; 65536]);
    // No copy is left beside it.
    let folder = fs::read_dir(path.parent().expect("a folder")).expect("a folder");
    let beside = folder.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    assert_eq!(beside.filter(|name| name.starts_with("kept.img")).count(), 1);
}

#[test]
fn it_is_kept_however_the_run_ends_and_what_was_under_way_is_torn() {
    let path = absent("torn.img");
    let name = path.to_str().expect("a plain path");
    let zeros = format!("call storage Write{{offset: 0, data: \"{}\"}}", "\\x00".repeat(64));
    let ended = with(name, &[&zeros, "frobnicate"]);
    assert_eq!(ended.code, Some(5), "{ended:?}");
    let erase = "call storage Erase{offset: 0, len: 4096}";
    let options =
        ["--time", "virtual", "--seed", "2", "--storage", name, "--until", "10ms", "--command", erase];
    assert_eq!(run(&options, b"").code, Some(8));
    let left = fs::read(&path).expect("it was kept");
    assert!(left[..64].contains(&0) && left[..64].contains(&0xff), "{:?}", &left[..64]);
}

#[test]
fn a_file_is_one_machine_s_at_a_time() {
    let path = absent("shared.img");
    let name = path.to_str().expect("a plain path");
    let mut first = command(&["--time", "virtual", "--storage", name])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stdin = first.stdin.take().expect("piped");
    let mut stdout = first.stdout.take().expect("piped");
    stdin.write_all(format!("{WRITE}\n").as_bytes()).expect("it reads");
    read_until(&mut stdout, "Done");
    let before = fs::read(&path).expect("it was made");
    let second = with(name, &["call storage Erase{offset: 0, len: 4096}"]);
    assert_eq!((second.code, second.stdout.as_str()), (Some(1), ""), "{second:?}");
    assert!(second.stderr.contains("in use by another machine"), "{second:?}");
    assert_eq!(fs::read(&path).expect("still there"), before);
    drop(stdin);
    assert!(wait(first).success());
    let third = with(name, &[READ]);
    assert_eq!((third.code, third.stdout.as_str()), (Some(0), "Data(b\"kept\")\n"));
}

#[test]
fn an_empty_file_is_an_erased_storage() {
    let path = file("empty.img", "");
    let ended = with(path.to_str().expect("a plain path"), &[READ]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), "Data(x\"ffffffff\")\n"));
    assert_eq!(fs::read(&path).expect("it was kept"), [0xff; 65536]);
}

#[test]
fn without_a_file_it_is_erased_and_there_may_be_none() {
    let read = ["--command", WRITE, "--command", "reboot", "--command", READ];
    let ended = run(&[&["--time", "virtual"], &read[..]].concat(), b"");
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), "Done\nData(b\"kept\")\n"));
    let ended = with("none", &[READ]);
    assert_eq!(ended.code, Some(5));
    assert!(ended.stdout.contains("no service `storage`"), "{ended:?}");
}

#[test]
fn a_file_that_is_no_image_is_refused_and_left_alone() {
    let path = file("short.img", "short");
    let ended = with(path.to_str().expect("a plain path"), &[READ]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""));
    assert!(ended.stderr.contains("has 65536 bytes, and this has 5"), "{ended:?}");
    assert_eq!(fs::read(&path).expect("still there"), b"short");
    // One that would not fit into memory is not read.
    let huge = absent("huge.img");
    fs::File::create(&huge).and_then(|file| file.set_len(1 << 40)).expect("it takes no room");
    let ended = with(huge.to_str().expect("a plain path"), &[READ]);
    fs::remove_file(&huge).expect("still there");
    assert!(ended.stderr.contains("has 65536 bytes, and this has 1099511627776"), "{ended:?}");
    for nowhere in [env!("CARGO_TARGET_TMPDIR"), "/nowhere/at/all.img"] {
        let ended = with(nowhere, &[READ]);
        assert_eq!(ended.code, Some(1), "{ended:?}");
        assert!(ended.stderr.contains("cannot be read or written"), "{ended:?}");
    }
}

#[test]
fn where_the_image_would_not_be_known_it_is_refused() {
    let path = absent("refused.img");
    let name = path.to_str().expect("a plain path");
    let script = file("refused.txt", "ping\n");
    let script = script.to_str().expect("a plain path");
    for others in [
        &["--record", "x.tape"][..],
        &["--replay", "x.tape"],
        &["--check-determinism", "--until", "1s"],
        &["--scenario", "x.scn"],
        &["--lockstep", "stdio"],
        &["explore", script],
        &["fleet", script],
    ] {
        let ended = run(&[&["--storage", name], others].concat(), b"");
        assert_eq!(ended.code, Some(2), "{ended:?}");
    }
    assert!(!path.exists());
    let help = run(&["--help"], b"").stdout;
    let (_, of_storage) = help.split_once("--storage").expect("it is told");
    for told in ["--scenario, --record, --replay, --lockstep and --check-determinism", "SIGKILL"] {
        let words = of_storage.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains(told), "{told}: {help}");
    }
}

#[test]
fn what_is_no_plain_file_or_must_not_be_written_is_refused_and_left_alone() {
    // It has no end, and a file in its place would be the end of it.
    let ended = with("/dev/zero", &["echo alive"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("not a plain file"), "{ended:?}");
    let path = absent("protected.img");
    let name = path.to_str().expect("a plain path");
    assert_eq!(with(name, &[WRITE]).code, Some(0));
    let before = fs::read(&path).expect("it was made");
    let allow = |mode| fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("it is ours");
    allow(0o444);
    let ended = with(name, &["call storage Erase{offset: 0, len: 4096}"]);
    // The next run of this test makes it anew.
    allow(0o644);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{ended:?}");
    assert!(ended.stderr.contains("write-protected"), "{ended:?}");
    assert_eq!(fs::read(&path).expect("still there"), before);
}

#[test]
fn where_no_copy_can_be_made_nothing_runs_that_would_be_lost() {
    // A copy's name is longer, and too long.
    let path = absent(&"x".repeat(250));
    fs::write(&path, [0xff; 65536]).expect("it is ours");
    let ended = with(path.to_str().expect("a plain path"), &[WRITE]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{ended:?}");
    assert!(ended.stderr.contains("cannot be read or written"), "{ended:?}");
}

#[test]
fn a_file_keeps_its_permissions() {
    let path = absent("private.img");
    let name = path.to_str().expect("a plain path");
    assert_eq!(with(name, &[]).code, Some(0));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("it is ours");
    assert_eq!(with(name, &[WRITE]).code, Some(0));
    let mode = fs::metadata(&path).expect("still there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}
