//! The console: UART0 on GPIO 0 (out) and GPIO 1 (in), 115200 baud, eight data bits, no parity, one stop bit.
//!
//! Writing waits for room in the 32-byte FIFO: this is the console of start-up and of a panic, when no task runs.
//!
//! # Safety
//!
//! 1. Every raw field value written here is a constant of this file that fits its field, checked at compile time,
//!    or the byte to send, for which every value is meant.
//! 2. Registers are taken a second time only by [`Uart::for_panic`], with interrupts off and the code that owned
//!    the first [`Uart`] never to run again.
#![expect(unsafe_code, reason = "raw register fields, and the console of a panic")]

use core::fmt;

use rp2040_pac::{IO_BANK0, PADS_BANK0, Peripherals, RESETS, UART0};

use crate::clocks::Clocks;

const BAUD: u32 = 115_200;
const TX_PIN: usize = 0;
const RX_PIN: usize = 1;
const EIGHT_BITS: u8 = 0b11;

/// The divisor from the peripheral clock to sixteen times the baud rate, in 64ths, rounded.
const DIVISOR_64THS: u32 = (Clocks::PERIPHERAL_HZ * 4 + BAUD / 2) / BAUD;

// The field widths; and rounding costs at most 1 % of the rate, where a receiver forgives about 2 %.
const _: () = {
    assert!(DIVISOR_64THS / 64 >= 1 && DIVISOR_64THS / 64 < 1 << 16);
    assert!(DIVISOR_64THS >= 50);
};

/// UART0 as a console that waits.
pub struct Uart {
    registers: UART0,
}

impl Uart {
    /// Connects the pins and enables both directions.
    pub fn start(uart: UART0, io: &IO_BANK0, pads: &PADS_BANK0, resets: &RESETS, _clocks: Clocks) -> Uart {
        // The pins may be shared with others: released, but not reset.
        resets.reset().modify(|_, w| w.io_bank0().clear_bit().pads_bank0().clear_bit().uart0().set_bit());
        resets.reset().modify(|_, w| w.uart0().clear_bit());
        while {
            let done = resets.reset_done().read();
            done.io_bank0().bit_is_clear() || done.pads_bank0().bit_is_clear() || done.uart0().bit_is_clear()
        } {}

        // SAFETY: rule 1.
        uart.uartibrd().write(|w| unsafe { w.baud_divint().bits((DIVISOR_64THS / 64) as u16) });
        // SAFETY: rule 1.
        uart.uartfbrd().write(|w| unsafe { w.baud_divfrac().bits((DIVISOR_64THS % 64) as u8) });
        // The divisor takes effect with this write, so it comes after.
        // SAFETY: rule 1.
        uart.uartlcr_h().write(|w| unsafe { w.wlen().bits(EIGHT_BITS) }.fen().set_bit());
        uart.uartcr().write(|w| w.uarten().set_bit().txe().set_bit().rxe().set_bit());

        // Last, so that the line never leaves its idle level. An unconnected input is pulled there too: it would
        // otherwise receive noise.
        pads.gpio(RX_PIN).modify(|_, w| w.pue().set_bit().pde().clear_bit());
        io.gpio(TX_PIN).gpio_ctrl().write(|w| w.funcsel().uart());
        io.gpio(RX_PIN).gpio_ctrl().write(|w| w.funcsel().uart());

        Uart { registers: uart }
    }

    /// The console for a last message, if it was started at all.
    ///
    /// # Safety
    ///
    /// Interrupts are off, and the caller never returns to code that uses the peripherals (rule 2).
    pub(crate) unsafe fn for_panic() -> Option<Uart> {
        // SAFETY: rule 2, promised by the caller.
        let peripherals = unsafe { Peripherals::steal() };
        let started = peripherals.RESETS.reset_done().read().uart0().bit_is_set()
            && peripherals.UART0.uartcr().read().uarten().bit_is_set();
        started.then_some(Uart { registers: peripherals.UART0 })
    }

    /// Sends one byte as it is, waiting for room.
    pub fn write_byte(&mut self, byte: u8) {
        while self.registers.uartfr().read().txff().bit_is_set() {}
        // SAFETY: rule 1.
        self.registers.uartdr().write(|w| unsafe { w.data().bits(byte) });
    }

    /// Waits until the last bit has left the chip.
    pub fn flush(&mut self) {
        while self.registers.uartfr().read().busy().bit_is_set() {}
    }
}

/// Text for a terminal: each line feed is preceded by a carriage return. It never fails.
impl fmt::Write for Uart {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            if byte == b'\n' {
                self.write_byte(b'\r');
            }
            self.write_byte(byte);
        }
        Ok(())
    }
}
