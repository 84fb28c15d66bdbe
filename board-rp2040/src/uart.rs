//! UART0 on GPIO 0 (out) and GPIO 1 (in), 115200 baud, eight data bits, no parity, one stop bit: the device under the
//! kernel's serial driver.
//!
//! It is a PL011, whose interrupts come with the FIFOs' levels:
//!
//! ```text
//!   line ──▶ [receive FIFO, 32]    interrupts at 8 bytes, or when a byte has waited for 32 bit times
//!   line ◀── [transmit FIFO, 32]   interrupts when it sinks to 8 bytes, and only at that moment
//! ```
//!
//! So the handler has 24 byte times, 2 ms, before a byte is lost, and as long to go on sending without a gap. Since the
//! transmit interrupt comes with a FIFO that sinks, an empty one would never start by itself: switching that interrupt on
//! makes it pending by hand.
//!
//! # Safety
//!
//! 1. Every raw field value written here is a constant of this file that fits its field, checked at compile time, or a
//!    byte to send, for which every value is meant.
//! 2. A [`Uart`] exists only after [`Uart::start`], which takes the register block for good. From then on registers are
//!    reached through any clone, in tasks and in interrupts: each is read or written as a whole, but for the interrupt
//!    mask, which is changed with interrupts off.
#![expect(unsafe_code, reason = "raw register fields, and registers that tasks and interrupts share")]

use core::{
    fmt,
    sync::atomic::{AtomicBool, Ordering},
};

use cortex_m::{interrupt::free, peripheral::NVIC};
use kernel::services::serial::device::{self, Received};
use rp2040_pac::{Interrupt, RESETS, UART0, uart0::RegisterBlock};

use crate::{Gpio, baud::Divisor, clocks::Clocks, entry};

const BAUD: u32 = 115_200;
const TX_PIN: u8 = 0;
const RX_PIN: u8 = 1;
const EIGHT_BITS: u8 = 0b11;
/// A quarter of a FIFO, as UARTIFLS says it.
const EIGHT_BYTES: u8 = 0b001;

const DIVISOR: Divisor = match Divisor::of(Clocks::PERIPHERAL_HZ, BAUD) {
    Some(divisor) => divisor,
    None => panic!("the peripheral clock cannot be divided to this baud rate"),
};

/// Bytes were lost, and nobody has been told. Only the interrupt handler uses it.
static OVERRUN: AtomicBool = AtomicBool::new(false);

/// UART0. All clones are the same device.
#[derive(Clone)]
pub struct Uart {
    _started: (),
}

impl Uart {
    /// Cycles of the core for which a bit is on the line.
    pub const CYCLES_PER_BIT: u32 = (DIVISOR.whole as u32 * 64 + DIVISOR.sixty_fourths as u32) * 16 / 64
        * (Clocks::SYSTEM_HZ / Clocks::PERIPHERAL_HZ);

    /// Connects the pins and enables both directions. The receive interrupt is on; it comes once it is unmasked in the
    /// interrupt controller.
    pub fn start(uart: UART0, gpio: &Gpio, resets: &RESETS, _clocks: Clocks) -> Uart {
        resets.reset().modify(|_, w| w.uart0().set_bit());
        resets.reset().modify(|_, w| w.uart0().clear_bit());
        while resets.reset_done().read().uart0().bit_is_clear() {}

        // SAFETY: rule 1.
        uart.uartibrd().write(|w| unsafe { w.baud_divint().bits(DIVISOR.whole) });
        // SAFETY: rule 1.
        uart.uartfbrd().write(|w| unsafe { w.baud_divfrac().bits(DIVISOR.sixty_fourths) });
        // The divisor takes effect with this write, so it comes after.
        // SAFETY: rule 1.
        uart.uartlcr_h().write(|w| unsafe { w.wlen().bits(EIGHT_BITS) }.fen().set_bit());
        // SAFETY: rule 1.
        uart.uartifls().write(|w| unsafe { w.rxiflsel().bits(EIGHT_BYTES).txiflsel().bits(EIGHT_BYTES) });
        uart.uartimsc().write(|w| w.rxim().set_bit().rtim().set_bit());
        uart.uartcr().write(|w| w.uarten().set_bit().txe().set_bit().rxe().set_bit());

        // Last, so that the line never leaves its idle level. An unconnected input is pulled there too: it would
        // otherwise receive noise.
        gpio.connect_uart(TX_PIN);
        gpio.connect_uart(RX_PIN);

        Uart { _started: () }
    }

    /// Connects the port's output to its input, within the chip, or to its pins again.
    pub fn set_loopback(&self, on: bool) {
        self.registers().uartcr().modify(|_, w| w.lbe().bit(on));
    }

    fn write_byte(&self, byte: u8) {
        while !device::Uart::transmit(self, byte) {}
    }

    /// Waits until the last bit has left the chip.
    pub fn flush(&self) {
        while device::Uart::is_transmitting(self) {}
    }

    fn registers(&self) -> &'static RegisterBlock {
        // SAFETY: rule 2.
        unsafe { &*UART0::PTR }
    }
}

impl device::Uart for Uart {
    fn receive(&self) -> Option<Received> {
        if self.registers().uartfr().read().rxfe().bit_is_set() {
            return None;
        }
        // Reading takes the entry: the byte and what is known of it are in the one word.
        let entry = self.registers().uartdr().read().bits() as u16;
        let (received, untold) = entry::decode(entry, OVERRUN.load(Ordering::Relaxed));
        OVERRUN.store(untold, Ordering::Relaxed);
        Some(received)
    }

    fn transmit(&self, byte: u8) -> bool {
        if self.registers().uartfr().read().txff().bit_is_set() {
            return false;
        }
        // SAFETY: rule 1.
        self.registers().uartdr().write(|w| unsafe { w.data().bits(byte) });
        true
    }

    fn set_transmit_interrupt(&self, on: bool) {
        free(|_| self.registers().uartimsc().modify(|_, w| w.txim().bit(on)));
        // A full FIFO interrupts when it sinks, and needs no help.
        if on && self.registers().uartfr().read().txff().bit_is_clear() {
            NVIC::pend(Interrupt::UART0_IRQ);
        }
    }

    fn is_transmitting(&self) -> bool {
        self.registers().uartfr().read().busy().bit_is_set()
    }
}

/// Text for a terminal, while no driver runs: each line feed is preceded by a carriage return, and each byte waits until
/// there is room for it. It never fails.
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
