//! What the chip does, from reset on: it proves the laws, reports on its UART, and switches QEMU off.
//!
//! # Safety
//!
//! 1. The line that is unmasked belongs to no device, its handler touches nothing but the laws' trigger, and no
//!    critical section relies on it being masked.
//! 2. The handler of an unexpected interrupt or fault never returns.
//! 3. The call is semihosting's `SYS_EXIT`, whose argument is a reason and no address.
#![expect(unsafe_code, reason = "interrupts are unmasked; handlers and semihosting are unsafe by contract")]

use core::panic::PanicInfo;

use conformance::{
    chip::{self, Chip, OnChip},
    report,
};
use cortex_m::{Peripherals, asm, interrupt, interrupt::InterruptNumber, peripheral::NVIC};
use cortex_m_rt::{ExceptionFrame, entry, exception};
use kernel::{Kernel, platform::Clock, time::Instant};

use crate::{clock::SysTick, uart::Uart};

#[entry]
fn start() -> ! {
    let core = Peripherals::take().expect("start runs once, before anything else");
    let clock = SysTick::start(core.SYST);
    // SAFETY: rule 1.
    unsafe { NVIC::unmask(SpareLine) };

    report::prove_all(&mut OnChip(Board { clock }), &mut Uart).expect("the console never fails");
    exit(Outcome::AllHold);
}

#[derive(Clone, Copy)]
struct Board {
    clock: SysTick,
}

impl Chip for Board {
    type Clock = SysTick;

    fn clock(&self) -> SysTick {
        self.clock
    }

    fn sleep(&self, kernel: &Kernel, until: Instant) {
        // Looked at with interrupts off: one that comes in between is pending, and ends the sleep. SysTick's is
        // never far.
        interrupt::free(|_| {
            if kernel.is_idle() && self.clock.now_us() < until.as_micros() {
                asm::wfi();
            }
        });
    }

    fn raise_interrupt(&self) {
        NVIC::pend(SpareLine);
        asm::dsb();
        asm::isb();
    }
}

/// An interrupt line that the chip has no device for.
#[derive(Clone, Copy)]
struct SpareLine;

// SAFETY: the number is constant, and below the 32 that the vector table has room for.
unsafe impl InterruptNumber for SpareLine {
    fn number(self) -> u16 {
        27
    }
}

#[exception]
unsafe fn DefaultHandler(number: i16) {
    if u16::try_from(number) == Ok(SpareLine.number()) {
        chip::on_interrupt();
    } else {
        panic!("interrupt {number} has no handler");
    }
}

#[exception]
unsafe fn HardFault(frame: &ExceptionFrame) -> ! {
    panic!("hard fault at {:#010x}, called from {:#010x}", frame.pc(), frame.lr());
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    interrupt::disable();
    // The console never fails, and there would be nobody left to tell.
    let _ = report::broken(info, &mut Uart);
    exit(Outcome::Broken);
}

/// Why QEMU ends, as semihosting says it: QEMU's exit code is 0 for the first, and 1 for the second.
#[derive(Clone, Copy)]
#[repr(u32)]
enum Outcome {
    AllHold = 0x20026,
    Broken = 0x20023,
}

/// Switches QEMU off.
fn exit(outcome: Outcome) -> ! {
    const SYS_EXIT: u32 = 0x18;
    loop {
        // SAFETY: rule 3.
        unsafe { asm::semihosting_syscall(SYS_EXIT, outcome as u32) };
    }
}
