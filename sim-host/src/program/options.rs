//! The command line.

mod explore;
mod fleet;
mod storage;
mod together;
mod values;

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use sim_host::{Fault, Span};

pub(crate) use self::explore::{Explore, Lines};
pub(crate) use self::fleet::Fleet;
pub(crate) use self::storage::Storage;
pub(crate) use self::values::{Baud, Filter, Heap, Lockstep, Time, Uart};

/// A virtual mnemOS machine in an ordinary process.
///
/// On a terminal it boots to the console; type `help` there. With a pipe, --command or --script it runs plain lines,
/// prints plain lines, and powers off at the end.
#[derive(Debug, Parser)]
#[command(
    name = "sim-host",
    version,
    max_term_width = 100,
    after_help = include_str!("options/exit_codes.txt"),
    after_long_help = concat!(include_str!("options/examples.txt"), "\n", include_str!("options/exit_codes.txt")),
)]
pub(crate) struct Options {
    /// Memory of the machine: bytes, or with K, M or G
    ///
    /// All that the kernel and its drivers ever allocate comes from here. The default is what the board will have.
    #[arg(long, value_name = "SIZE", default_value = "128K", global = true)]
    pub(crate) heap: Heap,

    /// How time passes: `real`, `virtual`, or so many times as fast (`10x`, `0.5x`)
    ///
    /// In virtual time the machine never waits for a timer: when there is nothing to do, the clock jumps to the next
    /// deadline. A run then depends on its input and seed only.
    #[arg(long, value_name = "real|virtual|Nx", default_value = "real")]
    pub(crate) time: Time,

    /// Seed of all randomness in the machine
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,

    /// What is at the other end of the serial port: `stdio`, `pty`, or `tcp:ADDR`
    ///
    /// For `tcp`, ADDR is HOST:PORT or just a PORT of this host; port 0 picks a free one. One client at a time may
    /// connect, leave, and come back. For `pty`, any terminal program can open the device. Where it listens is
    /// printed on stderr. What the machine sends while nobody is there waits for the next client.
    #[arg(long, value_name = "stdio|pty|tcp:ADDR", default_value = "stdio")]
    pub(crate) uart: Uart,

    /// Speed of the serial port, or `unlimited`
    #[arg(long, value_name = "N|unlimited", default_value = "unlimited", global = true)]
    pub(crate) baud: Baud,

    /// A file that keeps what the machine's storage holds, or `none` for a machine without storage
    ///
    /// The storage is a NOR flash of 64 KiB. The file is its image: it is read at the beginning, written anew at the end, and
    /// made if it is missing; meanwhile no other machine can have it. If the machine ends while it writes or erases, that is
    /// torn. A simulator that is killed (SIGKILL) keeps nothing of its run: the file is as it was. Without a file the storage
    /// is erased at the beginning, and what it holds outlives only the machine's reboots and power cuts.
    ///
    /// It goes neither with --scenario, --record, --replay, --lockstep and --check-determinism nor with explore and fleet:
    /// the file is no part of a tape, and of several machines, or of one that lives twice, not all would find the same in it.
    #[arg(
        long,
        value_name = "FILE|none",
        conflicts_with_all = ["scenarios", "record", "replay", "lockstep", "check_determinism"],
    )]
    pub(crate) storage: Option<Storage>,

    /// Logs to print on stderr: a level, or levels by target (`warn,uart=debug`)
    ///
    /// Levels are off, error, warn, info, debug and trace.
    #[arg(long, value_name = "FILTER", default_value = "warn", global = true)]
    pub(crate) log: Filter,

    /// Something that goes wrong, as a rule such as `drop uart0 rx rate 5%`; may be given several times
    ///
    /// Bytes: drop, duplicate, corrupt or delay `uart0 rx` (to the machine) or `tx` (from it), garble, break or overrun
    /// `uart0`; all of them, or `rate 5%`, `nth 3`, `every 10`, and `from 1s until 2s`. Drivers: `kill echo at 5ms` or `every
    /// 50ms`, `stall uart0`, `refuse echo`. Memory: `exhaust heap`, `fragment heap`. Storage: `flip storage read rate 1%`,
    /// `fail storage nth 3`, `rot storage at 5ms`. The I²C bus: `nak i2c 0x48 rate 5%`, `stick i2c from 1s until 2s`. Power:
    /// `power cut at 5ms`, which tears what storage is doing. Times count from power-on, and are seconds without a unit;
    /// chance comes from --seed. A rule that never applied is reported at the end. A tape needs no rules: what the machine
    /// saw of them is on it. A replay prints what the machine sent, whatever a `tx` rule made of it.
    #[arg(long = "fault", value_name = "RULE")]
    pub(crate) faults: Vec<Fault>,

    /// What happens when a driver allocates after it declared itself ready
    #[arg(long, value_name = "POLICY", default_value = "report", global = true)]
    pub(crate) alloc_policy: AllocPolicy,

    /// A driver that the machine is not to have: `i2c`, so that it is like the RP2040's image
    #[arg(long, value_name = "DRIVER", global = true)]
    pub(crate) without: Option<Without>,

    /// A console command to run; may be given several times
    ///
    /// Commands run in order, before the script's. Standard input is not read.
    #[arg(long = "command", value_name = "LINE")]
    pub(crate) commands: Vec<String>,

    /// A file of console commands to run, one a line; `-` is standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) script: Option<PathBuf>,

    /// A scenario to run: what happens to the machine, and what it must do; may be given several times
    ///
    /// A text with a statement on each line, such as `send uart0 "ps\n"`, `expect uart0 /echo/ within 50ms`, `press button`,
    /// `expect led on within 10ms`, `fault drop uart0 rx rate 5%`, `wait 1s`, `screenshot`, `reboot`. Each scenario runs on a
    /// machine of its own, in virtual time; tests/scenarios/README.md has the language. What fails is told with its
    /// place and the last output. --until is how long each may take. One scenario alone may have a tape with --record, whose
    /// replay needs no scenario, and a --timeline.
    #[arg(
        long = "scenario",
        value_name = "FILE",
        conflicts_with_all = ["time", "uart", "commands", "script", "replay", "lockstep"],
    )]
    pub(crate) scenarios: Vec<PathBuf>,

    /// Write what came of the scenarios as a JUnit document
    ///
    /// Times are the machine's: the same scenarios and seed make the same document.
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,

    /// Switch the machine off after so much of its time, such as `90s` or `24h`
    ///
    /// The end of a script does not switch it off then, and a script that has not come to its end is an error.
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<Span>,

    /// Print a digest of the machine's life on stderr at the end
    ///
    /// It stands for all events of the kernel and all output, each with its time. In virtual time the same options and
    /// the same script give the same digest, on any host.
    #[arg(long)]
    pub(crate) digest: bool,

    /// Run twice, and name the first difference if there is one
    ///
    /// The machine runs a script, --until a time, or both; or each scenario runs twice. In real time there always is a
    /// difference.
    #[arg(long, conflicts_with_all = ["record", "replay", "lockstep", "uart"])]
    pub(crate) check_determinism: bool,

    /// Record all that happens to the machine on a tape
    #[arg(long, value_name = "FILE", conflicts_with = "replay")]
    pub(crate) record: Option<PathBuf>,

    /// Write a timeline of the machine's life, to be opened in https://ui.perfetto.dev
    ///
    /// It shows each task's polls, requests as arrows from client to server and back, interrupts, log lines, and memory in
    /// use, over all boots. The machine does what it would do without.
    #[arg(long, value_name = "FILE")]
    pub(crate) timeline: Option<PathBuf>,

    /// Replay a tape, as fast as the host can, and stop where the machine goes another way
    ///
    /// The tape says what the machine is built like, so no such options may be given.
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["heap", "time", "seed", "uart", "baud", "alloc_policy", "without", "commands", "script", "until", "lockstep", "faults"],
    )]
    pub(crate) replay: Option<PathBuf>,

    /// Let another program move the machine's time: over `stdio`, or `tcp:ADDR` as for --uart
    ///
    /// Time is virtual. A request is a line, such as `advance 10ms`, `send uart0 "help\n"`, `pin 3 high`, `observe` or
    /// `quit`; what the machine did comes back in lines, the last of which is `ok` or an error. tests/lockstep has more.
    #[arg(long, value_name = "stdio|tcp:ADDR", conflicts_with_all = ["time", "uart", "commands", "script", "until"])]
    pub(crate) lockstep: Option<Lockstep>,

    /// What else to do with machines that the options describe, which may stand before this or behind
    #[command(subcommand)]
    pub(crate) task: Option<Task>,
}

/// What to do beside running one machine.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Task {
    /// Run a script or a scenario wherever interrupts may land, to find what depends on it
    ///
    /// Whatever a driver does, it has to do right wherever interrupts land. For each seed the script runs on a fresh
    /// machine in virtual time, with a schedule drawn from the seed: interrupts at the ends of critical sections, late or
    /// once more than raised; bytes later or in pieces; fewer polls in a tick, and ticks that take time. A run fails if
    /// the script hangs or an expectation of the scenario fails, if a task panics, or if more commands fail or more memory is in use at the end than without a
    /// schedule. The first failure is made short, and printed with the line that reproduces it.
    Explore(Explore),

    /// Run many boards in one virtual time, joined by serial links as a file describes them
    ///
    /// A line of the file is `board NAME`, `boards COUNT NAME`, `link A.uart1 B.uart0 latency 2ms rate 115200 loss 0.1%`, of
    /// which any of the last three may be missing, or `at 10ms A send uart0 "help\n"`, where anything may stand that can
    /// happen to a machine. A time without a unit is seconds. Each board has the standard services, a console at its uart0,
    /// and the serial ports that are named. What comes out of ports without a link is printed line by line, with the board's
    /// name before it. It ends when all boards are off, when nothing will ever happen again, or with --until. The options may
    /// stand before `fleet` as well.
    Fleet(Fleet),
}

/// A driver that can be left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Without {
    /// That of the I²C bus
    I2c,
}

/// What an allocation by a ready driver leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum AllocPolicy {
    /// Nothing
    Allow,
    /// It is counted and reported
    Report,
    /// It is refused, counted and reported
    Deny,
}

impl Options {
    /// Reads the command line; ends the program when it asks for help or is wrong.
    pub(crate) fn from_command_line() -> Self {
        Self::parse().gathered().checked().unwrap_or_else(|error| error.exit())
    }

    /// What holds when nothing is said.
    pub(crate) fn defaults() -> Self {
        Self::parse_from(["sim-host"])
    }

    /// Whether lines to run were given, so that a failed one matters for the exit code.
    pub(crate) fn is_script(&self) -> bool {
        !self.commands.is_empty() || self.script.is_some()
    }

    /// The machine's life is looked at as a whole, so all kinds of events are recorded.
    pub(crate) fn is_watched(&self) -> bool {
        self.digest
            || self.check_determinism
            || self.record.is_some()
            || self.replay.is_some()
            || self.lockstep.is_some()
    }
}

#[cfg(test)]
mod tests;
