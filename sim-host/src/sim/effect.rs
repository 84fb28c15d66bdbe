//! What [`External`]s do to a machine when they happen.

use kernel::executor::{TaskId, TaskStats};

use super::Sim;
use crate::{
    External, IrqLine,
    storage::Flash,
    uart::{END_OF_INPUT, Signal},
};

impl Sim {
    /// Lets something happen now; returns on how many things it had an effect.
    pub(super) fn happen(&mut self, external: &External) -> u64 {
        let wire = |uart: usize, signals: &mut dyn Iterator<Item = Signal>| match self.uarts.get(uart) {
            Some(uart) => {
                uart.arrive(signals);
                1
            }
            None => 0,
        };
        match external {
            External::Bytes { uart, bytes } => wire(*uart, &mut bytes.iter().copied().map(Signal::Byte)),
            External::Garbled { uart } => wire(*uart, &mut [Signal::Garbled].into_iter()),
            External::Break { uart } => wire(*uart, &mut [Signal::Break].into_iter()),
            External::Overrun { uart, byte } => wire(*uart, &mut [Signal::AfterOverrun(*byte)].into_iter()),
            External::EndOfInput { uart } => wire(*uart, &mut [Signal::Byte(END_OF_INPUT)].into_iter()),
            External::Pin { pin, drive } => {
                self.gpio.drive(*pin, *drive);
                1
            }
            External::Interrupt { line } => self.with_line(line, IrqLine::pend),
            External::Mask { line } => self.with_line(line, |line| line.enable(false)),
            External::Unmask { line } => self.with_line(line, |line| line.enable(true)),
            External::Kill { task } => {
                self.tasks_named(task).into_iter().filter(|task| self.handle.abort(*task)).count() as u64
            }
            External::Refuse { task } => {
                if !self.refused.iter().any(|(name, _)| name == task) {
                    self.refused.push((task.clone(), TaskId(0)));
                }
                // Tasks are counted when they are found.
                0
            }
            External::Allow { task } => {
                self.refused.retain(|(name, _)| name != task);
                self.tasks_named(task).into_iter().filter(|task| self.handle.set_quota(*task, None)).count()
                    as u64
            }
            External::Exhaust => self.take_memory(1),
            External::Fragment => self.take_memory(2),
            External::Relieve => self.relieve(),
            External::Sense { address, text } => {
                self.i2c.sense(*address, text);
                1
            }
            External::Nak => {
                self.i2c.refuse_next();
                1
            }
            External::Stick | External::Free => {
                self.i2c.hold(*external == External::Stick);
                1
            }
            External::Flip => self.flash.as_ref().map_or(0, Flash::flip),
            External::Fail => self.flash.as_ref().map_or(0, Flash::fail),
            External::Rot => self.flash.as_ref().map_or(0, Flash::rot),
            External::PowerCut => 1,
        }
    }

    pub(super) fn with_line(&self, name: &str, with: impl FnOnce(&IrqLine)) -> u64 {
        let line = self.interrupts.named(name);
        line.as_ref().map(with).map_or(0, |()| 1)
    }

    pub(super) fn tasks_named(&self, name: &str) -> Vec<TaskId> {
        self.tasks().filter(|task| task.name == name).map(|task| task.id).collect()
    }

    /// What tasks are called, each name once, the oldest first.
    pub(crate) fn task_names(&self) -> Vec<&'static str> {
        let mut names = Vec::new();
        for task in self.tasks() {
            if !names.contains(&task.name) {
                names.push(task.name);
            }
        }
        names
    }

    fn tasks(&self) -> impl Iterator<Item = TaskStats> {
        let mut last = TaskId(0);
        std::iter::from_fn(move || {
            let task = self.handle.next_task(last)?;
            last = task.id;
            Some(task)
        })
    }

    /// Takes the free memory away, or every other piece of it; returns how many pieces.
    pub(super) fn take_memory(&mut self, every: usize) -> u64 {
        /// What the heap is cut into when it is fragmented.
        const PIECE: usize = 64;
        let before = self.taken.len();
        let mut size = if every == 1 { self.config.heap } else { PIECE };
        while size > 0 {
            match self.handle.heap().try_buffer(size) {
                Ok(buffer) => self.taken.push(buffer),
                Err(_) if every == 1 => size /= 2,
                Err(_) => break,
            }
        }
        let mut number = 0;
        let kept = self.taken.split_off(before).into_iter().filter(|_| {
            number += 1;
            number % every == 0
        });
        self.taken.extend(kept);
        (self.taken.len() - before) as u64
    }

    /// Gives back what was taken away; returns how many pieces.
    pub(crate) fn relieve(&mut self) -> u64 {
        std::mem::take(&mut self.taken).len() as u64
    }

    /// Refuses memory to tasks of the names that are refused it, those that have come since among them.
    pub(super) fn refuse_memory(&mut self) {
        let mut refused = std::mem::take(&mut self.refused);
        for (name, youngest) in &mut refused {
            let mut found = 0;
            for task in self.tasks_named(name) {
                self.handle.set_quota(task, Some(0));
                found += u64::from(task > *youngest);
                *youngest = task.max(*youngest);
            }
            self.faults.refused(name, found);
        }
        self.refused = refused;
    }
}
