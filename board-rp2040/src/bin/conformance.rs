//! The laws of mnemOS on the RP2040: an image that proves them one after another and reports on UART0.
//!
//! `scripts/conformance rp2040` builds it and runs it in the emulator; on a chip it does the same.
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
mod image {
    //! What the chip does, from reset on.
    //!
    //! # Safety
    //!
    //! 1. The line that is unmasked belongs to no device, its handler touches nothing but the laws' trigger, and no
    //!    critical section relies on it being masked.
    #![expect(unsafe_code, reason = "an interrupt is unmasked")]

    use board_rp2040::{Timer, Uart, clocks, idle};
    use conformance::{
        chip::{self, Chip, OnChip},
        report,
    };
    use cortex_m::{
        asm,
        peripheral::{NVIC, SYST, syst::SystClkSource},
        singleton,
    };
    use cortex_m_rt::{entry, exception};
    use kernel::{platform::Clock, time::Instant};
    use rp2040_pac::{CorePeripherals, Interrupt, Peripherals, interrupt};

    /// Core cycles between two looks at the clock while the laws sleep, and so how late they may wake up: 1 ms.
    const HEARTBEAT: u32 = clocks::Clocks::SYSTEM_HZ / 1_000;

    #[entry]
    fn start() -> ! {
        let chip = Peripherals::take().expect("start runs once, before anything else");
        let core = CorePeripherals::take().expect("start runs once, before anything else");

        let clocks = clocks::start(chip.XOSC, chip.PLL_SYS, chip.CLOCKS, &chip.WATCHDOG, &chip.RESETS);
        let timer = Timer::start(chip.TIMER, &chip.RESETS, clocks);
        let timer = singleton!(: Timer = timer).expect("start runs once");
        let mut console = Uart::start(chip.UART0, &chip.IO_BANK0, &chip.PADS_BANK0, &chip.RESETS, clocks);
        let heartbeat = start_heartbeat(core.SYST);
        // SAFETY: rule 1.
        unsafe { NVIC::unmask(Interrupt::SW0_IRQ) };

        report::prove_all(&mut OnChip(Board { timer }), &mut console).expect("the console never fails");
        end(heartbeat);
    }

    /// Nothing is left to do, and nothing will wake the chip.
    fn end(mut heartbeat: SYST) -> ! {
        heartbeat.disable_counter();
        heartbeat.disable_interrupt();
        loop {
            idle::wait_unless(|| false);
        }
    }

    fn start_heartbeat(mut timer: SYST) -> SYST {
        timer.set_clock_source(SystClkSource::Core);
        timer.set_reload(HEARTBEAT - 1);
        timer.clear_current();
        timer.enable_interrupt();
        timer.enable_counter();
        timer
    }

    #[derive(Clone, Copy)]
    struct Board {
        timer: &'static Timer,
    }

    impl Clock for Board {
        fn now_us(&self) -> u64 {
            self.timer.now_us()
        }
    }

    impl Chip for Board {
        type Clock = Board;

        fn clock(&self) -> Board {
            *self
        }

        fn sleep_until(&self, then: Instant) {
            while self.now_us() < then.as_micros() {
                idle::wait_unless(|| self.now_us() >= then.as_micros());
            }
        }

        fn raise_interrupt(&self) {
            NVIC::pend(Interrupt::SW0_IRQ);
            asm::dsb();
            asm::isb();
        }
    }

    #[interrupt]
    fn SW0_IRQ() {
        chip::on_interrupt();
    }

    /// Ends a sleep.
    #[exception]
    fn SysTick() {}
}

#[cfg(not(target_os = "none"))]
fn main() -> std::process::ExitCode {
    eprintln!("This program runs on an RP2040. Build and run it with scripts/conformance rp2040.");
    std::process::ExitCode::FAILURE
}
