//! Spans of time as people write them: `10ms`, `1.5s`, `24h`.

use std::{fmt, str::FromStr};

use kernel::time::Duration;

/// A span of time, read from text: a number, and a unit, seconds if it is missing.
///
/// ```
/// use kernel::time::Duration;
/// use sim_host::Span;
///
/// assert_eq!("1.5s".parse(), Ok(Span(Duration::from_millis(1500))));
/// assert_eq!("24h".parse(), "1d".parse::<Span>());
/// assert!("soon".parse::<Span>().is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span(pub Duration);

/// The text is no span of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotASpan;

impl fmt::Display for NotASpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("use a number and a unit, which is us, ms, s, min, h or d, such as `250ms` or `24h`; without one it is s")
    }
}

impl std::error::Error for NotASpan {}

impl FromStr for Span {
    type Err = NotASpan;

    fn from_str(text: &str) -> Result<Self, NotASpan> {
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let (number, unit) = text.split_at(end);
        let unit_us: u64 = match unit {
            "us" => 1,
            "ms" => 1_000,
            "s" | "" => 1_000_000,
            "min" => 60_000_000,
            "h" => 3_600_000_000,
            "d" => 86_400_000_000,
            _ => return Err(NotASpan),
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
        let whole: u64 = whole.parse().map_err(|_| NotASpan)?;
        let mut us = whole.checked_mul(unit_us).ok_or(NotASpan)?;
        let mut place = unit_us;
        for digit in fraction.chars() {
            place /= 10;
            let digit = digit.to_digit(10).ok_or(NotASpan)?;
            us = us.checked_add(place * u64::from(digit)).ok_or(NotASpan)?;
        }
        if fraction.is_empty() { Err(NotASpan) } else { Ok(Self(Duration::from_micros(us))) }
    }
}
