//! The clock: SysTick, which counts core cycles down in 24 bits, and a count of its periods in 64.
//!
//! ```text
//!  SysTick   2, 1, 0, LAST, LAST-1, ...         one period is LAST + 1 cycles
//!                  ▲ here its interrupt becomes pending; the handler counts a period, if interrupts are on
//! ```
//!
//! So while the interrupt is pending, there is one period more than was counted. It must not stay pending for a whole
//! period, and never does: critical sections are shorter than that.

use core::cell::Cell;

use cortex_m::peripheral::{SCB, SYST, syst::SystClkSource};
use cortex_m_rt::exception;
use critical_section::Mutex;
use kernel::platform::Clock;

/// The core's clock after reset.
const CORE_HZ: u64 = 12_500_000;

/// Cycles of a period, which is also how late a sleep may end: 1 ms.
const PERIOD: u32 = 12_500;

const LAST: u32 = PERIOD - 1;

static PERIODS: Mutex<Cell<u64>> = Mutex::new(Cell::new(0));

/// Microseconds since [`SysTick::start`].
#[derive(Clone, Copy)]
pub(crate) struct SysTick;

impl SysTick {
    pub(crate) fn start(mut timer: SYST) -> Self {
        timer.set_clock_source(SystClkSource::Core);
        timer.set_reload(LAST);
        timer.clear_current();
        timer.enable_interrupt();
        timer.enable_counter();
        Self
    }
}

impl Clock for SysTick {
    fn now_us(&self) -> u64 {
        let (periods, left) = critical_section::with(|section| {
            let counted = PERIODS.borrow(section).get();
            let left = SYST::get_current();
            // Looked at after the counter: if it is not pending now, the counter had not come round before.
            if SCB::is_pendst_pending() { (counted + 1, SYST::get_current()) } else { (counted, left) }
        });
        // Zero is the first cycle of a period, then come LAST to 1.
        let cycles = periods * u64::from(PERIOD) + u64::from((PERIOD - left) % PERIOD);
        cycles * 2 / (CORE_HZ * 2 / 1_000_000)
    }
}

#[exception]
fn SysTick() {
    critical_section::with(|section| {
        let periods = PERIODS.borrow(section);
        periods.set(periods.get() + 1);
    });
}
