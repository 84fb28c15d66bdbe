//! The clock tree: a 12 MHz crystal, multiplied to 125 MHz for the core and its peripherals.
//!
//! ```text
//!  XOSC 12 MHz ─┬─▶ clk_ref 12 MHz ──▶ watchdog tick 1 MHz ──▶ TIMER
//!               └─▶ PLL_SYS: VCO 1500 MHz, / 6 / 2 ──▶ clk_sys 125 MHz ──▶ clk_peri 125 MHz ──▶ UART
//! ```
//!
//! The core may already run from the PLL when it gets here (a debugger's reset leaves the clocks alone), so each
//! clock is moved to a safe source before its old source is touched.
//!
//! # Safety
//!
//! 1. Every raw field value written here is a constant of this file, checked against the field's range and the
//!    datasheet's limits at compile time.
#![expect(unsafe_code, reason = "raw register fields: the constants are checked at compile time")]

use rp2040_pac::{CLOCKS, PLL_SYS, RESETS, WATCHDOG, XOSC};

const CRYSTAL_HZ: u32 = 12_000_000;
const PLL_REFERENCE_DIVIDER: u8 = 1;
const PLL_FEEDBACK_DIVIDER: u16 = 125;
const PLL_POST_DIVIDER_1: u8 = 6;
const PLL_POST_DIVIDER_2: u8 = 2;

const VCO_HZ: u32 = CRYSTAL_HZ / PLL_REFERENCE_DIVIDER as u32 * PLL_FEEDBACK_DIVIDER as u32;
const PLL_HZ: u32 = VCO_HZ / (PLL_POST_DIVIDER_1 as u32 * PLL_POST_DIVIDER_2 as u32);

/// The crystal is called stable after a millisecond, counted in units of 256 of its periods.
const CRYSTAL_STARTUP_UNITS: u16 = (CRYSTAL_HZ / 1_000).div_ceil(256) as u16;

/// Reference cycles in one microsecond, the TIMER's step.
const CYCLES_PER_TICK: u16 = (CRYSTAL_HZ / 1_000_000) as u16;

// What the datasheet demands of the values above, and the widths of the fields that they go to.
const _: () = {
    assert!(CRYSTAL_HZ >= 1_000_000 && CRYSTAL_HZ <= 15_000_000 && CRYSTAL_HZ.is_multiple_of(1_000_000));
    assert!(CRYSTAL_HZ / PLL_REFERENCE_DIVIDER as u32 >= 5_000_000);
    assert!(PLL_REFERENCE_DIVIDER >= 1 && PLL_REFERENCE_DIVIDER <= 63);
    assert!(PLL_FEEDBACK_DIVIDER >= 16 && PLL_FEEDBACK_DIVIDER <= 320);
    assert!(VCO_HZ >= 750_000_000 && VCO_HZ <= 1_600_000_000);
    assert!(PLL_POST_DIVIDER_1 <= 7 && PLL_POST_DIVIDER_2 >= 1 && PLL_POST_DIVIDER_1 >= PLL_POST_DIVIDER_2);
    assert!(PLL_HZ <= 133_000_000);
    assert!(CRYSTAL_STARTUP_UNITS < 1 << 14 && CYCLES_PER_TICK < 1 << 9);
};

/// Proof that the clocks run at the rates below. Only [`start`] makes one.
#[derive(Debug, Clone, Copy)]
pub struct Clocks {
    _started: (),
}

impl Clocks {
    /// The rate of the core, the buses and the memories.
    pub const SYSTEM_HZ: u32 = PLL_HZ;

    /// The rate that the UARTs divide their baud rate from.
    pub const PERIPHERAL_HZ: u32 = PLL_HZ;
}

/// Brings the clock tree up. It waits for the crystal (1 ms) and the PLL.
pub fn start(xosc: XOSC, pll: PLL_SYS, clocks: CLOCKS, watchdog: &WATCHDOG, resets: &RESETS) -> Clocks {
    start_crystal(&xosc);

    // The core runs from clk_ref, and clk_ref from the crystal, while the PLL is set up.
    clocks.clk_sys_ctrl().modify(|_, w| w.src().clk_ref());
    while clocks.clk_sys_selected().read().bits() != 1 << 0 {}
    clocks.clk_ref_ctrl().modify(|_, w| w.src().xosc_clksrc());
    while clocks.clk_ref_selected().read().bits() != 1 << 2 {}

    start_pll(&pll, resets);

    // The auxiliary multiplexer may glitch, so it is set while nothing runs from it.
    clocks.clk_sys_ctrl().modify(|_, w| w.auxsrc().clksrc_pll_sys());
    clocks.clk_sys_ctrl().modify(|_, w| w.src().clksrc_clk_sys_aux());
    while clocks.clk_sys_selected().read().bits() != 1 << 1 {}
    clocks.clk_peri_ctrl().write(|w| w.auxsrc().clk_sys().enable().set_bit());

    // SAFETY: rule 1.
    watchdog.tick().write(|w| unsafe { w.cycles().bits(CYCLES_PER_TICK) }.enable().set_bit());

    Clocks { _started: () }
}

fn start_crystal(xosc: &XOSC) {
    // SAFETY: rule 1.
    xosc.startup().write(|w| unsafe { w.delay().bits(CRYSTAL_STARTUP_UNITS) });
    xosc.ctrl().write(|w| w.freq_range()._1_15mhz().enable().enable());
    while xosc.status().read().stable().bit_is_clear() {}
}

fn start_pll(pll: &PLL_SYS, resets: &RESETS) {
    resets.reset().modify(|_, w| w.pll_sys().set_bit());
    resets.reset().modify(|_, w| w.pll_sys().clear_bit());
    while resets.reset_done().read().pll_sys().bit_is_clear() {}

    // SAFETY: rule 1.
    pll.cs().write(|w| unsafe { w.refdiv().bits(PLL_REFERENCE_DIVIDER) });
    // SAFETY: rule 1.
    pll.fbdiv_int().write(|w| unsafe { w.fbdiv_int().bits(PLL_FEEDBACK_DIVIDER) });
    pll.pwr().modify(|_, w| w.pd().clear_bit().vcopd().clear_bit());
    while pll.cs().read().lock().bit_is_clear() {}

    // The post dividers see only a locked oscillator.
    // SAFETY: rule 1.
    pll.prim()
        .write(|w| unsafe { w.postdiv1().bits(PLL_POST_DIVIDER_1).postdiv2().bits(PLL_POST_DIVIDER_2) });
    pll.pwr().modify(|_, w| w.postdivpd().clear_bit());
}
