//! The ring oscillator, as the kernel's source of entropy: its one random bit, read again and again.
//!
//! The oscillator runs from reset on, and nothing here is clocked by it. It is at a random place of its period whenever it
//! is read, if reads are not in step with it: so some of its periods pass between two. The chip's manual does not promise
//! more, so neither does this: not for keys.
//!
//! # Safety
//!
//! 1. A [`Noise`] exists only after [`Noise::start`], which takes the register block for good. From then on one register is
//!    read, which changes nothing.
#![expect(unsafe_code, reason = "a register that all clones read")]

use kernel::services::entropy::Source;
use rp2040_pac::ROSC;

/// The oscillator. All clones are the same one.
#[derive(Clone)]
pub struct Noise {
    _started: (),
}

/// Reads for one bit, of which the parity is taken: a bit that is more often high than low is evened out by that.
const READS: u32 = 8;

impl Noise {
    /// Takes the oscillator as it runs.
    pub fn start(_rosc: ROSC) -> Noise {
        Noise { _started: () }
    }

    fn bit(&self) -> bool {
        // SAFETY: rule 1.
        let rosc = unsafe { &*ROSC::ptr() };
        (0..READS).fold(false, |parity, _| {
            // At 6.5 MHz a period has 20 of the core's cycles.
            cortex_m::asm::delay(20);
            parity ^ rosc.randombit().read().randombit().bit()
        })
    }
}

impl Source for Noise {
    fn fill(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            *byte = (0..u8::BITS).fold(0, |bits, _| bits << 1 | u8::from(self.bit()));
        }
    }
}
