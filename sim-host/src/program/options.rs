//! The command line.

mod values;

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

pub(crate) use self::values::{Baud, Filter, Heap, Time, Uart};

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
    #[arg(long, value_name = "SIZE", default_value = "128K")]
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
    #[arg(long, value_name = "N|unlimited", default_value = "unlimited")]
    pub(crate) baud: Baud,

    /// Logs to print on stderr: a level, or levels by target (`warn,uart=debug`)
    ///
    /// Levels are off, error, warn, info, debug and trace.
    #[arg(long, value_name = "FILTER", default_value = "warn")]
    pub(crate) log: Filter,

    /// What happens when a driver allocates after it declared itself ready
    #[arg(long, value_name = "POLICY", default_value = "report")]
    pub(crate) alloc_policy: AllocPolicy,

    /// A console command to run; may be given several times
    ///
    /// Commands run in order, before the script's. Standard input is not read.
    #[arg(long = "command", value_name = "LINE")]
    pub(crate) commands: Vec<String>,

    /// A file of console commands to run, one a line; `-` is standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) script: Option<PathBuf>,
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
        Self::parse().checked().unwrap_or_else(|error| error.exit())
    }

    /// Whether lines to run were given, so that a failed one matters for the exit code.
    pub(crate) fn is_script(&self) -> bool {
        !self.commands.is_empty() || self.script.is_some()
    }

    /// Refuses combinations that make no sense.
    fn checked(self) -> Result<Self, clap::Error> {
        if self.is_script() && self.uart != Uart::Stdio {
            let text = "--command and --script are typed at the serial port: they need --uart stdio";
            return Err(<Self as clap::CommandFactory>::command()
                .error(clap::error::ErrorKind::ArgumentConflict, text));
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests;
