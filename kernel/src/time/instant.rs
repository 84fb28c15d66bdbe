//! A point in time, counted from boot.

use core::{
    fmt,
    ops::{Add, AddAssign, Sub, SubAssign},
};

use postcard_schema::Schema;
use serde::{Deserialize, Serialize};

use super::{Duration, duration::pad};

/// A point in time: microseconds since boot, 64 bits wide.
///
/// The operators saturate at [`Instant::BOOT`] and [`Instant::MAX`]. A deadline that saturates lies 584,542 years after
/// boot: it is not reached, and needs no special case.
///
/// ```
/// use kernel::time::{Duration, Instant};
///
/// let start = Instant::from_millis(20);
/// assert_eq!(start + Duration::from_millis(5), Instant::from_micros(25_000));
/// assert_eq!(start + Duration::MAX, Instant::MAX);
/// assert_eq!(Instant::BOOT - start, Duration::ZERO);
/// ```
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Schema,
)]
pub struct Instant(u64);

impl Instant {
    /// The moment of boot.
    pub const BOOT: Self = Self(0);
    /// The end of time.
    pub const MAX: Self = Self(u64::MAX);

    /// The instant `micros` microseconds after boot.
    #[must_use]
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// The instant `millis` milliseconds after boot, or [`Instant::MAX`] if that is too late.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis.saturating_mul(1_000))
    }

    /// The instant `secs` seconds after boot, or [`Instant::MAX`] if that is too late.
    #[must_use]
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(1_000_000))
    }

    /// Microseconds since boot.
    #[must_use]
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// Whole milliseconds since boot, the rest cut off.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0 / 1_000
    }

    /// Whole seconds since boot, the rest cut off.
    #[must_use]
    pub const fn as_secs(self) -> u64 {
        self.0 / 1_000_000
    }

    /// The time since boot.
    #[must_use]
    pub const fn since_boot(self) -> Duration {
        Duration::from_micros(self.0)
    }

    /// The time from `earlier` to this instant, or [`Duration::ZERO`] if `earlier` is the later one.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }

    /// The time from `earlier` to this instant, or `None` if `earlier` is the later one.
    #[must_use]
    pub const fn checked_since(self, earlier: Self) -> Option<Duration> {
        match self.0.checked_sub(earlier.0) {
            Some(micros) => Some(Duration::from_micros(micros)),
            None => None,
        }
    }

    /// The instant that much later, or [`Instant::MAX`].
    #[must_use]
    pub const fn saturating_add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(span.as_micros()))
    }

    /// The instant that much earlier, or [`Instant::BOOT`].
    #[must_use]
    pub const fn saturating_sub(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(span.as_micros()))
    }

    /// The instant that much later, or `None` if it cannot be counted.
    #[must_use]
    pub const fn checked_add(self, span: Duration) -> Option<Self> {
        match self.0.checked_add(span.as_micros()) {
            Some(micros) => Some(Self(micros)),
            None => None,
        }
    }

    /// The instant that much earlier, or `None` if that lies before boot.
    #[must_use]
    pub const fn checked_sub(self, span: Duration) -> Option<Self> {
        match self.0.checked_sub(span.as_micros()) {
            Some(micros) => Some(Self(micros)),
            None => None,
        }
    }
}

/// Saturates at [`Instant::MAX`].
impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, span: Duration) -> Self {
        self.saturating_add(span)
    }
}

/// Saturates at [`Instant::MAX`].
impl AddAssign<Duration> for Instant {
    fn add_assign(&mut self, span: Duration) {
        *self = *self + span;
    }
}

/// Saturates at [`Instant::BOOT`].
impl Sub<Duration> for Instant {
    type Output = Self;

    fn sub(self, span: Duration) -> Self {
        self.saturating_sub(span)
    }
}

/// Saturates at [`Instant::BOOT`].
impl SubAssign<Duration> for Instant {
    fn sub_assign(&mut self, span: Duration) {
        *self = *self - span;
    }
}

/// Saturates at [`Duration::ZERO`].
impl Sub for Instant {
    type Output = Duration;

    fn sub(self, earlier: Self) -> Duration {
        self.since(earlier)
    }
}

/// Writes seconds since boot with all their microseconds, `12.000345 s`, so that instants below each other line up and
/// compare. Width and alignment are obeyed.
impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        pad(f, format_args!("{}.{:06} s", self.0 / 1_000_000, self.0 % 1_000_000))
    }
}
