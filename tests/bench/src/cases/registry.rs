//! Request and reply between two tasks, through the registry.

use std::{convert::Infallible, hint::black_box};

use kernel::{
    Handle,
    event::Kinds,
    registry::{Client, Incoming, Pending, Service, Uuid, Version},
};

use crate::machine::Machine;

/// Counts up: one more than it is asked.
pub(super) enum Successor {}

impl Service for Successor {
    type Request = u64;
    type Response = u64;
    type Error = Infallible;
    type Hello = ();
    type ConnectError = Infallible;

    const UUID: Uuid = Uuid::from_u128(0x2b7a_5f6e_9d61_4c37_8f0e_63c5_1f90_a7d2);
    const NAME: &'static str = "successor";
    const VERSION: Version = Version::new(1, 0);
}

pub(super) async fn serve(kernel: Handle) {
    let mut server = kernel.services().bind::<Successor>("").await.expect("bound");
    loop {
        let call = server.next_call().await;
        let number = *call.request();
        let _ = call.answer(number.wrapping_add(1));
    }
}

/// A machine with a server, and with somebody who listens to every event or with nobody who does.
fn machine(listened: bool) -> Machine {
    let machine = Machine::boot();
    if listened {
        machine.handle().events().listen(Kinds::ALL);
    }
    machine.start("server", serve(machine.handle()));
    machine.settle();
    machine
}

pub(super) async fn client(kernel: &Handle, depth: usize) -> Client<Successor> {
    kernel.services().connect((), depth).await.expect("connected")
}

pub(super) async fn ask(kernel: Handle, times: u64) {
    let client = client(&kernel, 1).await;
    for number in 0..times {
        black_box(client.call(number).await.expect("answered"));
    }
}

/// One request is in flight.
pub(crate) fn round_trip<const LISTENED: bool>(times: u64) {
    let machine = machine(LISTENED);
    machine.start("client", ask(machine.handle(), times));
    machine.settle();
}

/// Sixteen requests are in flight; one operation is one request.
pub(crate) fn round_trip_16<const LISTENED: bool>(times: u64) {
    const DEPTH: usize = 16;
    let machine = machine(LISTENED);
    let kernel = machine.handle();
    machine.start("client", async move {
        let client = client(&kernel, DEPTH).await;
        let mut pending: Vec<Pending<'_, Successor>> = Vec::with_capacity(DEPTH);
        for _ in 0..times / DEPTH as u64 {
            for number in 0..black_box(DEPTH) {
                pending.push(client.try_send(number as u64).expect("a slot is free"));
            }
            while let Some(pending) = pending.pop() {
                black_box(pending.await.expect("answered"));
            }
        }
    });
    machine.settle();
}

/// A client connects, is let in, and leaves.
pub(crate) fn connect(times: u64) {
    connect_on(&Machine::boot(), times);
}

/// The same, on a machine that may have other services.
pub(super) fn connect_on(machine: &Machine, times: u64) {
    let kernel = machine.handle();
    machine.start("server", async move {
        let mut server = kernel.services().bind::<Successor>("").await.expect("bound");
        loop {
            if let Incoming::Hello(handshake) = server.next().await {
                let _ = handshake.accept();
            }
        }
    });
    let kernel = machine.handle();
    machine.start("client", async move {
        for _ in 0..times {
            black_box(client(&kernel, 1).await);
        }
    });
    machine.settle();
}
