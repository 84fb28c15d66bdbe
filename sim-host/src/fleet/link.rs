//! Serial links: how fast they are, how long, and how bad.

use std::{fmt, num::NonZeroU32, str::FromStr};

use kernel::time::{Duration, Instant};

use super::Port;
use crate::{Rng, Span, fault};

/// Bits on the wire for a byte: start, eight of data, stop.
const BITS: u64 = 10;

/// What a serial link is like, the same both ways. The [default](Link::default) is perfect: it takes no time, and loses
/// nothing.
///
/// As text it is any of `latency 2ms`, `rate 115200` and `loss 0.5%`, each at most once.
///
/// ```
/// use kernel::time::Duration;
/// use sim_host::fleet::Link;
///
/// let link: Link = "latency 2ms rate 115200 loss 0.5%".parse()?;
/// assert_eq!(link.latency, Duration::from_millis(2));
/// assert_eq!(link.loss_per_million, 5_000);
/// assert!("latency soon".parse::<Link>().is_err());
/// # Ok::<(), sim_host::fleet::LinkError>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Link {
    /// How long a byte is on its way once it has left.
    pub latency: Duration,
    /// Bits per second, of which a byte is ten; without one, any number of bytes leave at once. A
    /// [pace](crate::Pace) of the ports themselves comes on top of this.
    pub rate: Option<NonZeroU32>,
    /// So many of a million bytes are lost, by chance. A million is all.
    pub loss_per_million: u32,
}

impl Link {
    /// The link with a latency.
    #[must_use]
    pub fn latency(self, latency: Duration) -> Self {
        Self { latency, ..self }
    }

    /// The link with a rate in bits per second; 0 is taken for 1.
    #[must_use]
    pub fn rate(self, rate: u32) -> Self {
        Self { rate: Some(NonZeroU32::new(rate).unwrap_or(NonZeroU32::MIN)), ..self }
    }

    /// The link which loses so many of a million bytes.
    #[must_use]
    pub fn loss_per_million(self, loss: u32) -> Self {
        Self { loss_per_million: loss, ..self }
    }
}

/// Why a text says of no link what it is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkError {
    /// A word is none of a link's.
    NotALinkWord,
    /// A time is none, or missing.
    NotATime,
    /// A number of bits per second is none, or missing.
    NotARate,
    /// A loss is none, or missing.
    NotALoss,
    /// Something was said before.
    Twice,
}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotALinkWord => "a link has a `latency`, a `rate` and a `loss`, and nothing else",
            Self::NotATime => "say how long a byte takes, such as `latency 2ms`",
            Self::NotARate => "say how many bits go over it in a second, such as `rate 115200`",
            Self::NotALoss => "say how many bytes are lost, such as `loss 0.5%` or `loss 5permille`",
            Self::Twice => "this was said of the link already: once is enough",
        })
    }
}

impl std::error::Error for LinkError {}

impl FromStr for Link {
    type Err = LinkError;

    fn from_str(text: &str) -> Result<Self, LinkError> {
        let (mut latency, mut rate, mut loss) = (None, None, None);
        let mut words = text.split_whitespace();
        while let Some(word) = words.next() {
            let value = words.next().unwrap_or_default();
            let twice = match word {
                "latency" => {
                    let Span(span) = value.parse().map_err(|_| LinkError::NotATime)?;
                    latency.replace(span).is_some()
                }
                "rate" => rate.replace(value.parse().map_err(|_| LinkError::NotARate)?).is_some(),
                "loss" => loss.replace(fault::rate(value).ok_or(LinkError::NotALoss)?).is_some(),
                _ => return Err(LinkError::NotALinkWord),
            };
            if twice {
                return Err(LinkError::Twice);
            }
        }
        let latency = latency.unwrap_or(Duration::ZERO);
        Ok(Self { latency, rate, loss_per_million: loss.unwrap_or(0) })
    }
}

/// What a link has carried in one direction.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Carried {
    /// Bytes that have arrived, or are on their way.
    pub bytes: u64,
    /// Bytes that the link has lost, or that came to a board which is off.
    pub lost: u64,
}

/// One direction of a link.
pub(super) struct Wire {
    pub(super) to: Port,
    link: Link,
    rng: Rng,
    /// When the last byte has left, in nanoseconds.
    free_ns: u64,
    pub(super) carried: Carried,
}

impl Wire {
    pub(super) fn new(to: Port, link: Link, rng: Rng) -> Self {
        Self { to, link, rng, free_ns: 0, carried: Carried::default() }
    }

    /// Bytes leave; `arrive` is told which come when.
    pub(super) fn send(&mut self, now: Instant, bytes: &[u8], mut arrive: impl FnMut(Instant, Vec<u8>)) {
        let Some(rate) = self.link.rate else {
            let kept: Vec<u8> = bytes.iter().copied().filter(|_| !self.loses()).collect();
            if !kept.is_empty() {
                arrive(now.saturating_add(self.link.latency), kept);
            }
            return;
        };
        let byte_ns = BITS * 1_000_000_000 / u64::from(rate.get());
        for byte in bytes {
            self.free_ns = self.free_ns.max(now.as_micros().saturating_mul(1000)).saturating_add(byte_ns);
            if !self.loses() {
                let left = Instant::from_micros(self.free_ns.div_ceil(1000));
                arrive(left.saturating_add(self.link.latency), vec![*byte]);
            }
        }
    }

    /// Counts a byte, and draws whether it is lost.
    fn loses(&mut self) -> bool {
        let loss = u64::from(self.link.loss_per_million);
        let lost = loss > 0 && self.rng.below(1_000_000) < loss;
        match lost {
            true => self.carried.lost += 1,
            false => self.carried.bytes += 1,
        }
        lost
    }
}
