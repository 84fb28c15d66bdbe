//! What is not acknowledged on a faulty I²C bus.

use kernel::time::Duration;

use super::Chance;

/// The rules about acknowledgements, each for all targets or for that at an address.
#[derive(Debug, Default)]
pub(super) struct Naks(Vec<(Option<u8>, Chance)>);

impl Naks {
    pub(super) fn add(&mut self, address: Option<u8>, chance: Chance) {
        self.0.push((address, chance));
    }

    /// Whether a byte for a target is not acknowledged. Like on a line, what one rule has hit is nothing to those behind it.
    pub(super) fn refuse(&mut self, now: Duration, address: u8) -> bool {
        let about = |of: Option<u8>| of.is_none_or(|of| of == address);
        self.0.iter_mut().any(|(of, chance)| about(*of) && chance.hits(now))
    }
}
