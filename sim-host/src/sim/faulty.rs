//! A machine's faults: how they come between it and the outside, and when what they do is due.

use kernel::time::{Duration, Instant};

use super::{Sim, Wait};
use crate::{External, Fault, FaultCount, NoSuchDevice, external::Cause, fault::Begins};

impl Sim {
    /// Takes what happens from outside now, as faults let it through.
    pub(super) fn take_inputs(&mut self, now: Instant) -> Vec<(External, Cause)> {
        let lived = self.uptime_of_all_boots();
        let mut inputs = Vec::new();
        while let Some((external, cause)) = self.external.take_due(now) {
            let Self { faults, external: queue, .. } = self;
            match cause {
                Cause::Fault(_) => inputs.push((external, cause)),
                Cause::Outside => faults.pass(lived, external, |late, external| match late.is_zero() {
                    true => inputs.push((external, cause)),
                    false => queue.schedule(now.saturating_add(late), external, Cause::Late),
                }),
                Cause::Late => inputs.push((external, cause)),
            }
        }
        // What is taken down on a tape is that of one byte, and no more are at their end in a step that is on one.
        if self.a_fault_refuses_now() {
            inputs.push((External::Nak, Cause::Late));
        }
        inputs
    }

    /// The byte that is at its end on the I²C bus by now, a fault leaves without acknowledgement.
    fn a_fault_refuses_now(&mut self) -> bool {
        let lived = self.uptime_of_all_boots();
        self.i2c.acknowledges_now().is_some_and(|address| self.faults.refuses(lived, address))
    }

    /// Carries the I²C bus on by a byte. While the clock goes by itself, by all bytes that are at their end by now: a host that
    /// is late must not let a transfer take longer than it does on the wires.
    pub(super) fn carry_bus(&mut self) {
        self.i2c.advance();
        if self.exact || self.clock.is_virtual() {
            return;
        }
        while self.i2c.next_event().is_some_and(|at| at <= self.clock.now()) {
            if self.a_fault_refuses_now() {
                self.i2c.refuse_next();
            }
            self.i2c.advance();
        }
    }

    /// Something has happened, perhaps by a fault; so many hits.
    pub(super) fn note_hits(&mut self, cause: Cause, external: &External, hits: u64) {
        let Cause::Fault(number) = cause else { return self.note_missed_kill(external, hits) };
        let lived = self.uptime_of_all_boots();
        if *external == External::PowerCut {
            self.power_returns = true;
            // The machine cannot say so itself, and what it was doing gets no answer.
            let at_us = self.now().as_micros();
            tracing::warn!(target: "mnemos", at_us, "sim: a fault cuts the power {lived} after power-on");
        }
        if let Some(next) = self.faults.happened(number, external, hits, lived) {
            self.external.schedule(self.in_this_boot(next), external.clone(), cause);
        }
    }

    /// Forgets the bytes that were to come to a UART by then, and says how many.
    pub(crate) fn lose_bytes(&mut self, uart: usize, until: Instant) -> usize {
        self.external.lose_bytes(uart, until)
    }

    /// When it is so long since the machine was switched on first; in the past that is now.
    pub(super) fn in_this_boot(&self, lived: Duration) -> Instant {
        Instant::BOOT.saturating_add(lived.saturating_sub(self.lived)).max(self.clock.now())
    }

    /// Adds a fault, whose times are counted from when the machine was switched on first, like those of
    /// [`Builder::fault`](crate::Builder::fault).
    ///
    /// # Errors
    ///
    /// When the machine has no such serial port, interrupt line or target on its I²C bus, or no storage.
    pub fn add_fault(&mut self, fault: Fault) -> Result<(), NoSuchDevice> {
        self.check_device(&fault.needs())?;
        self.admit(fault);
        Ok(())
    }

    /// Adds a fault of a schedule, which may be about an interrupt line that comes later.
    pub(super) fn add_drawn_fault(&mut self, fault: Fault) -> Result<(), NoSuchDevice> {
        match self.check_device(&fault.needs()) {
            Ok(()) | Err(NoSuchDevice::Interrupt { .. }) => self.admit(fault),
            Err(missing) => return Err(missing),
        }
        Ok(())
    }

    fn admit(&mut self, fault: Fault) {
        let (number, begins) = self.faults.add(fault);
        match begins {
            Begins::Outgoing(uart, rule) => self.uart(uart).add_fault(rule),
            Begins::Happens(all) => {
                for (at, external) in all {
                    self.external.schedule(self.in_this_boot(at), external, Cause::Fault(number));
                }
                self.doorbell.ring();
            }
            Begins::Later => {}
        }
    }

    /// The machine's faults, and how often each has had an effect: one that never had is worth a look.
    pub fn faults(&self) -> Vec<FaultCount> {
        self.faults.counts()
    }

    /// The power was cut by a [`Fault`], after which it comes back: the machine is to be booted again, which
    /// [`come_back`](Self::come_back) does.
    pub fn power_returns(&self) -> bool {
        self.power_returns && self.last.1 == Wait::PowerCut
    }
}
