//! The laws of services.

use core::{
    cell::RefCell,
    convert::Infallible,
    future::{Future, poll_fn},
    pin::pin,
};
use std::rc::Rc;

use super::{CallError, ConnectError, Incoming, Reply, Service, Uuid, Version};
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
