//! What can be asked of a machine.

use std::cell::RefMut;

use kernel::{
    Handle, Kernel,
    registry::{ConnectionId, Service as _},
    services::serial::Serial,
    time::{Duration, Instant},
};

use super::{Sim, Wait};
use crate::{RegionWatch, Rng, SimClock};

impl Sim {
    /// The seed that the machine was built with.
    pub fn seed(&self) -> u64 {
        self.config.seed
    }

    /// How many tasks have panicked.
    pub fn panics(&self) -> u32 {
        self.panics
    }

    /// What the last panic of a task said, and where.
    pub fn last_panic(&self) -> Option<&str> {
        self.last_panic.as_deref()
    }

    /// How often the machine was rebooted.
    pub fn reboots(&self) -> u32 {
        self.reboots
    }

    /// Commands that consoles could not carry out since boot.
    pub fn commands_failed(&self) -> u32 {
        self.kernel.commands_failed()
    }

    /// Commands that consoles could not carry out, in all boots.
    pub fn commands_failed_in_all_boots(&self) -> u32 {
        self.failed_before.saturating_add(self.commands_failed())
    }

    /// The machine's task has read all that a UART was sent, and waits for more. To be asked while the machine is at
    /// rest: then a request that the port has not answered is one that waits for bytes.
    pub fn awaits_bytes(&self, uart: usize) -> bool {
        if self.uart(uart).on_wire() > 0 || self.external.has_bytes_for(uart) {
            return false;
        }
        let services = self.handle.services();
        let mut after = ConnectionId(0);
        while let Some(connection) = services.next_connection(after) {
            if connection.service == Serial::NAME && connection.busy > 0 {
                return true;
            }
            after = connection.id;
        }
        false
    }

    /// How long the machine has lived: the time since boot, and that of the boots before.
    pub fn uptime_of_all_boots(&self) -> Duration {
        self.lived.saturating_add(self.now().since(Instant::from_micros(0)))
    }

    /// Tells when the memory of the kernel that runs now is given back to the host.
    pub fn region_watch(&self) -> RegionWatch {
        self.region.clone()
    }

    /// What the machine has waited for since its last step.
    pub fn waits(&self) -> Wait {
        self.last.1
    }

    /// The machine's time.
    pub fn now(&self) -> Instant {
        self.clock.now()
    }

    /// The machine's clock, for other threads too.
    pub fn clock(&self) -> &SimClock {
        &self.clock
    }

    /// The machine's randomness.
    pub fn rng(&self) -> RefMut<'_, Rng> {
        self.rng.borrow_mut()
    }

    /// The kernel.
    pub fn kernel(&self) -> Handle {
        self.handle.clone()
    }

    /// The kernel itself, for what only a machine may ask.
    pub fn raw_kernel(&self) -> &Kernel {
        &self.kernel
    }
}
