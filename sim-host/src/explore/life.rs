//! One life: a machine built, run, and looked at.

use std::{collections::BTreeMap, fmt};

use kernel::{
    executor::TaskId,
    platform::Stop,
    registry::ConnectionId,
    time::{Duration, Instant},
};

use super::{ExploreError, Explorer, Schedule};
use crate::{Outcome, Sim, SimError, storage::Flash};

/// Steps of a life beyond those that twenty base runs need.
const STEPS: u64 = 100_000;

/// How a life fails.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq)]
pub enum Failure {
    /// The machine does not boot.
    Boot(SimError),
    /// A task has panicked: what it said.
    Panic(String),
    /// The machine is at rest for ever, and was not to be: what it waits for.
    Hang(String),
    /// The machine does not come to rest.
    Busy,
    /// The machine has ended, and was not to.
    Stopped(Stop),
    /// More commands fail than without a schedule.
    Commands {
        /// Commands that fail without one.
        base: u32,
        /// Commands that failed.
        failed: u32,
    },
    /// More memory is in use at the end than without a schedule: whose.
    Leak(String),
    /// More requests have no answer at the end than without a schedule, whether their clients still wait or have given
    /// up: whose.
    Unanswered(String),
    /// Whoever runs the machine says so.
    Check(String),
}

impl Failure {
    /// The two are of one kind.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

impl From<&str> for Failure {
    fn from(text: &str) -> Self {
        Self::Check(text.to_owned())
    }
}

impl From<String> for Failure {
    fn from(text: String) -> Self {
        Self::Check(text)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boot(why) => write!(f, "the machine does not boot: {why}"),
            Self::Panic(message) => write!(f, "a task panicked: {message}"),
            Self::Hang(what) => write!(f, "hang: {what}"),
            Self::Busy => f.write_str("the machine does not come to rest"),
            Self::Stopped(stop) => write!(f, "the machine has ended: {stop:?}"),
            Self::Commands { base, failed } => {
                write!(f, "{failed} commands failed, and {base} without a schedule")
            }
            Self::Leak(what) => write!(f, "a leak: {what}"),
            Self::Unanswered(what) => write!(f, "requests without an answer: {what}"),
            Self::Check(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for Failure {}

/// What a life was like.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Life {
    /// Time that passed in it.
    pub lived: Duration,
    /// Critical sections that ended in it.
    pub sections: u64,
    /// Interrupts that could have been displaced.
    pub interrupts: u64,
    /// The bytes of each input.
    pub inputs: Vec<usize>,
    /// The interrupt lines.
    pub lines: Vec<&'static str>,
    /// Bytes on the I²C bus.
    pub(super) on_bus: u64,
    pub(super) steps: u64,
    pub(super) panics: u32,
    pub(super) commands_failed: u32,
    pub(super) memory: Memory,
    /// Requests that wait for an answer, by the names of services.
    pub(super) waiting: BTreeMap<&'static str, usize>,
    /// Entries of the journal.
    pub(super) entries: u64,
    /// Operations of the storage.
    pub(super) storage: u64,
}

/// Live blocks and bytes, by the names of their owners.
pub(super) type Memory = BTreeMap<&'static str, (u32, usize)>;

impl Life {
    fn of(sim: &Sim) -> Self {
        Self {
            lived: sim.uptime_of_all_boots(),
            sections: sim.critical_sections(),
            interrupts: sim.interrupts_arrived(),
            inputs: sim.input_lens().to_vec(),
            lines: sim.interrupt_lines(),
            on_bus: sim.i2c().bytes(),
            steps: sim.steps(),
            panics: sim.panics(),
            commands_failed: sim.commands_failed_in_all_boots(),
            memory: memory(sim),
            waiting: waiting(sim),
            entries: sim.entries(),
            storage: sim.flash().map_or(0, Flash::operations),
        }
    }

    /// What is worse in this life than in the base run.
    fn worse_than(&self, base: &Self, sim: &Sim, commands_may_fail: bool) -> Option<Failure> {
        if self.panics > base.panics {
            return Some(Failure::Panic(sim.last_panic().unwrap_or_default().to_owned()));
        }
        if self.commands_failed > base.commands_failed && !commands_may_fail {
            return Some(Failure::Commands { base: base.commands_failed, failed: self.commands_failed });
        }
        for (service, waiting) in &self.waiting {
            let without = base.waiting.get(service).copied().unwrap_or_default();
            if *waiting > without {
                let what = format!("{waiting} to {service}, {without} without a schedule");
                return Some(Failure::Unanswered(what));
            }
        }
        let owns_more = |owner: &&&str| {
            let (blocks, bytes) = self.memory.get(**owner).copied().unwrap_or_default();
            let (base_blocks, base_bytes) = base.memory.get(**owner).copied().unwrap_or_default();
            blocks > base_blocks || bytes > base_bytes
        };
        let owners: Vec<_> = self.memory.keys().filter(owns_more).collect();
        (!owners.is_empty()).then(|| {
            let owns = |memory: &Memory, owner: &str| {
                let (blocks, bytes) = memory.get(owner).copied().unwrap_or_default();
                format!("{bytes} bytes in {blocks} blocks")
            };
            let tell = |owner: &&&str| {
                format!(
                    "{owner} ends with {}, without a schedule with {}",
                    owns(&self.memory, owner),
                    owns(&base.memory, owner)
                )
            };
            Failure::Leak(owners.iter().map(tell).collect::<Vec<_>>().join("; "))
        })
    }
}

/// The memory in use, of those who own it and in all: what is left of an owner that is gone is nobody's.
fn memory(sim: &Sim) -> Memory {
    let kernel = sim.kernel();
    let mut memory = Memory::new();
    let mut after = TaskId(0);
    let tasks = std::iter::from_fn(|| {
        let (id, stats) = kernel.next_account(after)?;
        after = id;
        Some(stats)
    });
    for stats in tasks.chain([kernel.heap().kernel_account().stats()]) {
        let owner = memory.entry(stats.name).or_default();
        owner.0 += stats.blocks;
        owner.1 += stats.bytes;
    }
    let heap = kernel.heap().stats();
    let blocks = u32::try_from(heap.blocks).unwrap_or(u32::MAX);
    memory.insert("the heap", (blocks, heap.used));
    memory
}

/// The requests that wait for an answer, by service. Some always do: a console reads.
fn waiting(sim: &Sim) -> BTreeMap<&'static str, usize> {
    let services = sim.kernel().services();
    let mut waiting = BTreeMap::new();
    let mut after = ConnectionId(0);
    while let Some(connection) = services.next_connection(after) {
        *waiting.entry(connection.service).or_default() += usize::from(connection.busy);
        after = connection.id;
    }
    waiting
}

impl<T: Sync> Explorer<'_, T> {
    /// The life with no schedule.
    ///
    /// # Errors
    ///
    /// When it fails.
    pub(super) fn base(&self, inputs: &[usize]) -> Result<Life, ExploreError> {
        match self.live(0, &Schedule::default(), inputs, None) {
            (life, None) => Ok(life),
            (_, Some(Failure::Boot(error))) => Err(ExploreError::Boot(error)),
            (_, Some(failure)) => Err(ExploreError::Base(failure)),
        }
    }

    /// Lives a life; if there is a base run, it must not be worse than that.
    pub(super) fn live(
        &self,
        seed: u64,
        schedule: &Schedule,
        inputs: &[usize],
        base: Option<&Life>,
    ) -> (Life, Option<Failure>) {
        let mut machine =
            Sim::builder().seed(seed).events(kernel::event::Kinds::ALL).schedule(schedule.clone());
        if let Some(base) = base {
            machine = machine.step_limit(base.steps.saturating_mul(20).saturating_add(STEPS));
        }
        let mut sim = match (self.build)(machine) {
            Ok(sim) => sim,
            Err(error) => return (Life::default(), Some(Failure::Boot(error))),
        };
        let inputs: Vec<&T> = inputs.iter().filter_map(|input| self.inputs.get(*input)).collect();
        let failure = (self.run)(&mut sim, &inputs).err();
        // What a fault still holds of a machine that was switched off before its end is no leak.
        sim.relieve();
        let life = Life::of(&sim);
        let failure = match failure {
            // A panic explains whatever came of it.
            _ if base.is_none_or(|base| life.panics > base.panics)
                && life.panics > 0
                && failure.is_some() =>
            {
                Some(Failure::Panic(sim.last_panic().unwrap_or_default().to_owned()))
            }
            Some(failure) => Some(failure),
            None => base.and_then(|base| life.worse_than(base, &sim, self.faults.is_some())),
        };
        (life, failure)
    }
}

impl Failure {
    /// The failure of a machine that was to come to rest and wait for something; none if it does.
    pub fn of_outcome(outcome: Outcome, now: Instant) -> Option<Self> {
        match outcome {
            Outcome::Idle | Outcome::Satisfied => None,
            Outcome::Stopped(stop) => Some(Self::Stopped(stop)),
            Outcome::PowerCut => Some(Self::Check(format!("the power failed at {now}"))),
            Outcome::TimeReached => Some(Self::Hang(format!("not done at {now}"))),
            Outcome::Limit => Some(Self::Busy),
        }
    }
}
