//! `--check-determinism`: one run, then the same again, and where the second one is different.

use std::{cell::RefCell, rc::Rc};

use kernel::time::Instant;
use sim_host::Sim;
use tracing::subscriber::{DefaultGuard, NoSubscriber};

use super::{Ended, Ending, HostError, Link, Options, Signals, machine, run, wire};

/// What a run has done, compactly: one line for each entry of its machines' journals.
#[derive(Default)]
struct Journal {
    text: String,
    /// Where each entry ends, and when it happened.
    entries: Vec<(usize, Instant)>,
}

impl Journal {
    fn push(&mut self, at: Instant, whose: &str, text: &str) {
        self.text.push_str(whose);
        self.text.push_str(text);
        self.entries.push((self.text.len(), at));
    }

    fn get(&self, index: usize) -> Option<(Instant, &str)> {
        let (end, at) = *self.entries.get(index)?;
        let start = match index.checked_sub(1) {
            Some(before) => self.entries.get(before)?.0,
            None => 0,
        };
        Some((at, self.text.get(start..end)?))
    }
}

/// The first difference between two runs: which entry, and what the second run has there.
struct Difference {
    index: usize,
    second: String,
}

#[derive(Default)]
struct Runs {
    first: Journal,
    /// Entries of the second run.
    second: usize,
    difference: Option<Difference>,
}

/// Two runs that should be the same.
#[derive(Default)]
pub(crate) struct Twice {
    runs: Rc<RefCell<Runs>>,
}

impl Twice {
    /// Writes down what a machine of the first run does, with whose it is before each entry.
    pub(crate) fn note(&self, sim: &mut Sim, whose: &str) {
        let (runs, whose) = (self.runs.clone(), whose.to_owned());
        sim.on_entry(move |entry| runs.borrow_mut().first.push(entry.at, &whose, entry.text));
    }

    /// Compares what a machine of the second run does.
    pub(crate) fn compare(&self, sim: &mut Sim, whose: &str) {
        let (runs, whose) = (self.runs.clone(), whose.to_owned());
        sim.on_entry(move |entry| {
            let runs = &mut *runs.borrow_mut();
            let index = runs.second;
            runs.second += 1;
            if runs.difference.is_some() {
                return;
            }
            let same = runs.first.get(index).is_some_and(|(at, text)| {
                at == entry.at && text.strip_prefix(whose.as_str()) == Some(entry.text)
            });
            if !same {
                let second = format!("at {}: {whose}{}", entry.at, entry.text);
                runs.difference = Some(Difference { index, second });
            }
        });
    }

    /// What the second run logs has been printed already: as long as the guard lives, nothing is.
    pub(crate) fn silence() -> DefaultGuard {
        tracing::subscriber::set_default(NoSubscriber::new())
    }

    /// How many entries both runs have, if they are the same.
    ///
    /// # Errors
    ///
    /// Where they differ, in words.
    pub(crate) fn verdict(&self) -> Result<usize, String> {
        let runs = self.runs.borrow();
        let (index, second) = match &runs.difference {
            Some(Difference { index, second }) => (*index, second.as_str()),
            None if runs.second == runs.first.entries.len() => return Ok(runs.second),
            None => (runs.second, "nothing more"),
        };
        let first = match runs.first.get(index) {
            Some((at, text)) => format!("at {at}: {text}"),
            None => "nothing more".to_owned(),
        };
        let number = index + 1;
        Err(format!("two runs differ from event {number} on\n  first:  {first}\n  second: {second}"))
    }

    /// Says that both runs are the same, and that it ended as the first one; unless they are not.
    pub(crate) fn ended(&self, first: Ended) -> Ended {
        match self.verdict() {
            Ok(events) => {
                eprintln!("sim-host: two runs are the same in all of their {events} events");
                first
            }
            Err(how) => Ended { ending: Ending::Diverged(how), ..first },
        }
    }
}

/// Runs a session twice and compares; what the first run says is printed.
///
/// # Errors
///
/// As for one run.
pub(crate) async fn run_twice(options: &Options) -> Result<Ended, HostError> {
    let mut signals = Signals::watch().map_err(HostError::Runtime)?;
    let twice = Twice::default();
    let (ended, sim) = one(options, &mut signals, wire::script(options)?, |sim| twice.note(sim, "")).await?;
    if matches!(ended.ending, Ending::Signal(_)) {
        return Ok(ended);
    }
    machine::warn_of_idle_faults([&sim]);
    drop(sim);
    let mut silent = wire::script(options)?;
    silent.output = Box::new(tokio::io::sink());
    let _silence = Twice::silence();
    let (again, _) = one(options, &mut signals, silent, |sim| twice.compare(sim, "")).await?;
    if matches!(again.ending, Ending::Signal(_)) {
        return Ok(again);
    }
    Ok(twice.ended(ended))
}

async fn one(
    options: &Options,
    signals: &mut Signals,
    mut wire: wire::Wire,
    watch: impl FnOnce(&mut Sim),
) -> Result<(Ended, Sim), HostError> {
    let mut sim = machine::describe(options, wire.mode).build().map_err(HostError::Boot)?;
    watch(&mut sim);
    let mut link = Link::new(options.until.map(|span| span.0));
    let ending = run(options, &mut sim, &mut link, &mut wire, signals).await?;
    Ok((Ended { ending, digest: Some(sim.digest()) }, sim))
}
