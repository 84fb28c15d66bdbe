//! Faults that have never had an effect: mostly mistakes of whoever wrote them.

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

impl Sim {
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
