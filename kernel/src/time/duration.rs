//! A span of time in whole microseconds.

use core::{
    fmt,
    iter::Sum,
    ops::{Add, AddAssign, Div, Mul, Sub, SubAssign},
};

use postcard_schema::Schema;
use serde::{Deserialize, Serialize};

/// A span of time: microseconds, 64 bits wide, so up to 584,542 years.
///
/// The operators saturate at [`Duration::ZERO`] and [`Duration::MAX`], which is what a deadline wants: a wait that is
/// too long to be counted never ends, and none wraps into the past. Where an overflow matters, use the `checked_`
/// forms.
///
/// ```
/// use kernel::time::Duration;
///
/// assert_eq!(Duration::from_millis(1500).to_string(), "1.500 s");
/// assert_eq!(Duration::from_secs(1) - Duration::from_secs(2), Duration::ZERO);
/// ```
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Schema,
)]
pub struct Duration(u64);

impl Duration {
    /// No time at all.
    pub const ZERO: Self = Self(0);
    /// The longest span that can be counted; as a timeout, for ever.
    pub const MAX: Self = Self(u64::MAX);

    /// A span of `micros` microseconds.
    #[must_use]
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// A span of `millis` milliseconds, or [`Duration::MAX`] if that is too long.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis.saturating_mul(1_000))
    }

    /// A span of `secs` seconds, or [`Duration::MAX`] if that is too long.
    #[must_use]
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(1_000_000))
    }

    /// The span in microseconds.
    #[must_use]
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// The span in whole milliseconds, the rest cut off.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0 / 1_000
    }

    /// The span in whole seconds, the rest cut off.
    #[must_use]
    pub const fn as_secs(self) -> u64 {
        self.0 / 1_000_000
    }

    /// Whether this is no time at all.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The sum, or [`Duration::MAX`].
    #[must_use]
    pub const fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The difference, or [`Duration::ZERO`].
    #[must_use]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// The product, or [`Duration::MAX`].
    #[must_use]
    pub const fn saturating_mul(self, factor: u64) -> Self {
        Self(self.0.saturating_mul(factor))
    }

    /// The sum, or `None` if it cannot be counted.
    #[must_use]
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(micros) => Some(Self(micros)),
            None => None,
        }
    }

    /// The difference, or `None` if `other` is longer.
    #[must_use]
    pub const fn checked_sub(self, other: Self) -> Option<Self> {
        match self.0.checked_sub(other.0) {
            Some(micros) => Some(Self(micros)),
            None => None,
        }
    }

    /// The product, or `None` if it cannot be counted.
    #[must_use]
    pub const fn checked_mul(self, factor: u64) -> Option<Self> {
        match self.0.checked_mul(factor) {
            Some(micros) => Some(Self(micros)),
            None => None,
        }
    }

    /// The quotient, the rest cut off, or `None` if `divisor` is zero.
    #[must_use]
    pub const fn checked_div(self, divisor: u64) -> Option<Self> {
        match self.0.checked_div(divisor) {
            Some(micros) => Some(Self(micros)),
            None => None,
        }
    }
}

/// Saturates at [`Duration::MAX`].
impl Add for Duration {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        self.saturating_add(other)
    }
}

/// Saturates at [`Duration::MAX`].
impl AddAssign for Duration {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

/// Saturates at [`Duration::ZERO`].
impl Sub for Duration {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        self.saturating_sub(other)
    }
}

/// Saturates at [`Duration::ZERO`].
impl SubAssign for Duration {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

/// Saturates at [`Duration::MAX`].
impl Mul<u64> for Duration {
    type Output = Self;

    fn mul(self, factor: u64) -> Self {
        self.saturating_mul(factor)
    }
}

/// Cuts off the rest.
///
/// # Panics
///
/// If the divisor is zero, as integers do; [`Duration::checked_div`] does not.
impl Div<u64> for Duration {
    type Output = Self;

    fn div(self, divisor: u64) -> Self {
        Self(self.0 / divisor)
    }
}

/// Saturates at [`Duration::MAX`].
impl Sum for Duration {
    fn sum<I: Iterator<Item = Self>>(spans: I) -> Self {
        spans.fold(Self::ZERO, Self::saturating_add)
    }
}

/// Rounds up to a whole microsecond, so that a wait is never cut short, and saturates at [`Duration::MAX`].
impl From<core::time::Duration> for Duration {
    fn from(span: core::time::Duration) -> Self {
        let micros = span.subsec_nanos().div_ceil(1_000);
        Self::from_secs(span.as_secs()) + Self(u64::from(micros))
    }
}

impl From<Duration> for core::time::Duration {
    fn from(span: Duration) -> Self {
        Self::from_micros(span.0)
    }
}

/// Writes the span in the unit that suits it: `12 us`, `250 ms`, `12.345 ms`, `1.500 s`, `90 s`.
///
/// At most three decimals are shown and they are cut, not rounded; width and alignment are obeyed, so spans line up in
/// tables.
impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, thousandths, unit) = match self.0 {
            micros @ ..1_000 => (micros, 0, "us"),
            micros @ ..1_000_000 => (micros / 1_000, micros % 1_000, "ms"),
            micros => (micros / 1_000_000, micros / 1_000 % 1_000, "s"),
        };
        match thousandths {
            0 => pad(f, format_args!("{whole} {unit}")),
            _ => pad(f, format_args!("{whole}.{thousandths:03} {unit}")),
        }
    }
}

/// Writes a text in the width and alignment that the formatter asks for, which a plain `write!` would ignore.
pub(super) fn pad(f: &mut fmt::Formatter<'_>, text: fmt::Arguments<'_>) -> fmt::Result {
    let mut line = Line { bytes: [0; LINE_LEN], len: 0 };
    fmt::write(&mut line, text)?;
    f.pad(line.as_str())
}

/// Room for the longest time there is, `18446744073709.551615 s`.
const LINE_LEN: usize = 24;

/// The text of one time, kept until its width is known.
struct Line {
    bytes: [u8; LINE_LEN],
    len: usize,
}

impl Line {
    fn as_str(&self) -> &str {
        self.bytes.get(..self.len).and_then(|bytes| str::from_utf8(bytes).ok()).unwrap_or_default()
    }
}

impl fmt::Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.len + text.len();
        self.bytes.get_mut(self.len..end).ok_or(fmt::Error)?.copy_from_slice(text.as_bytes());
        self.len = end;
        Ok(())
    }
}
