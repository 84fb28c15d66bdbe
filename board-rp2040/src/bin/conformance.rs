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

    use core::fmt::Write;

    use board_rp2040::{Board, LastRun, Timer, clocks::Clocks};
    use conformance::{
        chip::{self, Chip, OnChip},
        report,
    };
    use cortex_m::{
        asm, interrupt as mask,
        peripheral::{NVIC, SYST, syst::SystClkSource},
        singleton,
    };
    use cortex_m_rt::{entry, exception};
    use kernel::{
        platform::{Clock, Stop},
        time::Instant,
    };
    use rp2040_pac::{CorePeripherals, Interrupt, interrupt};

    /// Core cycles between two looks at the clock while the laws sleep, and so how late they may wake up: 1 ms.
    const HEARTBEAT: u32 = Clocks::SYSTEM_HZ / 1_000;

    #[entry]
    fn start() -> ! {
        let (Some(board), Some(core)) = (Board::start(), CorePeripherals::take()) else {
            panic!("the board is started once, before anything else")
        };
        // A law may take its time.
        board.watchdog.pause();
        let mut console = board.uart.clone();
        if board.last_run != LastRun::Well {
            // A panic resets the chip, so the report of a law that does not hold ends here.
            writeln!(console, "BROKEN\n{}\nThe law above does not hold.", board.last_run)
                .expect("the console never fails");
            board.end(Stop::PowerOff);
        }
        let timer = singleton!(: Timer = board.timer.clone()).expect("start runs once");
        let mut heartbeat = start_heartbeat(core.SYST);
        // SAFETY: rule 1.
        unsafe { NVIC::unmask(Interrupt::SW0_IRQ) };

        report::prove_all(&mut OnChip(Machine { timer }), &mut console).expect("the console never fails");

        heartbeat.disable_counter();
        heartbeat.disable_interrupt();
        board.end(Stop::PowerOff)
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
    struct Machine {
        timer: &'static Timer,
    }

    impl Clock for Machine {
        fn now_us(&self) -> u64 {
            self.timer.now_us()
        }
    }

    impl Chip for Machine {
        type Clock = Machine;

        fn clock(&self) -> Machine {
            *self
        }

        fn sleep_until(&self, then: Instant) {
            while self.now_us() < then.as_micros() {
                mask::free(|_| {
                    if self.now_us() < then.as_micros() {
                        asm::dsb();
                        asm::wfi();
                    }
                });
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
