//! The outside of a machine: its devices as the host holds them, and what happens to them at a time.

use kernel::time::Instant;

use super::Sim;
use crate::{External, Gpio, I2c, NoSuchDevice, Pin, Uart, external::Cause};

impl Sim {
    /// Lets something happen at a time, before the machine's tick at that time; in the past means at once. Of several
    /// things at the same time, what was scheduled first happens first.
    ///
    /// ```
    /// use kernel::time::Instant;
    /// use sim_host::{Drive, External, Sim};
    ///
    /// let mut sim = Sim::builder().build()?;
    /// sim.schedule(Instant::from_secs(1), External::Pin { pin: 3, drive: Drive::High })?;
    /// sim.schedule(Instant::from_secs(2), "pin 3 low".parse()?)?;
    /// sim.run_until(Instant::from_millis(1500));
    /// assert!(sim.pin(3).level());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When the machine has no such device, or the device makes nothing of it.
    pub fn schedule(&mut self, at: Instant, external: External) -> Result<(), NoSuchDevice> {
        self.check(&external)?;
        // What waits without a time came first.
        for waiting in self.inbox.take() {
            self.external.schedule(self.clock.now(), waiting, Cause::Outside);
        }
        self.external.schedule(at.max(self.clock.now()), external, Cause::Outside);
        self.doorbell.ring();
        Ok(())
    }

    /// This can happen to the machine.
    pub(crate) fn check(&self, external: &External) -> Result<(), NoSuchDevice> {
        self.check_device(external)?;
        let External::Sense { address, text } = external else { return Ok(()) };
        self.i2c.understands(*address, text).map_err(|wanted| NoSuchDevice::Sense {
            address: *address,
            text: text.clone(),
            wanted,
        })
    }

    /// The machine has the device that this happens to.
    pub(crate) fn check_device(&self, external: &External) -> Result<(), NoSuchDevice> {
        match external {
            External::Bytes { uart, .. }
            | External::Garbled { uart }
            | External::Break { uart }
            | External::Overrun { uart, .. }
            | External::EndOfInput { uart } => match self.uarts.len() {
                count if *uart >= count => Err(NoSuchDevice::Uart { uart: *uart, count }),
                _ => Ok(()),
            },
            External::Pin { pin, .. } => match self.config.pins {
                count if *pin >= count => Err(NoSuchDevice::Pin { pin: *pin, count }),
                _ => Ok(()),
            },
            External::Interrupt { line } | External::Mask { line } | External::Unmask { line } => {
                match self.interrupts.named(line) {
                    None => {
                        Err(NoSuchDevice::Interrupt { line: line.clone(), lines: self.interrupts.names() })
                    }
                    Some(_) => Ok(()),
                }
            }
            External::Sense { address, .. } => match self.i2c.has(*address) {
                false => Err(NoSuchDevice::Target { address: *address }),
                true => Ok(()),
            },
            External::Flip | External::Fail | External::Rot => match &self.flash {
                None => Err(NoSuchDevice::Storage),
                Some(_) => Ok(()),
            },
            External::Kill { .. }
            | External::Refuse { .. }
            | External::Allow { .. }
            | External::Exhaust
            | External::Fragment
            | External::Relieve
            | External::Nak
            | External::Stick
            | External::Free
            | External::PowerCut => Ok(()),
        }
    }

    /// Sends bytes to a UART at a time.
    ///
    /// # Panics
    ///
    /// When there is no such UART.
    pub fn send_at(&mut self, at: Instant, uart: usize, bytes: impl Into<Vec<u8>>) {
        if let Err(error) = self.schedule(at, External::Bytes { uart, bytes: bytes.into() }) {
            panic!("{error}");
        }
    }

    /// A UART, by its number.
    ///
    /// # Panics
    ///
    /// When the machine has none of this number.
    pub fn uart(&self, number: usize) -> &Uart {
        match self.uarts.get(number) {
            Some(uart) => uart,
            None => panic!("the machine has {} UARTs, and none of number {number}", self.uarts.len()),
        }
    }

    pub(crate) fn uarts(&self) -> impl Iterator<Item = (&'static str, &Uart)> {
        self.config.uarts.iter().map(|(name, _)| *name).zip(&self.uarts)
    }

    /// The host's end of a UART that another thread may hold: to send from there.
    ///
    /// # Panics
    ///
    /// As for [`uart`](Self::uart).
    pub fn uart_input_handle(&self, number: usize) -> Uart {
        self.uart(number).clone()
    }

    /// The host's end of a pin.
    ///
    /// # Panics
    ///
    /// When the machine has no pin of this number.
    pub fn pin(&self, number: u8) -> Pin {
        match self.gpio.pin(number) {
            Some(pin) => pin,
            None => panic!("the machine has {} pins, and none of number {number}", self.config.pins),
        }
    }

    /// The I²C bus.
    pub fn i2c(&self) -> &I2c {
        &self.i2c
    }

    /// The bank of pins.
    pub fn gpio(&self) -> &Gpio {
        &self.gpio
    }
}
