//! The thin device under a serial port: what a board's registers, or a simulator's model of them, offer.

/// A UART with receive and transmit FIFOs and one level-triggered interrupt.
///
/// Both the interrupt handler and the driver's task use the device, each through a clone: like registers, all clones are
/// the same device. None of the methods waits.
///
/// The interrupt is pending while the receive FIFO has something, or while the transmit interrupt is switched on and the
/// transmit FIFO has room. Where the chip itself interrupts only at the moment the FIFO runs low, as the PL011 does, so that
/// switching the interrupt on with an empty FIFO would start nothing, [`set_transmit_interrupt`](Self::set_transmit_interrupt)
/// makes it pending.
pub trait Uart: Clone + Send + 'static {
    /// Takes the oldest entry of the receive FIFO.
    fn receive(&self) -> Option<Received>;

    /// Puts a byte in the transmit FIFO; `false` when that is full.
    fn transmit(&self, byte: u8) -> bool;

    /// Switches the transmit interrupt on or off.
    fn set_transmit_interrupt(&self, on: bool);

    /// Something is still in the transmit FIFO or on the line.
    fn is_transmitting(&self) -> bool;

    /// Asks the far end to hold its bytes back, or lets them come; `false` when the line has no flow control, and bytes
    /// for which there is no room are lost. While they are held back, what is in the receive FIFO stays there and does not
    /// make the interrupt pending.
    fn hold_back(&self, hold: bool) -> bool {
        let _ = hold;
        false
    }
}

/// What comes out of a receive FIFO.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Received {
    /// A byte.
    Byte(u8),
    /// A byte, before which others were lost in the chip because the FIFO was full.
    AfterOverrun(u8),
    /// A byte that was garbled: its stop bit or its parity was wrong.
    Garbled,
    /// The line was held low for longer than a byte.
    Break,
}
