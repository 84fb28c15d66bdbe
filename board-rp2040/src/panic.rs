//! The end of the line: what a panic, a fault or an unexpected interrupt says is left for the next run, which begins at
//! once.
//!
//! There is no unwinding on the chip, so whatever panics takes the machine with it. Nothing is allocated here, no lock is
//! taken, and nothing is sent: the next run has all the time for that.
#![expect(unsafe_code, reason = "fault handlers are unsafe by contract")]

use core::{
    panic::{Location, PanicInfo},
    sync::atomic::{AtomicBool, Ordering},
};

use cortex_m::interrupt;
use cortex_m_rt::{ExceptionFrame, exception};

use crate::{
    desk::{self, Saying},
    last_run, record, timer, watchdog,
};

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    static AGAIN: AtomicBool = AtomicBool::new(false);
    interrupt::disable();
    let at = info.location().map(Location::file).zip(info.location().map(Location::line));
    let text = if AGAIN.load(Ordering::Relaxed) {
        record::describe("a panic while another one was described", at)
    } else {
        AGAIN.store(true, Ordering::Relaxed);
        record::describe(info.message(), at)
    };
    last_run::leave(timer::now_in_panic(), text);
    desk::say(Saying::Panicked);
    watchdog::reset();
}

#[exception]
unsafe fn HardFault(frame: &ExceptionFrame) -> ! {
    panic!("hard fault at {:#010x}, called from {:#010x}", frame.pc(), frame.lr());
}

#[exception]
unsafe fn DefaultHandler(number: i16) -> ! {
    // The core counts its own exceptions below the chip's interrupts.
    match u32::try_from(number) {
        Ok(interrupt) => panic!("interrupt {interrupt} has no handler"),
        Err(_) => panic!("exception {} has no handler", u32::from(number.wrapping_add(16).unsigned_abs())),
    }
}
