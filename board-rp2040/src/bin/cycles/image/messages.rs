//! Request and reply between two tasks, through the registry.

use core::{convert::Infallible, hint::black_box};

use kernel::{
    Handle,
    executor::JoinHandle,
    registry::{Client, Incoming, Server, Service, Uuid, Version},
};

use super::stopwatch::Stopwatch;

/// Answers a number with the next one.
pub(super) enum Successor {}

impl Service for Successor {
    type Request = u64;
    type Response = u64;
    type Error = Infallible;
    type Hello = ();
    type ConnectError = Infallible;

    const UUID: Uuid = Uuid::from_u128(0x9e1f_36c2_5d0b_4f68_a3c7_11d2_7b5e_0c94);
    const NAME: &'static str = "successor";
    const VERSION: Version = Version::new(1, 0);
}

/// Lets everybody in, and answers.
pub(super) async fn serve(mut server: Server<Successor>) {
    loop {
        match server.next().await {
            Incoming::Hello(hello) => drop(hello.accept()),
            Incoming::Call(call) => {
                let answer = call.request().wrapping_add(1);
                // Who has given up does not miss it.
                let _ = call.answer(answer);
            }
        }
    }
}

/// Ends the service's task, and the service with it.
pub(super) async fn end(server: JoinHandle<()>) {
    server.abort();
    assert!(server.await.is_err(), "it would serve for ever");
}

/// A client of the service that runs.
pub(super) async fn connect(kernel: &Handle, depth: usize) -> Client<Successor> {
    kernel.services().connect((), depth).await.expect("the service lets everybody in")
}

/// A task asks, another answers, the first goes on: two wakes and two polls.
pub(super) async fn round_trip(kernel: &Handle, watch: &Stopwatch) -> u32 {
    let server = kernel.services().try_bind("").expect("there is memory for a service");
    let server = kernel.try_spawn("server", serve(server)).expect("there is memory for a task");
    let mut client = Some(connect(kernel, 1).await);
    let cycles = watch
        .cost(async |times| {
            let task = kernel
                .try_spawn("client", ask(client.take().expect("it came back"), times))
                .expect("there is memory for a task");
            client = task.await.ok();
        })
        .await;
    drop(client);
    end(server).await;
    cycles
}

/// Asks so many times. It is a task of its own, as clients are.
async fn ask(client: Client<Successor>, times: u32) -> Client<Successor> {
    for number in 0..times {
        black_box(client.call(black_box(u64::from(number))).await.expect("it is answered"));
    }
    client
}
