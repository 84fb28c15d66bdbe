//! Who lives the lives: threads of this process, or copies of it.

use std::{
    ops::Range,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration as HostDuration, Instant},
};

use kernel::time::Duration;

use super::ExploreError;
use crate::{branch::branch, mailbox::lock};

/// Seeds of the first round of a process; later rounds have more, until they take a while.
const FIRST_ROUND: u64 = 64;
/// How long a round should take at least. With a failure the round is the last.
const ROUND: HostDuration = HostDuration::from_millis(500);

/// How many cores there are to work on.
pub fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Workers {
    Threads(usize),
    Processes(usize),
}

/// What a number of lives came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Lived {
    pub(super) seeds: u64,
    pub(super) time: Duration,
    /// The lowest seed whose life failed.
    pub(super) failed: Option<u64>,
}

impl Lived {
    fn add(&mut self, other: Self) {
        self.seeds += other.seeds;
        self.time = self.time.saturating_add(other.time);
        self.failed = self.failed.into_iter().chain(other.failed).min();
    }

    fn to_bytes(self) -> Vec<u8> {
        [self.seeds, self.time.as_micros(), u64::from(self.failed.is_some()), self.failed.unwrap_or_default()]
            .map(u64::to_le_bytes)
            .concat()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (numbers, []) = bytes.as_chunks::<8>() else { return None };
        let &[seeds, time_us, has_failed, failed] = numbers else { return None };
        Some(Self {
            seeds: u64::from_le_bytes(seeds),
            time: Duration::from_micros(u64::from_le_bytes(time_us)),
            failed: (u64::from_le_bytes(has_failed) != 0).then_some(u64::from_le_bytes(failed)),
        })
    }
}

impl Workers {
    /// Lives every so-many-th of the seeds, up to the lowest that fails; `life` says how long one was, and whether it failed.
    ///
    /// # Errors
    ///
    /// When a process dies, or cannot be made.
    pub(super) fn live(
        self,
        seeds: Range<u64>,
        stride: u64,
        life: impl Fn(u64) -> (Duration, bool) + Sync,
    ) -> Result<Lived, ExploreError> {
        let stride = stride.max(1);
        let total = seeds.end.saturating_sub(seeds.start).div_ceil(stride);
        let life = |index: u64| {
            let seed = seeds.start + index * stride;
            let (time, failed) = life(seed);
            Lived { seeds: 1, time, failed: failed.then_some(seed) }
        };
        match self {
            Self::Threads(count) => Ok(in_threads(count, total, life)),
            Self::Processes(0 | 1) => Ok(in_threads(1, total, life)),
            Self::Processes(count) => in_processes(count, total, life),
        }
    }
}

fn in_threads(count: usize, total: u64, life: impl Fn(u64) -> Lived + Sync) -> Lived {
    let next = AtomicU64::new(0);
    // The lowest index that fails: those above need not be lived, all others have been begun.
    let lowest = AtomicU64::new(u64::MAX);
    let sum = Mutex::new(Lived::default());
    let work = || {
        let mut own = Lived::default();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= total || index > lowest.load(Ordering::Relaxed) {
                break;
            }
            let lived = life(index);
            if lived.failed.is_some() {
                lowest.fetch_min(index, Ordering::Relaxed);
            }
            own.add(lived);
        }
        lock(&sum).add(own);
    };
    thread::scope(|scope| {
        for _ in 1..count {
            scope.spawn(work);
        }
        work();
    });
    *lock(&sum)
}

/// In rounds: each process has its share of the round's seeds, and says what it came to when it is done with them.
fn in_processes(count: usize, total: u64, life: impl Fn(u64) -> Lived) -> Result<Lived, ExploreError> {
    let worker = |how: String| ExploreError::Worker(how);
    let mut sum = Lived::default();
    let (mut start, mut round) = (0, FIRST_ROUND * count as u64);
    while start < total && sum.failed.is_none() {
        let end = total.min(start.saturating_add(round));
        let began = Instant::now();
        let shares = branch(count, count, |share| {
            let mut own = Lived::default();
            for index in (start + share as u64..end).step_by(count) {
                own.add(life(index));
                if own.failed.is_some() {
                    break;
                }
            }
            own.to_bytes()
        });
        for share in shares.map_err(|error| worker(error.to_string()))? {
            sum.add(Lived::from_bytes(&share).ok_or_else(|| worker("a process said nothing".to_owned()))?);
        }
        if began.elapsed() < ROUND {
            round = round.saturating_mul(2);
        }
        start = end;
    }
    Ok(sum)
}
