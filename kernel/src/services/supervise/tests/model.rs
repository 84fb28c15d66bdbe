//! Supervision against a model of it, in virtual time: a driver that ends in every way, and orders at any time.

use core::{cell::RefCell, future::poll_fn, task::Poll};
use std::{panic::resume_unwind, task::Waker};

use proptest::prelude::{Just, ProptestConfig, Strategy, prop, prop_oneof};

use super::*;
use crate::event::{Cursor, Kind, Kinds};

/// What happens to the driver.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// It is told to end, and will when it is polled.
    Tell(End),
    /// Somebody aborts its task.
    Abort,
    Order(Order),
    /// The machine runs, and so many microseconds pass.
    Pass(u64),
    /// Its next starts fail at once, so many of them.
    FailAtStart(u32),
    /// There is no memory for its next start.
    RefuseStart,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Error,
    Panic,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Start,
    Kill,
    Restart,
}

/// What the driver of the test looks at.
#[derive(Default)]
struct Script {
    fail_at_start: Cell<u32>,
    told: Cell<Option<End>>,
    waker: RefCell<Option<Waker>>,
}

impl Script {
    async fn drive(self: Rc<Self>) -> Outcome {
        self.told.set(None);
        if let Some(left) = self.fail_at_start.get().checked_sub(1) {
            self.fail_at_start.set(left);
            return Err(Broken);
        }
        let end = poll_fn(|context| {
            *self.waker.borrow_mut() = Some(context.waker().clone());
            self.told.get().map_or(Poll::Pending, Poll::Ready)
        });
        match end.await {
            End::Error => Err(Broken),
            // Without a message on the terminal.
            End::Panic => resume_unwind(std::boxed::Box::new("told to")),
        }
    }

    fn tell(&self, end: End) {
        self.told.set(Some(end));
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Running,
    Waiting { until_us: u64 },
    Stopped,
    GivenUp,
}

/// What is left of an order: a restart is a start that ends what runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Start,
    Kill,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Error,
    Panicked,
    Aborted,
}

/// How the ending of a start begins for which there was no memory.
const NO_MEMORY: &str = "error: no memory for the task";

struct Model {
    policy: Policy,
    now_us: u64,
    state: State,
    wanted: Option<Wanted>,
    told: Option<End>,
    aborted: bool,
    fail_at_start: u32,
    refuse_start: bool,
    /// Starts in a row for which there was no memory.
    refused: u32,
    starts: u32,
    last_ending: &'static str,
    restarts_us: Vec<u64>,
    events: Vec<Event>,
    panics: usize,
}

impl Model {
    fn new(policy: Policy) -> Self {
        Self {
            policy,
            now_us: 0,
            state: State::Waiting { until_us: 0 },
            wanted: None,
            told: None,
            aborted: false,
            fail_at_start: 0,
            refuse_start: false,
            refused: 0,
            starts: 0,
            last_ending: "",
            restarts_us: Vec::new(),
            events: Vec::new(),
            panics: 0,
        }
    }

    fn rests(&self) -> bool {
        matches!(self.state, State::Stopped | State::GivenUp)
    }

    fn order(&mut self, order: Order) -> Result<(), Error> {
        match (order, self.wanted) {
            (Order::Start, Some(Wanted::Start)) => return Err(Error::AlreadyRunning),
            (Order::Start, None) if self.state == State::Running => return Err(Error::AlreadyRunning),
            (Order::Start, _) => self.wanted = Some(Wanted::Start),
            (Order::Kill, Some(Wanted::Kill)) => return Err(Error::NotRunning),
            (Order::Kill, None) if self.rests() => return Err(Error::NotRunning),
            (Order::Kill, Some(Wanted::Start)) if self.rests() => self.wanted = None,
            (Order::Kill, _) => self.end(Wanted::Kill),
            (Order::Restart, _) => self.end(Wanted::Start),
        }
        Ok(())
    }

    fn end(&mut self, wanted: Wanted) {
        self.wanted = Some(wanted);
        self.aborted |= self.state == State::Running;
    }

    /// All that happens without time passing.
    fn settle(&mut self) {
        match (self.state, self.wanted.take()) {
            (State::Running, wanted) => self.settle_running(wanted),
            (State::Waiting { .. }, Some(Wanted::Kill)) => self.state = State::Stopped,
            (State::Waiting { .. }, Some(Wanted::Start)) => self.start(self.starts > 0),
            (State::Waiting { until_us }, None) if until_us <= self.now_us => self.start(self.starts > 0),
            (State::Stopped | State::GivenUp, Some(Wanted::Start)) => {
                self.restarts_us.clear();
                self.refused = 0;
                self.start(false);
            }
            _ => {}
        }
    }

    fn settle_running(&mut self, wanted: Option<Wanted>) {
        let told = self.told.take();
        match (core::mem::take(&mut self.aborted), wanted, told) {
            (true, None, _) => self.ended(Ending::Aborted),
            (true, Some(wanted), _) => {
                self.last_ending = "killed";
                match wanted {
                    Wanted::Kill => self.state = State::Stopped,
                    Wanted::Start => self.start(true),
                }
            }
            (false, _, Some(End::Error)) => self.ended(Ending::Error),
            (false, _, Some(End::Panic)) => {
                self.panics += 1;
                self.ended(Ending::Panicked);
            }
            (false, _, None) => {}
        }
    }

    fn start(&mut self, again: bool) {
        if core::mem::take(&mut self.refuse_start) {
            return self.refused();
        }
        self.refused = 0;
        if again {
            self.events.push(Event::Restart { driver: "it", restarts: self.starts });
        }
        self.starts += 1;
        self.state = State::Running;
        self.told = None;
        if let Some(left) = self.fail_at_start.checked_sub(1) {
            self.fail_at_start = left;
            self.ended(Ending::Error);
        }
    }

    fn refused(&mut self) {
        self.last_ending = NO_MEMORY;
        if self.policy.restart == Restart::Never {
            self.state = State::Stopped;
            return;
        }
        let delay_us = self.delay_us(self.refused as usize).max(10_000);
        self.refused += 1;
        self.state = State::Waiting { until_us: self.now_us.saturating_add(delay_us) };
    }

    fn delay_us(&self, doublings: usize) -> u64 {
        let Backoff { first, cap } = self.policy.backoff;
        let doubled = (0..doublings).fold(first.as_micros(), |delay_us, _| delay_us.saturating_mul(2));
        doubled.min(cap.as_micros())
    }

    fn ended(&mut self, ending: Ending) {
        self.last_ending = match ending {
            Ending::Error => "error: broken",
            Ending::Panicked => "panicked",
            Ending::Aborted => "aborted",
        };
        let again = match self.policy.restart {
            Restart::Never => false,
            Restart::OnFailure => ending != Ending::Aborted,
            Restart::Always => true,
        };
        if !again {
            self.state = State::Stopped;
            return;
        }
        let limit = self.policy.limit;
        let (now_us, window_us) = (self.now_us, limit.window.as_micros());
        self.restarts_us.retain(|restart_us| now_us - restart_us < window_us);
        if self.restarts_us.len() == usize::from(limit.count) {
            self.events.push(Event::GiveUp { driver: "it" });
            self.state = State::GivenUp;
            return;
        }
        let delay_us = self.delay_us(self.restarts_us.len());
        self.restarts_us.push(now_us);
        self.state = State::Waiting { until_us: now_us.saturating_add(delay_us) };
        // Nobody waits for no time at all.
        self.settle();
    }

    fn pass(&mut self, us: u64) {
        self.settle();
        let end_us = self.now_us + us;
        while let State::Waiting { until_us } = self.state
            && until_us <= end_us
        {
            self.now_us = until_us;
            self.settle();
        }
        self.now_us = end_us;
    }
}

/// A machine with the driver, and how far its events were read.
struct Run {
    bench: Bench,
    script: Rc<Script>,
    cursor: Cursor,
    model: Model,
}

impl Run {
    fn new(policy: Policy) -> Self {
        let (bench, script) = (Bench::new(), Rc::<Script>::default());
        bench.kernel.events().listen(Kinds::NONE.with(Kind::Restart).with(Kind::GiveUp));
        let cursor = bench.kernel.events().last(0);
        let driver = script.clone();
        bench.supervisor.add("it", policy, move |_kernel| driver.clone().drive(), true).expect("added");
        Self { bench, script, cursor, model: Model::new(policy) }
    }

    fn step(&mut self, step: Step) {
        let running = matches!(self.bench.state(), DriverState::Running { .. });
        match step {
            Step::Tell(end) if running && self.model.state == State::Running => {
                self.script.tell(end);
                self.model.told = Some(end);
            }
            Step::Abort if running => {
                assert!(self.bench.kernel.abort(self.bench.task()) || self.model.aborted);
                self.model.aborted = true;
            }
            Step::Tell(_) | Step::Abort => {}
            Step::Order(order) => {
                let supervisor = &self.bench.supervisor;
                let said = match order {
                    Order::Start => supervisor.start("it"),
                    Order::Kill => supervisor.kill("it"),
                    Order::Restart => supervisor.restart("it"),
                };
                assert_eq!(said, self.model.order(order));
            }
            Step::Pass(us) => self.pass(us),
            Step::FailAtStart(times) => {
                self.script.fail_at_start.set(times);
                self.model.fail_at_start = times;
            }
            Step::RefuseStart => {
                // Nobody else allocates here.
                self.bench.kernel.heap().fail_after(0);
                self.model.refuse_start = true;
            }
        }
    }

    fn pass(&mut self, us: u64) {
        let panics = self.bench.settle_through_panics();
        self.bench.pass(Duration::from_micros(us));
        self.model.pass(us);
        assert_eq!(panics, core::mem::take(&mut self.model.panics));
        self.check();
    }

    fn check(&mut self) {
        let (row, model) = (self.bench.row(), &mut self.model);
        let state = match row.state {
            DriverState::Running { .. } => State::Running,
            DriverState::Waiting { until_us } => State::Waiting { until_us },
            DriverState::Stopped => State::Stopped,
            DriverState::GivenUp => State::GivenUp,
        };
        // How many bytes were wanted is not the model's.
        let ending = row.last_ending.as_str();
        let ending = if ending.starts_with(NO_MEMORY) { NO_MEMORY } else { ending };
        assert_eq!((state, row.starts, ending), (model.state, model.starts, model.last_ending));
        let events = core::iter::from_fn(|| self.bench.kernel.events().read(&mut self.cursor));
        let events: Vec<_> = events.map(|entry| entry.record.event).collect();
        assert_eq!(events, core::mem::take(&mut model.events));
        let waits = self.bench.machine.settle();
        match state {
            State::Waiting { until_us } => {
                assert_eq!(waits, Next::SleepUntil(Instant::from_micros(until_us)))
            }
            _ => assert_eq!(waits, Next::WaitForInterrupt),
        }
    }
}

fn policy() -> impl Strategy<Value = Policy> {
    let restart = prop_oneof![Just(Restart::Never), Just(Restart::OnFailure), Just(Restart::Always)];
    let us = || prop_oneof![Just(0_u64), 1..20_u64, 1..1_000_u64, Just(u64::MAX)];
    (restart, us(), us(), 0..5_u16, us()).prop_map(|(restart, first, cap, count, window)| Policy {
        restart,
        backoff: Backoff { first: Duration::from_micros(first), cap: Duration::from_micros(cap) },
        limit: Limit { count, window: Duration::from_micros(window) },
    })
}

fn step() -> impl Strategy<Value = Step> {
    let end = prop_oneof![3 => Just(End::Error), 1 => Just(End::Panic)];
    let order = prop_oneof![2 => Just(Order::Start), 1 => Just(Order::Kill), 1 => Just(Order::Restart)];
    prop_oneof![
        6 => end.prop_map(Step::Tell),
        1 => Just(Step::Abort),
        4 => order.prop_map(Step::Order),
        3 => Just(Step::Pass(0)),
        8 => prop_oneof![1..20_u64, 1..2_000_u64, 1..50_000_u64].prop_map(Step::Pass),
        1 => (0..8_u32).prop_map(Step::FailAtStart),
        1 => Just(Step::RefuseStart),
    ]
}

proptest::proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 2 } else { 400 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_history_agrees_with_the_model(
        policy in policy(),
        steps in prop::collection::vec(step(), 0..if cfg!(miri) { 20 } else { 80 }),
    ) {
        let mut run = Run::new(policy);
        for step in steps {
            run.step(step);
        }
        run.pass(0);
    }
}
