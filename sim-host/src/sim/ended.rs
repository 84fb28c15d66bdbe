//! A machine that has ended: whether it comes back by itself, and its next boot if it does.

use kernel::platform::Stop;

use super::{Sim, Wait};
use crate::SimError;

impl Sim {
    /// The machine is off: it has ended, and does not [come back](Self::come_back) by itself.
    pub fn is_off(&self) -> bool {
        matches!(self.waits(), Wait::Stopped(_) | Wait::PowerCut) && !self.comes_back()
    }

    /// Boots the machine again if it has ended and comes back by itself, as a board does; `true` then. It comes back from a
    /// reboot that it asked for, and when its power fails and [returns](Self::power_returns). Whoever drives a machine asks
    /// this after each step or run.
    ///
    /// # Errors
    ///
    /// As for [`reboot`](Self::reboot).
    pub fn come_back(&mut self) -> Result<bool, SimError> {
        let comes_back = self.comes_back();
        if comes_back {
            self.reboot()?;
        }
        Ok(comes_back)
    }

    fn comes_back(&self) -> bool {
        self.waits() == Wait::Stopped(Stop::Reboot) || self.power_returns()
    }
}
