//! The laws of services.

use core::{cell::RefCell, convert::Infallible};
use std::rc::Rc;

use super::{CallError, ConnectError, Incoming, Service, Uuid, Version};
use crate::{Handle, testing::Machine};

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
            log.borrow_mut().push(add.call((n, 1)).await);
        }
        log.borrow_mut().push(add.call((u32::MAX, 1)).await);
    });
    machine.settle();
    assert!(client.expect("spawned").is_finished());
    let expected = [Ok(1), Ok(2), Ok(3), Ok(4), Ok(5), Err(CallError::Service("overflow"))];
    assert_eq!(*seen.borrow(), expected);
}
