//! What a machine has done, as it is written down: each event of its kernel and all that shows outside, with its time.
//!
//! Everything goes into one [`Digest`]. Beside that, whoever wants to know is told each entry, what shows outside is kept
//! for who takes it, and a tape is recorded.

use std::fmt::{self, Write as _};

use kernel::time::Instant;

use crate::{
    Digest, Observed,
    digest::Digester,
    external::External,
    tape::{Mark, Recorder},
};

/// An entry of a machine's journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Its number, counted from 1.
    pub number: u64,
    /// When it happened.
    pub at: Instant,
    /// What happened: an event of the kernel, or what showed outside.
    pub text: &'a str,
}

/// Is told each entry.
type Listener = Box<dyn FnMut(Entry<'_>)>;

/// The journal of one machine.
#[derive(Default)]
pub(crate) struct Journal {
    digester: Digester,
    entries: u64,
    /// Nobody wants the digest.
    silent: bool,
    line: String,
    listener: Option<Listener>,
    /// What has shown outside, if it is kept.
    kept: Option<Vec<(Instant, Observed)>>,
    pub(crate) tape: Option<Recorder>,
    /// Steps that did something.
    steps: u64,
}

impl Journal {
    /// A journal; a silent one writes nothing unless somebody listens.
    pub(crate) fn new(silent: bool) -> Self {
        Self { silent, ..Self::default() }
    }

    /// Adds an entry.
    pub(crate) fn add(&mut self, at: Instant, text: fmt::Arguments<'_>) {
        self.entries += 1;
        if self.silent && self.listener.is_none() {
            return;
        }
        self.line.clear();
        // Writing to a string cannot fail.
        let _ = write!(self.line, "{} ", at.as_micros());
        let start = self.line.len();
        let _ = self.line.write_fmt(text);
        self.digester.add(&self.line);
        if let Some(listener) = &mut self.listener {
            let text = self.line.get(start..).unwrap_or_default();
            listener(Entry { number: self.entries, at, text });
        }
    }

    /// A step has begun at a time that is not what anybody would expect, or something happens with it.
    pub(crate) fn step_begins<'a>(
        &mut self,
        now: Instant,
        expected: Option<Instant>,
        inputs: impl Iterator<Item = &'a External>,
    ) {
        self.steps += 1;
        let Some(tape) = &mut self.tape else { return };
        let mut inputs = inputs.peekable();
        if inputs.peek().is_none() && expected != Some(now) {
            tape.note(self.steps, now, &Mark::Clock);
        }
        for input in inputs {
            tape.note(self.steps, now, &Mark::Input(input.clone()));
        }
    }

    /// Something has shown outside in this step.
    pub(crate) fn observe(&mut self, now: Instant, observed: Observed) {
        self.add(now, format_args!("{observed}"));
        if let Some(kept) = &mut self.kept {
            kept.push((now, observed.clone()));
        }
        if let Some(tape) = &mut self.tape {
            tape.note(self.steps, now, &Mark::Output(observed));
        }
    }

    /// The step is over, and all that happened in it has been added.
    pub(crate) fn step_ends(&mut self, now: Instant) {
        if let Some(tape) = &mut self.tape
            && tape.wants_digest(self.steps)
        {
            tape.note(self.steps, now, &Mark::Digest(self.digester.digest()));
        }
    }

    /// The machine is booted again.
    pub(crate) fn reboot(&mut self, now: Instant) {
        self.add(now, format_args!("reboot"));
        if let Some(tape) = &mut self.tape {
            tape.note(self.steps, now, &Mark::Reboot);
        }
    }

    pub(crate) fn digest(&self) -> Digest {
        self.digester.digest()
    }

    /// Entries since the machine was built.
    pub(crate) fn entries(&self) -> u64 {
        self.entries
    }

    pub(crate) fn steps(&self) -> u64 {
        self.steps
    }

    pub(crate) fn listen(&mut self, listener: Listener) {
        self.listener = Some(listener);
    }

    pub(crate) fn keep(&mut self) {
        self.kept.get_or_insert_default();
    }

    pub(crate) fn take_kept(&mut self) -> Vec<(Instant, Observed)> {
        self.kept.as_mut().map(std::mem::take).unwrap_or_default()
    }
}
