//! A UART like the PL011 of many chips: FIFOs of 32 bytes both ways, one level-triggered interrupt, a line that takes its
//! time, and a far end that the host holds in its hands.
//!
//! ```text
//!   host: send ─▶ wire ─▶ [receive FIFO, 32] ─▶ kernel's handler
//!   host: output ◀─────── [transmit FIFO, 32] ◀─ kernel's handler
//! ```
//!
//! At a baud rate each byte takes ten bits on the wire, in the machine's time; a byte that arrives at a full FIFO is lost,
//! and the next one says so. Without pace the line is infinitely fast and has flow control: the wire waits while the FIFO
//! is full, and a machine takes one FIFO of it per step.

use std::{
    collections::VecDeque,
    fmt, mem,
    sync::{Arc, Mutex},
};

use kernel::{
    services::serial::device::{self, Received},
    time::{Duration, Instant},
};

use crate::{
    clock::SimClock,
    external::{External, Inbox},
    fault::ByteRule,
    interrupts::IrqLine,
    mailbox::lock,
    observed::Outbox,
};

/// Entries in either FIFO.
pub const FIFO: usize = 32;

/// What ends the input on a serial line: Ctrl-D.
pub const END_OF_INPUT: u8 = 4;

/// Bits on the wire for a byte: start, eight of data, stop.
const BITS: u64 = 10;

/// Bytes of output kept for a host that does not take them; older ones are forgotten.
pub const OUTPUT_KEPT: usize = 16 * 1024 * 1024;

/// How fast a line is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Pace {
    /// As fast as the machine takes and gives bytes; none is lost on the line.
    #[default]
    Unlimited,
    /// So many bits per second; 0 is taken for 1.
    Baud(u32),
}

/// What comes over the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// A byte.
    Byte(u8),
    /// A byte without its stop bit, or with the wrong parity.
    Garbled,
    /// The line held low for longer than a byte.
    Break,
    /// A byte, before which the chip lost others.
    AfterOverrun(u8),
}

/// A UART and its line. Clones are the same device; the host's side may be used on any thread.
#[derive(Clone)]
pub struct Uart {
    model: Arc<Mutex<Model>>,
    hook: Arc<Mutex<Option<Hook>>>,
    number: usize,
    irq: IrqLine,
    inbox: Inbox,
    clock: SimClock,
}

/// Takes output as it comes.
type Hook = Box<dyn FnMut(&[u8]) + Send>;

struct Model {
    /// How long a byte takes on the wire; `None` without pace.
    byte_ns: Option<u64>,
    wire: VecDeque<Signal>,
    /// When the first signal on the wire has arrived.
    arrival_ns: u64,
    received: VecDeque<Received>,
    /// Bytes were lost since the last one in the FIFO.
    overrun: bool,
    /// The machine asked the far end to hold its bytes back.
    held: bool,
    sending: VecDeque<u8>,
    /// The byte on the wire, and when it will have left.
    shifting: Option<(u8, u64)>,
    transmit_interrupt: bool,
    output: Vec<u8>,
    /// What a faulty line brings to the far end later, and when.
    late: VecDeque<(Instant, u8)>,
    /// What is wrong with the line from the machine.
    faults: Vec<ByteRule>,
    /// Time before the last boot.
    lived: Duration,
    number: usize,
    outbox: Outbox,
}

impl Uart {
    pub(crate) fn new(
        number: usize,
        pace: Pace,
        irq: IrqLine,
        inbox: Inbox,
        outbox: Outbox,
        clock: SimClock,
    ) -> Self {
        let byte_ns = match pace {
            Pace::Unlimited => None,
            Pace::Baud(baud) => Some(BITS * 1_000_000_000 / u64::from(baud.max(1))),
        };
        let model = Model {
            byte_ns,
            wire: VecDeque::new(),
            arrival_ns: 0,
            received: VecDeque::with_capacity(FIFO),
            overrun: false,
            held: false,
            sending: VecDeque::with_capacity(FIFO),
            shifting: None,
            transmit_interrupt: false,
            output: Vec::new(),
            late: VecDeque::new(),
            faults: Vec::new(),
            lived: Duration::ZERO,
            number,
            outbox,
        };
        Self { model: Arc::new(Mutex::new(model)), hook: Arc::default(), number, irq, inbox, clock }
    }

    /// Sends bytes to the machine, from its next step on.
    pub fn send(&self, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.inbox.post(External::Bytes { uart: self.number, bytes: bytes.to_vec() });
        }
    }

    /// Sends bytes, and whatever else a line carries, from the machine's next step on.
    pub fn signal(&self, signals: impl IntoIterator<Item = Signal>) {
        let uart = self.number;
        for signal in signals {
            self.inbox.post(match signal {
                Signal::Byte(byte) => External::Bytes { uart, bytes: vec![byte] },
                Signal::Garbled => External::Garbled { uart },
                Signal::Break => External::Break { uart },
                Signal::AfterOverrun(byte) => External::Overrun { uart, byte },
            });
        }
    }

    /// Says that there is nothing more to be sent: Ctrl-D.
    pub fn end_input(&self) {
        self.inbox.post(External::EndOfInput { uart: self.number });
    }

    /// Signals are on the wire from now on.
    pub(crate) fn arrive(&self, signals: impl IntoIterator<Item = Signal>) {
        let now_ns = nanoseconds(self.clock.now());
        let mut model = lock(&self.model);
        if model.wire.is_empty() {
            model.arrival_ns = now_ns.saturating_add(model.byte_ns.unwrap_or(0)).max(model.arrival_ns);
        }
        model.wire.extend(signals);
    }

    /// Signals that the machine has not taken from the wire yet.
    pub fn on_wire(&self) -> usize {
        self.inbox.signals_to(self.number) + lock(&self.model).wire.len()
    }

    /// What the machine has sent since the output was taken last.
    pub fn output(&self) -> Vec<u8> {
        self.arrived().output.clone()
    }

    /// Takes what the machine has sent.
    pub fn take_output(&self) -> Vec<u8> {
        mem::take(&mut self.arrived().output)
    }

    /// The model, when what a faulty line has held up is where it belongs.
    fn arrived(&self) -> std::sync::MutexGuard<'_, Model> {
        let mut model = lock(&self.model);
        let now = self.clock.now();
        while let Some((_, byte)) = model.late.pop_front_if(|(at, _)| *at <= now) {
            model.keep(byte);
        }
        model
    }

    /// Takes what the machine has sent as text; what is no UTF-8 is replaced.
    pub fn take_text(&self) -> String {
        String::from_utf8_lossy(&self.take_output()).into_owned()
    }

    /// Hands output to `hook` from now on, after each step that has some, instead of keeping it.
    pub fn on_output(&self, hook: impl FnMut(&[u8]) + Send + 'static) {
        *lock(&self.hook) = Some(Box::new(hook));
    }

    /// The device's interrupt line.
    pub fn irq(&self) -> &IrqLine {
        &self.irq
    }

    /// When the device has something to do by itself.
    pub(crate) fn next_event(&self) -> Option<Instant> {
        let model = lock(&self.model);
        let arrival = (!model.wire.is_empty() && model.can_receive()).then_some(model.arrival_ns);
        let departure = model.shifting.map(|(_, done_ns)| done_ns);
        // A time between two microseconds is over with the later one.
        let at_us = |ns: u64| Instant::from_micros(ns.div_ceil(1000));
        arrival.into_iter().chain(departure).min().map(at_us)
    }

    /// Moves what has arrived into the FIFO, and what has left out of it.
    pub(crate) fn advance(&self) {
        let now_ns = nanoseconds(self.clock.now());
        let mut model = lock(&self.model);
        model.receive_until(now_ns);
        model.transmit_until(now_ns);
        self.update(&model);
    }

    /// When a faulty line brings something to the far end.
    pub(crate) fn next_late_output(&self) -> Option<Instant> {
        self.arrived().late.front().map(|(at, _)| *at)
    }

    /// Lets bytes from the machine go through a rule, after those that there are.
    pub(crate) fn add_fault(&self, rule: ByteRule) {
        lock(&self.model).faults.push(rule);
    }

    /// Gives new output to the hook.
    pub(crate) fn flush_output(&self) {
        let mut hook = lock(&self.hook);
        let Some(hook) = hook.as_mut() else { return };
        let output = self.take_output();
        if !output.is_empty() {
            hook(&output);
        }
    }

    /// Powers the device up anew. What is on the wire towards it, and what it sent, is the far end's.
    pub(crate) fn reset(&self, lived: Duration) {
        let mut model = lock(&self.model);
        let passed = lived.saturating_sub(model.lived);
        let earlier =
            |at: Instant| Instant::BOOT.saturating_add(at.since(Instant::BOOT).saturating_sub(passed));
        model.late.iter_mut().for_each(|(at, _)| *at = earlier(*at));
        model.lived = lived;
        model.received.clear();
        model.sending.clear();
        model.shifting = None;
        model.overrun = false;
        model.held = false;
        model.transmit_interrupt = false;
        model.arrival_ns = model.byte_ns.unwrap_or(0);
        self.update(&model);
    }

    fn update(&self, model: &Model) {
        let receive = !model.received.is_empty() && !model.held;
        let transmit = model.transmit_interrupt && model.sending.len() < FIFO;
        self.irq.assert_level(receive || transmit);
    }
}

impl Model {
    /// The wire moves: at a pace it always does; without, the far end waits for room.
    fn can_receive(&self) -> bool {
        !self.held && (self.byte_ns.is_some() || self.received.len() < FIFO)
    }

    fn receive_until(&mut self, now_ns: u64) {
        while self.can_receive() && self.arrival_ns <= now_ns {
            let Some(signal) = self.wire.pop_front() else { return };
            self.arrival_ns = self.arrival_ns.saturating_add(self.byte_ns.unwrap_or(0));
            let received = match signal {
                Signal::Byte(byte) if self.overrun => Received::AfterOverrun(byte),
                Signal::Byte(byte) => Received::Byte(byte),
                Signal::AfterOverrun(byte) => Received::AfterOverrun(byte),
                Signal::Garbled => Received::Garbled,
                Signal::Break => Received::Break,
            };
            if self.received.len() == FIFO {
                self.overrun = true;
                continue;
            }
            self.overrun &= !matches!(received, Received::AfterOverrun(_));
            self.received.push_back(received);
        }
    }

    fn transmit_until(&mut self, now_ns: u64) {
        while let Some((byte, done_ns)) = self.shifting.filter(|(_, done_ns)| *done_ns <= now_ns) {
            self.emit(byte, Instant::from_micros(now_ns / 1000));
            let byte_ns = self.byte_ns.unwrap_or(0);
            self.shifting = self.sending.pop_front().map(|next| (next, done_ns.saturating_add(byte_ns)));
        }
    }

    /// A byte has left the machine, for a line that may be faulty.
    fn emit(&mut self, byte: u8, now: Instant) {
        self.outbox.byte(self.number, byte);
        if self.faults.is_empty() {
            return self.keep(byte);
        }
        let lived = self.lived.saturating_add(now.since(Instant::BOOT));
        for (late, signal) in ByteRule::pass(&mut self.faults, lived, byte) {
            // Rules for this direction make no other signals.
            let Signal::Byte(byte) = signal else { continue };
            if late.is_zero() {
                self.keep(byte);
                continue;
            }
            let at = now.saturating_add(late);
            let place = self.late.partition_point(|(other, _)| *other <= at);
            self.late.insert(place, (at, byte));
        }
    }

    /// A byte has arrived at the far end.
    fn keep(&mut self, byte: u8) {
        if self.output.len() == OUTPUT_KEPT {
            self.output.drain(..OUTPUT_KEPT / 2);
        }
        self.output.push(byte);
    }
}

impl device::Uart for Uart {
    fn receive(&self) -> Option<Received> {
        let mut model = lock(&self.model);
        let received = model.received.pop_front();
        self.update(&model);
        received
    }

    fn transmit(&self, byte: u8) -> bool {
        let mut model = lock(&self.model);
        let Some(byte_ns) = model.byte_ns else {
            model.emit(byte, self.clock.now());
            return true;
        };
        if model.sending.len() == FIFO {
            return false;
        }
        match model.shifting {
            Some(_) => model.sending.push_back(byte),
            None => model.shifting = Some((byte, nanoseconds(self.clock.now()).saturating_add(byte_ns))),
        }
        self.update(&model);
        true
    }

    fn set_transmit_interrupt(&self, on: bool) {
        let mut model = lock(&self.model);
        model.transmit_interrupt = on;
        self.update(&model);
    }

    fn is_transmitting(&self) -> bool {
        lock(&self.model).shifting.is_some()
    }

    fn hold_back(&self, hold: bool) -> bool {
        let mut model = lock(&self.model);
        // At a pace the line is bare: two wires, no handshake.
        if model.byte_ns.is_some() {
            return false;
        }
        model.held = hold;
        self.update(&model);
        true
    }
}

impl fmt::Debug for Uart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Uart").field("irq", &self.irq.name()).finish_non_exhaustive()
    }
}

fn nanoseconds(instant: Instant) -> u64 {
    instant.as_micros().saturating_mul(1000)
}
