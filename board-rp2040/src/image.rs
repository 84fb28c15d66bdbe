//! What the chip does, from reset on.

use core::fmt::Write;

use board_rp2040::{
    Timer, Uart,
    clocks::{self, Clocks},
    idle,
};
use cortex_m_rt::entry;
use kernel::platform::Clock;
use rp2040_pac::Peripherals;

#[entry]
fn start() -> ! {
    let chip = Peripherals::take().expect("start runs once, before anything else");

    let clocks = clocks::start(chip.XOSC, chip.PLL_SYS, chip.CLOCKS, &chip.WATCHDOG, &chip.RESETS);
    let timer = Timer::start(chip.TIMER, &chip.RESETS, clocks);
    let mut console = Uart::start(chip.UART0, &chip.IO_BANK0, &chip.PADS_BANK0, &chip.RESETS, clocks);

    greet(&mut console, &timer);

    loop {
        idle::wait_unless(|| false);
    }
}

fn greet(console: &mut Uart, clock: &impl Clock) {
    let (version, mhz, now_us) = (env!("CARGO_PKG_VERSION"), Clocks::SYSTEM_HZ / 1_000_000, clock.now_us());
    // The console never fails.
    let _ = writeln!(console, "mnemOS {version} on RP2040, {mhz} MHz, up for {now_us} us");
}
