//! The machine's log and events, read after each step: into `tracing`, and into a digest that is the same for two runs
//! that are the same.

use std::fmt::{self, Write as _};

use kernel::{
    Handle,
    event::{Cursor, Record},
    log::{Level, Line},
};

/// A reader of a machine's log and events.
pub(crate) struct Bridge {
    log: Cursor,
    events: Cursor,
    digest: Digest,
    missed: u64,
}

impl Bridge {
    pub(crate) fn new() -> Self {
        Self { log: Cursor::default(), events: Cursor::default(), digest: Digest::new(), missed: 0 }
    }

    /// Reads what is new.
    pub(crate) fn drain(&mut self, kernel: &Handle) {
        while let Some(entry) = kernel.log().read(&mut self.log) {
            if entry.missed > 0 {
                tracing::warn!(target: "mnemos", "{} log lines were lost", entry.missed);
            }
            forward(&entry.record);
        }
        while let Some(entry) = kernel.events().read(&mut self.events) {
            if entry.missed > 0 {
                self.missed += entry.missed;
                tracing::warn!(target: "mnemos::events", "{} events were lost", entry.missed);
                self.digest.add(format_args!("missed {}", entry.missed));
            }
            let Record { at_us, event } = entry.record;
            self.digest.add(format_args!("{at_us} {event}"));
            tracing::trace!(target: "mnemos::events", at_us, "{event}");
        }
    }

    /// A number that stands for all events so far.
    pub(crate) fn digest(&self) -> u64 {
        self.digest.0
    }

    /// Events that were overwritten before they were read.
    pub(crate) fn missed(&self) -> u64 {
        self.missed
    }

    /// Starts at the beginning of another kernel's log and events; the digest goes on.
    pub(crate) fn restart(&mut self) {
        self.log = Cursor::default();
        self.events = Cursor::default();
        self.digest.add(format_args!("reboot"));
    }
}

/// `tracing` wants a level and a target that are known when it is compiled, so the line's own target is a field.
fn forward(line: &Line) {
    let Line { at_us, level, target, text } = line;
    match level {
        Level::Off => {}
        Level::Error => tracing::error!(target: "mnemos", at_us, "{target}: {text}"),
        Level::Warn => tracing::warn!(target: "mnemos", at_us, "{target}: {text}"),
        Level::Info => tracing::info!(target: "mnemos", at_us, "{target}: {text}"),
        Level::Debug => tracing::debug!(target: "mnemos", at_us, "{target}: {text}"),
        Level::Trace => tracing::trace!(target: "mnemos", at_us, "{target}: {text}"),
    }
}

/// FNV-1a over the text of each record, with a line end after each.
struct Digest(u64);

impl Digest {
    const fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    fn add(&mut self, record: fmt::Arguments<'_>) {
        // Writing to a digest cannot fail.
        let _ = self.write_fmt(record);
        let _ = self.write_char('\n');
    }
}

impl fmt::Write for Digest {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        Ok(())
    }
}
