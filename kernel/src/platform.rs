//! The platform contract: all the kernel asks of the machine that it runs on.
//!
//! The kernel names no chip and no operating system. A board (or the simulator) hands it a memory region and a
//! [`Clock`], calls [`Kernel::tick`](crate::Kernel::tick) in a loop, and after each tick does what [`Next`] says.

use crate::time::Instant;

/// The machine's clock: microseconds since boot, 64 bits wide, never going backwards.
///
/// It may be read from tasks and from interrupt handlers, and must not allocate or wait.
pub trait Clock: Sync {
    /// Microseconds since boot.
    fn now_us(&self) -> u64;
}

/// What the machine does after a tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Tick again: tasks are ready.
    RunAgain,
    /// Sleep until this time, or until an interrupt. Waking early does no harm.
    SleepUntil(Instant),
    /// Sleep until an interrupt: no timer is set.
    WaitForInterrupt,
    /// End, for this reason.
    Stop(Stop),
}

/// Why the machine ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Somebody switched it off.
    PowerOff,
    /// Somebody wants it to start anew.
    Reboot,
    /// Somebody wants to give it another image: it enters its boot loader. A machine without one switches off.
    BootLoader,
    /// Somebody asked for a panic, to see what it looks like.
    Panic,
}
