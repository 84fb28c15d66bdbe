//! Logs on stderr, filtered by `--log`.
//!
//! The machine's own log decides about targets; what it lets pass comes here under one target, [`MACHINE`].

use std::io::{self, IsTerminal as _, Write};

use kernel::log::Level;
use tracing_subscriber::{
    filter::{LevelFilter, Targets},
    fmt::MakeWriter,
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

use super::{options::Filter, terminal};

/// Where lines of the machine's log come from.
const MACHINE: &str = "mnemos";

/// Prints what passes the filter on stderr, from now on.
pub(crate) fn start(filter: &Filter) {
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(io::stderr().is_terminal())
        // Lines from the machine carry its own time.
        .without_time()
        .with_writer(Stderr);
    // Of some targets the machine keeps more than of all others, of which it keeps no more than is to be printed.
    let loudest = filter.targets.iter().map(|(_, level)| *level).fold(filter.level, Level::max);
    let targets = Targets::new().with_default(level(filter.level)).with_target(MACHINE, level(loudest));
    // Fails only if somebody else prints logs already, which is as good.
    let _ = tracing_subscriber::registry().with(lines).with(targets).try_init();
}

fn level(level: Level) -> LevelFilter {
    match level {
        Level::Off => LevelFilter::OFF,
        Level::Error => LevelFilter::ERROR,
        Level::Warn => LevelFilter::WARN,
        Level::Info => LevelFilter::INFO,
        Level::Debug => LevelFilter::DEBUG,
        Level::Trace => LevelFilter::TRACE,
    }
}

/// Writes to stderr, with line ends that suit a raw terminal.
struct Stderr;

impl MakeWriter<'_> for Stderr {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        Self
    }
}

impl Write for Stderr {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut stderr = io::stderr().lock();
        if !terminal::is_raw() {
            return stderr.write(bytes);
        }
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            match line.strip_suffix(b"\n") {
                Some(text) => {
                    stderr.write_all(text)?;
                    stderr.write_all(b"\r\n")?;
                }
                None => stderr.write_all(line)?,
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
