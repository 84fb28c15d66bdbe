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

    use board_rp2040::{Board, LastRun, Timer, Uart, idle, services};
    use conformance::{
        chip::{self, Chip, OnChip},
        report,
    };
    use cortex_m::{asm, peripheral::NVIC, singleton};
    use cortex_m_rt::entry;
    use kernel::{
        limits::Settings,
        platform::{Clock, Stop},
        time::Instant,
    };
    use rp2040_pac::{Interrupt, interrupt};

    #[entry]
    fn start() -> ! {
        let board = Board::start().and_then(|board| singleton!(: Board = board));
        let board = board.expect("the board is started once, before anything else");
        let mut console = board.uart.clone();

        if board.last_run != LastRun::Well {
            // A law that does not hold panics, and that resets the chip: its line still waits for the verdict.
            finish_broken(&mut console, &board.last_run);
            board.end(Stop::PowerOff, 0);
        }

        // This kernel is for the alarm's line only; the laws boot others.
        let kernel = board.boot(&Settings::DEFAULT);
        services::start_timer(&kernel.handle(), board).expect("the region is large");
        // SAFETY: rule 1.
        unsafe { NVIC::unmask(Interrupt::SW0_IRQ) };
        report::prove_all(&mut OnChip(Laws { board }), &mut console).expect("the console never fails");
        board.end(Stop::PowerOff, 0)
    }

    /// Ends the report of the last run, which could only leave word of what happened.
    fn finish_broken(console: &mut Uart, last_run: &LastRun) {
        // The console never fails.
        let _ = writeln!(console, "BROKEN\n{last_run}\nThe law above does not hold.");
    }

    #[derive(Clone, Copy)]
    struct Laws {
        board: &'static Board,
    }

    impl Chip for Laws {
        type Clock = Timer;

        fn clock(&self) -> Timer {
            // A law that hangs is one that boots no further machine for longer than the watchdog waits.
            self.board.watchdog.feed();
            self.board.timer.clone()
        }

        fn sleep_until(&self, then: Instant) {
            while self.board.timer.now_us() < then.as_micros() {
                self.board.watchdog.feed();
                idle::sleep_if(&self.board.watchdog, || self.board.timer.set_alarm(Some(then)));
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
}

#[cfg(not(target_os = "none"))]
fn main() -> std::process::ExitCode {
    eprintln!("This program runs on an RP2040. Build and run it with scripts/conformance rp2040.");
    std::process::ExitCode::FAILURE
}
