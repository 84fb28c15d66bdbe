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
    //! 1. The line that is unmasked is that of an alarm which the board does not use. Its handler touches nothing but that
    //!    alarm and the laws' trigger, and no critical section relies on it being masked.
    //! 2. Of the timer's registers, those of that alarm belong to this image. Every value is meant for an alarm. The mask of
    //!    the interrupts is changed before any of them is taken, and the board has set it up by then.
    #![expect(unsafe_code, reason = "an interrupt is unmasked, and an alarm set")]

    use core::fmt::Write;

    use board_rp2040::{Board, LastRun, Timer, Uart, alarm, services};
    use conformance::{
        chip::{self, Chip, OnChip},
        report,
    };
    use cortex_m::{asm, peripheral::NVIC, singleton};
    use cortex_m_rt::entry;
    use kernel::{
        Kernel,
        limits::Settings,
        platform::{Clock, Stop},
        time::Instant,
    };
    use rp2040_pac::{Interrupt, TIMER, interrupt, timer::RegisterBlock};

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
        timer().inte().modify(|_, w| w.alarm_1().set_bit());
        // SAFETY: rule 1.
        unsafe { NVIC::unmask(Interrupt::TIMER_IRQ_1) };
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

        fn sleep(&self, kernel: &Kernel, until: Instant) {
            self.board.watchdog.feed();
            self.board.sleep(kernel, Some(until));
        }

        fn raise_interrupt(&self) {
            NVIC::pend(Interrupt::TIMER_IRQ_1);
            asm::dsb();
            asm::isb();
        }

        fn raise_interrupt_at(&self, at: Instant) {
            // SAFETY: rule 2.
            timer().alarm1().write(|w| unsafe { w.bits(alarm::word(at.as_micros())) });
            if self.board.timer.now_us() >= at.as_micros() {
                // It has come meanwhile, and the alarm may be a turn away.
                self.raise_interrupt();
            }
        }
    }

    #[interrupt]
    fn TIMER_IRQ_1() {
        timer().intr().write(|w| w.alarm_1().clear_bit_by_one());
        chip::on_interrupt();
    }

    fn timer() -> &'static RegisterBlock {
        // SAFETY: rule 2.
        unsafe { &*TIMER::PTR }
    }
}

#[cfg(not(target_os = "none"))]
fn main() -> std::process::ExitCode {
    eprintln!("This program runs on an RP2040. Build and run it with scripts/conformance rp2040.");
    std::process::ExitCode::FAILURE
}
