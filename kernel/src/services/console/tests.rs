//! The console in a whole machine: lines in over a model of a UART, text out.

use core::convert::Infallible;

use super::{Config, Mode};
use crate::{
    Handle,
    executor::TaskId,
    heap::SteadyState,
    platform::{Next, Stop},
    services::{
        echo::{Echo, Request},
        serial::{
            device::Received,
            driver::{Handler, set_up},
        },
        standard,
        supervise::{self, Supervisor},
    },
    testing::{FIFO, Machine, Model},
};

/// A machine with a console.
struct Terminal {
    machine: Machine,
    uart: Model,
    handler: Handler<Model>,
    _supervisor: Supervisor,
    stopped: Option<Stop>,
}

impl Terminal {
    fn new(mode: Mode) -> Self {
        let machine = Machine::new();
        let kernel = machine.kernel.handle();
        let uart = Model::default();
        let (driver, handler) = set_up(&kernel, uart.clone(), "uart0", 256).expect("set up");
        let config = Config {
            serial_number: Some(0xe660),
            power_off_at_end: true,
            ..Config::new("uart0", mode, "a test")
        };
        let supervisor = standard::start(&kernel).expect("started");
        standard::start_serial(&kernel, &supervisor, driver, "uart0").expect("started");
        standard::start_console(&supervisor, config).expect("started");
        Self { machine, uart, handler, _supervisor: supervisor, stopped: None }
    }

    /// Feeds bytes as the FIFO takes them, and runs until nothing happens.
    fn type_in(&mut self, bytes: &[u8]) -> String {
        let mut left = bytes.iter().copied();
        let (mut shown, mut quiet) = (Vec::new(), 0);
        for _ in 0..100_000 {
            let more = self.uart.with(|registers| {
                while registers.receive.len() < FIFO
                    && let Some(byte) = left.next()
                {
                    registers.receive.push_back(Received::Byte(byte));
                }
                shown.extend(registers.transmit.drain(..));
                !registers.receive.is_empty() || registers.transmit_interrupt
            });
            if more {
                self.handler.interrupt();
            }
            match self.machine.settle() {
                Next::Stop(stop) => {
                    self.stopped = Some(stop);
                    break;
                }
                Next::SleepUntil(deadline) if !more => self.machine.clock.set(deadline.as_micros()),
                _ => {}
            }
            quiet = if more { 0 } else { quiet + 1 };
            if quiet > 5 {
                break;
            }
        }
        String::from_utf8(shown).expect("the console prints text")
    }

    fn failed(&self) -> u32 {
        self.machine.kernel.commands_failed()
    }
}

fn plain() -> Terminal {
    Terminal::new(Mode::Plain)
}

#[test]
#[cfg_attr(miri, ignore = "minutes of safe code, whose unsafe grounds have tests of their own")]
fn a_script_prints_plain_tables_and_powers_off() {
    let mut terminal = plain();
    let shown = terminal.type_in(b"services\nps\nheap\npoweroff\n");
    for expected in ["INSTANCE  SERVICE", "TASK  NAME", "HEAP", "echo", "inspect", "largest free", "console"]
    {
        assert!(shown.contains(expected), "{expected} is missing in:\n{shown}");
    }
    assert!(!shown.contains('\x1b') && !shown.contains('\r'), "no escapes in:\n{shown}");
    assert!(shown.lines().all(|line| line.trim_end() == line), "no spaces at line ends in:\n{shown}");
    assert_eq!(terminal.stopped, Some(Stop::PowerOff));
    assert_eq!(terminal.failed(), 0, "{shown}");
}

#[test]
#[cfg_attr(miri, ignore = "minutes of safe code, whose unsafe grounds have tests of their own")]
fn every_command_answers() {
    let mut terminal = plain();
    for (line, expected) in [
        ("help", "poweroff"),
        ("help ps", "usage: ps"),
        ("version", "mnemOS 0.1.0 on a test"),
        ("version", "serial number 000000000000e660"),
        ("uptime", "0 d 00:00:00"),
        ("top", "BUSY"),
        ("connections", "CONNECTION"),
        ("heap owners", "kernel"),
        ("heap owners --json", "{\"task\":0,\"owner\":\"kernel\""),
        ("ps --json", "\"name\":\"echo\""),
        ("services --json", "\"service\":\"serial\""),
        ("irq", "uart0"),
        ("log", "log"),
        ("log debug", ""),
        ("log uart trace", ""),
        ("events 3", "connect instance="),
        ("events kinds", "long-poll"),
        ("events on poll", ""),
        ("call echo Number 7", "Number(7)"),
        ("call echo", "request:"),
        ("call serial Stats", "received"),
        ("ping", "0 allocations"),
        ("ping echo 100", "100 round trips to echo"),
        ("echo one  two", "one  two"),
        ("sleep 10ms", ""),
        ("drivers", "running as task"),
        ("restart echo", ""),
        ("kill echo", ""),
        ("spawn echo", ""),
        ("# a comment", ""),
        ("", ""),
    ] {
        let shown = terminal.type_in(format!("{line}\n").as_bytes());
        assert!(shown.contains(expected), "`{line}` printed:\n{shown}");
        assert_eq!(terminal.failed(), 0, "`{line}` printed:\n{shown}");
    }
}

#[test]
#[cfg_attr(miri, ignore = "minutes of safe code, whose unsafe grounds have tests of their own")]
fn a_wrong_command_says_what_is_wrong_and_is_counted() {
    let mut terminal = plain();
    for (number, (line, expected)) in [
        ("frobnicate", "error: unknown command `frobnicate`; `help` lists what there is"),
        ("ps now", "error: usage: ps [--json]"),
        ("help me", "error: there is no command `me`"),
        ("call nobody 1", "error: no service `nobody`"),
        ("call echo Nothing", "error: "),
        ("ping nobody", "error: cannot ping the echo service `nobody`"),
        ("ping echo 0", "error: usage: ping"),
        ("sleep forever", "error: `forever` is no time"),
        ("kill 4000000", "error: there is no task 4000000"),
        ("kill nobody", "error: "),
        ("spawn echo", "error: "),
        ("reboot now", "error: usage: reboot [loader]"),
        ("reboot loader", "error: this machine has no boot loader"),
        ("log loud", "error: `loud` is not a log level"),
        ("events on tea", "error: there is no kind `tea`"),
        ("echo \"open", ""),
        ("gpio", "error: no such service is running"),
    ]
    .into_iter()
    .enumerate()
    {
        let shown = terminal.type_in(format!("{line}\n").as_bytes());
        assert!(shown.contains(expected), "{number}: `{line}` printed:\n{shown}");
        assert!(expected.is_empty() || terminal.failed() > 0, "`{line}` was counted");
    }
    assert_eq!(terminal.failed(), 16);
}

/// An instance of echo that answers with the next number.
async fn next_number(kernel: Handle) -> Infallible {
    let mut server = kernel.services().bind_for_programs::<Echo>("next").await.expect("bound");
    loop {
        let call = server.next_call().await;
        let answer = match *call.request() {
            Request::Number(number) => Request::Number(number + 1),
            text => text,
        };
        let _ = call.answer(answer);
    }
}

#[test]
#[cfg_attr(miri, ignore = "minutes of safe code, whose unsafe grounds have tests of their own")]
fn a_call_goes_to_the_first_instance_or_to_the_one_with_the_label() {
    let mut terminal = plain();
    let kernel = terminal.machine.kernel.handle();
    terminal.type_in(b"");
    kernel.try_spawn("next", next_number(kernel.clone())).expect("spawned").detach();
    for (line, expected) in [
        ("call echo Number 7", "Number(7)\n"),
        ("call echo: Number 7", "Number(7)\n"),
        ("call echo:next Number 7", "Number(8)\n"),
        ("call serial:uart0", "request:  "),
    ] {
        let shown = terminal.type_in(format!("{line}\n").as_bytes());
        assert!(shown.starts_with(expected), "`{line}` printed:\n{shown}");
    }
    assert_eq!(terminal.failed(), 0);
    for (line, expected) in [
        ("call echo:other Number 7", "error: there is no `echo:other`, only echo: echo:next\n"),
        ("call serial:uart1 Stats", "error: there is no `serial:uart1`, only serial:uart0\n"),
        (
            "call nobody:next 1",
            "error: no service `nobody` is open to calls; `services` lists what is running\n",
        ),
    ] {
        assert_eq!(terminal.type_in(format!("{line}\n").as_bytes()), expected);
    }
}

#[test]
#[cfg_attr(miri, ignore = "minutes of safe code, whose unsafe grounds have tests of their own")]
fn services_are_completed_with_their_labels() {
    let mut terminal = Terminal::new(Mode::Terminal);
    let kernel = terminal.machine.kernel.handle();
    terminal.type_in(b"");
    let shown = terminal.type_in(b"call ser\tStats\r");
    assert!(shown.contains("call serial:uart0 Stats") && shown.contains("received"), "{shown:?}");
    let shown = terminal.type_in(b"call ec\tNumber 7\r");
    assert!(shown.contains("call echo Number 7") && shown.contains("Number(7)"), "{shown:?}");
    kernel.try_spawn("next", next_number(kernel.clone())).expect("spawned").detach();
    let shown = terminal.type_in(b"call ec\t\t");
    assert!(shown.contains("echo  echo:next\r\n"), "{shown:?}");
    let shown = terminal.type_in(b":n\tNumber 7\r");
    assert!(shown.contains("Number(8)"), "{shown:?}");
}

/// The number of the task of this name, as `ps` has it.
fn task(terminal: &mut Terminal, name: &str) -> String {
    let shown = terminal.type_in(b"ps\n");
    let line = shown.lines().find(|line| line.contains(&format!("  {name}  ")));
    let line = line.unwrap_or_else(|| panic!("no {name} in:\n{shown}"));
    line.trim_start().split(' ').next().expect("a number").to_owned()
}

#[test]
#[cfg_attr(miri, ignore = "minutes of safe code, whose unsafe grounds have tests of their own")]
fn ps_and_top_tell_supervising_tasks_apart() {
    let mut terminal = plain();
    let kernel = terminal.machine.kernel.handle();
    // Whoever has the same name is nobody else.
    kernel.try_spawn(supervise::TASK, core::future::pending::<()>()).expect("spawned").detach();
    for command in ["ps", "top", "ps --json"] {
        let shown = terminal.type_in(format!("{command}\n").as_bytes());
        for driver in ["supervise", "inspect", "log", "echo", "uart0", "console"] {
            assert_eq!(shown.matches(&format!("watch {driver}")).count(), 1, "{driver} in:\n{shown}");
        }
        assert_eq!(shown.matches("watch").count(), 7, "{shown}");
    }
    end(&mut terminal, "supervise");
    assert!(!terminal.type_in(b"ps\n").contains("watch echo"), "nobody knows any more");
}

/// Ends a task behind the console's back.
fn end(terminal: &mut Terminal, name: &str) {
    let number = task(terminal, name).parse().expect("a number");
    assert!(terminal.machine.kernel.handle().abort(TaskId(number)));
}

#[test]
#[cfg_attr(miri, ignore = "minutes of safe code, whose unsafe grounds have tests of their own")]
fn names_are_completed_to_what_a_command_takes() {
    let mut terminal = Terminal::new(Mode::Terminal);
    terminal.type_in(b"");
    let mut offered = |line: &str| {
        // Twice lists them; Ctrl-C gives the line up.
        let shown = terminal.type_in(format!("{line}\t\t\x03").as_bytes());
        let names = ["console", "echo", "inspect", "log", "supervise", "uart0", "watch"];
        names.into_iter().filter(|name| shown.contains(name)).collect::<Vec<_>>()
    };
    assert_eq!(offered("kill "), ["echo", "inspect", "log"], "what is refused is not offered");
    assert_eq!(offered("restart "), ["console", "echo", "inspect", "log", "supervise", "uart0"]);
}

#[test]
#[cfg_attr(miri, ignore = "minutes of safe code, whose unsafe grounds have tests of their own")]
fn a_console_refuses_to_end_what_it_could_not_be_used_without() {
    let mut terminal = plain();
    let use_of_it = "this console is of no use";
    let needed =
        [("console", use_of_it), ("uart0", use_of_it), ("supervise", "no driver could be started again")];
    for (name, why) in needed {
        let number = task(&mut terminal, name);
        for whom in [name, &number] {
            let shown = terminal.type_in(format!("kill {whom}\n").as_bytes());
            assert_eq!(shown, format!("error: {why} without `{name}`; try `restart {name}`\n"), "{whom}");
        }
    }
    for driver in ["console", "uart0", "echo"] {
        let watch = task(&mut terminal, &format!("watch {driver}"));
        let shown = terminal.type_in(format!("kill {watch}\n").as_bytes());
        assert_eq!(shown, format!("error: this task watches `{driver}`; `kill {driver}` ends that\n"));
    }
    // What is said instead does work.
    terminal.type_in(b"restart console\n");
    terminal.type_in(b"restart uart0\n");
    assert_eq!(terminal.type_in(b"restart supervise\n"), "");
    assert_eq!(terminal.type_in(b"restart echo\n"), "", "there is a supervisor");
    assert_eq!(terminal.type_in(b"echo alive\n"), "alive\n");
    let echo = task(&mut terminal, "echo");
    assert_eq!(terminal.type_in(format!("kill {echo}\n").as_bytes()), "", "others are ended as told");
    assert!(terminal.type_in(b"drivers\n").contains("aborted"));
    // Even when nobody supervises, though nothing can be killed by name then.
    terminal.type_in(b"spawn echo\n");
    let echo = task(&mut terminal, "echo");
    end(&mut terminal, "supervise");
    assert_eq!(terminal.type_in(format!("kill {echo}\n").as_bytes()), "");
}

#[test]
#[cfg_attr(miri, ignore = "minutes of safe code, whose unsafe grounds have tests of their own")]
fn hostile_input_is_refused_and_the_console_lives_on() {
    let mut terminal = plain();
    let mut shown = terminal.type_in(b"\xff\xfe\n");
    shown += &terminal.type_in(&[b'x'; 20_000]);
    shown += &terminal.type_in(b"\n\x00\x01\x1b[A\x1b[999999999999X\n");
    assert_eq!(shown.matches("error: ").count(), 2, "{shown}");
    assert!(terminal.type_in(b"echo alive\n").contains("alive"));
}

#[test]
#[cfg_attr(miri, ignore = "minutes of safe code, whose unsafe grounds have tests of their own")]
fn a_console_awaits_input_when_it_has_read_all_and_runs_no_command() {
    let mut terminal = plain();
    terminal.type_in(b"");
    assert!(terminal.machine.kernel.awaits_input());
    terminal.uart.with(|registers| registers.receive.extend(b"sleep 1\n".map(Received::Byte)));
    terminal.handler.interrupt();
    let Next::SleepUntil(deadline) = terminal.machine.settle() else { panic!("it sleeps") };
    assert!(!terminal.machine.kernel.awaits_input(), "it is busy with the command");
    terminal.machine.clock.set(deadline.as_micros());
    terminal.machine.settle();
    assert!(terminal.machine.kernel.awaits_input());
}

#[test]
#[cfg_attr(miri, ignore = "minutes of safe code, whose unsafe grounds have tests of their own")]
fn a_terminal_edits_completes_and_cancels() {
    let mut terminal = Terminal::new(Mode::Terminal);
    let banner = terminal.type_in(b"");
    assert!(banner.contains("mnemOS 0.1.0 on a test") && banner.ends_with("mnemos> \x1b[K"), "{banner:?}");
    let shown = terminal.type_in(b"echo helo\x1b[Dl\r");
    assert!(shown.contains("hello\r\n"), "{shown:?}");
    let shown = terminal.type_in(b"upt\t\r");
    assert!(shown.contains("uptime") && shown.contains("0 d 00:"), "{shown:?}");
    let shown = terminal.type_in(b"garbage\x03");
    assert!(shown.contains("^C") && shown.ends_with("mnemos> \x1b[K"), "{shown:?}");
    // The line that was cancelled is gone; the one before comes back.
    let shown = terminal.type_in(b"\x1b[A\r");
    assert!(shown.contains("0 d 00:"), "{shown:?}");
    let shown = terminal.type_in(b"gpio wait\x15sleep 1000000000000\r\x03echo back\r");
    assert!(shown.contains("back"), "Ctrl-C ends a command: {shown:?}");
    terminal.type_in(b"\x04");
    assert_eq!(terminal.stopped, Some(Stop::PowerOff));
}

#[test]
#[cfg_attr(miri, ignore = "minutes of safe code, whose unsafe grounds have tests of their own")]
fn ctrl_c_is_seen_behind_more_keys_than_are_kept() {
    let mut terminal = Terminal::new(Mode::Terminal);
    terminal.type_in(b"sleep 1000000000000\r");
    terminal.type_in(&[b'x'; 400]);
    let shown = terminal.type_in(b"\x03echo back\r");
    assert!(shown.contains("^C") && shown.contains("\nback\r\n"), "{shown:?}");
    assert!(!shown.contains("lost"), "what was typed before Ctrl-C is not missed: {shown:?}");
}

#[test]
#[cfg_attr(miri, ignore = "minutes of safe code, whose unsafe grounds have tests of their own")]
fn keys_that_are_typed_too_far_ahead_are_counted() {
    let mut terminal = Terminal::new(Mode::Terminal);
    let shown = terminal.type_in(format!("sleep 2\recho {}\r", "x".repeat(260)).as_bytes());
    assert!(
        shown.contains("\n10 bytes were typed too far ahead, and are lost; 256 are kept\r\n"),
        "{shown:?}"
    );
    // A command that does not last leaves them where they are.
    let shown = terminal.type_in(format!("\rsleep 0.5\recho {}\r", "y".repeat(260)).as_bytes());
    assert!(shown.contains(&format!("\n{}\r\n", "y".repeat(260))), "{shown:?}");
}

#[test]
#[cfg_attr(miri, ignore = "minutes of safe code, whose unsafe grounds have tests of their own")]
fn a_million_requests_allocate_nothing_under_the_strictest_policy() {
    let mut terminal = plain();
    terminal.machine.kernel.handle().heap().set_policy(SteadyState::Deny);
    let count = 100_000;
    let shown = terminal.type_in(format!("ping echo {count}\n").as_bytes());
    assert!(shown.contains(&format!("{count} round trips to echo")), "{shown}");
    assert!(shown.contains("\n0 allocations\n"), "{shown}");
    assert_eq!(terminal.failed(), 0);
}

#[test]
#[cfg_attr(miri, ignore = "minutes of safe code, whose unsafe grounds have tests of their own")]
fn help_fits_in_80_columns() {
    let mut terminal = Terminal::new(Mode::Plain);
    let list = terminal.type_in(b"help\n");
    let names: Vec<_> = list.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next()).collect();
    assert!(names.len() > 20, "{list}");
    for name in names.into_iter() {
        let help = terminal.type_in(format!("help {name}\n").as_bytes());
        assert!(help.contains(&format!("usage: {name}")), "{help}");
        assert!(help.lines().all(|line| line.chars().count() <= 80), "{help}");
    }
}
