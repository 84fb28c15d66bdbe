//! UART0, a PL011 like the RP2040's: a console that waits for room.
//!
//! # Safety
//!
//! 1. The addresses are UART0's data and flag registers, which every context may use: a byte goes out whole.
#![expect(unsafe_code, reason = "device registers")]

use core::{fmt, ptr};

const DATA: *mut u32 = 0x4000_c000 as *mut u32;
const FLAGS: *const u32 = 0x4000_c018 as *const u32;
const FLAG_TRANSMIT_FULL: u32 = 1 << 5;

/// The console. QEMU's UART needs no set-up to transmit.
pub(crate) struct Uart;

impl fmt::Write for Uart {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            // SAFETY: rule 1.
            while unsafe { ptr::read_volatile(FLAGS) } & FLAG_TRANSMIT_FULL != 0 {}
            // SAFETY: rule 1.
            unsafe { ptr::write_volatile(DATA, u32::from(byte)) };
        }
        Ok(())
    }
}
