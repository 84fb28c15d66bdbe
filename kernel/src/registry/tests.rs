//! The laws of services.

mod cycles;
mod ends;
mod finding;
#[cfg(not(miri))]
mod model;
mod pressure;
mod random;
mod reentry;
mod texts;

use core::{
    cell::{Cell, RefCell},
    convert::Infallible,
    future::{Future, poll_fn},
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
};
use std::{rc::Rc, sync::Arc};

use self::reentry::Wakes;
use super::{
    Call, CallError, Client, ConnectError, Incoming, Pending, Reply, Server, Service, Services, Unsent,
    UnsentReason, Uuid, Version,
};
use crate::{Handle, testing::Machine, time::Duration};

enum Add {}

impl Service for Add {
    type Request = (u32, u32);
    type Response = u32;
    type Error = &'static str;
    type Hello = bool;
    type ConnectError = &'static str;

    const UUID: Uuid = Uuid::from_u128(1);
    const NAME: &'static str = "add";
    const VERSION: Version = Version::new(1, 0);
}

async fn serve(kernel: Handle) -> Infallible {
    let mut server = kernel.services().bind::<Add>("").await.expect("bound");
    loop {
        match server.next().await {
            Incoming::Hello(hello) if *hello.hello() => drop(hello.accept().ok()),
            Incoming::Hello(hello) => drop(hello.reject("not today").ok()),
            Incoming::Call(call) => {
                let (a, b) = *call.request();
                let _ = call.reply(a.checked_add(b).ok_or("overflow"));
            }
        }
    }
}

#[test]
fn a_request_is_answered() {
    let machine = Machine::new();
    let kernel = machine.kernel.handle();
    let seen = Rc::new(RefCell::new(Vec::new()));
    let log = seen.clone();
    kernel.try_spawn("server", serve(kernel.clone())).expect("spawned").detach();
    let handle = kernel.clone();
    let client = kernel.try_spawn("client", async move {
        let refused = handle.services().connect::<Add>(false, 1).await.map(|_| ());
        assert_eq!(refused, Err(ConnectError::Rejected("not today")));
        let add = handle.services().connect::<Add>(true, 2).await.expect("connected");
        for n in 0..5 {
            let sum = add.call((n, 1)).await;
            log.borrow_mut().push(sum);
        }
        let overflow = add.call((u32::MAX, 1)).await;
        log.borrow_mut().push(overflow);
    });
    machine.settle();
    assert!(client.expect("spawned").is_finished());
    let expected = [Ok(1), Ok(2), Ok(3), Ok(4), Ok(5), Err(CallError::Service("overflow"))];
    assert_eq!(*seen.borrow(), expected);
}

#[test]
fn giving_up_a_request_that_is_kept_for_later_frees_its_slot() {
    let machine = Machine::new();
    let kernel = machine.kernel.handle();
    let handle = kernel.clone();
    // Keeps requests whose sum is odd, and looks at those whenever it is polled.
    let server = async move {
        let mut server = handle.services().bind::<Add>("").await.expect("bound");
        let mut kept = Vec::<Reply<Add>>::new();
        loop {
            let mut next = pin!(server.next());
            let incoming = poll_fn(|context| {
                kept.retain(|reply| !reply.is_abandoned());
                next.as_mut().poll(context)
            });
            match incoming.await {
                Incoming::Hello(hello) => drop(hello.accept().ok()),
                Incoming::Call(call) => {
                    let ((a, b), reply) = call.split();
                    if (a + b) % 2 == 0 {
                        let _ = reply.send(Ok(a + b));
                    } else {
                        kept.push(reply);
                    }
                }
            }
        }
    };
    kernel.try_spawn("server", server).expect("spawned").detach();
    let handle = kernel.clone();
    let client = kernel.try_spawn("client", async move {
        let add = handle.services().connect::<Add>(true, 1).await.expect("connected");
        for _ in 0..3 {
            let kept = add.call_within(Duration::from_millis(1), (1, 2)).await;
            assert_eq!(kept, Err(CallError::Deadline));
            assert_eq!(add.call((1, 1)).await, Ok(2));
        }
    });
    machine.run();
    assert!(client.expect("spawned").is_finished());
}

/// Counts what has been dropped.
#[derive(Clone, Default)]
struct Drops(Rc<Cell<u32>>);

/// Counts one drop, and carries a number.
struct Token(Drops, u32);

impl Drops {
    fn token(&self, number: u32) -> Token {
        Token(self.clone(), number)
    }

    fn count(&self) -> u32 {
        self.0.get()
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        self.0.0.set(self.0.0.get() + 1);
    }
}

/// A service whose every value counts its drop.
enum Probe {}

impl Service for Probe {
    type Request = Token;
    type Response = Token;
    type Error = Token;
    type Hello = Token;
    type ConnectError = Token;

    const UUID: Uuid = Uuid::from_u128(2);
    const NAME: &'static str = "probe";
    const VERSION: Version = Version::new(2, 1);
}

/// A kernel with a server and a client of [`Probe`], both driven by hand.
struct Bench {
    machine: Machine,
    drops: Drops,
    server: Option<Server<Probe>>,
}

impl Bench {
    fn new() -> Self {
        let machine = Machine::new();
        let server = machine.kernel.handle().services().try_bind("").expect("bound");
        Self { machine, drops: Drops::default(), server: Some(server) }
    }

    fn services(&self) -> Services {
        self.machine.kernel.handle().services()
    }

    fn used(&self) -> usize {
        self.machine.kernel.handle().heap().stats().used
    }

    fn server(&mut self) -> &mut Server<Probe> {
        self.server.as_mut().expect("running")
    }

    /// Connects; the greeting counts one drop.
    fn connect(&mut self, depth: usize) -> Client<Probe> {
        let services = self.services();
        let hello = self.drops.token(0);
        let mut connecting = Box::pin(async move { services.try_connect::<Probe>(hello, depth).await });
        assert!(poll(&mut connecting).is_pending());
        let Some(Incoming::Hello(handshake)) = self.server().try_next() else { panic!("no handshake") };
        handshake.accept().expect("the client waits");
        match poll(&mut connecting) {
            Poll::Ready(Ok(client)) => client,
            _ => panic!("not connected"),
        }
    }

    fn send<'c>(&self, client: &'c Client<Probe>, number: u32) -> Pending<'c, Probe> {
        client.try_send(self.drops.token(number)).map_err(|unsent| unsent.reason).expect("a slot is free")
    }

    fn take(&mut self) -> Call<Probe> {
        match self.server().try_next() {
            Some(Incoming::Call(call)) => call,
            _ => panic!("no request"),
        }
    }
}

fn poll<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// What came of a request, with numbers instead of tokens.
fn outcome(pending: &mut Pending<'_, Probe>) -> Option<Result<u32, CallError<u32>>> {
    match poll(pending) {
        Poll::Pending => None,
        Poll::Ready(Ok(token)) => Some(Ok(token.1)),
        Poll::Ready(Err(CallError::Service(token))) => Some(Err(CallError::Service(token.1))),
        Poll::Ready(Err(CallError::ServerGone)) => Some(Err(CallError::ServerGone)),
        Poll::Ready(Err(CallError::Unanswered)) => Some(Err(CallError::Unanswered)),
        Poll::Ready(Err(CallError::Deadline)) => Some(Err(CallError::Deadline)),
        Poll::Ready(Err(CallError::WaitCycle)) => Some(Err(CallError::WaitCycle)),
    }
}

/// A service whose greeting needs more alignment than its requests.
enum WideHello {}

/// A service whose requests need more alignment than its greeting.
enum WideRequest {}

#[repr(align(64))]
struct Wide(u8);

impl Service for WideHello {
    type Request = u8;
    type Response = u8;
    type Error = Infallible;
    type Hello = Wide;
    type ConnectError = Infallible;

    const UUID: Uuid = Uuid::from_u128(3);
    const NAME: &'static str = "wide-hello";
    const VERSION: Version = Version::new(1, 0);
}

impl Service for WideRequest {
    type Request = Wide;
    type Response = u8;
    type Error = Infallible;
    type Hello = u8;
    type ConnectError = Infallible;

    const UUID: Uuid = Uuid::from_u128(4);
    const NAME: &'static str = "wide-request";
    const VERSION: Version = Version::new(1, 0);
}

#[test]
fn greetings_and_requests_are_aligned_as_they_need() {
    let machine = Machine::new();
    let kernel = machine.kernel.handle();
    let services = kernel.services();
    let mut greeted = services.try_bind::<WideHello>("").expect("bound");
    let mut asked = services.try_bind::<WideRequest>("").expect("bound");
    let mut others = Vec::new();
    for number in 0..5 {
        // Connections lie wherever there is room.
        others.push(kernel.heap().try_buffer(1 + 16 * usize::from(number)).expect("there is memory"));
        let mut connecting = Box::pin(services.try_connect::<WideHello>(Wide(number), 2));
        assert!(poll(&mut connecting).is_pending());
        let Some(Incoming::Hello(handshake)) = greeted.try_next() else { panic!("it connects") };
        let hello = handshake.hello();
        assert_eq!((hello.0, (&raw const *hello).addr() % 64), (number, 0));
        let mut connecting = Box::pin(services.try_connect::<WideRequest>(number, 2));
        assert!(poll(&mut connecting).is_pending());
        let Some(Incoming::Hello(handshake)) = asked.try_next() else { panic!("it connects") };
        assert!(handshake.accept().is_ok());
        let Poll::Ready(Ok(client)) = poll(&mut connecting) else { panic!("it was accepted") };
        let pending = [0, 1].map(|_| client.try_send(Wide(number)).ok().expect("a slot is free"));
        for _ in &pending {
            let Some(Incoming::Call(call)) = asked.try_next() else { panic!("it was asked") };
            let request = call.request();
            assert_eq!((request.0, (&raw const *request).addr() % 64), (number, 0));
        }
    }
}
