//! Random bytes.

use core::fmt;

use super::{Failure, Job, Outcome, listing::number};
use crate::services::entropy::{Entropy, Request, Response};

/// Bytes on a line.
const LINE: u8 = 32;

/// Bytes that are printed at most.
const MOST: u64 = 4096;

/// Bytes in hexadecimal.
struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

pub(super) async fn random(job: &mut Job<'_, '_>) -> Outcome {
    let mut left = number(job, "random", 16)?;
    job.done("random")?;
    if left > MOST {
        return Err(Failure::new(format_args!("`random` prints {MOST} bytes at most")));
    }
    let entropy = job.kernel.services().try_connect::<Entropy>((), 1).await?;
    while left > 0 {
        let count = u8::try_from(left).unwrap_or(LINE).min(LINE);
        let Response::Bytes(bytes) = entropy.call(Request::Bytes(count)).await?;
        job.out.line(format_args!("{}", Hex(bytes.as_slice()))).await?;
        left = left.saturating_sub(u64::from(count));
    }
    Ok(())
}
