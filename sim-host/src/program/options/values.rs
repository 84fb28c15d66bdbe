//! The values that options take, and what is wrong with those that are refused.

use std::{fmt, num::NonZeroU32, str::FromStr};

use kernel::{
    limits::LOG_TARGETS,
    log::{Level, TARGET_NAME},
};

/// Bytes of heap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Heap(pub(crate) usize);

/// How the machine's clock goes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Time {
    /// Like the host's.
    Real,
    /// It jumps to the next deadline when there is nothing to do.
    Virtual,
    /// So many times as fast as the host's.
    Scaled(f64),
}

/// What is at the other end of the serial port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Uart {
    /// This process's standard input and output.
    Stdio,
    /// A pseudo-terminal.
    Pty,
    /// A TCP port, on which this process listens: HOST:PORT.
    Tcp(String),
}

/// Who moves the machine's time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Lockstep {
    /// This process's standard input and output.
    Stdio,
    /// Whoever connects to a TCP port, on which this process listens: HOST:PORT.
    Tcp(String),
}

/// How fast the serial port is, in bits per second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Baud {
    /// As fast as the machine takes it.
    Unlimited,
    /// As fast as a real one.
    Limited(NonZeroU32),
}

/// Which log lines are printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Filter {
    /// The level of all targets that have none of their own.
    pub(crate) level: Level,
    /// Targets with levels of their own.
    pub(crate) targets: Vec<(String, Level)>,
}

/// Why a value is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ValueError {
    /// It is no size.
    NotASize,
    /// It is a size outside of what a machine can have.
    SizeOutOfRange,
    /// It is no way for time to pass.
    NotATime,
    /// It is a speed outside of what is useful.
    SpeedOutOfRange,
    /// It is no end of a serial port.
    NotAUart,
    /// It is nothing that a machine can be driven over.
    NotALockstep,
    /// It is no host and port.
    NotAnAddress,
    /// It is no bit rate.
    NotABaudRate,
    /// It is no log level, and no level of a target.
    NotALogFilter {
        /// The part of the filter that is wrong.
        part: String,
    },
    /// It names a target with more letters than a kernel remembers.
    LogTargetTooLong,
    /// It names more targets than a kernel remembers.
    TooManyLogTargets,
}

impl Heap {
    /// The smallest heap that is accepted; what a kernel needs to boot is more, and said by the kernel.
    pub(crate) const SMALLEST: usize = 1024;
    /// The largest: far above any board, and below what would hurt the host.
    pub(crate) const LARGEST: usize = 1 << 30;
}

impl FromStr for Heap {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let lower = text.to_ascii_lowercase();
        let word = lower.strip_suffix("ib").unwrap_or(&lower);
        let (number, unit) = match word.char_indices().next_back() {
            Some((at, 'k')) => (&word[..at], 1 << 10),
            Some((at, 'm')) => (&word[..at], 1 << 20),
            Some((at, 'g')) => (&word[..at], 1 << 30),
            _ if word.len() == lower.len() => (word, 1),
            _ => return Err(ValueError::NotASize),
        };
        if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(ValueError::NotASize);
        }
        // All digits: what does not parse is too large.
        let bytes = number.parse::<usize>().ok().and_then(|number| number.checked_mul(unit));
        bytes
            .filter(|bytes| (Self::SMALLEST..=Self::LARGEST).contains(bytes))
            .map(Self)
            .ok_or(ValueError::SizeOutOfRange)
    }
}

impl Time {
    const SLOWEST: f64 = 0.001;
    const FASTEST: f64 = 1_000_000.0;
}

impl FromStr for Time {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        match text {
            "real" => return Ok(Self::Real),
            "virtual" => return Ok(Self::Virtual),
            _ => {}
        }
        let number = text.strip_suffix(['x', 'X']).ok_or(ValueError::NotATime)?;
        let times: f64 = number.parse().map_err(|_| ValueError::NotATime)?;
        if (Self::SLOWEST..=Self::FASTEST).contains(&times) {
            Ok(Self::Scaled(times))
        } else if times.is_nan() {
            Err(ValueError::NotATime)
        } else {
            Err(ValueError::SpeedOutOfRange)
        }
    }
}

impl FromStr for Uart {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let address = match text {
            "stdio" => return Ok(Self::Stdio),
            "pty" => return Ok(Self::Pty),
            _ => text.strip_prefix("tcp:").ok_or(ValueError::NotAUart)?,
        };
        let (host, port) = match address.rsplit_once(':') {
            Some((host, port)) => (host, port),
            None => ("127.0.0.1", address),
        };
        // The host's name is looked up when it is used; a bare IPv6 address would swallow the port.
        let bare_v6 = host.contains(':') && !(host.starts_with('[') && host.ends_with(']'));
        if host.is_empty() || bare_v6 || port.parse::<u16>().is_err() {
            return Err(ValueError::NotAnAddress);
        }
        Ok(Self::Tcp(format!("{host}:{port}")))
    }
}

impl FromStr for Lockstep {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        match text.parse()? {
            Uart::Stdio => Ok(Self::Stdio),
            Uart::Tcp(address) => Ok(Self::Tcp(address)),
            Uart::Pty => Err(ValueError::NotALockstep),
        }
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.level)?;
        self.targets.iter().try_for_each(|(target, level)| write!(f, ",{target}={level}"))
    }
}

impl FromStr for Baud {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        if text == "unlimited" {
            return Ok(Self::Unlimited);
        }
        text.parse().map(Self::Limited).map_err(|_| ValueError::NotABaudRate)
    }
}

impl FromStr for Filter {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let mut filter = Self { level: Level::Warn, targets: Vec::new() };
        for part in text.split(',').map(str::trim) {
            let wrong = || ValueError::NotALogFilter { part: part.to_owned() };
            let level = |word: &str| word.trim().parse().map_err(|_| wrong());
            let Some((target, word)) = part.split_once('=') else {
                filter.level = level(part)?;
                continue;
            };
            let target = target.trim();
            if target.is_empty() {
                return Err(wrong());
            }
            if target.len() > TARGET_NAME {
                return Err(ValueError::LogTargetTooLong);
            }
            if filter.targets.len() == LOG_TARGETS {
                return Err(ValueError::TooManyLogTargets);
            }
            filter.targets.push((target.to_owned(), level(word)?));
        }
        Ok(filter)
    }
}

impl fmt::Display for ValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotASize => f.write_str("not a size: use bytes, or a number with K, M or G, such as 128K"),
            Self::SizeOutOfRange => f.write_str("a machine can have from 1K to 1G"),
            Self::NotATime => f.write_str("use `real`, `virtual`, or a factor such as `10x` or `0.5x`"),
            Self::SpeedOutOfRange => {
                f.write_str("time can go from 0.001x to 1000000x; `virtual` never waits")
            }
            Self::NotAUart => f.write_str("use `stdio`, `pty`, or `tcp:` and an address"),
            Self::NotALockstep => f.write_str("use `stdio`, or `tcp:` and an address"),
            Self::NotAnAddress => {
                f.write_str("use HOST:PORT, such as `tcp:127.0.0.1:4000`, or just a port, such as `tcp:4000`")
            }
            Self::NotABaudRate => f.write_str("use bits per second, such as 115200, or `unlimited`"),
            Self::NotALogFilter { part } => write!(
                f,
                "`{part}` is neither LEVEL nor TARGET=LEVEL, with off, error, warn, info, debug or trace as level"
            ),
            Self::LogTargetTooLong => write!(f, "a target has {TARGET_NAME} bytes at most"),
            Self::TooManyLogTargets => {
                write!(f, "{LOG_TARGETS} targets at most can have a level of their own")
            }
        }
    }
}

impl std::error::Error for ValueError {}
