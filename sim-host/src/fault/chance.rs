//! Which of the things that a rule is about it hits.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use kernel::time::Duration;

use super::Which;
use crate::Rng;

/// Chooses among bytes, or operations, that come one by one.
#[derive(Debug)]
pub(crate) struct Chance {
    pub(crate) which: Which,
    pub(crate) from: Duration,
    pub(crate) until: Option<Duration>,
    pub(crate) rng: Rng,
    /// How many have come in the rule's time so far.
    pub(crate) seen: u64,
    pub(crate) hits: Arc<AtomicU64>,
}

impl Chance {
    /// Whether the next one is hit.
    pub(crate) fn hits(&mut self, now: Duration) -> bool {
        if now < self.from || self.until.is_some_and(|until| now >= until) {
            return false;
        }
        self.seen += 1;
        let hits = match self.which {
            Which::PerMillion(rate) => self.rng.below(1_000_000) < u64::from(rate),
            Which::Nth(nth) => self.seen == nth,
            Which::Every(every) => self.seen.is_multiple_of(every),
        };
        self.hits.fetch_add(hits.into(), Ordering::Relaxed);
        hits
    }
}
