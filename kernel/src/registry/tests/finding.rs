//! Binding, finding, listing and watching services.

use super::*;
use crate::{
    heap::AllocError,
    limits::Settings,
    registry::{BindError, Change, ConnectionId, InstanceId, Select},
};

/// Has the UUID of [`Add`], and other types.
enum Impostor {}

impl Service for Impostor {
    type Request = u8;
    type Response = u8;
    type Error = Infallible;
    type Hello = ();
    type ConnectError = Infallible;

    const UUID: Uuid = Add::UUID;
    const NAME: &'static str = "impostor";
    const VERSION: Version = Version::new(9, 9);
}

fn try_connect<S: Service>(
    services: &Services,
    select: Select<'_>,
    hello: S::Hello,
    depth: usize,
) -> Poll<Result<(), ConnectError<S::ConnectError>>> {
    let mut connecting = Box::pin(services.try_connect_to::<S>(select, hello, depth));
    poll(&mut connecting).map(|connected| connected.map(|_| ()))
}

#[test]
fn a_connect_says_why_it_cannot_be() {
    let machine = Machine::new();
    let services = machine.kernel.handle().services();
    let absent = try_connect::<Add>(&services, Select::First, true, 1);
    assert_eq!(absent, Poll::Ready(Err(ConnectError::NotFound)));
    let server = services.try_bind::<Impostor>("a").expect("bound");
    let mistyped = ConnectError::TypeMismatch { name: "impostor", version: Version::new(9, 9) };
    assert_eq!(try_connect::<Add>(&services, Select::First, true, 1), Poll::Ready(Err(mistyped)));
    for select in [Select::Label("b"), Select::Label(""), Select::Instance(InstanceId(77))] {
        let absent = try_connect::<Impostor>(&services, select, (), 1);
        assert_eq!(absent, Poll::Ready(Err(ConnectError::NotFound)));
    }
    for depth in [0, 257, 65_536, 65_537, usize::MAX] {
        let refused = try_connect::<Impostor>(&services, Select::First, (), depth);
        assert_eq!(refused, Poll::Ready(Err(ConnectError::Depth { depth })));
    }
    for depth in [1, 255, 256] {
        assert!(try_connect::<Impostor>(&services, Select::First, (), depth).is_pending());
    }
    drop(server);
    let gone = try_connect::<Impostor>(&services, Select::First, (), 1);
    assert_eq!(gone, Poll::Ready(Err(ConnectError::NotFound)));
}

#[test]
fn a_bind_says_why_it_cannot_be_and_leaves_who_is_there() {
    let machine = Machine::with(128 * 1024, &Settings { services: 2, ..Settings::DEFAULT });
    let services = machine.kernel.handle().services();
    let server = services.try_bind::<Add>("").expect("bound");
    let error = |bound: Result<Server<Add>, BindError>| bound.expect_err("not bound");
    assert_eq!(error(services.try_bind("")), BindError::AlreadyBound(server.instance()));
    let other = services.try_bind::<Add>("other").expect("there is room");
    assert_eq!(error(services.try_bind("third")), BindError::Full { services: 2 });
    let info = services.next_service(InstanceId(0)).expect("listed");
    assert_eq!((info.instance, info.name, info.version), (server.instance(), "add", Add::VERSION));
    drop((server, other));
    assert!(services.try_bind::<Add>("").is_ok());
}

#[test]
fn labels_are_at_most_16_bytes() {
    let machine = Machine::new();
    let services = machine.kernel.handle().services();
    let _longest = services.try_bind::<Add>("0123456789abcdef").expect("16 bytes");
    let error = services.try_bind::<Add>("0123456789abcdefg").expect_err("17 bytes");
    assert_eq!(error, BindError::LabelTooLong);
}

#[test]
fn a_uuid_in_use_is_refused_to_other_types() {
    let machine = Machine::new();
    let services = machine.kernel.handle().services();
    let _server = services.try_bind::<Add>("").expect("bound");
    let error = services.try_bind::<Impostor>("other").expect_err("mistyped");
    assert_eq!(error, BindError::TypeMismatch { name: "add" });
}

#[test]
fn a_full_registry_refuses_and_leaves_waiting_connects_waiting() {
    let machine = Machine::with(128 * 1024, &Settings { services: 1, ..Settings::DEFAULT });
    let services = machine.kernel.handle().services();
    let probe = services.try_bind::<Probe>("").expect("bound");
    let (other, drops) = (services.clone(), Drops::default());
    let mut waiting = Box::pin(async move { other.connect::<Add>(true, 1).await.is_ok() });
    assert!(poll(&mut waiting).is_pending());
    assert_eq!(services.try_bind::<Add>("").expect_err("full"), BindError::Full { services: 1 });
    let mut bind = Box::pin(services.bind::<Add>(""));
    assert!(matches!(poll(&mut bind), Poll::Ready(Err(BindError::Full { services: 1 }))));
    assert!(poll(&mut waiting).is_pending());
    drop((probe, drops));
    let mut add = services.try_bind::<Add>("").expect("there is room");
    assert!(poll(&mut waiting).is_pending());
    let Some(Incoming::Hello(handshake)) = add.try_next() else { panic!("it has not connected") };
    assert!(handshake.accept().is_ok());
    assert_eq!(poll(&mut waiting), Poll::Ready(true));
}

#[test]
fn connects_that_wait_are_woken_when_the_service_comes_and_when_it_comes_back() {
    let machine = Machine::new();
    let kernel = machine.kernel.handle();
    let answers = Rc::new(RefCell::new(Vec::new()));
    for number in 0..5 {
        let (handle, answers) = (kernel.clone(), answers.clone());
        let client = async move {
            for _ in 0..2 {
                let add = handle.services().connect::<Add>(true, 1).await.expect("connected");
                let answer = add.call((number, 1)).await;
                answers.borrow_mut().push(answer);
                while add.is_connected() {
                    handle.sleep(Duration::from_micros(1)).await;
                }
            }
        };
        kernel.try_spawn("client", client).expect("spawned").detach();
    }
    machine.settle();
    for round in 1..=2 {
        let server = kernel.try_spawn("server", serve(kernel.clone())).expect("spawned");
        machine.run_for_us(10);
        assert_eq!(answers.borrow().len(), 5 * round);
        assert_eq!(answers.borrow()[5 * (round - 1)..], [1, 2, 3, 4, 5].map(Ok));
        server.abort();
        machine.run_for_us(10);
        assert_eq!(kernel.services().next_service(InstanceId(0)), None);
    }
    assert_eq!(kernel.next_task(crate::executor::TaskId(0)), None);
}

#[test]
fn several_instances_are_listed_and_chosen_in_the_order_of_their_binding() {
    let machine = Machine::new();
    let services = machine.kernel.handle().services();
    let mut servers = ["x", "b", "a"].map(|label| services.try_bind::<Add>(label).expect("bound"));
    let listed = |services: &Services| {
        let mut labels = Vec::new();
        let mut after = InstanceId(0);
        while let Some(info) = services.next_service(after) {
            after = info.instance;
            labels.push(info.label.to_string());
        }
        labels
    };
    assert_eq!(listed(&services), ["x", "b", "a"]);
    let chosen = servers[1].instance();
    let selects = [Select::First, Select::Label("a"), Select::Instance(chosen)];
    for (select, server) in selects.into_iter().zip([0, 2, 1]) {
        let mut connecting = Box::pin(services.try_connect_to::<Add>(select, true, 1));
        assert!(poll(&mut connecting).is_pending());
        assert!(servers[server].try_next().is_some());
    }
    let [x, _b, _a] = servers;
    drop(x);
    assert_eq!(listed(&services), ["b", "a"]);
    let again = services.try_bind::<Add>("x").expect("the label is free again");
    assert_eq!(listed(&services), ["b", "a", "x"]);
    assert!(again.instance() > chosen);
}

#[test]
fn numbers_wrap_without_naming_anything_0_or_twice() {
    let settings = Settings { first_id: u32::MAX - 1, ..Settings::DEFAULT };
    let machine = Machine::with(128 * 1024, &settings);
    let services = machine.kernel.handle().services();
    let old = services.try_bind::<Add>("old").expect("bound");
    let mut seen = vec![old.instance().0];
    let mut servers = vec![old];
    for label in ["b", "c", "d"] {
        servers.push(services.try_bind::<Add>(label).expect("bound"));
        seen.push(servers.last().expect("pushed").instance().0);
    }
    assert_eq!(seen, [u32::MAX - 1, u32::MAX, 1, 2]);
    let mut listed = Vec::new();
    let mut after = InstanceId(0);
    while let Some(info) = services.next_service(after) {
        after = info.instance;
        listed.push(info.instance.0);
    }
    assert_eq!(listed, [1, 2, u32::MAX - 1, u32::MAX]);
    // The first is still the one that was bound first.
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let mut connecting = Box::pin(services.try_connect::<Add>(true, 1));
            assert!(poll(&mut connecting).is_pending());
            let Some(Incoming::Hello(hello)) = servers[0].try_next() else { panic!("not the first") };
            assert!(hello.accept().is_ok());
            match poll(&mut connecting) {
                Poll::Ready(Ok(client)) => client,
                _ => panic!("not connected"),
            }
        })
        .collect();
    let ids: Vec<_> = clients.iter().map(|client| client.id().0).collect();
    assert_eq!(ids, [u32::MAX - 1, u32::MAX, 1, 2]);
    for number in 0..4 {
        let mut pending = clients[0].try_send((number, 1)).expect("sent");
        let Some(Incoming::Call(call)) = servers[0].try_next() else { panic!("no request") };
        assert_eq!(Some(call.id()), pending.id());
        assert!(call.answer(number).is_ok());
        assert_eq!(poll(&mut pending), Poll::Ready(Ok(number)));
    }
}

#[test]
fn a_watch_sees_services_come_and_go_in_order_and_counts_what_it_missed() {
    let machine = Machine::new();
    let services = machine.kernel.handle().services();
    // From boot on, before anything happened.
    let (mut slow, mut watch) = (services.watch(), services.watch());
    let mut next = Box::pin(watch.next());
    assert!(poll(&mut next).is_pending());
    let server = services.try_bind::<Add>("a").expect("bound");
    let instance = server.instance();
    let Poll::Ready(entry) = poll(&mut next) else { panic!("not told") };
    let label = "a".try_into().expect("short");
    let change = Change { arrived: true, uuid: Add::UUID, name: "add", instance, label };
    assert_eq!((entry.missed, entry.record), (0, change));
    drop(next);
    drop(server);
    assert_eq!(watch.try_next().map(|entry| entry.record), Some(Change { arrived: false, ..change }));
    assert_eq!(watch.try_next(), None);
    for _ in 0..9 {
        drop(services.try_bind::<Add>("").expect("bound"));
    }
    // 20 changes in all, of which 16 are kept.
    for watch in [&mut slow, &mut watch] {
        let missed = watch.try_next().map(|entry| entry.missed);
        let mut rest = 0;
        while let Some(entry) = watch.try_next() {
            assert_eq!(entry.missed, 0);
            rest += 1;
        }
        assert_eq!(
            (missed.map(|missed| missed + 1 + rest), rest),
            (Some(if missed == Some(4) { 20 } else { 18 }), 15)
        );
    }
    let mut late = services.watch();
    assert_eq!(late.try_next(), None);
}

#[test]
fn wherever_an_allocation_fails_binding_and_connecting_leave_nothing_behind() {
    let machine = Machine::new();
    let kernel = machine.kernel.handle();
    let services = kernel.services();
    let before = kernel.heap().stats().used;
    kernel.heap().fail_after(0);
    let failed = services.try_bind::<Add>("").expect_err("no memory");
    assert!(matches!(failed, BindError::Memory(AllocError::OutOfMemory { .. })));
    assert_eq!((kernel.heap().stats().used, services.next_service(InstanceId(0))), (before, None));
    kernel.heap().fail_after(0);
    let mut bound = Box::pin(services.bind::<Add>(""));
    if let Poll::Ready(Ok(server)) = poll(&mut bound) {
        drop(server);
    }
    drop(bound);
    let _server = services.try_bind::<Add>("").expect("bound");
    let before = kernel.heap().stats().used;
    kernel.heap().fail_after(0);
    let _gave_up = try_connect::<Add>(&services, Select::First, true, 1);
    assert_eq!(kernel.heap().stats().used, before);
    assert!(try_connect::<Add>(&services, Select::First, true, 1).is_pending());
    assert_eq!(kernel.heap().stats().used, before);
}

#[test]
fn only_who_waits_for_the_service_waits_for_memory_too() {
    let machine = Machine::new();
    let kernel = machine.kernel.handle();
    let (heap, services) = (kernel.heap(), kernel.services());
    let _server = services.try_bind::<Add>("").expect("bound");
    let mut large = Vec::new();
    large.extend(core::iter::from_fn(|| heap.try_box([0_u8; 4096]).ok()));
    let _small: Vec<_> = core::iter::from_fn(|| heap.try_box([0_u8; 16]).ok()).collect();
    let failures = heap.stats().failures;
    for select in [Select::First, Select::Label("")] {
        let refused = try_connect::<Add>(&services, select, true, 1);
        assert!(matches!(refused, Poll::Ready(Err(ConnectError::Memory(AllocError::OutOfMemory { .. })))));
    }
    assert_eq!(heap.stats().failures, failures + 2, "a refusal is counted once");
    let mut waiting = Box::pin(services.connect::<Add>(true, 1));
    assert!(poll(&mut waiting).is_pending());
    assert_eq!((heap.stats().failures, services.next_connection(ConnectionId(0))), (failures + 2, None));
    large.pop();
    assert!(poll(&mut waiting).is_pending(), "the server has not answered");
    assert!(services.next_connection(ConnectionId(0)).is_some());
}

#[test]
fn a_listing_names_the_task_that_serves() {
    let machine = Machine::new();
    let kernel = machine.kernel.handle();
    let server = kernel.services().try_bind::<Add>("").expect("bound");
    let serves = || kernel.services().next_service(InstanceId(0)).expect("listed").task;
    assert_eq!(serves(), 0, "no task has bound it");
    let first = kernel.try_spawn("first", async move {
        let mut server = server;
        let mut next = Box::pin(server.next());
        assert!(poll_fn(|context| Poll::Ready(next.as_mut().poll(context))).await.is_pending());
        drop(next);
        server
    });
    let mut first = first.expect("spawned");
    machine.settle();
    assert_eq!(serves(), first.id().0);
    let Poll::Ready(Ok(mut server)) = poll(&mut first) else { panic!("it has ended") };
    let second = kernel.try_spawn("second", async move { drop(server.next().await) });
    machine.settle();
    assert_eq!(serves(), second.expect("spawned").id().0, "it was handed over");
}
