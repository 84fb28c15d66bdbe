//! How many bytes things take, on whatever machine this runs: what the kernel's heap says, and the sizes of futures.
//!
//! `scripts/sizes` runs it on a PC and on the emulated RP2040, and makes a table of what both say.

use core::{
    convert::Infallible,
    future,
    mem::{MaybeUninit, size_of_val},
};

use kernel::{
    Handle, Kernel,
    comms::channel::channel,
    executor::JoinHandle,
    heap::Region,
    limits::Settings,
    platform::Clock,
    registry::{Client, Incoming, Server, Service, Uuid, Version},
    sync::WaitList,
    time::Duration,
};

/// Slots that a connection is given beyond the first, to see what one takes.
const SLOTS: usize = 8;

/// Bytes of a region that a kernel without tables fits in.
pub const KERNEL: usize = 16 * 1024;

/// A service whose requests and replies are 8 bytes.
enum Successor {}

impl Service for Successor {
    type Request = u64;
    type Response = u64;
    type Error = Infallible;
    type Hello = ();
    type ConnectError = Infallible;

    const UUID: Uuid = Uuid::from_u128(0x6b0c_92e4_17d8_4a3f_8e55_d1f0_3c7a_29b6);
    const NAME: &'static str = "successor";
    const VERSION: Version = Version::new(1, 0);
}

/// Measures all, and says each as a name and a number of bytes. Nothing else may allocate meanwhile.
///
/// `kernel` runs the task that calls this; in `memory` another one is booted.
///
/// # Panics
///
/// When the heap is too small for a handful of tasks and connections.
pub async fn measure(
    kernel: &Handle,
    memory: &'static mut [MaybeUninit<u8>; KERNEL],
    clock: impl Clock + 'static,
    mut say: impl FnMut(&str, usize),
) {
    say("kernel", empty_kernel(memory, clock));
    say("task", task(kernel).await);

    let before = used(kernel);
    let services = kernel.services();
    let mut server = services.try_bind::<Successor>("").expect("there is memory for a service");
    say("service", used(kernel) - before);
    say("future-next", size_of_val(&server.next()));
    say("future-bind", size_of_val(&services.bind::<Successor>("")));
    say("future-connect", size_of_val(&services.connect::<Successor>((), 1)));

    let server = kernel.try_spawn("server", serve(server)).expect("there is memory for a task");
    let before = used(kernel);
    let client = connect(kernel, 1).await;
    let connection = used(kernel) - before;
    say("connection", connection);
    say("future-call", size_of_val(&client.call(0)));
    say("future-call-within", size_of_val(&client.call_within(Duration::ZERO, 0)));
    drop(client);
    let client = connect(kernel, 1 + SLOTS).await;
    say("slot", (used(kernel) - before - connection) / SLOTS);
    drop(client);
    end(server).await;

    say("timer", size_of_val(&kernel.sleep(Duration::ZERO)));
    say("waiter", size_of_val(&WaitList::new().wait_until(|| None::<()>)));
    let (sender, receiver) = channel::<u64>(kernel.heap(), 1).expect("there is memory for a channel");
    say("future-send", size_of_val(&sender.send(0)));
    say("future-recv", size_of_val(&receiver.recv()));
}

fn used(kernel: &Handle) -> usize {
    kernel.heap().stats().used
}

/// A kernel without tables for events, log lines and services.
fn empty_kernel(memory: &'static mut [MaybeUninit<u8>; KERNEL], clock: impl Clock + 'static) -> usize {
    let settings = Settings { events: 0, log_lines: 0, services: 0, ..Settings::DEFAULT };
    let kernel = Kernel::new(Region::from_static(memory), clock, &settings).expect("it is large enough");
    let stats = kernel.handle().heap().stats();
    // The heap's own figures are at the start of the region.
    KERNEL - stats.capacity + stats.used
}

/// A task that does nothing, and so has nothing to keep in its future.
async fn task(kernel: &Handle) -> usize {
    let before = used(kernel);
    let task = kernel.try_spawn("idle", future::pending::<()>()).expect("there is memory for a task");
    let bytes = used(kernel) - before;
    end(task).await;
    bytes
}

async fn end(task: JoinHandle<()>) {
    task.abort();
    assert!(task.await.is_err(), "it would run for ever");
}

/// Lets everybody in; nobody asks.
async fn serve(mut server: Server<Successor>) {
    loop {
        if let Incoming::Hello(hello) = server.next().await {
            let _ = hello.accept();
        }
    }
}

async fn connect(kernel: &Handle, depth: usize) -> Client<Successor> {
    kernel.services().connect((), depth).await.expect("the service lets everybody in")
}
