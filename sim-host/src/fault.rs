//! Faults: what goes wrong with a machine and its lines, as rules.
//!
//! | rule | does |
//! |---|---|
//! | `drop uart0 rx WHICH` | a byte is lost on its way to the machine; `tx`: on its way from it |
//! | `delay uart0 rx by 2ms WHICH` | a byte comes later, and others may overtake it |
//! | `duplicate uart0 tx WHICH` | a byte comes twice |
//! | `corrupt uart0 rx WHICH` | a byte comes as another one |
//! | `garble uart0 WHICH` | a byte comes to the machine with a framing error, and has no value |
//! | `break uart0 WHICH` | the line breaks before a byte for the machine |
//! | `overrun uart0 WHICH` | the machine is told that bytes before this one were lost |
//! | `kill echo WHEN` | all tasks of this name are ended; the console's `spawn echo` has the driver start again |
//! | `stall uart0 WHILE` | the driver hears nothing of its device: the interrupt line of this name is not taken |
//! | `refuse echo WHILE` | all tasks of this name are refused memory |
//! | `exhaust heap WHILE` | nobody gets memory: all that was free is taken away |
//! | `fragment heap WHILE` | what is free is in small pieces |
//! | `nak i2c WHICH`, `nak i2c 0x48 WHICH` | a target of the I²C bus, or that at the address, does not acknowledge a byte |
//! | `stick i2c WHILE` | the I²C bus stands still: its clock is held low |
//! | `flip storage read WHICH` | a bit of what is read is wrong, and the device does not notice |
//! | `fail storage WHICH` | an operation ends with an error, and what it was to change is torn |
//! | `rot storage WHEN` | a bit goes bad for good: of a byte that is written, if there is one |
//! | `power cut WHEN` | the power fails, and comes back: whoever drives the machine boots it again |
//!
//! On the I²C bus the bytes that are counted are those that a target acknowledges: addresses, and what is written to it. A
//! transfer that writes two bytes and then reads has four of them.
//!
//! WHICH is all bytes, or `rate 5%`, `rate 5permille` (by chance), `nth 3` (the third only) or `every 10` (each tenth), and
//! perhaps `from 1s` and `until 2s`: bytes are counted within that time. Of storage, it is all reads, or all operations: a
//! request is one for each page that it writes and each sector that it erases. WHILE is `from` and `until`, too; without, it is the
//! whole life. WHEN is `at 5ms`, or `every 50ms` with them, or `at event 500`: with the step after the one that the 500th entry of
//! the machine's journal is in. Times are counted from when the machine was switched on first.
//! They are a number and us, ms, s, min, h or d; a number without a unit is seconds.
//!
//! Drivers that find no memory for their task are started when there is some, however long that takes: see
//! [`supervise`](kernel::services::supervise). One that fails at its start again and again is given up, such as one that is
//! refused memory by name from power-on; a console that was given up stays away. To see drivers at work bear a lack of
//! memory, let it begin when they have started: `from 1ms`.
//!
//! Chance comes from the machine's seed, for each rule apart: another rule changes nothing for those before it. What a
//! machine sees of faults is on its [tape](crate::tape), so a replay needs no rules. It does not see what happens to its
//! bytes once they have left: faults of `tx` are those of the line, and neither on its tape nor in its digest.
//!
//! What a power cut finds being written or erased in storage is [torn](crate::storage); that needs no rule. The end of input,
//! which is Ctrl-D, always comes through.

mod active;
mod bytes;
mod chance;
mod naks;
mod parse;
mod storage;

use std::fmt;

use kernel::time::Duration;

pub use self::parse::{FaultError, FaultReason};
pub(crate) use self::{
    active::{Begins, Faults},
    bytes::ByteRule,
    chance::Chance,
    parse::rate,
    storage::StorageRule,
};
use crate::External;

/// A rule of what goes wrong, read from text as the [module](self) has it.
///
/// ```
/// use sim_host::{Fault, Sim};
///
/// let fault: Fault = "corrupt uart0 rx rate 5% from 1s".parse()?;
/// let sim = Sim::builder().seed(7).fault(fault).build()?;
/// assert_eq!(sim.faults()[0].hits, 0);
/// let error = "drop uart0 rx rate 150%".parse::<Fault>().unwrap_err();
/// assert_eq!(error.column, 20);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    text: String,
    pub(crate) what: What,
    pub(crate) from: Duration,
    pub(crate) until: Option<Duration>,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Fault {
    /// The serial port whose bytes the rule is about.
    pub(crate) fn uart(&self) -> Option<usize> {
        match self.what {
            What::Bytes { uart, .. } => Some(uart),
            What::Nak { .. } | What::Storage { .. } | What::Happens { .. } => None,
        }
    }

    /// What could only happen to a machine that has what the rule is about.
    pub(crate) fn needs(&self) -> External {
        match &self.what {
            What::Bytes { uart, .. } => External::Break { uart: *uart },
            What::Nak { address: Some(address), .. } => {
                External::Sense { address: *address, text: Vec::new() }
            }
            What::Nak { address: None, .. } => External::Nak,
            What::Storage { external, .. } => external.clone(),
            What::Happens { begin, .. } => begin.clone(),
        }
    }
}

/// A fault of a machine, and how often it has had an effect so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultCount {
    /// The rule.
    pub fault: Fault,
    /// Bytes, operations, tasks or times that it hit.
    pub hits: u64,
}

/// What a rule does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum What {
    /// Something to bytes on a line.
    Bytes { uart: usize, to_machine: bool, action: Action, which: Which },
    /// Something is not acknowledged on the I²C bus, at this address or at any.
    Nak { address: Option<u8>, which: Which },
    /// Something to operations of storage.
    Storage { external: External, reads_only: bool, which: Which },
    /// Something happens, and what ends it does at the end.
    Happens { begin: External, end: Option<External>, when: When },
}

/// What happens to a byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    Drop,
    Delay(Duration),
    Duplicate,
    Corrupt,
    Garble,
    Break,
    Overrun,
}

/// Which bytes, or operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    /// So many of a million, by chance. A million is all.
    PerMillion(u32),
    /// This one, counted from 1.
    Nth(u64),
    /// Each of this number.
    Every(u64),
}

/// When something happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    /// At the rule's beginning.
    Once,
    /// From the rule's beginning on, after each such span.
    Every(Duration),
    /// When the machine's journal has so many entries.
    Event(u64),
}

#[cfg(test)]
mod tests;
