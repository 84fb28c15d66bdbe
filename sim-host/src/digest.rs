//! A digest of a machine's life: two lives with the same digest are the same, on any host.

use std::{fmt, str::FromStr};

use sha2::{Digest as _, Sha256};

/// Bytes of a digest: half of a SHA-256, which is short enough for a line and long enough that no two lives share one.
const LEN: usize = 16;

/// Stands for all that a machine has done so far. Written as hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest([u8; LEN]);

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The text is no digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotADigest;

impl fmt::Display for NotADigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not a digest: it has {} hexadecimal digits", 2 * LEN)
    }
}

impl std::error::Error for NotADigest {}

impl FromStr for Digest {
    type Err = NotADigest;

    fn from_str(text: &str) -> Result<Self, NotADigest> {
        let digits = text.len() == 2 * LEN && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = digits.then(|| u128::from_str_radix(text, 16).ok()).flatten().ok_or(NotADigest)?;
        Ok(Self(number.to_be_bytes()))
    }
}

/// Sums up lines.
#[derive(Clone, Default)]
pub(crate) struct Digester {
    sum: Sha256,
}

impl Digester {
    pub(crate) fn add(&mut self, line: &str) {
        self.sum.update(line);
        self.sum.update("\n");
    }

    pub(crate) fn digest(&self) -> Digest {
        let mut digest = [0; LEN];
        for (byte, sum) in digest.iter_mut().zip(self.sum.clone().finalize()) {
            *byte = sum;
        }
        Digest(digest)
    }
}
