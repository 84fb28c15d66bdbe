//! The least that there is of mnemOS on the RP2040: a kernel and one driver, which has the LED of a Pico blink.
//!
//! `scripts/cycles` tells what it takes of flash and RAM, and what a wake-up costs it.
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
mod image {
    use board_rp2040::{Board, Gpio, services};
    use cortex_m_rt::entry;
    use kernel::{
        Handle,
        limits::Settings,
        services::gpio::{Mode, device::Pins},
        time::Duration,
    };

    /// GPIO 25 is the LED on a Pico.
    const LED: u8 = 25;
    const HALF_PERIOD: Duration = Duration::from_millis(500);

    /// Nobody reads events or the log, and nobody offers services.
    const SETTINGS: Settings = Settings { events: 0, log_lines: 0, services: 0, ..Settings::DEFAULT };

    #[entry]
    fn start() -> ! {
        let Some(board) = Board::start() else { panic!("the board is started once, before anything else") };
        let kernel = board.boot(&SETTINGS);
        let handle = kernel.handle();
        let blink = blink(kernel.handle(), board.gpio.clone());
        if services::start_timer(&handle, &board).is_err() || handle.try_spawn("blink", blink).is_err() {
            panic!("there is memory for one driver");
        }
        let stop = board.run(&kernel);
        board.end(stop, 0)
    }

    /// The driver.
    async fn blink(kernel: Handle, pins: Gpio) {
        pins.set_mode(LED, Mode::Output);
        loop {
            pins.write(LED, true);
            kernel.sleep(HALF_PERIOD).await;
            pins.write(LED, false);
            kernel.sleep(HALF_PERIOD).await;
        }
    }
}

#[cfg(not(target_os = "none"))]
fn main() -> std::process::ExitCode {
    eprintln!("This program runs on an RP2040. Build and measure it with scripts/cycles.");
    std::process::ExitCode::FAILURE
}
