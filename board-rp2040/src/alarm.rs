//! How a 64-bit deadline is put into an alarm that compares 32 bits.
//!
//! The chip's alarm goes off whenever the low word of the count becomes equal to the alarm's, which is every 71.6 minutes:
//!
//! ```text
//!   count     0x1_ffff_fff0 ─────▶ 0x2_0000_1000 ─────▶ 0x3_0000_1000
//!   deadline                        goes off early,      0x3_0000_1000
//!                                   is set again         goes off
//! ```
//!
//! So an alarm that is set to the deadline's low word goes off at the deadline, or early by whole turns of that word. The
//! kernel's machine looks at the time whenever it wakes, and sets the alarm again.

/// What the alarm is set to, so that it goes off at the deadline at the latest.
pub const fn word(deadline_us: u64) -> u32 {
    deadline_us as u32
}

#[cfg(test)]
mod tests {
    use super::word;

    const TURN: u64 = 1 << 32;

    /// When an alarm that is set at `now` goes off: the count becomes equal after it has been set.
    fn goes_off(now: u64, alarm: u32) -> u64 {
        let this_turn = now / TURN * TURN + u64::from(alarm);
        if this_turn > now { this_turn } else { this_turn + TURN }
    }

    #[test]
    fn an_alarm_goes_off_at_its_deadline_or_early_by_whole_turns() {
        let edges = [0, 1, 2, 1_000, TURN / 2, TURN - 2, TURN - 1, TURN, TURN + 1, 3 * TURN, 3 * TURN + 7];
        for now in edges.into_iter().chain(edges.map(|edge| edge + 5 * TURN)) {
            for ahead in edges.into_iter().filter(|ahead| *ahead > 0) {
                let deadline = now + ahead;
                let at = goes_off(now, word(deadline));
                assert!(at > now && at <= deadline, "set at {now} for {deadline}, it goes off at {at}");
                assert_eq!((deadline - at) % TURN, 0);
            }
        }
    }

    #[test]
    fn setting_it_again_reaches_a_deadline_of_years() {
        let (mut now, deadline) = (TURN - 1, TURN - 1 + 400_000 * TURN + 1);
        let mut early = 0;
        while now < deadline {
            now = goes_off(now, word(deadline));
            early += u64::from(now < deadline);
        }
        assert_eq!((now, early), (deadline, 400_000));
    }
}
