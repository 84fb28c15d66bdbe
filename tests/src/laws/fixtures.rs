//! A service for the laws, and what they count with.

use core::cell::Cell;

use kernel::{
    Handle,
    heap::Shared,
    registry::{Incoming, Reply, Server, Service, Uuid, Version},
};

/// Doubles numbers; zero is an error, and a hello of `false` is turned away.
pub(super) enum Doubler {}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Zero;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unwelcome;

impl Service for Doubler {
    type Request = u32;
    type Response = u32;
    type Error = Zero;
    type Hello = bool;
    type ConnectError = Unwelcome;

    const UUID: Uuid = Uuid::from_u128(0x1d0c_7a55_2f3e_4b8d_a9c1_3e5f_7081_92a3);
    const NAME: &'static str = "doubler";
    const VERSION: Version = Version::new(1, 0);
}

/// Binds a doubler.
pub(super) fn bind(kernel: &Handle, label: &str) -> Server<Doubler> {
    kernel.services().try_bind(label).expect("the doubler can be bound")
}

/// Serves for ever.
pub(super) async fn serve(mut server: Server<Doubler>) {
    loop {
        if let Some((request, reply)) = take(&mut server).await {
            let _ = reply.send(request.checked_mul(2).filter(|_| request != 0).ok_or(Zero));
        }
    }
}

/// Lets clients in, and takes one request.
pub(super) async fn take(server: &mut Server<Doubler>) -> Option<(u32, Reply<Doubler>)> {
    match server.next().await {
        Incoming::Hello(hello) => {
            let welcome = *hello.hello();
            let _ = if welcome { hello.accept().map(|_| ()) } else { hello.reject(Unwelcome) };
            None
        }
        Incoming::Call(call) => Some(call.split()),
    }
}

/// Takes one request, letting clients in until it comes.
pub(super) async fn take_request(server: &mut Server<Doubler>) -> (u32, Reply<Doubler>) {
    loop {
        if let Some(taken) = take(server).await {
            return taken;
        }
    }
}

/// A counter that tasks and a law share.
pub(super) fn counter(kernel: &Handle) -> Shared<Cell<u32>> {
    kernel.heap().try_shared(Cell::new(0)).expect("there is memory for a counter")
}

/// One more.
pub(super) fn count(counter: &Cell<u32>) {
    counter.set(counter.get() + 1);
}

/// Counts its drops.
pub(super) struct Dropped(pub(super) Shared<Cell<u32>>);

impl Drop for Dropped {
    fn drop(&mut self) {
        count(&self.0);
    }
}
