//! A machine's storage, and what goes wrong with it.

use super::Sim;
use crate::{external::Cause, storage::Flash};

impl Sim {
    /// The machine's storage. What it holds outlives reboots and power cuts.
    ///
    /// # Panics
    ///
    /// When the machine was built [without](crate::Builder::without_storage).
    pub fn storage(&self) -> &Flash {
        match &self.flash {
            Some(flash) => flash,
            None => panic!("the machine has no storage"),
        }
    }

    pub(crate) fn flash(&self) -> Option<&Flash> {
        self.flash.as_ref()
    }

    /// Lets faults have their way with an operation that has begun in this step. What they do comes with the next step, and so
    /// before the operation ends: from there a tape can tell it.
    pub(super) fn let_storage_fail(&mut self) {
        let Some(access) = self.flash.as_ref().and_then(Flash::take_started) else { return };
        let lived = self.uptime_of_all_boots();
        for (number, external) in self.faults.begun(lived, access) {
            self.external.schedule(self.clock.now(), external, Cause::Fault(number));
        }
    }
}
