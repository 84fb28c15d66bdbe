//! The thin device under storage: what a flash controller's registers, or a simulator's model of them, offer.

use super::{Chunk, Geometry};

/// A NOR flash that does one operation at a time, and one level-triggered interrupt.
///
/// Each operation ends, if not well then with a [`Failure`]: the driver knows no time after which it would give one up, and
/// serves nobody until then. A device that may hang is to be given a deadline, and reset, behind this trait.
///
/// Both the interrupt handler and the driver's task use the device, each through a clone: like registers, all clones are
/// the same device. None of the methods waits.
///
/// The interrupt is pending while it is switched on and an operation has ended whose result has not been taken.
pub trait Flash: Clone + Send + 'static {
    /// How large the flash is, and its units. Always the same.
    fn geometry(&self) -> Geometry;

    /// Starts an operation. The driver starts none while [`is_busy`](Self::is_busy), or while a result waits to be taken.
    fn start(&self, operation: Operation);

    /// An operation is under way.
    fn is_busy(&self) -> bool;

    /// Takes what came of the operation that has ended; `None` if none has since it was taken last.
    fn take(&self) -> Option<Result<Done, Failure>>;

    /// Switches the interrupt on or off.
    fn set_interrupt(&self, on: bool);
}

/// What a flash can do. The driver has seen to range and units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Read so many bytes.
    Read {
        /// The first byte.
        offset: u32,
        /// How many; not more than a [`Chunk`] holds.
        len: u16,
    },
    /// Make bits 0 within one page.
    Program {
        /// The first byte.
        offset: u32,
        /// What is ANDed to what is there.
        data: Chunk,
    },
    /// Make all bytes of one sector `0xFF`.
    Erase {
        /// The sector's first byte.
        offset: u32,
    },
}

/// What came of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// What was read.
    Read(Chunk),
    /// What was read, in which the device has corrected some bits.
    Corrected(Chunk),
    /// Programmed, or erased.
    Changed,
}

/// Why an operation has failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// The device could not do it. What was to be changed may be anything.
    Failed,
    /// More bits are wrong than can be corrected.
    Uncorrectable,
}
