//! Integers: which types are integers of which width, and how digits become one of them.

use core::fmt::{self, Write};

use postcard_schema::schema::DataModelType;

/// The digits of the greatest number of 128 bits.
const MOST_DIGITS: usize = 39;

/// An integer type.
#[derive(Clone, Copy)]
pub(super) struct Integer {
    pub(super) signed: bool,
    /// The width of its values on this machine.
    pub(super) bits: u32,
    /// The width that the wire gives them.
    pub(super) wire_bits: u32,
}

/// Why a word is no number of the type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoNumber {
    /// It does not look like one.
    Malformed,
    /// The type does not reach that far.
    OutOfRange,
}

impl Integer {
    pub(super) fn of(ty: &DataModelType) -> Option<Self> {
        let (signed, bits) = match ty {
            DataModelType::I8 => (true, 8),
            DataModelType::I16 => (true, 16),
            DataModelType::I32 => (true, 32),
            DataModelType::I64 => (true, 64),
            DataModelType::I128 => (true, 128),
            DataModelType::U8 => (false, 8),
            DataModelType::U16 => (false, 16),
            DataModelType::U32 => (false, 32),
            DataModelType::U64 => (false, 64),
            DataModelType::U128 => (false, 128),
            // serde passes both on as 64 bits, so that machines of different widths agree.
            DataModelType::Isize => return Some(Self { signed: true, bits: usize::BITS, wire_bits: 64 }),
            DataModelType::Usize => return Some(Self { signed: false, bits: usize::BITS, wire_bits: 64 }),
            _ => return None,
        };
        Some(Self { signed, bits, wire_bits: bits })
    }

    /// Reads a number of this type; a negative one in two's complement.
    pub(super) fn parse(self, word: &str) -> Result<u128, NoNumber> {
        let (negative, digits) = match word.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, word.strip_prefix('+').unwrap_or(word)),
        };
        let magnitude = magnitude(digits)?;
        if magnitude > self.most(negative) {
            return Err(NoNumber::OutOfRange);
        }
        Ok(if negative { magnitude.wrapping_neg() } else { magnitude })
    }

    /// Whether this type has the value (negative ones in two's complement).
    pub(super) fn holds(self, value: u128) -> bool {
        let negative = self.signed && value.cast_signed() < 0;
        (if negative { value.wrapping_neg() } else { value }) <= self.most(negative)
    }

    /// Prints a value of this type. What `core` has for numbers of 128 bits takes two kilobytes of flash.
    pub(super) fn print(self, value: u128, out: &mut dyn Write) -> fmt::Result {
        let negative = self.signed && value.cast_signed() < 0;
        let magnitude = if negative { value.wrapping_neg() } else { value };
        if negative {
            out.write_char('-')?;
        }
        let mut words = [96, 64, 32, 0].map(|shift| (magnitude >> shift) as u32);
        let mut digits = [b'0'; MOST_DIGITS];
        let mut first = MOST_DIGITS;
        while first == MOST_DIGITS || words != [0; 4] {
            let mut rest = 0;
            for word in &mut words {
                let part = rest << 32 | u64::from(*word);
                *word = (part / 10) as u32;
                rest = part % 10;
            }
            first -= 1;
            digits[first] += rest as u8;
        }
        digits[first..].iter().try_for_each(|digit| out.write_char(char::from(*digit)))
    }

    /// The greatest magnitude of its values on one side of zero.
    fn most(self, negative: bool) -> u128 {
        let all = u128::MAX >> (128 - self.bits);
        match (self.signed, negative) {
            (false, false) => all,
            (false, true) => 0,
            (true, false) => all >> 1,
            (true, true) => (all >> 1) + 1,
        }
    }
}

fn magnitude(digits: &str) -> Result<u128, NoNumber> {
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, digits.get(2..).unwrap_or_default()),
        [b'0', b'o' | b'O', ..] => (8, digits.get(2..).unwrap_or_default()),
        [b'0', b'b' | b'B', ..] => (2, digits.get(2..).unwrap_or_default()),
        _ => (10, digits),
    };
    let mut value = Some(0_u128);
    let mut any = false;
    for char in digits.chars().filter(|char| *char != '_') {
        let digit = char.to_digit(radix).ok_or(NoNumber::Malformed)?;
        value = value.and_then(|value| value.checked_mul(radix.into())?.checked_add(digit.into()));
        any = true;
    }
    if any { value.ok_or(NoNumber::OutOfRange) } else { Err(NoNumber::Malformed) }
}
