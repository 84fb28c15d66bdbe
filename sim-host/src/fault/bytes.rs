//! What becomes of bytes on a faulty line.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use kernel::time::Duration;

use super::{Action, Which};
use crate::{Rng, uart::Signal};

/// A rule about the bytes of one direction of a line.
#[derive(Debug)]
pub(crate) struct ByteRule {
    pub(crate) action: Action,
    pub(crate) choice: Choice,
}

/// Which bytes a rule is about, of those that come.
#[derive(Debug)]
pub(crate) struct Choice {
    pub(crate) which: Which,
    pub(crate) from: Duration,
    pub(crate) until: Option<Duration>,
    pub(crate) rng: Rng,
    /// Bytes in the rule's time so far.
    pub(crate) seen: u64,
    pub(crate) hits: Arc<AtomicU64>,
}

impl Choice {
    /// Whether the rule is about this byte.
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

impl ByteRule {
    /// Lets a byte through the rules in their order; returns what comes out, each after some time.
    pub(crate) fn pass(rules: &mut [Self], now: Duration, byte: u8) -> Vec<(Duration, Signal)> {
        let mut passing = vec![(Duration::ZERO, Signal::Byte(byte))];
        for rule in rules {
            let before = std::mem::take(&mut passing);
            for (late, signal) in before {
                // What is no byte any more is let through.
                match signal {
                    Signal::Byte(byte) if rule.choice.hits(now) => rule.act(late, byte, &mut passing),
                    _ => passing.push((late, signal)),
                }
            }
        }
        passing
    }

    fn act(&mut self, late: Duration, byte: u8, passing: &mut Vec<(Duration, Signal)>) {
        match self.action {
            Action::Drop => {}
            Action::Delay(by) => passing.push((late.saturating_add(by), Signal::Byte(byte))),
            Action::Duplicate => passing.extend([(late, Signal::Byte(byte)); 2]),
            Action::Corrupt => {
                // Never the same byte: at least one bit is wrong.
                let wrong = u8::try_from(1 + self.choice.rng.below(255)).unwrap_or(1);
                passing.push((late, Signal::Byte(byte ^ wrong)));
            }
            Action::Garble => passing.push((late, Signal::Garbled)),
            Action::Break => passing.extend([(late, Signal::Break), (late, Signal::Byte(byte))]),
            Action::Overrun => passing.push((late, Signal::AfterOverrun(byte))),
        }
    }
}
