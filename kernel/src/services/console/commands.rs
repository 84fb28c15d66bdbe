//! The console's commands.
//!
//! What a command shows of the kernel it asks the inspection service, like any other tool; it connects when it runs
//! and disconnects when it is done. A list prints as a table, or with `--json` as one object per line.

use core::fmt::{self, Write};

use super::{
    driver::Config,
    output::{Output, PortGone, outlined},
    words::{Words, WordsError},
};
use crate::{
    Handle,
    inline::Text,
    log::Level,
    registry::{CallError, ConnectError, InstanceId},
};

mod call;
mod drivers;
mod listing;
mod logs;
mod memory;
mod ping;
mod pins;
mod random;
mod system;

pub(super) use self::system::banner;

/// A command, as `help` shows it.
struct Command {
    name: &'static str,
    arguments: &'static str,
    summary: &'static str,
    /// More, for `help NAME`: lines of at most 80 characters.
    details: &'static str,
}

const fn command(
    name: &'static str,
    arguments: &'static str,
    summary: &'static str,
    details: &'static str,
) -> Command {
    Command { name, arguments, summary, details }
}

const JSON: &str = "With --json it prints one JSON object per line.";

const COMMANDS: &[Command] = &[
    command("help", "[COMMAND]", "what there is, or how a command is used", ""),
    command("version", "", "the kernel and the machine", ""),
    command("uptime", "", "time since boot", ""),
    command("ps", "[--json]", "tasks, with what they have used", JSON),
    command(
        "top",
        "[SECONDS [COUNT]]",
        "which tasks are busy",
        "Watches for SECONDS (1), then prints each task's share of the time; COUNT\ntimes (1). Ctrl-C ends it.",
    ),
    command("services", "[--json]", "running services", JSON),
    command("connections", "[--json]", "who is connected to what", JSON),
    command(
        "heap",
        "[owners] [--json]",
        "memory, as a whole or by owner",
        "`largest free` far below what is free means that the heap is fragmented. With\n--json it prints JSON.",
    ),
    command("irq", "[--json]", "interrupt lines and how often they fired", JSON),
    command(
        "log",
        "[[TARGET] LEVEL]",
        "the log's last lines; or set a level",
        "`log debug` sets the level of all targets, `log uart debug` that of one.\nLevels: off error warn info debug trace.",
    ),
    command(
        "events",
        "[COUNT] | on KIND | off KIND | kinds",
        "what the kernel did lately",
        "Prints the last COUNT (16) events. Frequent kinds are off until `events on\nKIND`; `events kinds` lists them.",
    ),
    command(
        "call",
        "SERVICE[:LABEL] REQUEST",
        "send any request to a service",
        "For instance `call echo Number 7`, `call gpio Write{pin: 25, high: true}`.\n`call SERVICE` says what it takes. `services` has the LABELs of several.",
    ),
    command(
        "ping",
        "[SERVICE [COUNT]]",
        "measure round trips to an echo service",
        "Sends COUNT (1) requests, one after the other, and prints the time they took\nand the allocations made meanwhile.",
    ),
    command("echo", "TEXT", "print TEXT", ""),
    command(
        "gpio",
        "[PIN [in|up|down|out|high|low|wait]]",
        "pins: list, show, use, set, or wait for an edge",
        "`up` and `down` are inputs with a pull resistor; `out` is an output, `high`\nand `low` set its level.",
    ),
    command(
        "random",
        "[COUNT]",
        "random bytes",
        "Prints COUNT (16) bytes in hexadecimal. The simulator's follow from its seed.",
    ),
    command(
        "sleep",
        "TIME",
        "do nothing for a while",
        "TIME is a number of seconds, or with a unit: 250ms, 10us, 2s.",
    ),
    command("drivers", "[--json]", "drivers under supervision", JSON),
    command("spawn", "DRIVER", "start a driver that is stopped", "`drivers` lists them."),
    command(
        "kill",
        "DRIVER|TASK",
        "stop a driver, or end a task by its number",
        "This console, its port and the supervisor cannot be killed; `restart` them\ninstead.",
    ),
    command("restart", "DRIVER", "stop a driver and start it again", ""),
    command(
        "reboot",
        "[loader]",
        "start the machine anew",
        "With `loader` it waits in its boot loader for another image instead.",
    ),
    command("poweroff", "", "switch the machine off", ""),
    command("panic", "", "make the kernel panic, to see what happens", ""),
];

/// The longest message of a failed command, in bytes.
const MESSAGE: usize = 112;

/// Why a command failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    /// Nobody is there to be told.
    PortGone,
    /// Ctrl-C.
    Interrupted,
    /// The command line is wrong; this command's usage is shown.
    Usage(&'static str),
    /// The line cannot be cut into words.
    Words(WordsError),
    /// What it says.
    Message(Text<MESSAGE>),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PortGone => PortGone.fmt(f),
            Self::Interrupted => f.write_str("interrupted"),
            Self::Words(error) => error.fmt(f),
            Self::Message(text) => f.write_str(text),
            Self::Usage(name) => match COMMANDS.iter().find(|command| command.name == *name) {
                Some(command) => write!(f, "usage: {} {}", command.name, command.arguments),
                None => write!(f, "usage: {name}"),
            },
        }
    }
}

impl Failure {
    fn new(text: fmt::Arguments<'_>) -> Self {
        let mut message = Text::new();
        // What is too long is cut.
        let _cut = message.write_fmt(text);
        Self::Message(message)
    }
}

impl From<PortGone> for Failure {
    fn from(_: PortGone) -> Self {
        Self::PortGone
    }
}

impl From<WordsError> for Failure {
    fn from(error: WordsError) -> Self {
        Self::Words(error)
    }
}

impl From<fmt::Error> for Failure {
    /// A line did not fit in the output's buffer, which is longer than any line that a command writes.
    fn from(_: fmt::Error) -> Self {
        Self::new(format_args!("the answer does not fit in the console's buffer"))
    }
}

impl<E: fmt::Display> From<CallError<E>> for Failure {
    fn from(error: CallError<E>) -> Self {
        Self::new(format_args!("{error}"))
    }
}

impl<E: fmt::Display> From<ConnectError<E>> for Failure {
    fn from(error: ConnectError<E>) -> Self {
        Self::new(format_args!("{error}"))
    }
}

type Outcome = Result<(), Failure>;

/// What a command works with.
struct Job<'a, 'o> {
    kernel: &'a Handle,
    config: &'a Config,
    words: Words<'a>,
    out: &'a mut Output<'o>,
}

impl<'a> Job<'a, '_> {
    /// The next word, if there is one.
    fn word(&mut self) -> Result<Option<&'a str>, Failure> {
        Ok(self.words.next().transpose()?)
    }

    /// There must be no more words.
    fn done(&mut self, name: &'static str) -> Outcome {
        match self.word()? {
            None => Ok(()),
            Some(_) => Err(Failure::Usage(name)),
        }
    }

    /// The only word left is `--json`, or there is none.
    fn json(&mut self, name: &'static str) -> Result<bool, Failure> {
        match self.word()? {
            None => Ok(false),
            Some("--json") => self.done(name).map(|()| true),
            Some(_) => Err(Failure::Usage(name)),
        }
    }
}

/// Runs a line.
pub(super) async fn run(kernel: &Handle, config: &Config, line: &str, out: &mut Output<'_>) -> Outcome {
    let mut job = Job { kernel, config, words: Words::new(line), out };
    let Some(name) = job.word()? else { return Ok(()) };
    match name {
        _ if name.starts_with('#') => Ok(()),
        "help" => outlined(system::help(&mut job)).await,
        "version" => outlined(system::version(&mut job)).await,
        "uptime" => outlined(system::uptime(&mut job)).await,
        "ps" => outlined(listing::tasks(&mut job)).await,
        "top" => outlined(listing::top(&mut job)).await,
        "services" => outlined(listing::services(&mut job)).await,
        "connections" => outlined(listing::connections(&mut job)).await,
        "irq" => outlined(listing::interrupts(&mut job)).await,
        "heap" => outlined(memory::heap(&mut job)).await,
        "log" => outlined(logs::log(&mut job)).await,
        "events" => outlined(logs::events(&mut job)).await,
        "call" => outlined(call::call(&mut job)).await,
        "ping" => outlined(ping::ping(&mut job)).await,
        "echo" => Ok(job.out.line(format_args!("{}", job.words.rest())).await?),
        "gpio" => outlined(pins::gpio(&mut job)).await,
        "random" => outlined(random::random(&mut job)).await,
        "sleep" => outlined(system::sleep(&mut job)).await,
        "drivers" => outlined(drivers::list(&mut job)).await,
        "spawn" => outlined(drivers::spawn(&mut job)).await,
        "kill" => outlined(drivers::kill(&mut job)).await,
        "restart" => outlined(drivers::restart(&mut job)).await,
        "reboot" => outlined(system::reboot(&mut job)).await,
        "poweroff" | "panic" => outlined(system::stop(&mut job, name)).await,
        unknown => Err(Failure::new(format_args!("unknown command `{unknown}`; `help` lists what there is"))),
    }
}

/// What may stand at the cursor, by the words before it.
#[derive(Clone, Copy)]
pub(super) enum Before {
    Nothing,
    Help,
    Service,
    Driver,
    Kill,
    Level,
    Json,
    Other,
}

impl Before {
    pub(super) fn of(line: &str) -> Self {
        let mut words = line.split_whitespace();
        match (words.next(), words.next()) {
            (None, _) => Self::Nothing,
            (Some("help"), None) => Self::Help,
            (Some("call" | "ping"), None) => Self::Service,
            (Some("spawn" | "restart"), None) => Self::Driver,
            (Some("kill"), None) => Self::Kill,
            (Some("log"), _) => Self::Level,
            (Some("ps" | "services" | "connections" | "heap" | "irq" | "drivers"), _) => Self::Json,
            _ => Self::Other,
        }
    }

    /// Offers what may stand there, at a console on this port.
    pub(super) fn candidates(self, kernel: &Handle, port: InstanceId, offer: &mut dyn FnMut(&str)) {
        match self {
            Self::Nothing | Self::Help => COMMANDS.iter().for_each(|command| offer(command.name)),
            Self::Service => call::offer(kernel, offer),
            Self::Driver => drivers::offer(kernel, port, false, offer),
            Self::Kill => drivers::offer(kernel, port, true, offer),
            Self::Level => Level::ALL.iter().for_each(|level| offer(level.name())),
            Self::Json => ["--json", "owners"].into_iter().for_each(offer),
            Self::Other => {}
        }
    }
}

/// Microseconds as people read them.
struct Time(u64);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        crate::time::Duration::from_micros(self.0).fmt(f)
    }
}
