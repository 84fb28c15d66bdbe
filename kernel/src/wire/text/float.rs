//! Floats as text and back: exact, and small.
//!
//! What `core` has for this is fast and takes 33 KB of flash. Here is the schoolbook's way, with long numbers: printed is the
//! shortest number that is read back as the same float, in the form of `{:?}`; read is the float that is nearest.

use core::{
    cmp::Ordering,
    fmt::{self, Write},
    ops::Range,
};

use self::wide::Wide;
use super::number::NoNumber;

#[cfg(all(test, not(miri)))]
mod tests;
mod wide;

/// Digits that are read, from the first that is not zero. Those behind them could not change the float, but if it lay as
/// close as that to the middle of two.
const DIGITS: u32 = 40;

/// The most digits that a float of 64 bits is printed with.
const PRINTED: usize = 17;

/// One of the two widths of floats.
#[derive(Clone, Copy)]
pub(super) struct Format {
    /// Bits of the significand, without the one that is not stored.
    fraction: u32,
    /// Bits of the exponent.
    exponent: u32,
}

pub(super) const F32: Format = Format { fraction: 23, exponent: 8 };
pub(super) const F64: Format = Format { fraction: 52, exponent: 11 };

impl Format {
    fn sign(self) -> u64 {
        1 << (self.fraction + self.exponent)
    }

    /// The bits of infinity.
    fn infinity(self) -> u64 {
        self.sign() - (1 << self.fraction)
    }

    /// The exponent of the smallest floats.
    fn least_exponent(self) -> i32 {
        2 - (1 << (self.exponent - 1))
    }

    /// Prints the float with these bits.
    pub(super) fn print(self, bits: u64, out: &mut dyn Write) -> fmt::Result {
        let magnitude = bits & !self.sign();
        if magnitude > self.infinity() {
            return out.write_str("NaN");
        }
        if bits != magnitude {
            out.write_char('-')?;
        }
        if magnitude == self.infinity() {
            return out.write_str("inf");
        }
        if magnitude == 0 {
            return out.write_str("0.0");
        }
        let mut room = [0; PRINTED];
        let (digits, point) = self.digits(magnitude, &mut room);
        write_digits(digits, point, out)
    }

    /// The fewest digits that tell the float from its neighbours, and where the point is: before so many of them.
    ///
    /// All is in units in which half the distance to either neighbour is a whole number.
    fn digits(self, magnitude: u64, room: &mut [u8; PRINTED]) -> (&[u8], i32) {
        let stored = magnitude >> self.fraction;
        let fraction = magnitude & ((1 << self.fraction) - 1);
        let significand = if stored == 0 { fraction } else { fraction | 1 << self.fraction };
        let exponent = self.least_exponent() - self.fraction as i32 + stored.saturating_sub(1) as i32;
        // The neighbour below a power of two is only half as far away.
        let uneven = u32::from(fraction == 0 && stored > 1);
        let (up, down) = (exponent.max(0).unsigned_abs(), exponent.min(0).unsigned_abs());

        let mut rest = Wide::new(significand);
        rest.shift_left(up + 1 + uneven);
        let mut one = Wide::new(1);
        one.shift_left(down + 1 + uneven);
        let mut below = Wide::new(1);
        below.shift_left(up);
        let mut above = below.clone();
        above.shift_left(uneven);

        // A number just in the middle is read as the even one of the two.
        let even = significand.is_multiple_of(2);
        let reaches = |order: Ordering| order == Ordering::Greater || even && order == Ordering::Equal;
        let sum = |rest: &Wide, above: &Wide| {
            let mut sum = rest.clone();
            sum.add(above);
            sum
        };

        let mut point = 0;
        while reaches(sum(&rest, &above).order(&one)) {
            one.multiply_add(10, 0);
            point += 1;
        }
        loop {
            for wide in [&mut rest, &mut below, &mut above] {
                wide.multiply_add(10, 0);
            }
            if reaches(sum(&rest, &above).order(&one)) {
                break;
            }
            point -= 1;
        }

        let mut len = 0;
        for place in &mut *room {
            while rest.take(&one) {
                *place += 1;
            }
            len += 1;
            let may_stop_below = reaches(below.order(&rest));
            let may_stop_above = reaches(sum(&rest, &above).order(&one));
            if may_stop_below || may_stop_above {
                let past_middle = sum(&rest, &rest).order(&one) != Ordering::Less;
                // It never turns ten: the digits before would have been enough.
                *place += u8::from(may_stop_above && (!may_stop_below || past_middle));
                break;
            }
            for wide in [&mut rest, &mut below, &mut above] {
                wide.multiply_add(10, 0);
            }
        }
        (&room[..len], point)
    }

    /// Reads a float; its bits come back. Underscores may stand anywhere. Digits whose float would be infinite are out of
    /// range.
    pub(super) fn read(self, word: &str) -> Result<u64, NoNumber> {
        let (sign, unsigned) = match word.strip_prefix('-') {
            Some(rest) => (self.sign(), rest),
            None => (0, word.strip_prefix('+').unwrap_or(word)),
        };
        let is = |name: &str| unsigned.eq_ignore_ascii_case(name);
        if is("inf") || is("infinity") {
            return Ok(sign | self.infinity());
        }
        if is("nan") {
            return Ok(sign | self.infinity() | 1 << (self.fraction - 1));
        }
        let magnitude = self.nearest(&Decimal::read(unsigned).ok_or(NoNumber::Malformed)?);
        if magnitude >= self.infinity() { Err(NoNumber::OutOfRange) } else { Ok(sign | magnitude) }
    }

    /// The bits of the float that is nearest.
    fn nearest(self, decimal: &Decimal) -> u64 {
        if decimal.digits.is_zero() || decimal.point < -330 {
            return 0;
        }
        if decimal.point > 310 {
            return self.infinity();
        }
        let mut rest = decimal.digits.clone();
        let mut one = Wide::new(1);
        match decimal.exponent {
            exponent @ 0.. => rest.scale(10, exponent.unsigned_abs()),
            exponent => one.scale(10, exponent.unsigned_abs()),
        }
        let mut exponent = 0;
        while rest.order(&one) != Ordering::Less {
            one.multiply_add(2, 0);
            exponent += 1;
        }
        while rest.order(&one) == Ordering::Less {
            rest.multiply_add(2, 0);
            exponent -= 1;
        }
        // From here on `rest / one` begins with the bit of this exponent. The smallest floats have fewer bits.
        let stored = exponent.max(self.least_exponent()) - self.least_exponent();
        let bits = self.fraction as i32 + 1 - (self.least_exponent() - exponent).max(0);
        if bits < 0 {
            return 0;
        }
        let mut next_bit = || {
            let bit = rest.take(&one);
            let more = !rest.is_zero();
            rest.multiply_add(2, 0);
            (u64::from(bit), more)
        };
        let significand = (0..bits).fold(0, |significand, _| significand << 1 | next_bit().0);
        let (half, more) = next_bit();
        let round_up = half == 1 && (more || significand % 2 == 1);
        // The significand's first bit adds one to the exponent; so does it when it is rounded up to a power of two.
        (u64::from(stored.unsigned_abs()) << self.fraction) + significand + u64::from(round_up)
    }
}

/// A number as it is written.
struct Decimal {
    digits: Wide,
    /// The number is its digits times this power of ten.
    exponent: i32,
    /// The number is below this power of ten.
    point: i32,
}

impl Decimal {
    fn read(word: &str) -> Option<Self> {
        let mut decimal = Self { digits: Wide::new(0), exponent: 0, point: 0 };
        let (mut any, mut behind_point, mut taken) = (false, false, 0);
        let mut bytes = word.bytes().filter(|byte| *byte != b'_');
        let mut written = 0_i32;
        while let Some(byte) = bytes.next() {
            match byte {
                b'0'..=b'9' => {
                    any = true;
                    if taken < DIGITS {
                        decimal.digits.multiply_add(10, u32::from(byte - b'0'));
                        taken += u32::from(taken > 0 || byte != b'0');
                        decimal.exponent -= i32::from(behind_point);
                    } else {
                        decimal.exponent += i32::from(!behind_point);
                    }
                }
                b'.' if !behind_point => behind_point = true,
                b'e' | b'E' => {
                    written = read_exponent(&mut bytes)?;
                    break;
                }
                _ => return None,
            }
        }
        decimal.exponent = decimal.exponent.saturating_add(written);
        decimal.point = decimal.exponent.saturating_add(taken as i32);
        any.then_some(decimal)
    }
}

fn read_exponent(bytes: &mut dyn Iterator<Item = u8>) -> Option<i32> {
    let mut first = bytes.next()?;
    let negative = first == b'-';
    if negative || first == b'+' {
        first = bytes.next()?;
    }
    let mut exponent = 0_i32;
    let mut next = Some(first);
    while let Some(byte) = next {
        let digit = char::from(byte).to_digit(10)?;
        exponent = exponent.saturating_mul(10).saturating_add(digit as i32);
        next = bytes.next();
    }
    Some(if negative { -exponent } else { exponent })
}

/// Writes digits as `{:?}` does, with a point before the digit at `point`.
fn write_digits(digits: &[u8], point: i32, out: &mut dyn Write) -> fmt::Result {
    let len = digits.len() as i32;
    if (-3..=16).contains(&point) {
        write_places(digits, point.min(1) - 1..point, out)?;
        out.write_char('.')?;
        return write_places(digits, point..len.max(point + 1), out);
    }
    write_places(digits, 0..1, out)?;
    if len > 1 {
        out.write_char('.')?;
        write_places(digits, 1..len, out)?;
    }
    write!(out, "e{}", point - 1)
}

/// Writes the digits at these places; there are zeros before the first and behind the last.
fn write_places(digits: &[u8], places: Range<i32>, out: &mut dyn Write) -> fmt::Result {
    for place in places {
        let digit = usize::try_from(place).ok().and_then(|place| digits.get(place));
        out.write_char(char::from(b'0' + digit.copied().unwrap_or(0)))?;
    }
    Ok(())
}
