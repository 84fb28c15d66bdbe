//! Who is at the other end of the console, and what to tell them beside it.
//!
//! On a desk there is a chip, and a person at a terminal. In the emulator there may be a script that types lines: it has to
//! know when the console waits for one, and whether a machine that does nothing is switched off or hangs. Both sides leave
//! word in scratch registers of the watchdog, which do nothing on silicon but keep a word across resets.
//! `scripts/rp2040-emulator/src/mailbox.mjs` describes them.
//!
//! # Safety
//!
//! 1. The two registers are used by this module alone, each read or written as a whole, for which every value is meant.
#![expect(unsafe_code, reason = "two registers of a block that the watchdog has")]

use rp2040_pac::{WATCHDOG, watchdog::RegisterBlock};

/// At the other end is a script.
const SCRIPT: u32 = u32::from_be_bytes(*b"mnpl");

/// What the machine does, in word for a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Saying {
    /// It goes to sleep in the middle of something: do not type.
    Working,
    /// It goes to sleep, and the console waits for a line.
    Reading,
    /// It is off.
    Off {
        /// Console commands that failed.
        failed: u32,
    },
    /// It starts anew, since somebody wanted that.
    Anew {
        /// Console commands that failed.
        failed: u32,
    },
    /// It has panicked.
    Panicked,
}

/// Lines come from a script, not from a person. They are typed as the console asks for them.
pub(crate) fn is_script() -> bool {
    registers().scratch0().read().bits() == SCRIPT
}

/// Leaves word.
pub(crate) fn say(saying: Saying) {
    let (letter, count) = match saying {
        Saying::Working => (b'w', 0),
        Saying::Reading => (b'r', 0),
        Saying::Off { failed } => (b'o', failed),
        Saying::Anew { failed } => (b'n', failed),
        Saying::Panicked => (b'p', 0),
    };
    let count = u8::try_from(count).unwrap_or(u8::MAX);
    let word = u32::from_be_bytes([b'm', b'n', letter, count]);
    // SAFETY: rule 1.
    registers().scratch1().write(|w| unsafe { w.bits(word) });
}

fn registers() -> &'static RegisterBlock {
    // SAFETY: rule 1.
    unsafe { &*WATCHDOG::PTR }
}
