//! Counting cycles, with SysTick at the clock of the core.
//!
//! It is 24 bits wide, so what is measured may take 134 ms.

use cortex_m::{
    Peripherals,
    peripheral::{SYST, syst::SystClkSource},
};

/// What the counter starts from. It counts down.
const TOP: u32 = 0x00ff_ffff;

/// Operations that are counted at a time; twice as many are counted next.
const OPERATIONS: u32 = 100;

/// The running counter.
pub(super) struct Stopwatch {
    counter: SYST,
}

impl Stopwatch {
    /// Starts counting. `None` from the second call on.
    pub(super) fn start() -> Option<Stopwatch> {
        let mut counter = Peripherals::take()?.SYST;
        counter.set_clock_source(SystClkSource::Core);
        counter.set_reload(TOP);
        counter.clear_current();
        counter.enable_counter();
        Some(Stopwatch { counter })
    }

    /// Now, for [`since`](Self::since).
    #[inline(always)]
    pub(super) fn now(&self) -> u32 {
        SYST::get_current()
    }

    /// Cycles since then.
    #[inline(always)]
    pub(super) fn since(&self, then: u32) -> u32 {
        then.wrapping_sub(SYST::get_current()) & TOP
    }

    /// What one operation costs: the cycles of 2 N of them less those of N, divided by N. So what is only there once, such
    /// as reading the counter, is not in it; the few cycles of the loop around the operations are.
    ///
    /// `operations` does so many of them. It is called for a third time, before the others, to fill what keeps memory at
    /// hand.
    pub(super) async fn cost(&self, mut operations: impl AsyncFnMut(u32)) -> u32 {
        operations(OPERATIONS).await;
        let mut count = async |times| {
            let start = self.now();
            operations(times).await;
            self.since(start)
        };
        let once = count(OPERATIONS).await;
        let twice = count(2 * OPERATIONS).await;
        (twice - once + OPERATIONS / 2) / OPERATIONS
    }

    /// Has the counter raise the SysTick exception when it comes to zero, in 134 ms, or not.
    pub(super) fn set_interrupt(&mut self, on: bool) {
        if on {
            self.counter.clear_current();
            self.counter.enable_interrupt();
        } else {
            self.counter.disable_interrupt();
        }
    }

    /// Cycles since the counter came to zero.
    #[inline(always)]
    pub(super) fn since_interrupt() -> u32 {
        // It goes from zero to its top.
        TOP + 1 - SYST::get_current()
    }
}
