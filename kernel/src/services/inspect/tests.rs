//! The laws of inspection.

use std::{collections::BTreeSet, format, string::String};

use super::{Inspect, Owner, Request, Response, Task, TaskState, serve};
use crate::{
    event::Kinds,
    limits::Settings,
    registry::Client,
    services::echo::{self, Echo},
    testing::Machine,
};

fn machine() -> Machine {
    let machine = Machine::new();
    let kernel = machine.kernel.handle();
    kernel.try_spawn("inspect", serve(kernel.clone())).expect("spawned").detach();
    machine.settle();
    machine
}

async fn ask(inspect: &Client<Inspect>, request: Request) -> Response {
    inspect.call(request).await.expect("inspection answers")
}

async fn tasks(inspect: &Client<Inspect>) -> std::vec::Vec<Task> {
    let (mut rows, mut after) = (std::vec::Vec::new(), 0);
    while let Response::Task(Some(row)) = ask(inspect, Request::Task(after)).await {
        after = row.id;
        rows.push(row);
    }
    rows
}

async fn owners(inspect: &Client<Inspect>) -> std::vec::Vec<Owner> {
    let (mut rows, mut from) = (std::vec::Vec::new(), 0);
    while let Response::Owner(Some(row)) = ask(inspect, Request::Owner(from)).await {
        from = row.id + 1;
        rows.push(row);
    }
    rows
}

#[test]
fn every_task_is_listed_once_with_what_it_does() {
    let machine = machine();
    let kernel = machine.kernel.handle();
    for _ in 0..3 {
        kernel.try_spawn("sleeper", core::future::pending::<()>()).expect("spawned").detach();
    }
    let rows = machine.ask(async move {
        let inspect = kernel.services().connect::<Inspect>((), 1).await.expect("running");
        tasks(&inspect).await
    });
    let names: std::vec::Vec<_> = rows.iter().map(|row| String::from(&*row.name)).collect();
    assert_eq!(names, ["inspect", "sleeper", "sleeper", "sleeper", "test"]);
    let states: std::vec::Vec<_> = rows.iter().map(|row| row.state).collect();
    use TaskState::{Running, Waiting};
    assert_eq!(states, [Running, Waiting, Waiting, Waiting, Waiting]);
    assert!(rows.iter().all(|row| row.polls > 0 && row.bytes > 0));
}

#[test]
fn tasks_that_end_meanwhile_are_skipped() {
    let machine = machine();
    let kernel = machine.kernel.handle();
    let short = kernel.try_spawn("short", core::future::pending::<()>()).expect("spawned");
    kernel.try_spawn("long", core::future::pending::<()>()).expect("spawned").detach();
    machine.ask(async move {
        let inspect = kernel.services().connect::<Inspect>((), 1).await.expect("running");
        let after = short.id().0 - 1;
        let Response::Task(Some(row)) = ask(&inspect, Request::Task(after)).await else { panic!("a row") };
        assert_eq!(row.name, "short");
        short.abort();
        let _ = short.await;
        let Response::Task(Some(next)) = ask(&inspect, Request::Task(row.id)).await else { panic!("a row") };
        assert_eq!(next.name, "long");
        assert_eq!(ask(&inspect, Request::Task(u32::MAX)).await, Response::Task(None));
    });
}

#[test]
fn the_kernel_is_the_first_owner_and_blocks_are_charged_to_who_made_them() {
    let machine = machine();
    let kernel = machine.kernel.handle();
    let rows = machine.ask(async move {
        let inspect = kernel.services().connect::<Inspect>((), 1).await.expect("running");
        let _mine = kernel.heap().try_box([0_u8; 1_000]).expect("there is memory");
        kernel.heap().account().set_quota(Some(20_000));
        owners(&inspect).await
    });
    assert_eq!((rows[0].id, &*rows[0].name), (0, "kernel"));
    let ids: BTreeSet<_> = rows.iter().map(|row| row.id).collect();
    assert_eq!(ids.len(), rows.len());
    let inspect = rows.iter().find(|row| row.name == "inspect").expect("the driver is an owner");
    assert!(inspect.ready && inspect.violations == 0);
    let test = rows.iter().find(|row| row.name == "test").expect("the test is an owner");
    assert!(!test.ready && test.bytes >= 1_000 && test.quota == Some(20_000) && test.blocks >= 2);
}

#[test]
fn services_and_connections_are_listed_while_they_exist() {
    let machine = machine();
    let kernel = machine.kernel.handle();
    kernel.try_spawn("echo", echo::serve(kernel.clone())).expect("spawned").detach();
    machine.ask(async move {
        let inspect = kernel.services().connect::<Inspect>((), 1).await.expect("running");
        let echo = kernel.services().connect::<Echo>((), 3).await.expect("running");
        let _ = echo.call(echo::Request::Number(1)).await;
        let service = Request::Service(echo.instance().0 - 1);
        let Response::Service(Some(row)) = ask(&inspect, service).await else { panic!("a row") };
        assert_eq!((row.instance, &*row.name, row.clients, row.answered), (echo.instance().0, "echo", 1, 1));
        assert!(row.programs && row.task > 0);
        let connection = Request::Connection(echo.id().0 - 1);
        let Response::Connection(Some(row)) = ask(&inspect, connection).await else { panic!("a row") };
        assert_eq!((&*row.service, row.depth, row.busy, row.requests), ("echo", 3, 0, 1));
        drop(echo);
        assert_eq!(ask(&inspect, connection).await, Response::Connection(None));
        let Response::Service(Some(row)) = ask(&inspect, service).await else { panic!("a row") };
        assert_eq!(row.clients, 0);
        assert_eq!(ask(&inspect, Request::Service(row.instance)).await, Response::Service(None));
    });
}

#[test]
fn interrupt_lines_are_listed_with_their_count() {
    let machine = machine();
    let kernel = machine.kernel.handle();
    let lines =
        [kernel.interrupt_line("uart0"), kernel.interrupt_line("gpio")].map(|line| line.expect("memory"));
    lines[1].trigger().fire();
    lines[1].trigger().fire();
    machine.ask(async move {
        let inspect = kernel.services().connect::<Inspect>((), 1).await.expect("running");
        for (after, expected) in
            [(0, Some(("uart0", 0))), (1, Some(("gpio", 2))), (2, None), (u16::MAX, None)]
        {
            let Response::Interrupt(row) = ask(&inspect, Request::Interrupt(after)).await else { panic!() };
            assert_eq!(row.as_ref().map(|row| (&*row.name, row.fired)), expected);
        }
    });
}

#[test]
fn events_are_read_by_number_from_the_oldest_kept() {
    let machine = machine();
    let kernel = machine.kernel.handle();
    kernel.events().listen(Kinds::NONE.with(crate::event::Kind::Interrupt));
    let line = kernel.interrupt_line("pin").expect("memory");
    for _ in 0..Settings::DEFAULT.events + 10 {
        line.trigger().fire();
    }
    machine.ask(async move {
        let inspect = kernel.services().connect::<Inspect>((), 1).await.expect("running");
        let Response::Kernel(row) = ask(&inspect, Request::Kernel).await else { panic!("a row") };
        assert_eq!(row.version, env!("CARGO_PKG_VERSION"));
        let (mut from, mut seen) = (0, 0);
        while let Response::Event(Some(event)) = ask(&inspect, Request::Event(from)).await {
            assert!(event.number >= from);
            assert_eq!(format!("{}", event.what), "interrupt line=pin");
            from = event.number + 1;
            seen += 1;
        }
        assert_eq!((from, seen), (row.events, Settings::DEFAULT.events));
    });
}

#[test]
fn the_heap_is_described_as_it_is() {
    let machine = machine();
    let kernel = machine.kernel.handle();
    machine.ask(async move {
        let inspect = kernel.services().connect::<Inspect>((), 1).await.expect("running");
        let stats = kernel.heap().stats();
        let Response::Heap(row) = ask(&inspect, Request::Heap).await else { panic!("a row") };
        assert_eq!((row.used as usize, row.capacity as usize), (stats.used, stats.capacity));
        assert_eq!((row.allocations, row.blocks as usize), (stats.allocations, stats.blocks));
    });
}
