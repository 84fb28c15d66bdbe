//! `--check-determinism`: one run, then the same again, and where the second one is different.

use std::{cell::RefCell, rc::Rc};

use kernel::time::Instant;
use sim_host::Sim;

use super::{Ended, Ending, HostError, Options, Signals, machine, run, wire};

/// What a run has done, compactly: one line for each entry of its journal.
#[derive(Default)]
struct Journal {
    text: String,
    /// Where each entry ends, and when it happened.
    entries: Vec<(usize, Instant)>,
}

impl Journal {
    fn push(&mut self, at: Instant, text: &str) {
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

/// The first difference between two runs.
struct Difference {
    number: usize,
    second: String,
}

/// Runs twice and compares; what the first run says is printed.
///
/// # Errors
///
/// As for one run.
pub(crate) async fn run_twice(options: &Options) -> Result<Ended, HostError> {
    let mut signals = Signals::watch().map_err(HostError::Runtime)?;
    let first = Rc::new(RefCell::new(Journal::default()));
    let journal = first.clone();
    let (ended, sim) = one(options, &mut signals, wire::script(options)?, move |sim| {
        sim.on_entry(move |entry| journal.borrow_mut().push(entry.at, entry.text));
    })
    .await?;
    if matches!(ended.ending, Ending::Signal(_)) {
        return Ok(ended);
    }
    machine::warn_of_idle_faults(&sim);
    drop(sim);
    let difference = Rc::new(RefCell::new(None));
    let (expected, found) = (first.clone(), difference.clone());
    let mut silent = wire::script(options)?;
    silent.output = Box::new(tokio::io::sink());
    let second_count = Rc::new(RefCell::new(0));
    let count = second_count.clone();
    let (again, _) = one(options, &mut signals, silent, move |sim| {
        sim.on_entry(move |entry| {
            let index = count.replace_with(|count| *count + 1);
            if found.borrow().is_none() && expected.borrow().get(index) != Some((entry.at, entry.text)) {
                let second = format!("at {}: {}", entry.at, entry.text);
                *found.borrow_mut() = Some(Difference { number: index + 1, second });
            }
        });
    })
    .await?;
    if matches!(again.ending, Ending::Signal(_)) {
        return Ok(again);
    }
    let first = first.borrow();
    let count = *second_count.borrow();
    let ended_early = || {
        let second = "nothing more".to_owned();
        (count < first.entries.len()).then_some(Difference { number: count + 1, second })
    };
    let Some(Difference { number, second }) = difference.take().or_else(ended_early) else {
        eprintln!("sim-host: two runs are the same in all of their {} events", first.entries.len());
        return Ok(ended);
    };
    let first = match first.get(number - 1) {
        Some((at, text)) => format!("at {at}: {text}"),
        None => "nothing more".to_owned(),
    };
    let how = format!("two runs differ from event {number} on\n  first:  {first}\n  second: {second}");
    Ok(Ended { ending: Ending::Diverged(how), ..ended })
}

async fn one(
    options: &Options,
    signals: &mut Signals,
    mut wire: wire::Wire,
    watch: impl FnOnce(&mut Sim),
) -> Result<(Ended, Sim), HostError> {
    let mut sim = machine::describe(options, wire.mode).build().map_err(HostError::Boot)?;
    watch(&mut sim);
    let ending = run(options, &mut sim, &mut wire, signals).await?;
    Ok((Ended { ending, digest: Some(sim.digest()) }, sim))
}
