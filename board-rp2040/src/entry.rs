//! What an entry of the UART's receive FIFO tells: a byte in the low eight bits, and above it what went wrong.
//!
//! An overrun is told once, with the first entry that found room again. If that entry is no good byte, the news is kept for
//! the next one that is, so that no overrun goes uncounted.

use kernel::services::serial::device::Received;

const FRAMING: u16 = 1 << 8;
const PARITY: u16 = 1 << 9;
const BREAK: u16 = 1 << 10;
const OVERRUN: u16 = 1 << 11;

/// What was received, and whether an overrun before it is still to be told. `untold`: there is one from before.
pub fn decode(entry: u16, untold: bool) -> (Received, bool) {
    let overrun = untold || entry & OVERRUN != 0;
    // A break has no stop bit, and maybe the wrong parity, but it is one thing.
    if entry & BREAK != 0 {
        return (Received::Break, overrun);
    }
    if entry & (FRAMING | PARITY) != 0 {
        return (Received::Garbled, overrun);
    }
    let byte = entry.to_le_bytes()[0];
    (if overrun { Received::AfterOverrun(byte) } else { Received::Byte(byte) }, false)
}

#[cfg(test)]
mod tests {
    use super::{BREAK, FRAMING, OVERRUN, PARITY, decode};
    use kernel::services::serial::device::Received;

    #[test]
    fn a_good_byte_is_a_byte_whatever_its_value() {
        for byte in 0..=u8::MAX {
            assert_eq!(decode(u16::from(byte), false), (Received::Byte(byte), false));
            assert_eq!(decode(u16::from(byte) | OVERRUN, false), (Received::AfterOverrun(byte), false));
        }
    }

    #[test]
    fn garbled_bytes_and_breaks_are_told_apart() {
        for garbled in [FRAMING, PARITY, FRAMING | PARITY] {
            assert_eq!(decode(garbled | 0x55, false), (Received::Garbled, false));
            assert_eq!(decode(garbled | BREAK, false), (Received::Break, false));
        }
        assert_eq!(decode(BREAK, false), (Received::Break, false));
    }

    #[test]
    fn an_overrun_is_told_once_with_the_next_good_byte() {
        let line = [OVERRUN | BREAK, FRAMING, 0x41, 0x42];
        let mut untold = false;
        let told = line.map(|entry| {
            let (received, still) = decode(entry, untold);
            untold = still;
            received
        });
        let want = [Received::Break, Received::Garbled, Received::AfterOverrun(0x41), Received::Byte(0x42)];
        assert_eq!((told, untold), (want, false));
    }
}
