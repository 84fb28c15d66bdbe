//! The platform contract: all the kernel asks of the machine that it runs on.
//!
//! The kernel names no chip and no operating system. A board (or the simulator) hands it a memory region, a
//! [`Clock`], and calls `Kernel::tick` in a loop, doing after each tick what its report says.

/// The machine's clock: microseconds since boot, 64 bits wide, never going backwards.
///
/// It may be read from tasks and from interrupt handlers, and must not allocate or wait.
pub trait Clock {
    /// Microseconds since boot.
    fn now_us(&self) -> u64;
}
