//! The wires, in time.
//!
//! A transaction is a row of phases, each of which ends at a time:
//!
//! ```text
//!   address to write ─▶ write ... ─▶ address to read ─▶ read ... ─▶ stop
//! ```
//!
//! Those that have no bytes are left out, and whatever is not acknowledged is followed by the stop.

use kernel::{
    services::i2c::device::{Fault, Lines, Progress, Transfer},
    time::{Duration, Instant},
};

use super::{HERTZ, Target};

/// How long a bit takes: a start, a stop, and each ninth of a byte.
const BIT: Duration = Duration::from_micros(1_000_000 / HERTZ as u64);

/// How long a byte takes, with its acknowledgement.
const BYTE: Duration = Duration::from_micros(9 * BIT.as_micros());

pub(super) struct Bus {
    targets: Vec<(u8, Box<dyn Target>)>,
    transaction: Option<Transaction>,
    /// The interrupt is on.
    interrupt: bool,
    /// Somebody holds the clock low.
    held: bool,
    /// The next byte for a target is not acknowledged.
    refuses: bool,
    /// The lines, driven by hand.
    by_hand: Option<Lines>,
    /// A target sends a byte that nobody wants any more: it holds the data low for so many pulses of the clock.
    data_held: u64,
    bytes: u64,
}

struct Transaction {
    transfer: Transfer,
    phase: Phase,
    /// Bytes of the phase that have been on the bus.
    done: usize,
    /// When what goes on now began, or went on; the time that it still takes from then.
    since: Instant,
    left: Duration,
}

/// What goes over the bus right now.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Address { reads: bool },
    Write,
    Read,
    Stop(Result<(), Fault>),
    Over(Result<(), Fault>),
}

impl Bus {
    pub(super) fn new(targets: Vec<(u8, Box<dyn Target>)>) -> Self {
        Self {
            targets,
            transaction: None,
            interrupt: false,
            held: false,
            refuses: false,
            by_hand: None,
            data_held: 0,
            bytes: 0,
        }
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The interrupt is pending.
    pub(super) fn is_pending(&self) -> bool {
        let over = |transaction: &Transaction| matches!(transaction.phase, Phase::Over(_));
        self.interrupt && self.transaction.as_ref().is_some_and(over)
    }

    pub(super) fn next_event(&self) -> Option<Instant> {
        let transaction = self.transaction.as_ref().filter(|_| self.lines() == Lines::FREE)?;
        match transaction.phase {
            Phase::Over(_) => None,
            _ => Some(transaction.since.saturating_add(transaction.left)),
        }
    }

    pub(super) fn acknowledges_at(&self, now: Instant) -> Option<u8> {
        let Transaction { phase, transfer, .. } = self.transaction.as_ref()?;
        let due = self.next_event()? <= now && matches!(phase, Phase::Address { .. } | Phase::Write);
        (due && self.target(transfer.address).is_some()).then_some(transfer.address)
    }

    /// The target at an address.
    pub(super) fn target(&self, address: u8) -> Option<&dyn Target> {
        self.targets.iter().find(|(there, _)| *there == address).map(|(_, target)| &**target)
    }

    /// The target at an address senses something.
    pub(super) fn sense(&mut self, address: u8, text: &[u8]) {
        if let Some((_, target)) = self.targets.iter_mut().find(|(there, _)| *there == address) {
            target.sense(text);
        }
    }

    pub(super) fn refuse_next(&mut self) {
        self.refuses = true;
    }

    pub(super) fn hold(&mut self, held: bool, now: Instant) {
        if self.held == held {
            return;
        }
        self.held = held;
        if let Some(transaction) = &mut self.transaction {
            if held {
                transaction.left = transaction.left.saturating_sub(now.since(transaction.since));
            }
            transaction.since = now;
        }
    }

    pub(super) fn reset(&mut self) {
        (self.transaction, self.by_hand) = (None, None);
        (self.interrupt, self.refuses, self.data_held) = (false, false, 0);
        self.targets.iter_mut().for_each(|(_, target)| target.power_up());
    }

    pub(super) fn start(&mut self, transfer: &Transfer, now: Instant) {
        self.interrupt = false;
        self.transaction = Some(Transaction {
            phase: Phase::Address { reads: transfer.write.is_empty() },
            transfer: transfer.clone(),
            done: 0,
            since: now,
            left: BIT.saturating_add(BYTE),
        });
    }

    pub(super) fn go_on(&mut self, transfer: &mut Transfer) -> Progress {
        let Some(transaction) = &self.transaction else { return Progress::Failed(Fault::Arbitration) };
        match transaction.phase {
            Phase::Over(Ok(())) => {
                transfer.data = transaction.transfer.data;
                Progress::Done
            }
            Phase::Over(Err(fault)) => Progress::Failed(fault),
            _ => {
                self.interrupt = true;
                Progress::Pending
            }
        }
    }

    pub(super) fn silence(&mut self) {
        self.interrupt = false;
    }

    pub(super) fn lines(&self) -> Lines {
        let driven = self.by_hand.unwrap_or(Lines::FREE);
        Lines { clock: driven.clock && !self.held, data: driven.data && self.data_held == 0 }
    }

    pub(super) fn drive(&mut self, lines: Option<Lines>, now: Instant) {
        if let Some(given_up) = self.transaction.take()
            && given_up.phase == Phase::Read
        {
            let left = given_up.since.saturating_add(given_up.left).since(now);
            self.data_held = left.as_micros().div_ceil(BIT.as_micros()).clamp(1, 9);
        }
        self.interrupt = false;
        let before = self.lines();
        self.by_hand = lines;
        let after = self.lines();
        if !before.clock && after.clock {
            self.data_held = self.data_held.saturating_sub(1);
        }
        if before.clock && after.clock && !before.data && after.data {
            self.targets.iter_mut().for_each(|(_, target)| target.end());
        }
    }

    /// Ends the phase or its byte, if that is at its end by now, and begins the next.
    pub(super) fn advance(&mut self, now: Instant) {
        if self.next_event().is_none_or(|at| at > now) {
            return;
        }
        let Self { targets, transaction: Some(transaction), refuses, bytes, .. } = self else { return };
        let Transaction { transfer, phase, done, since, left } = transaction;
        let mut target =
            targets.iter_mut().find(|(address, _)| *address == transfer.address).map(|(_, target)| target);
        let mut refused = || std::mem::take(refuses);
        let written = u8::try_from(*done).unwrap_or(u8::MAX);
        let (next, next_done) = match *phase {
            Phase::Address { reads } => {
                let taken = target.as_mut().is_some_and(|target| !refused() && target.begin(reads));
                match (taken, reads) {
                    (true, true) => (Phase::Read, 0),
                    (true, false) => (Phase::Write, 0),
                    (false, _) => (Phase::Stop(Err(Fault::Address { written })), 0),
                }
            }
            Phase::Write => {
                let byte = transfer.write.get(*done).copied().unwrap_or_default();
                match target.as_mut().is_some_and(|target| !refused() && target.write(byte)) {
                    false => (Phase::Stop(Err(Fault::Data { written })), 0),
                    true if *done + 1 < transfer.write.len() => (Phase::Write, *done + 1),
                    // What has been written is told, should the address not be acknowledged now.
                    true if transfer.read > 0 => (Phase::Address { reads: true }, *done + 1),
                    true => (Phase::Stop(Ok(())), 0),
                }
            }
            Phase::Read => {
                let byte = target.as_mut().map_or(0xff, |target| target.read());
                // There is room: no more is read than fits, or the driver would not have asked for it.
                let _ = transfer.data.push(byte);
                match *done + 1 < usize::from(transfer.read) {
                    true => (Phase::Read, *done + 1),
                    false => (Phase::Stop(Ok(())), 0),
                }
            }
            Phase::Stop(result) => {
                if let Some(target) = target {
                    target.end();
                }
                (Phase::Over(result), 0)
            }
            over @ Phase::Over(_) => (over, 0),
        };
        *bytes += u64::from(!matches!(phase, Phase::Stop(_)));
        // One after another without a pause, however late the machine looks.
        *since = since.saturating_add(*left);
        *left = match next {
            Phase::Address { .. } => BIT.saturating_add(BYTE),
            Phase::Write | Phase::Read => BYTE,
            Phase::Stop(_) => BIT,
            Phase::Over(_) => Duration::ZERO,
        };
        (*phase, *done) = (next, next_done);
    }
}
