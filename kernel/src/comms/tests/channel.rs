//! The channel against a model of it: a queue of values, and two lines of who waits.

use core::{cell::Cell, future::Future, pin::Pin, task::Poll};
use std::{collections::VecDeque, rc::Rc};

use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop, prop_oneof};

use super::{
    super::{
        channel::{Receiver, SendError, Sender, channel},
        pipe::Closed,
    },
    Machine,
    wakes::Woken,
};

/// What is done to the channel. A `usize` picks one of those that there are, counted round and round.
#[derive(Debug, Clone, Copy)]
enum Step {
    TrySend,
    TryRecv,
    /// Somebody sends, and waits if it has to.
    Send,
    /// Somebody receives, and waits if it has to.
    Recv,
    /// One of those who wait gives up.
    GiveUp(usize),
    /// One of those who wait is polled, woken or not.
    Poll(usize),
    /// The first that was woken is polled.
    PollWoken,
    MoreSenders,
    MoreReceivers,
    FewerSenders,
    FewerReceivers,
}

/// A value that counts how often one was dropped.
#[derive(Debug)]
struct Value {
    number: u32,
    dropped: Rc<Cell<u32>>,
}

impl Drop for Value {
    fn drop(&mut self) {
        self.dropped.set(self.dropped.get() + 1);
    }
}

/// What came of waiting.
enum End {
    Sent(Result<(), SendError<Value>>),
    Received(Result<Value, Closed>),
}

/// Somebody who waits, as an end of the channel of its own.
struct Waiting {
    number: usize,
    /// The value that it sends; nothing if it receives.
    value: Option<u32>,
    future: Pin<Box<dyn Future<Output = End>>>,
}

struct Model {
    capacity: usize,
    queue: VecDeque<u32>,
    /// Who waits, in the order of coming.
    waiting: Vec<Waiting>,
    senders: Vec<Sender<Value>>,
    receivers: Vec<Receiver<Value>>,
    woken: Woken,
    dropped: Rc<Cell<u32>>,
    values: u32,
    comers: usize,
    /// Whoever is woken is polled before anything else happens.
    prompt: bool,
}

impl Model {
    fn value(&mut self) -> Value {
        self.values += 1;
        Value { number: self.values, dropped: self.dropped.clone() }
    }

    fn waiting_senders(&self) -> usize {
        self.waiting.iter().filter(|waiting| waiting.value.is_some()).count()
    }

    fn waiting_receivers(&self) -> usize {
        self.waiting.len() - self.waiting_senders()
    }

    fn has_receivers(&self) -> bool {
        !self.receivers.is_empty() || self.waiting_receivers() > 0
    }

    fn has_senders(&self) -> bool {
        !self.senders.is_empty() || self.waiting_senders() > 0
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::TrySend => self.try_send(),
            Step::TryRecv => self.try_recv(),
            Step::Send => self.send(),
            Step::Recv => self.recv(),
            Step::GiveUp(pick) => {
                if let Some(at) = pick.checked_rem(self.waiting.len()) {
                    self.give_up(at);
                }
            }
            Step::Poll(pick) => {
                if let Some(at) = pick.checked_rem(self.waiting.len()) {
                    self.poll(at);
                }
            }
            Step::PollWoken => self.poll_woken(),
            Step::MoreSenders => self.senders.extend(self.senders.first().cloned()),
            Step::MoreReceivers => self.receivers.extend(self.receivers.first().cloned()),
            Step::FewerSenders => drop(self.senders.pop()),
            Step::FewerReceivers => drop(self.receivers.pop()),
        }
        self.after();
        while self.prompt && self.woken.first().is_some() {
            self.poll_woken();
            self.after();
        }
    }

    fn try_send(&mut self) {
        let value = self.value();
        let number = value.number;
        let Some(sender) = self.senders.first() else { return };
        let room = self.queue.len() < self.capacity && self.waiting_senders() == 0;
        match sender.try_send(value) {
            Ok(()) => {
                assert!(self.has_receivers() && room);
                self.queue.push_back(number);
            }
            Err(SendError::Full(back)) => assert!(self.has_receivers() && !room && back.number == number),
            Err(SendError::Closed(back)) => assert!(!self.has_receivers() && back.number == number),
        }
    }

    fn try_recv(&mut self) {
        let Some(receiver) = self.receivers.first() else { return };
        match receiver.try_recv() {
            Ok(value) => {
                assert_eq!(value.as_ref().map(|value| value.number), self.queue.pop_front());
                assert!(value.is_some() || self.has_senders());
            }
            Err(Closed) => assert!(self.queue.is_empty() && !self.has_senders()),
        }
    }

    fn send(&mut self) {
        let value = self.value();
        let Some(sender) = self.senders.first().cloned() else { return };
        let (number, at_once) = (value.number, self.waiting_senders() == 0);
        let room = self.queue.len() < self.capacity || !self.has_receivers();
        let future = Box::pin(async move { End::Sent(sender.send(value).await) });
        self.begin(Some(number), future, at_once && room);
    }

    fn recv(&mut self) {
        let Some(receiver) = self.receivers.first().cloned() else { return };
        let at_once = self.waiting_receivers() == 0;
        let something = !self.queue.is_empty() || !self.has_senders();
        let future = Box::pin(async move { End::Received(receiver.recv().await) });
        self.begin(None, future, at_once && something);
    }

    /// Somebody comes; it need not wait if nobody else does, and it finds what it wants.
    fn begin(&mut self, value: Option<u32>, future: Pin<Box<dyn Future<Output = End>>>, at_once: bool) {
        self.comers += 1;
        let number = self.comers;
        self.waiting.push(Waiting { number, value, future });
        let ended = self.poll(self.waiting.len() - 1);
        assert_eq!(ended, at_once, "somebody waits in vain, or has overtaken others");
    }

    fn give_up(&mut self, at: usize) {
        let Waiting { number, future, .. } = self.waiting.remove(at);
        self.woken.forget(number);
        drop(future);
    }

    fn poll_woken(&mut self) {
        let Some(number) = self.woken.first() else { return };
        let at = self.waiting.iter().position(|waiting| waiting.number == number);
        self.poll(at.expect("who is gone is not woken"));
    }

    /// Polls one of those who wait, and says whether it is done.
    fn poll(&mut self, at: usize) -> bool {
        let Waiting { number, value, future } = &mut self.waiting[at];
        let (number, value) = (*number, *value);
        let Poll::Ready(end) = self.woken.poll(number, future.as_mut()) else { return false };
        let has_receivers = self.has_receivers();
        let has_senders = self.has_senders();
        self.waiting.remove(at);
        if self.prompt {
            let earlier = self.waiting.iter().take(at).find(|other| other.value.is_some() == value.is_some());
            assert!(earlier.is_none(), "it has overtaken somebody");
        }
        match end {
            End::Sent(Ok(())) => {
                assert!(self.queue.len() < self.capacity && has_receivers);
                self.queue.push_back(value.expect("it sends"));
            }
            End::Sent(Err(SendError::Closed(back))) => assert!(!has_receivers && value == Some(back.number)),
            End::Sent(Err(SendError::Full(_))) => panic!("it waits for room"),
            End::Received(Ok(received)) => assert_eq!(Some(received.number), self.queue.pop_front()),
            End::Received(Err(Closed)) => assert!(self.queue.is_empty() && !has_senders),
        }
        true
    }

    /// What holds after each step.
    fn after(&mut self) {
        if !self.has_receivers() {
            self.queue.clear();
        }
        // Every value is in the channel, with who waits to send it, or has been dropped.
        let alive = self.queue.len() + self.waiting_senders();
        assert_eq!(self.values as usize, self.dropped.get() as usize + alive);
        // No wake-up is lost: who could go on has been told, or stands behind somebody who has.
        let told = |sends: bool| {
            let mut line = self.waiting.iter().filter(|waiting| waiting.value.is_some() == sends).peekable();
            line.peek().is_none() || line.any(|waiting| self.woken.contains(waiting.number))
        };
        let something = !self.queue.is_empty() || !self.has_senders();
        assert!(!something || told(false), "a receiver sleeps");
        let room = self.queue.len() < self.capacity || !self.has_receivers();
        assert!(!room || told(true), "a sender sleeps");
    }
}

fn run(capacity: usize, prompt: bool, steps: &[Step]) {
    let machine = Machine::new();
    let kernel = machine.kernel.handle();
    let before = kernel.heap().stats().used;
    let (sender, receiver) = channel::<Value>(kernel.heap(), capacity).expect("made");
    let mut model = Model {
        capacity,
        queue: VecDeque::new(),
        waiting: Vec::new(),
        senders: vec![sender],
        receivers: vec![receiver],
        woken: Woken::default(),
        dropped: Rc::default(),
        values: 0,
        comers: 0,
        prompt,
    };
    for &step in steps {
        model.step(step);
    }
    let Model { values, dropped, .. } = &model;
    let (values, dropped) = (*values, dropped.clone());
    drop(model);
    assert_eq!(dropped.get(), values, "a value was lost or doubled");
    assert_eq!(kernel.heap().stats().used, before, "something is left behind");
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => Just(Step::TrySend),
        3 => Just(Step::TryRecv),
        6 => Just(Step::Send),
        6 => Just(Step::Recv),
        3 => any::<usize>().prop_map(Step::GiveUp),
        1 => any::<usize>().prop_map(Step::Poll),
        6 => Just(Step::PollWoken),
        1 => Just(Step::MoreSenders),
        1 => Just(Step::MoreReceivers),
        1 => Just(Step::FewerSenders),
        1 => Just(Step::FewerReceivers),
    ]
}

proptest::proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 3 } else { 500 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_history_agrees_with_the_model(
        capacity in 1..5_usize,
        prompt in any::<bool>(),
        steps in prop::collection::vec(step(), 0..if cfg!(miri) { 40 } else { 120 }),
    ) {
        run(capacity, prompt, &steps);
    }
}
