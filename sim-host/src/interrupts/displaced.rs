//! Interrupts that a [`Schedule`] lets land elsewhere: once more than their devices raise them, or later.

use std::collections::BTreeMap;

use super::IrqLine;
use crate::explore::{Move, Schedule};

/// What a schedule says of interrupts, as far as it lies ahead.
pub(super) struct Displaced {
    /// Lines that become pending, and after how many critical sections; the next one last.
    extra: Vec<(u64, String)>,
    /// By how many sections an interrupt is late, by its number.
    late: BTreeMap<u64, u64>,
    /// Interrupts that were about to be taken.
    arrived: u64,
    /// Lines that are held back until so many sections have ended.
    held: Vec<(IrqLine, u64)>,
}

impl Displaced {
    pub(super) fn new(schedule: &Schedule) -> Self {
        let extra = |displaced: &Move| match displaced {
            Move::Interrupt { line, after } => Some((*after, line.clone())),
            _ => None,
        };
        let late = |displaced: &Move| match displaced {
            Move::Late { interrupt, by } => Some((*interrupt, *by)),
            _ => None,
        };
        let mut extra: Vec<_> = schedule.0.iter().filter_map(extra).collect();
        extra.sort_by_key(|(after, _)| std::cmp::Reverse(*after));
        Self { extra, late: schedule.0.iter().filter_map(late).collect(), arrived: 0, held: Vec::new() }
    }

    /// The next line that is to become pending when so many sections have ended.
    pub(super) fn next_extra(&mut self, sections: u64) -> Option<String> {
        self.extra.pop_if(|(after, _)| *after <= sections).map(|(_, line)| line)
    }

    /// A step begins: whatever is held back has been so for long enough.
    pub(super) fn release_all(&mut self) {
        self.held.iter_mut().for_each(|(_, until)| *until = 0);
    }

    /// The line is held back.
    pub(super) fn is_held(&self, line: &IrqLine, sections: u64) -> bool {
        self.held.iter().any(|(held, until)| held.is(line) && *until > sections)
    }

    /// The line is about to be taken; `false` if it is held back from now on.
    pub(super) fn is_taken_now(&mut self, line: &IrqLine, sections: u64) -> bool {
        if let Some(held) = self.held.iter().position(|(held, _)| held.is(line)) {
            self.held.swap_remove(held);
            return true;
        }
        self.arrived += 1;
        match self.late.remove(&self.arrived) {
            None | Some(0) => true,
            Some(by) => {
                self.held.push((line.clone(), sections.saturating_add(by)));
                false
            }
        }
    }

    /// Interrupts that were about to be taken.
    pub(super) fn arrived(&self) -> u64 {
        self.arrived
    }

    /// The machine is booted again: what was held back is gone with its device.
    pub(super) fn reset(&mut self) {
        self.held.clear();
    }
}
