//! Natural numbers wide enough for every float, with the few operations that reading and printing takes.

use core::cmp::Ordering;

/// Words of a number. A float of 64 bits is printed with 1082 bits, and read with [`DIGITS`](super::DIGITS) digits below
/// the smallest one with 1231.
const WORDS: usize = 40;

/// A number, its lowest word first.
#[derive(Clone)]
pub(super) struct Wide {
    words: [u32; WORDS],
}

impl Wide {
    pub(super) fn new(value: u64) -> Self {
        let mut words = [0; WORDS];
        words[0] = value as u32;
        words[1] = (value >> 32) as u32;
        Self { words }
    }

    pub(super) fn is_zero(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    /// Multiplies, then adds.
    pub(super) fn multiply_add(&mut self, factor: u32, summand: u32) {
        let mut carry = summand;
        for word in &mut self.words {
            // The greatest word times the greatest factor, and the greatest carry, fit exactly.
            let product = u64::from(*word) * u64::from(factor) + u64::from(carry);
            *word = product as u32;
            carry = (product >> 32) as u32;
        }
        debug_assert_eq!(carry, 0, "no number that is used is wider");
    }

    /// Multiplies so many times by the same.
    pub(super) fn scale(&mut self, factor: u32, times: u32) {
        (0..times).for_each(|_| self.multiply_add(factor, 0));
    }

    pub(super) fn shift_left(&mut self, bits: u32) {
        self.scale(1 << 16, bits / 16);
        self.scale(1 << (bits % 16), 1);
    }

    pub(super) fn add(&mut self, other: &Self) {
        let mut carry = false;
        for (word, summand) in self.words.iter_mut().zip(&other.words) {
            (*word, carry) = word.carrying_add(*summand, carry);
        }
    }

    /// Subtracts, if the result is not negative; `false` if it would be.
    pub(super) fn take(&mut self, other: &Self) -> bool {
        if self.order(other) == Ordering::Less {
            return false;
        }
        let mut borrow = false;
        for (word, subtrahend) in self.words.iter_mut().zip(&other.words) {
            (*word, borrow) = word.borrowing_sub(*subtrahend, borrow);
        }
        true
    }

    pub(super) fn order(&self, other: &Self) -> Ordering {
        self.words.iter().rev().cmp(other.words.iter().rev())
    }
}
