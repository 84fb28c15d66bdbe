//! What the same operation costs among ten others, and among a hundred thousand.

use std::{convert::Infallible, future::pending, hint::black_box};

use kernel::{
    Handle,
    limits::Settings,
    registry::{Server, Service, Uuid, Version},
};

use super::{
    executor,
    registry::{self, Successor},
    timers,
};
use crate::machine::Machine;

/// Bytes for each other task or connection, and for the rest of the machine.
const OF_EACH: u64 = 1024;
const MEMORY: u64 = 8 * 1024 * 1024;

/// A case whose cost may depend on how many there are already.
pub(crate) struct Scaled {
    pub(crate) name: &'static str,
    /// How many there are at most.
    largest: u64,
    /// Runs it among so many, so many times.
    pub(crate) run: fn(u64, u64),
}

impl Scaled {
    /// The numbers that it is run among.
    pub(crate) fn sizes(&self) -> impl Iterator<Item = u64> {
        let largest = self.largest;
        (1..).map(|zeros| 10_u64.pow(zeros)).take_while(move |size| *size <= largest)
    }

    /// How many times it is run among so many, at least: all of them have to have their turn.
    pub(crate) fn times(&self, size: u64) -> u64 {
        size.max(2_000)
    }
}

const fn scaled(name: &'static str, largest: u64, run: fn(u64, u64)) -> Scaled {
    Scaled { name, largest, run }
}

pub(crate) const SCALED: &[Scaled] = &[
    scaled("yield, of so many tasks", 100_000, yields),
    scaled("spawn, among tasks", 100_000, spawn),
    scaled("timer set and cancelled, among timers", 100_000, timers::insert_cancel_among),
    scaled("timer set and fired, among timers", 100_000, timers::insert_fire_among),
    scaled("round trip, among connections", 100_000, round_trip),
    scaled("connect, among connections", 100_000, connect_again),
    scaled("connect, among services", 1_000, connect),
    scaled("bind, among services", 1_000, bind),
    scaled("failed lookup, among services", 1_000, lookup),
];

fn machine(size: u64) -> Machine {
    Machine::with_memory((MEMORY + size * OF_EACH) as usize)
}

fn yields(tasks: u64, times: u64) {
    executor::yields_on(&machine(tasks), tasks, times / tasks);
}

fn spawn(tasks: u64, times: u64) {
    let machine = machine(tasks);
    for _ in 0..tasks {
        machine.start("waits", pending());
    }
    machine.settle();
    executor::spawn_on(&machine, times);
}

/// Has so many clients of one server, all of which are connected to the end.
fn among_connections(connections: u64, client: impl AsyncFnOnce(Handle) + 'static) {
    let machine = machine(connections);
    machine.start("server", registry::serve(machine.handle()));
    let kernel = machine.handle();
    machine.start("client", async move {
        let mut others = Vec::new();
        for _ in 0..connections {
            others.push(registry::client(&kernel, 1).await);
        }
        client(kernel).await;
        // The latest first, as they are found the soonest.
        while others.pop().is_some() {}
    });
    machine.settle();
}

fn round_trip(connections: u64, times: u64) {
    among_connections(connections, async move |kernel| registry::ask(kernel, times).await);
}

fn connect_again(connections: u64, times: u64) {
    among_connections(connections, async move |kernel| {
        for _ in 0..times {
            black_box(registry::client(&kernel, 1).await);
        }
    });
}

/// One of the other services.
enum Other {}

impl Service for Other {
    type Request = ();
    type Response = ();
    type Error = Infallible;
    type Hello = ();
    type ConnectError = Infallible;

    // Behind the other in the table, which is sorted.
    const UUID: Uuid = Uuid::from_u128(0xf3c8_11d0_7be2_4a96_9d45_2e6a_80f7_c1b3);
    const NAME: &'static str = "other";
    const VERSION: Version = Version::new(1, 0);
}

fn among_services(services: u64) -> (Machine, Vec<Server<Other>>) {
    let settings = Settings { services: services as usize + 1, ..Settings::DEFAULT };
    let machine = Machine::with((MEMORY + services * OF_EACH) as usize, &settings);
    let kernel = machine.handle();
    let bind = |number: u64| kernel.services().try_bind(&number.to_string()).expect("bound");
    let others = (0..services).map(bind).collect();
    (machine, others)
}

fn connect(services: u64, times: u64) {
    let (machine, _others) = among_services(services);
    registry::connect_on(&machine, times);
}

fn bind(services: u64, times: u64) {
    let (machine, _others) = among_services(services);
    let services = machine.handle().services();
    for _ in 0..times {
        black_box(services.try_bind::<Successor>("").expect("bound"));
    }
}

fn lookup(services: u64, times: u64) {
    let (machine, _others) = among_services(services);
    let kernel = machine.handle();
    machine.start("client", async move {
        for _ in 0..times {
            black_box(kernel.services().try_connect::<Successor>((), 1).await.is_err());
        }
    });
    machine.settle();
}
