//! The laws of GPIO, on a bank of pins that the test holds.

use std::{
    sync::{Arc, Mutex},
    vec::Vec,
};

use super::{
    Edge, Error, Gpio, Mode, Pin, Request, Response,
    device::{Pins, Taken},
    driver::{GpioError, Handler, PINS, WAITERS, set_up},
};
use crate::{
    Handle,
    heap::SteadyState,
    registry::{CallError, Client},
    services::supervise::{Kept, Policy, Supervisor},
    testing::Machine,
    time::Duration,
};

const COUNT: u8 = 4;

/// A bank of pins: levels, modes, and edges in the order in which they came.
#[derive(Clone, Default)]
struct Bank(Arc<Mutex<Model>>);

#[derive(Default)]
struct Model {
    count: u8,
    high: [bool; PINS],
    modes: [Option<Mode>; PINS],
    reserved: Option<u8>,
    listening: [(bool, bool); PINS],
    pending: Vec<Taken>,
}

impl Bank {
    fn new(count: u8) -> Self {
        Self(Arc::new(Mutex::new(Model { count, ..Model::default() })))
    }

    fn with<R>(&self, with: impl FnOnce(&mut Model) -> R) -> R {
        with(&mut self.0.lock().expect("no test panics with the model in hand"))
    }

    /// The world drives a pin; `true` if that raises an interrupt.
    fn drive(&self, pin: u8, high: bool) -> bool {
        self.with(|model| {
            let index = usize::from(pin);
            let edge = model.high[index] != high;
            model.high[index] = high;
            let (rising, falling) = model.listening[index];
            if edge && if high { rising } else { falling } {
                model.pending.push(Taken { pin, rising: high });
            }
            !model.pending.is_empty()
        })
    }

    fn listening(&self, pin: u8) -> (bool, bool) {
        self.with(|model| model.listening[usize::from(pin)])
    }
}

impl Pins for Bank {
    fn count(&self) -> u8 {
        self.with(|model| model.count)
    }

    fn is_reserved(&self, pin: u8) -> bool {
        self.with(|model| model.reserved == Some(pin))
    }

    fn mode(&self, pin: u8) -> Mode {
        self.with(|model| model.modes[usize::from(pin)].unwrap_or(Mode::Input))
    }

    fn set_mode(&self, pin: u8, mode: Mode) {
        self.with(|model| model.modes[usize::from(pin)] = Some(mode));
    }

    fn read(&self, pin: u8) -> bool {
        self.with(|model| model.high[usize::from(pin)])
    }

    fn write(&self, pin: u8, high: bool) {
        self.with(|model| model.high[usize::from(pin)] = high);
    }

    fn listen(&self, pin: u8, rising: bool, falling: bool) {
        self.with(|model| {
            model.listening[usize::from(pin)] = (rising, falling);
            let listened = |edge: &Taken| edge.pin != pin || if edge.rising { rising } else { falling };
            model.pending.retain(listened);
        });
    }

    fn take_edge(&self) -> Option<Taken> {
        self.with(|model| (!model.pending.is_empty()).then(|| model.pending.remove(0)))
    }
}

struct Bench {
    machine: Machine,
    kernel: Handle,
    bank: Bank,
    handler: Handler<Bank>,
    supervisor: Supervisor,
}

impl Bench {
    fn new() -> Self {
        let machine = Machine::new();
        let kernel = machine.kernel.handle();
        let bank = Bank::new(COUNT);
        let (driver, handler) = set_up(&kernel, bank.clone(), "gpio").expect("set up");
        let driver = Kept::new(&kernel, driver).expect("memory");
        let supervisor = Supervisor::new(&kernel, 1).expect("memory");
        let serve = move |kernel| {
            let driver = driver.lend();
            async move { driver.expect("lent to one at a time").serve(kernel, "gpio0").await }
        };
        supervisor.add("gpio", Policy::DEFAULT, serve, true).expect("added");
        machine.settle();
        Self { machine, kernel, bank, handler, supervisor }
    }

    fn connect(&self, depth: usize) -> Client<Gpio> {
        let kernel = self.kernel.clone();
        self.machine
            .ask(async move { kernel.services().try_connect::<Gpio>((), depth).await.expect("running") })
    }

    fn ask(&self, request: Request) -> Result<Response, CallError<Error>> {
        let client = self.connect(1);
        self.machine.ask(async move { client.call(request).await })
    }

    /// Starts to wait for an edge. What the client gets is in the join handle, later.
    fn wait(&self, pin: u8, edge: Edge) -> Waiting {
        let client = self.connect(1);
        let wait = async move { client.call(Request::Wait { pin, edge }).await };
        let waiting = self.kernel.try_spawn("waits", wait).expect("spawned");
        self.machine.settle();
        waiting
    }

    /// The world drives a pin at a time; the interrupt comes at once, the tasks run later.
    fn drive(&mut self, at_us: u64, pin: u8, high: bool) -> bool {
        self.machine.clock.set(at_us);
        let interrupt = self.bank.drive(pin, high);
        if interrupt {
            self.handler.interrupt();
        }
        interrupt
    }

    fn outcome(&self, waiting: Waiting) -> Result<Response, CallError<Error>> {
        self.machine.ask(async move { waiting.await.expect("not aborted") })
    }
}

type Waiting = crate::executor::JoinHandle<Result<Response, CallError<Error>>>;

const fn edge(at_us: u64, high: bool) -> Result<Response, CallError<Error>> {
    Ok(Response::Edge { at_us, high })
}

#[test]
fn pins_are_configured_written_and_read() {
    let bench = Bench::new();
    assert_eq!(bench.ask(Request::Read(1)), Ok(Response::Level(false)));
    let write = Request::Write { pin: 1, high: true };
    assert_eq!(bench.ask(write), Err(CallError::Service(Error::NotAnOutput)));
    assert_eq!(bench.ask(Request::Configure { pin: 1, mode: Mode::Output }), Ok(Response::Done));
    assert_eq!(bench.ask(write), Ok(Response::Done));
    assert_eq!(bench.ask(Request::Read(1)), Ok(Response::Level(true)));
    let row = Pin { pin: 1, mode: Mode::Output, high: true, edges: 0 };
    assert_eq!(bench.ask(Request::Pin(1)), Ok(Response::Pin(Some(row))));
}

#[test]
fn a_pin_that_does_not_exist_is_an_error_and_ends_the_list() {
    let bench = Bench::new();
    for pin in [COUNT, PINS as u8, u8::MAX] {
        assert_eq!(bench.ask(Request::Pin(pin)), Ok(Response::Pin(None)));
        for request in [
            Request::Read(pin),
            Request::Write { pin, high: true },
            Request::Configure { pin, mode: Mode::Output },
            Request::Wait { pin, edge: Edge::Both },
        ] {
            assert_eq!(bench.ask(request), Err(CallError::Service(Error::NoSuchPin)));
        }
    }
}

#[test]
fn a_pin_that_another_device_uses_is_read_but_not_changed() {
    let mut bench = Bench::new();
    bench.bank.with(|model| (model.reserved, model.modes[2]) = (Some(2), Some(Mode::Output)));
    for request in [Request::Write { pin: 2, high: true }, Request::Configure { pin: 2, mode: Mode::Input }] {
        assert_eq!(bench.ask(request), Err(CallError::Service(Error::Reserved)));
    }
    let row = Pin { pin: 2, mode: Mode::Output, high: false, edges: 0 };
    assert_eq!(bench.ask(Request::Pin(2)), Ok(Response::Pin(Some(row))));
    let waiting = bench.wait(2, Edge::Rising);
    assert!(bench.drive(100, 2, true));
    assert_eq!(bench.outcome(waiting), edge(100, true));
}

#[test]
fn every_waiter_gets_the_first_edge_of_its_kind_with_its_time() {
    let mut bench = Bench::new();
    let [rising, rising_too] = [bench.wait(2, Edge::Rising), bench.wait(2, Edge::Rising)];
    let [falling, both] = [bench.wait(2, Edge::Falling), bench.wait(2, Edge::Both)];
    let other = bench.wait(3, Edge::Both);
    // All before a task runs: up, down, and bouncing.
    assert!(bench.drive(100, 2, true));
    assert!(bench.drive(200, 2, false));
    assert!(!bench.drive(300, 2, true));
    assert!(!bench.drive(400, 2, false));
    assert_eq!(bench.outcome(rising), edge(100, true));
    assert_eq!(bench.outcome(rising_too), edge(100, true));
    assert_eq!(bench.outcome(falling), edge(200, false));
    assert_eq!(bench.outcome(both), edge(100, true));
    assert!(!other.is_finished());
    let Ok(Response::Pin(Some(row))) = bench.ask(Request::Pin(2)) else { panic!("a row") };
    assert_eq!(row.edges, 2);
}

#[test]
fn of_two_edges_before_the_task_runs_the_first_is_for_who_waits_for_any() {
    let mut bench = Bench::new();
    bench.bank.with(|model| model.high[0] = true);
    let any = bench.wait(0, Edge::Both);
    bench.drive(10, 0, false);
    bench.drive(20, 0, true);
    assert_eq!(bench.outcome(any), edge(10, false));
}

#[test]
fn an_edge_before_the_request_is_not_for_it() {
    let mut bench = Bench::new();
    let early = bench.wait(0, Edge::Rising);
    bench.drive(10, 0, true);
    // The request is sent when the edge has been noted, and taken in the same turn in which that is looked at.
    let client = bench.connect(1);
    let late = async move { client.call(Request::Wait { pin: 0, edge: Edge::Rising }).await };
    let late = bench.kernel.try_spawn("late", late).expect("spawned");
    bench.machine.settle();
    assert_eq!(bench.outcome(early), edge(10, true));
    assert!(!late.is_finished());
    bench.drive(20, 0, false);
    bench.drive(30, 0, true);
    assert_eq!(bench.outcome(late), edge(30, true));
}

#[test]
fn edges_are_listened_to_only_while_somebody_waits_for_them() {
    let mut bench = Bench::new();
    assert_eq!(bench.bank.listening(1), (false, false));
    assert!(!bench.drive(1, 1, true));
    let rising = bench.wait(1, Edge::Rising);
    assert_eq!(bench.bank.listening(1), (true, false));
    assert!(!bench.drive(2, 1, false));
    let falling = bench.wait(1, Edge::Falling);
    assert_eq!(bench.bank.listening(1), (true, true));
    bench.drive(3, 1, true);
    assert_eq!(bench.bank.listening(1), (false, true));
    assert_eq!(bench.outcome(rising), edge(3, true));
    assert_eq!(bench.bank.listening(1), (false, true));
    bench.drive(4, 1, false);
    assert_eq!(bench.outcome(falling), edge(4, false));
    assert_eq!(bench.bank.listening(1), (false, false));
}

#[test]
fn a_client_that_gives_up_frees_its_slot_its_place_and_the_interrupt() {
    let bench = Bench::new();
    let (client, kernel) = (bench.connect(1), bench.kernel.clone());
    let ask = async move {
        for _ in 0..if cfg!(miri) { 2 } else { 2 * WAITERS } {
            let wait = Request::Wait { pin: 0, edge: Edge::Both };
            assert_eq!(client.call_within(Duration::from_millis(1), wait).await, Err(CallError::Deadline));
            assert_eq!(client.call(Request::Read(0)).await, Ok(Response::Level(false)));
        }
        kernel.now()
    };
    let asking = bench.kernel.try_spawn("client", ask).expect("spawned");
    bench.machine.run();
    assert!(asking.is_finished());
    assert_eq!(bench.bank.listening(0), (false, false));
}

#[test]
fn one_waiter_too_many_is_told_so_and_harms_nobody() {
    let mut bench = Bench::new();
    let waiting: Vec<_> = (0..WAITERS).map(|_| bench.wait(0, Edge::Rising)).collect();
    let refused = bench.ask(Request::Wait { pin: 0, edge: Edge::Rising });
    assert_eq!(refused, Err(CallError::Service(Error::TooManyWaiters)));
    bench.drive(1, 0, true);
    for waiting in waiting {
        assert_eq!(bench.outcome(waiting), edge(1, true));
    }
}

#[test]
fn an_interrupt_for_nothing_does_no_harm() {
    let mut bench = Bench::new();
    let waiting = bench.wait(0, Edge::Both);
    for _ in 0..10 {
        bench.handler.interrupt();
    }
    bench.machine.settle();
    assert!(!waiting.is_finished());
}

#[test]
fn when_the_driver_ends_waiters_are_told_and_the_next_instance_serves() {
    let mut bench = Bench::new();
    let waiting = bench.wait(0, Edge::Rising);
    bench.supervisor.restart("gpio").expect("there is one");
    bench.machine.settle();
    let told = bench.outcome(waiting);
    assert!(matches!(told, Err(CallError::Unanswered | CallError::ServerGone)), "{told:?}");
    // An edge that the old instance had listened to is not for the new one's clients.
    assert_eq!(bench.bank.listening(0), (false, false));
    let waiting = bench.wait(0, Edge::Rising);
    bench.drive(5, 0, true);
    assert_eq!(bench.outcome(waiting), edge(5, true));
}

#[test]
fn waiting_allocates_nothing() {
    let mut bench = Bench::new();
    bench.kernel.heap().set_policy(SteadyState::Deny);
    let (client, kernel) = (bench.connect(1), bench.kernel.clone());
    let wait = async move {
        kernel.ready();
        for _ in 0..3 {
            let wait = Request::Wait { pin: 0, edge: Edge::Both };
            assert!(matches!(client.call(wait).await, Ok(Response::Edge { .. })));
        }
    };
    let waiting = bench.kernel.try_spawn("waits", wait).expect("spawned");
    bench.machine.settle();
    let before = bench.kernel.heap().stats().allocations;
    for n in 1..=3 {
        bench.drive(n, 0, n % 2 == 1);
        bench.machine.settle();
    }
    assert!(waiting.is_finished());
    assert_eq!(bench.kernel.heap().stats().allocations, before);
}

#[test]
fn a_device_with_too_many_pins_is_refused() {
    let machine = Machine::new();
    let kernel = machine.kernel.handle();
    let refused = set_up(&kernel, Bank::new(33), "gpio").map(|_| ());
    assert_eq!(refused, Err(GpioError::TooManyPins { count: 33 }));
    assert!(set_up(&kernel, Bank::new(32), "gpio").is_ok());
    assert!(set_up(&kernel, Bank::new(0), "gpio").is_ok());
}

#[test]
fn a_handler_that_outlives_its_kernel_does_no_harm() {
    let Bench { machine, kernel, bank, mut handler, supervisor } = Bench::new();
    drop((machine, kernel, supervisor));
    bank.listen(0, true, true);
    bank.drive(0, true);
    handler.interrupt();
}
