//! The board as a whole: its devices, and the machine's loop around a kernel.

use core::fmt::Write;

use cortex_m::{asm, interrupt};
use kernel::{
    Kernel,
    limits::Settings,
    platform::{Clock as _, Next, Stop},
    time::Instant,
};
use rp2040_pac::Peripherals;

use crate::{
    Gpio, LastRun, Noise, Timer, Uart, Watchdog, clocks,
    desk::{self, Saying},
    flash, idle, interrupts, last_run, memory, rom, starts,
    watchdog::{self, ResetBy},
};

/// All that an image uses of the chip.
pub struct Board {
    /// The kernel's clock, and its alarm.
    pub timer: Timer,
    /// The pins.
    pub gpio: Gpio,
    /// The console's port.
    pub uart: Uart,
    /// The source of entropy.
    pub noise: Noise,
    /// Resets a machine that hangs. It runs.
    pub watchdog: Watchdog,
    /// How the run before this one ended.
    pub last_run: LastRun,
    /// What no other chip has, if its flash tells.
    pub serial_number: Option<u64>,
    /// Whether a script is at the other end of the console, not a person at a terminal.
    pub scripted: bool,
}

impl Board {
    /// Starts the chip's clocks and devices. To be called first thing after reset; `None` from the second call on.
    #[inline(never)]
    pub fn start() -> Option<Board> {
        let chip = Peripherals::take()?;
        let serial_number = flash::serial_number();
        let last_run = LastRun::find_out(ResetBy::of(&chip.WATCHDOG));
        let clocks = clocks::start(chip.XOSC, chip.PLL_SYS, chip.CLOCKS, &chip.WATCHDOG, &chip.RESETS);
        let timer = Timer::start(chip.TIMER, &chip.RESETS, clocks);
        let gpio = Gpio::start(chip.IO_BANK0, chip.PADS_BANK0, chip.SIO, &chip.RESETS);
        let uart = Uart::start(chip.UART0, &gpio, &chip.RESETS, clocks);
        let noise = Noise::start(chip.ROSC);
        let watchdog = Watchdog::start(chip.WATCHDOG, &chip.PSM, clocks);
        Some(Board {
            timer,
            gpio,
            uart,
            noise,
            watchdog,
            last_run,
            serial_number,
            scripted: desk::is_script(),
        })
    }

    /// Tells whoever is at the console that the last run did not end well. If too many did not, one after the other, that
    /// was all: the machine stays off.
    pub fn report_last_run(&self) {
        if self.last_run == LastRun::Well {
            return;
        }
        self.say(format_args!("\n{}\n", self.last_run));
        if self.last_run.is_hopeless() {
            self.say(format_args!(
                "Nor did those before it end well. The machine stays off until it is reset.\n"
            ));
            self.off(0);
        }
    }

    /// Boots a kernel on all of the memory that is left.
    ///
    /// # Panics
    ///
    /// From the second call on, and when the memory is not enough for the settings.
    #[inline(never)]
    pub fn boot(&self, settings: &Settings) -> Kernel {
        let Some(region) = memory::take_region() else { panic!("there is one region, for one kernel") };
        match Kernel::new(region, self.timer.clone(), settings) {
            Ok(kernel) => kernel,
            Err(error) => panic!("the kernel did not boot: {error}"),
        }
    }

    /// Runs the kernel until somebody ends it.
    pub fn run(&self, kernel: &Kernel) -> Stop {
        let mut lasts = false;
        loop {
            self.watchdog.feed();
            if !lasts && self.timer.now_us() >= starts::EARLY_US {
                lasts = true;
                last_run::lasts();
            }
            match kernel.tick().next {
                Next::RunAgain => {}
                Next::SleepUntil(at) => self.sleep(kernel, Some(at)),
                Next::WaitForInterrupt => self.sleep(kernel, None),
                Next::Stop(stop) => return stop,
            }
        }
    }

    /// Does what the machine is to end with, after so many console commands that failed.
    pub fn end(&self, stop: Stop, failed: u32) -> ! {
        match stop {
            Stop::Reboot => {
                desk::say(Saying::Anew { failed });
                watchdog::reset()
            }
            Stop::BootLoader => {
                // Its USB device must not be reset in the middle of an image.
                self.watchdog.pause();
                interrupts::mask_all();
                rom::enter_boot_loader();
                watchdog::reset()
            }
            Stop::Panic => panic!("somebody asked for a panic"),
            Stop::PowerOff => {
                if !self.scripted {
                    self.say(format_args!("mnemOS is off. Reset the chip to start it again.\n"));
                }
                self.off(failed)
            }
        }
    }

    /// Sleeps after a tick that left nothing to do: until an interrupt comes, or until then. If a task has become ready
    /// meanwhile, it does not sleep.
    pub fn sleep(&self, kernel: &Kernel, until: Option<Instant>) {
        idle::sleep_if(&self.watchdog, || {
            let may_sleep = kernel.is_idle() && self.timer.set_alarm(until);
            if may_sleep && self.scripted {
                desk::say(if kernel.awaits_input() { Saying::Reading } else { Saying::Working });
            }
            may_sleep
        });
    }

    /// Prints while no driver runs, or when none will run any more. It waits until the last bit has left.
    pub fn say(&self, text: core::fmt::Arguments<'_>) {
        interrupt::free(|_| {
            let mut uart = self.uart.clone();
            // The port never fails.
            let _ = uart.write_fmt(text);
            uart.flush();
        });
    }

    /// As off as the chip gets without a switch: asleep, with no interrupt enabled, and woken by nothing but a reset.
    fn off(&self, failed: u32) -> ! {
        interrupt::disable();
        desk::say(Saying::Off { failed });
        interrupts::mask_all();
        self.watchdog.pause();
        loop {
            asm::wfi();
        }
    }
}
