//! The end of the line: a panic, a fault or an interrupt that nobody expects is written to the console, and the
//! chip stops.
//!
//! There is no unwinding on the chip, so whatever panics takes the machine with it. Nothing is allocated here and
//! no lock is taken.
#![expect(unsafe_code, reason = "fault handlers are unsafe by contract")]

use core::{fmt::Write, panic::PanicInfo};

use cortex_m::{asm, interrupt};
use cortex_m_rt::{ExceptionFrame, exception};

use crate::Uart;

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    interrupt::disable();
    let mut uart = Uart::for_panic();
    // The console never fails, and there would be nobody left to tell.
    let _ = write!(uart, "\n*** mnemOS stopped: {info}\n");
    uart.flush();
    loop {
        asm::wfi();
    }
}

#[exception]
unsafe fn HardFault(frame: &ExceptionFrame) -> ! {
    panic!("hard fault at {:#010x}, called from {:#010x}\n{frame:#x?}", frame.pc(), frame.lr());
}

#[exception]
unsafe fn DefaultHandler(number: i16) -> ! {
    panic!("interrupt {number} has no handler");
}
