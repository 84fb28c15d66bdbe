//! What flows over the wire, and when a machine is said to hang.

use std::io::Cursor;

use kernel::platform::Stop;
use sim_host::{Builder, Sim};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex, empty, sink};

use super::{Link, Stopped};
use crate::program::{
    ending::HostError,
    machine,
    options::Options,
    wire::{Mode, Wire},
};

fn options() -> Options {
    <Options as clap::Parser>::try_parse_from(["sim-host", "--time", "virtual"]).unwrap()
}

fn plain() -> Builder {
    machine::describe(&options(), Mode::Plain)
}

fn wire(
    input: impl tokio::io::AsyncRead + Unpin + 'static,
    output: impl tokio::io::AsyncWrite + Unpin + 'static,
) -> Wire {
    Wire {
        input: Box::new(input),
        output: Box::new(output),
        mode: Mode::Plain,
        takes_terminal: false,
        can_hang: true,
        farewell: None,
    }
}

fn run(machine: Builder, mut wire: Wire) -> (Sim, Result<Stopped, HostError>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut sim = machine.build().unwrap();
    let stopped = runtime.block_on(Link::default().run(&mut sim, &mut wire));
    (sim, stopped)
}

/// Input goes in, output comes back.
fn session(input: impl Into<Vec<u8>>) -> (Sim, Stopped, String) {
    let (near, mut far) = duplex(1 << 20);
    let (sim, stopped) = run(plain(), wire(Cursor::new(input.into()), near));
    let mut text = String::new();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(far.read_to_string(&mut text)).unwrap();
    (sim, stopped.unwrap(), text)
}

#[test]
fn the_end_of_input_powers_off() {
    let (_, stopped, text) = session("");
    assert_eq!((stopped, text.as_str()), (Stopped::By(Stop::PowerOff), ""));
}

#[test]
fn the_last_line_needs_no_end() {
    let (_, stopped, text) = session("echo one\necho two");
    assert_eq!((stopped, text.as_str()), (Stopped::By(Stop::PowerOff), "one\ntwo\n"));
}

#[test]
fn no_line_of_a_megabyte_is_lost() {
    let lines = 100_000;
    let script: String = (0..lines).map(|n| format!("echo {n}\n")).collect();
    let (near, mut far) = duplex(1000);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut sim = plain().build().unwrap();
    let mut wire = wire(Cursor::new(script.into_bytes()), near);
    let text = runtime.block_on(async {
        let session = async {
            let stopped = Link::default().run(&mut sim, &mut wire).await.unwrap();
            wire.output.shutdown().await.unwrap();
            stopped
        };
        let mut text = String::new();
        let (stopped, read) = tokio::join!(session, far.read_to_string(&mut text));
        read.unwrap();
        assert_eq!(stopped, Stopped::By(Stop::PowerOff));
        text
    });
    let expected: String = (0..lines).map(|n| format!("{n}\n")).collect();
    assert!(text == expected, "{} of {} bytes came back", text.len(), expected.len());
}

#[test]
fn no_line_is_lost_in_a_reboot() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (near, mut far) = duplex(1000);
    let mut sim = plain().build().unwrap();
    let mut wire = wire(Cursor::new("echo one\nreboot\necho two\n"), near);
    let mut link = Link::default();
    runtime.block_on(async {
        assert_eq!(link.run(&mut sim, &mut wire).await.unwrap(), Stopped::By(Stop::Reboot));
        sim.reboot().unwrap();
        assert_eq!(link.run(&mut sim, &mut wire).await.unwrap(), Stopped::By(Stop::PowerOff));
        drop(wire);
        let mut text = String::new();
        far.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "one\ntwo\n");
    });
}

#[test]
fn a_megabyte_without_a_line_end_is_refused_and_the_next_line_works() {
    let (sim, stopped, text) = session("x".repeat(1 << 20) + "\necho on\n");
    assert_eq!((stopped, sim.commands_failed()), (Stopped::By(Stop::PowerOff), 1));
    assert!(text.starts_with("error: ") && text.ends_with("\non\n"), "{text}");
}

#[test]
fn failed_commands_are_counted() {
    let (sim, stopped, text) = session("frobnicate\necho fine\nhelp frobnicate\n");
    assert_eq!(stopped, Stopped::By(Stop::PowerOff));
    assert_eq!(sim.commands_failed(), 2, "{text}");
}

#[test]
fn a_panic_is_told_from_a_power_off() {
    assert_eq!(session("panic\n").1, Stopped::By(Stop::Panic));
    assert_eq!(session("poweroff\n").1, Stopped::By(Stop::PowerOff));
    assert_eq!(session("reboot\n").1, Stopped::By(Stop::Reboot));
}

#[test]
fn a_machine_without_anybody_who_listens_hangs() {
    for input in ["", "echo\n", &"x".repeat(100_000)] {
        let (_, stopped) = run(Sim::builder().bare(), wire(Cursor::new(input.to_owned()), sink()));
        assert_eq!(stopped.unwrap(), Stopped::Hang, "{} bytes", input.len());
    }
}

#[test]
fn a_machine_that_sleeps_does_not_hang() {
    assert_eq!(session("sleep 3600\n").1, Stopped::By(Stop::PowerOff));
}

#[test]
fn a_machine_that_waits_for_a_slow_pipe_does_not_hang() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (near, mut far) = duplex(100);
    let mut sim = plain().build().unwrap();
    let mut wire = wire(near, sink());
    runtime.block_on(async {
        let slow = async {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            far.write_all(b"echo\n").await.unwrap();
            drop(far);
        };
        let mut link = Link::default();
        let (stopped, ()) = tokio::join!(link.run(&mut sim, &mut wire), slow);
        assert_eq!(stopped.unwrap(), Stopped::By(Stop::PowerOff));
    });
}

#[test]
fn a_reader_that_is_gone_is_an_error_that_says_so() {
    let (near, far) = duplex(10);
    drop(far);
    let (_, stopped) = run(plain(), wire(Cursor::new("help\n"), near));
    assert!(stopped.unwrap_err().is_broken_pipe());
}

#[test]
fn a_machine_that_is_rebooted_is_told_again_that_the_input_has_ended() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut sim = plain().build().unwrap();
    let mut wire = wire(empty(), sink());
    let mut link = Link::default();
    runtime.block_on(async {
        assert_eq!(link.run(&mut sim, &mut wire).await.unwrap(), Stopped::By(Stop::PowerOff));
        sim.reboot().unwrap();
        assert_eq!(link.run(&mut sim, &mut wire).await.unwrap(), Stopped::By(Stop::PowerOff));
    });
}
