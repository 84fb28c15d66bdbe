//! Postcard's own encoding: a place to write it to and a place to read it from.

use super::error::WireFault;

/// Bytes being written, up to a fixed number.
pub(super) struct Sink<'o> {
    out: &'o mut [u8],
    len: usize,
}

/// The room is used up.
#[derive(Clone, Copy, Debug)]
pub(super) struct SinkFull;

impl<'o> Sink<'o> {
    pub(super) fn new(out: &'o mut [u8]) -> Self {
        Self { out, len: 0 }
    }

    /// How many bytes have been written.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn put(&mut self, bytes: &[u8]) -> Result<(), SinkFull> {
        let end = self.len.checked_add(bytes.len()).ok_or(SinkFull)?;
        self.out.get_mut(self.len..end).ok_or(SinkFull)?.copy_from_slice(bytes);
        self.len = end;
        Ok(())
    }

    /// Writes seven bits a byte, the lowest first.
    pub(super) fn put_varint(&mut self, mut value: u128) -> Result<(), SinkFull> {
        while value > 0x7f {
            self.put(&[(value & 0x7f) as u8 | 0x80])?;
            value >>= 7;
        }
        self.put(&[value as u8])
    }

    /// Writes a signed value (in two's complement) so that small magnitudes are short.
    pub(super) fn put_zigzag(&mut self, value: u128) -> Result<(), SinkFull> {
        self.put_varint((value << 1) ^ (value.cast_signed() >> 127).cast_unsigned())
    }

    /// Puts a count before all that has been written since `start`: only then is it known.
    pub(super) fn put_count_at(&mut self, start: usize, count: usize) -> Result<(), SinkFull> {
        let end = self.len;
        self.put_varint(count as u128)?;
        // The count was written at the end, which proved that there is room; it belongs in front.
        if let Some(written) = self.out.get_mut(start..self.len) {
            written.rotate_right(self.len - end);
        }
        Ok(())
    }
}

/// Bytes being read.
pub(super) struct Source<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl<'b> Source<'b> {
    pub(super) fn new(bytes: &'b [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// How many bytes have been read.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn take(&mut self, count: usize) -> Result<&'b [u8], WireFault> {
        let end = self.at.checked_add(count).ok_or(WireFault::Ended)?;
        let taken = self.bytes.get(self.at..end).ok_or(WireFault::Ended)?;
        self.at = end;
        Ok(taken)
    }

    pub(super) fn take_array<const N: usize>(&mut self) -> Result<[u8; N], WireFault> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    pub(super) fn take_byte(&mut self) -> Result<u8, WireFault> {
        let [byte] = self.take_array()?;
        Ok(byte)
    }

    /// Reads a value of at most `bits` bits. Like postcard, it minds superfluous bits but not superfluous zeros.
    pub(super) fn take_varint(&mut self, bits: u32) -> Result<u128, WireFault> {
        let mut value = 0;
        for shift in (0..bits).step_by(7) {
            let byte = self.take_byte()?;
            let part = u128::from(byte & 0x7f);
            if bits - shift < 7 && part >> (bits - shift) != 0 {
                return Err(WireFault::Invalid);
            }
            value |= part << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(WireFault::Invalid)
    }

    /// Reads a signed value of at most `bits` bits, into two's complement.
    pub(super) fn take_zigzag(&mut self, bits: u32) -> Result<u128, WireFault> {
        let value = self.take_varint(bits)?;
        Ok((value >> 1) ^ (value & 1).wrapping_neg())
    }

    /// Reads how many elements or bytes follow.
    pub(super) fn take_count(&mut self) -> Result<usize, WireFault> {
        usize::try_from(self.take_varint(usize::BITS)?).map_err(|_| WireFault::Invalid)
    }
}
