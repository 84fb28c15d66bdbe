//! How many runs in a row could not start: the arithmetic of a machine that stays off rather than fail for ever.
//!
//! A run that panics, hangs, or overflows its stack within [`EARLY_US`] is one that could not start. The count is a word in
//! RAM that is kept across a reset:
//!
//! ```text
//!   31      8 │ 7                │ 6               0
//!     magic   │ this run lasts   │ runs before it that could not start
//! ```
//!
//! After power-on RAM holds anything, and no run has ended badly then.

/// A run that lasts until this time has started.
pub const EARLY_US: u64 = 10_000_000;

/// So many runs that could not start, one after the other, and the machine gives up.
pub const HOPELESS: u32 = 5;

const MAGIC: u32 = u32::from_be_bytes(*b"run\0");
const LASTS: u32 = 1 << 7;
const COUNT: u32 = LASTS - 1;

/// The word of a run that has lasted until [`EARLY_US`].
pub const LASTED: u32 = MAGIC | LASTS;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// As somebody wanted it.
    Well,
    /// By itself.
    Badly {
        /// When, in microseconds since its boot, if it could still say that.
        at_us: Option<u64>,
    },
}

/// The word of a run, by the one that the run before has left, and how that ended.
pub fn after(left: u32, end: End) -> u32 {
    let End::Badly { at_us } = end else { return MAGIC };
    let left = if left & !(LASTS | COUNT) == MAGIC { left } else { MAGIC };
    let lasted = left & LASTS != 0 || at_us.is_some_and(|at_us| at_us >= EARLY_US);
    let count = if lasted { 0 } else { (left & COUNT).saturating_add(1).min(COUNT) };
    MAGIC | count
}

/// By the word of a run, the machine has failed to start so often that it should not try again.
pub fn is_hopeless(word: u32) -> bool {
    word & COUNT >= HOPELESS
}

#[cfg(test)]
mod tests {
    use super::{COUNT, EARLY_US, End, HOPELESS, LASTED, after, is_hopeless};

    const HANG: End = End::Badly { at_us: None };

    fn panic_at(at_us: u64) -> End {
        End::Badly { at_us: Some(at_us) }
    }

    /// What a machine makes of runs that end like this, from power-on.
    fn machine(ends: &[End]) -> u32 {
        let first = after(0xdead_beef, End::Well);
        ends.iter().fold(first, |word, end| after(word, *end))
    }

    #[test]
    fn five_early_ends_in_a_row_are_hopeless_whether_panics_or_hangs() {
        for kinds in 0..1_u32 << HOPELESS {
            let ends: Vec<_> = (0..HOPELESS)
                .map(|bit| if kinds >> bit & 1 == 1 { panic_at(EARLY_US - 1) } else { HANG })
                .collect();
            assert!(!is_hopeless(machine(&ends[1..])), "{ends:?}");
            assert!(is_hopeless(machine(&ends)), "{ends:?}");
        }
    }

    #[test]
    fn a_run_that_ends_well_or_lasts_has_the_count_begin_anew() {
        let mut ends = vec![HANG; HOPELESS as usize - 1];
        for end in [End::Well, panic_at(EARLY_US), panic_at(u64::MAX)] {
            ends.push(end);
            ends.extend([HANG; HOPELESS as usize - 1]);
            assert!(!is_hopeless(machine(&ends)), "{end:?}");
        }
        // One that hangs cannot say when. That it has lasted was written down before.
        let lasted = after(LASTED, HANG);
        assert_eq!(lasted, machine(&[]));
    }

    #[test]
    fn a_machine_that_is_reset_in_spite_of_all_starts() {
        let mut ends = vec![HANG; 1_000];
        assert!(is_hopeless(machine(&ends)));
        assert_eq!(machine(&ends) & COUNT, COUNT, "it counts no further");
        ends.push(End::Well);
        assert_eq!(machine(&ends), machine(&[]));
    }

    #[test]
    fn what_ram_holds_after_power_on_counts_for_nothing() {
        for word in [0, !0, 0x5555_5555, 0xdead_beef, COUNT] {
            assert_eq!(after(word, HANG), machine(&[HANG]), "{word:#x}");
        }
    }
}
