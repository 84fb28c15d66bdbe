//! The machine's log and events, read after each step: into `tracing`, into its journal, and for its timeline.

use std::rc::Rc;

use kernel::{
    Handle,
    event::{Cursor, Record},
    log::{Level, Line},
    time::Instant,
};

use crate::{journal::Journal, onlooker::Onlooker, tap::Tap};

/// A reader of a machine's log and events.
pub(crate) struct Bridge {
    log: Cursor,
    tap: Rc<Tap>,
    missed: u64,
    pub(crate) onlooker: Option<Onlooker>,
}

impl Bridge {
    pub(crate) fn new(tap: Rc<Tap>, onlooker: Option<Onlooker>) -> Self {
        Self { log: Cursor::default(), tap, missed: 0, onlooker }
    }

    /// A step begins, in which the kernel ticks.
    pub(crate) fn step_begins(&mut self, kernel: &Handle) {
        if let Some(onlooker) = &mut self.onlooker {
            onlooker.step_begins(kernel);
        }
    }

    /// Reads what is new.
    pub(crate) fn drain(&mut self, kernel: &Handle, journal: &mut Journal) {
        let mut lines = Vec::new();
        while let Some(entry) = kernel.log().read(&mut self.log) {
            if entry.missed > 0 {
                tracing::warn!(target: "mnemos", "{} log lines were lost", entry.missed);
            }
            forward(&entry.record);
            if self.onlooker.is_some() {
                lines.push((entry.missed, entry.record));
            }
        }
        if let Some(onlooker) = &mut self.onlooker {
            onlooker.write(&lines);
        }
        for entry in self.tap.take() {
            let Record { at_us, event } = entry.record;
            let at = Instant::from_micros(at_us);
            if entry.missed > 0 {
                self.missed += entry.missed;
                tracing::warn!(target: "mnemos::events", "{} events were lost", entry.missed);
                journal.add(at, format_args!("{} events were lost before this one", entry.missed));
            }
            journal.add(at, format_args!("{event}"));
            tracing::trace!(target: "mnemos::events", at_us, "{event}");
        }
    }

    /// Events that were overwritten before they were read.
    pub(crate) fn missed(&self) -> u64 {
        self.missed
    }

    /// Starts at the beginning of another kernel's log and events. The one before ended then, and is gone.
    pub(crate) fn restart(&mut self, kernel: Handle, ended: Instant) {
        self.log = Cursor::default();
        if let Some(onlooker) = &mut self.onlooker {
            onlooker.reboot(ended);
        }
        self.tap.restart(kernel);
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
