//! The program in a terminal, and the serial port as a terminal: both over ptys.

use std::{
    fs::File,
    io::{Read, Write},
    os::fd::OwnedFd,
    process::{Child, Stdio},
};

use rustix::{
    fs::{Mode, OFlags, open},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{LocalModes, tcgetattr},
};

use crate::guest::{command, read_until, start, wait};

/// A terminal: the side a person looks at, and the side a program runs on.
fn terminal() -> (File, OwnedFd) {
    let near = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("there is a pty");
    grantpt(&near).expect("granted");
    unlockpt(&near).expect("unlocked");
    let path = ptsname(&near, Vec::new()).expect("it has a name");
    let far = open(path.as_c_str(), OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).expect("it opens");
    (File::from(near), far)
}

fn boot(far: &OwnedFd) -> Child {
    boot_with(far, &[])
}

fn boot_with(far: &OwnedFd, arguments: &[&str]) -> Child {
    let side = || Stdio::from(far.try_clone().expect("cloned"));
    command(arguments).stdin(side()).stdout(side()).stderr(side()).spawn().expect("the program starts")
}

fn is_cooked(far: &OwnedFd) -> bool {
    let modes = tcgetattr(far).expect("it is a terminal").local_modes;
    modes.contains(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG)
}

#[test]
fn a_person_boots_edits_completes_and_leaves() {
    let (mut near, far) = terminal();
    let child = boot(&far);
    let banner = read_until(&mut near, "mnemos> ");
    for part in ["mnemOS 0.1.0 on the simulator", "heap", "clock", "services"] {
        assert!(banner.contains(part), "{part} is missing in:\n{banner}");
    }
    assert!(!is_cooked(&far), "the terminal is the guest's");
    // Left, and a letter in between; Tab; Ctrl-C; the line before the last.
    near.write_all(b"echo wrld\x1b[D\x1b[D\x1b[Do\r").expect("typed");
    read_until(&mut near, "\r\nworld\r\n");
    near.write_all(b"upt\t\r").expect("typed");
    read_until(&mut near, " d 0");
    near.write_all(b"half a line\x03").expect("typed");
    read_until(&mut near, "^C");
    near.write_all(b"\x1b[A\x1b[A\r").expect("typed");
    read_until(&mut near, "\r\nworld\r\n");
    near.write_all(b"sleep 100000\r").expect("typed");
    near.write_all(b"\x03").expect("typed");
    near.write_all(b"echo still here\r").expect("typed");
    read_until(&mut near, "\r\nstill here\r\n");
    near.write_all(b"poweroff\r").expect("typed");
    assert_eq!(wait(child).code(), Some(0));
    assert!(is_cooked(&far), "the terminal is given back");
}

#[test]
fn whoever_leaves_finds_the_terminal_sane_and_the_prompt_ended() {
    let end = |typed: &[u8]| {
        let (mut near, far) = terminal();
        let child = boot(&far);
        read_until(&mut near, "mnemos> ");
        near.write_all(typed).expect("typed");
        assert_eq!(wait(child).code(), Some(0));
        assert!(is_cooked(&far));
        // The other side is closed, so this ends, in an error.
        drop(far);
        let mut rest = Vec::new();
        let _ = near.read_to_end(&mut rest);
        let rest = String::from_utf8_lossy(&rest).into_owned();
        // Last of all come colours and the cursor, as they were.
        rest.trim_end_matches("\x1b[0m\x1b[?25h").to_owned()
    };
    for leave in [&b"\x04"[..], b"\x1d"] {
        assert_eq!(end(leave), "\r\n", "{leave:?}");
    }
    let said = end(b"poweroff\r");
    assert!(said.ends_with("poweroff\r\n"), "no empty line behind a whole one: {said:?}");
}

#[test]
fn a_machine_without_a_console_can_be_left() {
    let (mut near, far) = terminal();
    // In virtual time that is when there is nothing else to do.
    let child = boot_with(&far, &["--time", "virtual", "--fault", "kill uart0 at 1h"]);
    read_until(&mut near, "mnemos> ");
    near.write_all(b"sleep 7200\recho nobody hears this\r\x1d").expect("typed");
    assert_eq!(wait(child).code(), Some(0));
    assert!(is_cooked(&far));
}

#[test]
fn nobody_makes_a_console_deaf_by_mistake() {
    let (mut near, far) = terminal();
    let child = boot(&far);
    read_until(&mut near, "mnemos> ");
    near.write_all(b"kill console\r").expect("typed");
    read_until(&mut near, "error: this console is of no use without `console`; try `restart console`");
    near.write_all(b"kill uart0\r").expect("typed");
    read_until(&mut near, "error: this console is of no use without `uart0`; try `restart uart0`");
    near.write_all(b"poweroff\r").expect("typed");
    assert_eq!(wait(child).code(), Some(0));
}

#[test]
fn a_panic_and_a_signal_leave_the_terminal_sane() {
    let (mut near, far) = terminal();
    let child = boot(&far);
    read_until(&mut near, "mnemos> ");
    near.write_all(b"panic\r").expect("typed");
    assert_eq!(wait(child).code(), Some(3));
    assert!(is_cooked(&far));

    let child = boot(&far);
    read_until(&mut near, "mnemos> ");
    let killed = std::process::Command::new("kill").arg("-TERM").arg(child.id().to_string()).status();
    assert!(killed.expect("kill runs").success());
    assert_eq!(wait(child).code(), Some(128 + 15));
    assert!(is_cooked(&far));
}

#[test]
fn the_serial_port_may_be_a_pty() {
    let (child, path) = start(&["--uart", "pty"]);
    let mut port = File::options().read(true).write(true).open(&path).expect("the pty opens");
    port.write_all(b"\r").expect("typed");
    read_until(&mut port, "mnemos> ");
    port.write_all(b"version\r").expect("typed");
    read_until(&mut port, "mnemOS 0.1.0 on the simulator\r\n");
    port.write_all(b"poweroff\r").expect("typed");
    let mut rest = Vec::new();
    // Ends with an error once the program has closed its side.
    let _ = port.read_to_end(&mut rest);
    assert_eq!(wait(child).code(), Some(0));
}
