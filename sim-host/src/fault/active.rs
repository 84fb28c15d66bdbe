//! The faults of one machine while it runs.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use kernel::time::Duration;

use super::{ByteRule, Chance, Fault, FaultCount, StorageRule, What, When};
use crate::{External, Rng, storage::Access, uart::Signal};

/// Separates the chance of faults from the machine's own.
const STREAM: u64 = 0x6661_756c_7473;

/// All faults of one machine.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    seed: u64,
    rules: Vec<(Fault, Arc<AtomicU64>)>,
    /// For bytes on their way to the machine, by UART.
    incoming: Vec<(usize, Vec<ByteRule>)>,
    storage: Vec<StorageRule>,
}

/// What the machine has to see to for a fault that was added.
pub(crate) enum Begins {
    /// Bytes that leave this UART go through a rule.
    Outgoing(usize, ByteRule),
    /// Something happens at these times.
    Happens(Vec<(Duration, External)>),
    /// Nothing now.
    Later,
}

impl Faults {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed, ..Self::default() }
    }

    /// Adds a rule; returns its number, and what there is to do for it.
    pub(crate) fn add(&mut self, fault: Fault) -> (usize, Begins) {
        let number = self.rules.len();
        let hits = Arc::<AtomicU64>::default();
        let chance = |which| {
            let mut seeds = Rng::new(self.seed ^ STREAM);
            let seed = (0..=number).fold(0, |_, _| seeds.next_u64());
            let (from, until) = (fault.from, fault.until);
            Chance { which, from, until, rng: Rng::new(seed), seen: 0, hits: hits.clone() }
        };
        let begins = match &fault.what {
            What::Bytes { uart, to_machine, action, which } => {
                let rule = ByteRule { action: *action, chance: chance(*which) };
                match to_machine {
                    false => Begins::Outgoing(*uart, rule),
                    true => {
                        match self.incoming.iter_mut().find(|(known, _)| known == uart) {
                            Some((_, rules)) => rules.push(rule),
                            None => self.incoming.push((*uart, vec![rule])),
                        }
                        Begins::Later
                    }
                }
            }
            What::Storage { external, reads_only, which } => {
                let (external, chance) = (external.clone(), chance(*which));
                self.storage.push(StorageRule { number, external, reads_only: *reads_only, chance });
                Begins::Later
            }
            What::Happens { begin, end, when } => match when {
                When::Event(_) => Begins::Later,
                When::Once | When::Every(_) => {
                    let end = fault.until.zip(end.clone());
                    Begins::Happens([(fault.from, begin.clone())].into_iter().chain(end).collect())
                }
            },
        };
        self.rules.push((fault, hits));
        (number, begins)
    }

    /// Lets something through the faulty lines; what comes out goes to `out`, with how late it is.
    pub(crate) fn pass(
        &mut self,
        now: Duration,
        external: External,
        mut out: impl FnMut(Duration, External),
    ) {
        let External::Bytes { uart, bytes } = external else { return out(Duration::ZERO, external) };
        let Some((_, rules)) = self.incoming.iter_mut().find(|(known, _)| *known == uart) else {
            return out(Duration::ZERO, External::Bytes { uart, bytes });
        };
        let mut together = Vec::new();
        for byte in bytes {
            for (late, signal) in ByteRule::pass(rules, now, byte) {
                let external = match signal {
                    Signal::Byte(byte) if late.is_zero() => {
                        together.push(byte);
                        continue;
                    }
                    Signal::Byte(byte) => External::Bytes { uart, bytes: vec![byte] },
                    Signal::Garbled => External::Garbled { uart },
                    Signal::Break => External::Break { uart },
                    Signal::AfterOverrun(byte) => External::Overrun { uart, byte },
                };
                if late.is_zero() && !together.is_empty() {
                    let bytes = std::mem::take(&mut together);
                    out(Duration::ZERO, External::Bytes { uart, bytes });
                }
                out(late, external);
            }
        }
        if !together.is_empty() {
            out(Duration::ZERO, External::Bytes { uart, bytes: together });
        }
    }

    /// An operation of the storage has begun: what happens to it, by the rules of these numbers.
    pub(crate) fn begun(&mut self, now: Duration, access: Access) -> Vec<(usize, External)> {
        self.storage.iter_mut().filter_map(|rule| rule.begun(now, access)).collect()
    }

    /// Something that a fault does has happened: counts it, and says when it happens again.
    pub(crate) fn happened(
        &self,
        number: usize,
        external: &External,
        hits: u64,
        now: Duration,
    ) -> Option<Duration> {
        let (fault, count) = self.rules.get(number)?;
        let What::Happens { begin, when, .. } = &fault.what else { return None };
        if begin != external {
            return None;
        }
        count.fetch_add(hits, Ordering::Relaxed);
        let When::Every(span) = when else { return None };
        Some(now.saturating_add(*span)).filter(|next| fault.until.is_none_or(|until| *next < until))
    }

    /// Tasks of this name were found that get no memory.
    pub(crate) fn refused(&self, name: &str, tasks: u64) {
        let refuses = |what: &What| matches!(what, What::Happens { begin: External::Refuse { task }, .. } if task == name);
        for (_, hits) in self.rules.iter().filter(|(fault, _)| refuses(&fault.what)) {
            hits.fetch_add(tasks, Ordering::Relaxed);
        }
    }

    /// What happens because the machine's journal has grown from so many entries to so many.
    pub(crate) fn at_events(&self, before: u64, after: u64) -> Vec<(usize, External)> {
        let due = |(number, (fault, _)): (usize, &(Fault, _))| match &fault.what {
            What::Happens { begin, when: When::Event(event), .. } if (before + 1..=after).contains(event) => {
                Some((number, begin.clone()))
            }
            _ => None,
        };
        self.rules.iter().enumerate().filter_map(due).collect()
    }

    pub(crate) fn counts(&self) -> Vec<FaultCount> {
        let count = |(fault, hits): &(Fault, Arc<AtomicU64>)| FaultCount {
            fault: fault.clone(),
            hits: hits.load(Ordering::Relaxed),
        };
        self.rules.iter().map(count).collect()
    }
}
