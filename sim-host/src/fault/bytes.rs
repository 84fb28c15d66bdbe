//! What becomes of bytes on a faulty line.

use kernel::time::Duration;

use super::{Action, Chance};
use crate::uart::Signal;

/// A rule about the bytes of one direction of a line.
#[derive(Debug)]
pub(crate) struct ByteRule {
    pub(crate) action: Action,
    pub(crate) chance: Chance,
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
                    Signal::Byte(byte) if rule.chance.hits(now) => rule.act(late, byte, &mut passing),
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
                let wrong = u8::try_from(1 + self.chance.rng.below(255)).unwrap_or(1);
                passing.push((late, Signal::Byte(byte ^ wrong)));
            }
            Action::Garble => passing.push((late, Signal::Garbled)),
            Action::Break => passing.extend([(late, Signal::Break), (late, Signal::Byte(byte))]),
            Action::Overrun => passing.push((late, Signal::AfterOverrun(byte))),
        }
    }
}
