//! What becomes of operations of a storage that has faults.

use kernel::time::Duration;

use super::Chance;
use crate::{External, storage::Access};

/// A rule about operations of storage.
#[derive(Debug)]
pub(crate) struct StorageRule {
    /// The rule's number.
    pub(crate) number: usize,
    /// What happens to an operation.
    pub(crate) external: External,
    /// Only to reads.
    pub(crate) reads_only: bool,
    pub(crate) chance: Chance,
}

impl StorageRule {
    /// What happens to the operation that has begun, if anything does.
    pub(crate) fn begun(&mut self, now: Duration, access: Access) -> Option<(usize, External)> {
        let about = access == Access::Read || !self.reads_only;
        (about && self.chance.hits(now)).then(|| (self.number, self.external.clone()))
    }
}
