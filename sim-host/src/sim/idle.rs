//! Faults, and kills from outside, that have had no effect: mostly mistakes of whoever wrote them.

use std::fmt;

use super::Sim;
use crate::{External, Fault, fault::What, mistake::listed};

/// A fault that has never applied, as a sentence that says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdleFault {
    /// Which of the machine's faults it is, in their order, counted from 0.
    pub number: usize,
    /// The rule.
    pub fault: Fault,
    /// The task that it is about, if none of this name runs, and what those are called that do.
    pub missing: Option<(String, Vec<&'static str>)>,
}

impl fmt::Display for IdleFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the fault `{}` never applied", self.fault)?;
        match &self.missing {
            Some((task, tasks)) => write!(f, "; no task is called `{task}`: there are {}", listed(tasks)),
            None => Ok(()),
        }
    }
}

/// A task was to be killed from outside when none was called so, as a sentence that says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissedKill {
    /// The task's name.
    pub task: String,
    /// What tasks were called then.
    pub tasks: Vec<&'static str>,
}

impl fmt::Display for MissedKill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { task, tasks } = self;
        write!(f, "no task was called `{task}` when it was to be killed: there were {}", listed(tasks))
    }
}

impl Sim {
    /// Kills from outside that have found no task so far, the first of each name. Those by [`Fault`]s are
    /// [told otherwise](Self::idle_faults).
    pub fn missed_kills(&self) -> &[MissedKill] {
        &self.missed_kills
    }

    /// Something has happened from outside; so many hits.
    pub(super) fn note_missed_kill(&mut self, external: &External, hits: u64) {
        if let External::Kill { task } = external
            && hits == 0
            && !self.missed_kills.iter().any(|missed| missed.task == *task)
        {
            self.missed_kills.push(MissedKill { task: task.clone(), tasks: self.task_names() });
        }
    }

    /// The faults that have never had an effect so far.
    pub fn idle_faults(&self) -> Vec<IdleFault> {
        let counts = self.faults().into_iter().enumerate();
        let idle = counts.filter(|(_, count)| count.hits == 0);
        idle.map(|(number, count)| {
            let missing = count.fault.task().filter(|task| self.tasks_named(task).is_empty());
            let missing = missing.map(|task| (task.to_owned(), self.task_names()));
            IdleFault { number, fault: count.fault, missing }
        })
        .collect()
    }
}

impl Fault {
    /// The task that the rule is about.
    fn task(&self) -> Option<&str> {
        match &self.what {
            What::Happens { begin: External::Kill { task } | External::Refuse { task }, .. } => Some(task),
            _ => None,
        }
    }
}
