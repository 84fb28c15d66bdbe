//! A controller whose bus the test moves, byte by byte, with one target on it.

use std::{
    collections::VecDeque,
    format,
    string::String,
    sync::{Arc, Mutex},
    vec::Vec,
};

use crate::services::i2c::device::{Controller, Fault, Lines, Progress, Transfer};

/// The address of the target.
pub(super) const TARGET: u8 = 0x20;

/// Entries of either FIFO.
const FIFO: usize = 4;

/// What the target does not acknowledge, or what else happens to the next transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The address before what is written.
    Address,
    /// The byte after so many.
    Data(u8),
    /// The address before what is read.
    AddressForReading,
    /// Another controller is faster.
    Arbitration,
}

#[derive(Clone, Default)]
pub(super) struct Fake(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// What went over the bus, as it is drawn in data sheets: S start, P stop, a byte, and what was read in brackets.
    wire: String,
    trouble: Option<Trouble>,
    /// Somebody holds the clock low.
    clock_held: bool,
    /// A target holds the data low, until so many pulses of the clock.
    data_held: u32,
    /// A target is in the midst of sending this byte, at this bit of it, counted from the first one.
    sending: Option<(u8, u32)>,
    /// The lines, driven by hand.
    by_hand: Option<Lines>,
    running: Option<Running>,
    interrupt_on: bool,
}

struct Running {
    address: u8,
    /// `None` is a byte to be read.
    commands: VecDeque<Option<u8>>,
    received: VecDeque<u8>,
    reading: bool,
    begun: bool,
    written: u8,
    left: usize,
    next: u8,
    over: Option<Result<(), Fault>>,
}

impl Fake {
    fn with<R>(&self, with: impl FnOnce(&mut State) -> R) -> R {
        with(&mut self.0.lock().expect("no test panics with the state in hand"))
    }

    pub(super) fn trouble(&self, trouble: Trouble) {
        self.with(|state| state.trouble = Some(trouble));
    }

    pub(super) fn hold_clock(&self, held: bool) {
        self.with(|state| state.clock_held = held);
    }

    pub(super) fn hold_data(&self, pulses: u32) {
        self.with(|state| state.data_held = pulses);
    }

    /// A target is left in the midst of sending a byte, at a bit of it, counted from 0.
    pub(super) fn leave_sending(&self, byte: u8, bit: u32) {
        self.with(|state| state.sending = Some((byte, bit)));
    }

    pub(super) fn is_running(&self) -> bool {
        self.with(|state| state.running.as_ref().is_some_and(|running| running.over.is_none()))
    }

    /// Takes what went over the bus.
    pub(super) fn wire(&self) -> String {
        self.with(|state| core::mem::take(&mut state.wire).trim().into())
    }

    /// The interrupt is pending.
    pub(super) fn is_pending(&self) -> bool {
        self.with(|state| {
            let more = |running: &Running| {
                running.over.is_some() || running.commands.is_empty() || running.received.len() == FIFO
            };
            state.interrupt_on && state.running.as_ref().is_some_and(more)
        })
    }

    /// The bus carries one byte; `false` if it cannot.
    pub(super) fn step(&self) -> bool {
        self.with(|state| {
            let State { wire, trouble, running: Some(running), .. } = state else { return false };
            if state.clock_held || state.data_held > 0 || state.sending.is_some() || running.over.is_some() {
                return false;
            }
            let Some(command) = running.commands.front().copied() else { return false };
            if running.received.len() == FIFO {
                return false;
            }
            let reads = command.is_none();
            let fault = if !running.begun || (reads && !running.reading) {
                wire.push_str(&format!(" S {:02x}{}", running.address, if reads { 'R' } else { 'W' }));
                let refused = match trouble {
                    Some(Trouble::Address) => !running.begun,
                    Some(Trouble::AddressForReading) => reads,
                    Some(Trouble::Arbitration) => true,
                    _ => false,
                };
                (running.begun, running.reading) = (true, reads);
                match refused || running.address != TARGET {
                    true if *trouble == Some(Trouble::Arbitration) => Some(Fault::Arbitration),
                    true => Some(Fault::Address { written: running.written }),
                    false => return true,
                }
            } else {
                running.commands.pop_front();
                match command {
                    Some(byte) => wire.push_str(&format!(" {byte:02x}")),
                    None => {
                        running.next = running.next.wrapping_add(1);
                        wire.push_str(&format!(" [{:02x}]", running.next));
                        running.received.push_back(running.next);
                    }
                }
                running.left -= 1;
                let refused = *trouble == Some(Trouble::Data(running.written)) && !reads;
                running.written += u8::from(!reads && !refused);
                match refused {
                    true => Some(Fault::Data { written: running.written }),
                    false => None,
                }
            };
            if fault.is_some() || running.left == 0 {
                *trouble = None;
                wire.push_str(" P");
                running.over = Some(fault.map_or(Ok(()), Err));
            }
            true
        })
    }
}

impl State {
    fn lines(&self) -> Lines {
        let driven = self.by_hand.unwrap_or(Lines::FREE);
        let sent = self.sending.is_none_or(|(byte, bit)| bit >= 8 || byte << bit & 0x80 != 0);
        Lines { clock: driven.clock && !self.clock_held, data: driven.data && self.data_held == 0 && sent }
    }
}

impl Controller for Fake {
    fn hertz(&self) -> u32 {
        100_000
    }

    fn start(&self, transfer: &mut Transfer) {
        self.with(|state| {
            assert!(
                state.by_hand.is_none() && !state.interrupt_on,
                "the controller has its lines, and is silent"
            );
            state.running = Some(Running {
                address: transfer.address,
                commands: VecDeque::new(),
                received: VecDeque::new(),
                reading: false,
                begun: false,
                written: 0,
                left: transfer.write.len() + usize::from(transfer.read),
                next: 0xa0,
                over: None,
            });
        });
    }

    fn go_on(&self, transfer: &mut Transfer) -> Progress {
        self.with(|state| {
            let running = state.running.as_mut().expect("started");
            let writes: Vec<_> = transfer.write.iter().copied().map(Some).collect();
            let reads = core::iter::repeat_n(None, transfer.read.into());
            for command in writes.into_iter().chain(reads).skip(transfer.given.into()) {
                if running.commands.len() == FIFO {
                    break;
                }
                running.commands.push_back(command);
                transfer.given += 1;
            }
            while let Some(byte) = running.received.pop_front() {
                transfer.data.push(byte).expect("no more than was asked for");
            }
            match running.over {
                Some(Ok(())) => Progress::Done,
                Some(Err(fault)) => Progress::Failed(fault),
                None => {
                    state.interrupt_on = true;
                    Progress::Pending
                }
            }
        })
    }

    fn silence(&self) {
        self.with(|state| state.interrupt_on = false);
    }

    fn lines(&self) -> Lines {
        self.with(|state| state.lines())
    }

    fn drive(&self, lines: Option<Lines>) {
        self.with(|state| {
            let before = state.lines();
            state.running = None;
            state.interrupt_on = false;
            state.by_hand = lines;
            let now = state.lines();
            if !before.clock && now.clock {
                state.data_held = state.data_held.saturating_sub(1);
            }
            if before.clock && !now.clock {
                // Bits change while the clock is low; behind the last one is the acknowledgement, and nobody gives that.
                state.sending = state.sending.map(|(byte, bit)| (byte, bit + 1)).filter(|(_, bit)| *bit <= 8);
            }
            if before.clock && now.clock && !before.data && now.data {
                state.wire.push_str(" recovered");
                state.sending = None;
            }
        });
    }
}
