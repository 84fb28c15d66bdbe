//! The template for a driver's tests: a machine, the driver as a task, a client that asks, and what must hold when one
//! of them goes away. Time stands still until a test lets it pass.

use std::rc::Rc;

use super::{Echo, Request, Text, serve};
use crate::{
    executor::JoinHandle,
    heap::SteadyState,
    registry::{BindError, CallError, ConnectError},
    testing::Machine,
};

type Driver = JoinHandle<Result<core::convert::Infallible, BindError>>;

/// A machine with the driver running on it.
fn machine() -> (Machine, Driver) {
    let machine = Machine::new();
    let kernel = machine.kernel.handle();
    let driver = kernel.try_spawn("echo", serve(kernel.clone())).expect("the driver is spawned");
    machine.settle();
    (machine, driver)
}

#[test]
fn a_request_comes_back_as_it_is() {
    let (machine, _driver) = machine();
    let kernel = machine.kernel.handle();
    machine.ask(async move {
        let echo = kernel.services().try_connect::<Echo>((), 1).await.expect("echo is running");
        for number in [0, 1, u64::MAX] {
            assert_eq!(echo.call(Request::Number(number)).await, Ok(Request::Number(number)));
        }
        let text = Request::Text(Text::cut("näive"));
        assert_eq!(echo.call(text).await, Ok(text));
    });
}

#[test]
fn clients_do_not_get_each_others_replies() {
    let (machine, _driver) = machine();
    let kernel = machine.kernel.handle();
    let done = Rc::new(core::cell::Cell::new(0));
    for id in 0..8_u64 {
        let (handle, done) = (kernel.clone(), done.clone());
        let client = async move {
            let echo = handle.services().connect::<Echo>((), 2).await.expect("echo is running");
            for n in 0..10 {
                let (first, second) = (Request::Number(id * 100 + n), Request::Number(id * 100 + n + 50));
                let (one, two) = (echo.try_send(first).expect("a free slot"), echo.try_send(second));
                assert_eq!(two.expect("a free slot").await, Ok(second));
                assert_eq!(one.await, Ok(first));
            }
            done.set(done.get() + 1);
        };
        kernel.try_spawn("client", client).expect("spawned").detach();
    }
    machine.settle();
    assert_eq!(done.get(), 8);
}

#[test]
fn when_the_driver_ends_its_clients_are_told_and_the_next_one_can_serve() {
    let (machine, driver) = machine();
    let kernel = machine.kernel.handle();
    let handle = kernel.clone();
    let echo =
        machine.ask(async move { handle.services().try_connect::<Echo>((), 1).await.expect("running") });
    driver.abort();
    machine.settle();
    let handle = kernel.clone();
    machine.ask(async move {
        assert_eq!(echo.call(Request::Number(1)).await, Err(CallError::ServerGone));
        let nobody = handle.services().try_connect::<Echo>((), 1).await.map(|_| ());
        assert_eq!(nobody, Err(ConnectError::NotFound));
    });
    kernel.try_spawn("echo", serve(kernel.clone())).expect("spawned").detach();
    machine.ask(async move {
        let echo = kernel.services().connect::<Echo>((), 1).await.expect("running again");
        assert_eq!(echo.call(Request::Number(2)).await, Ok(Request::Number(2)));
    });
}

#[test]
fn a_client_may_give_up_at_any_time() {
    let (machine, _driver) = machine();
    let kernel = machine.kernel.handle();
    machine.ask(async move {
        let echo = kernel.services().try_connect::<Echo>((), 1).await.expect("running");
        for n in 0..10 {
            drop(echo.try_send(Request::Number(n)).expect("the slot is free again"));
        }
        assert_eq!(echo.call(Request::Number(7)).await, Ok(Request::Number(7)));
    });
}

#[test]
fn a_second_instance_under_the_same_label_is_refused() {
    let (machine, _driver) = machine();
    let kernel = machine.kernel.handle();
    let refused = machine.ask(serve(kernel));
    assert!(matches!(refused, Err(BindError::AlreadyBound(_))), "{refused:?}");
}

#[test]
fn serving_allocates_nothing() {
    let (machine, driver) = machine();
    let kernel = machine.kernel.handle();
    machine.ask(async move {
        let echo = kernel.services().try_connect::<Echo>((), 4).await.expect("running");
        kernel.ready();
        kernel.heap().account().set_policy(SteadyState::Deny);
        let before = kernel.heap().stats().allocations;
        for n in 0..if cfg!(miri) { 10 } else { 1_000 } {
            assert_eq!(echo.call(Request::Number(n)).await, Ok(Request::Number(n)));
        }
        assert_eq!(kernel.heap().stats().allocations, before);
    });
    assert!(!driver.is_finished());
}

#[test]
fn without_memory_the_driver_waits_until_there_is_some() {
    let machine = Machine::new();
    let kernel = machine.kernel.handle();
    let hog = kernel.heap().try_vec::<u8>(kernel.heap().stats().largest_free - 2_048).expect("it fits");
    let mut rest = Vec::new();
    let driver = kernel.try_spawn("echo", serve(kernel.clone())).expect("room for the task");
    while let Ok(block) = kernel.heap().try_box([0_u8; 64]) {
        rest.push(block);
    }
    machine.settle();
    assert!(
        !driver.is_finished() && kernel.services().next_service(crate::registry::InstanceId(0)).is_none()
    );
    drop((hog, rest));
    machine.settle();
    assert!(
        !driver.is_finished() && kernel.services().next_service(crate::registry::InstanceId(0)).is_some()
    );
}
