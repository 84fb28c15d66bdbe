//! Laws 1, 2, 4 and 5: services come, go, and are found.

use kernel::{
    event::{Event, Kinds},
    limits::Settings,
    registry::{BindError, CallError, ConnectError, InstanceId, Select, Service, Uuid, Version},
};

use super::fixtures::{Doubler, Unwelcome, bind, serve, take_request};
use crate::{HEAP, Home, Machine};

pub(super) fn a_dead_server_fails_pending_and_later_requests<H: Home>(home: &mut H) {
    let mut machine = home.boot(HEAP, &Settings::DEFAULT);
    let kernel = machine.kernel();
    let mut server = bind(&kernel, "");
    // It takes one of two requests and keeps it, so that one is in hand and one on the queue when it dies.
    let keeper = kernel.try_spawn("server", async move {
        let _kept = take_request(&mut server).await;
        core::future::pending::<()>().await;
    });
    let keeper = keeper.expect("spawned");
    let handle = kernel.clone();
    let client = kernel.try_spawn("client", async move {
        let client = handle.services().connect::<Doubler>(true, 2).await.expect("connected");
        let in_hand = client.try_send(1).expect("a slot is free");
        let queued = client.try_send(2).expect("a slot is free");
        let pending = (in_hand.await, queued.await);
        (pending, client.call(3).await, client.is_connected())
    });
    let client = client.expect("spawned");
    machine.settle();
    assert!(!client.is_finished());
    keeper.abort();
    let (pending, later, connected) = machine.finish(client);
    // The server's task dropped the request that it had in hand just before it dropped the server.
    assert_eq!(pending, (Err(CallError::Unanswered), Err(CallError::ServerGone)));
    assert_eq!(later, Err(CallError::ServerGone));
    assert!(!connected);
}

pub(super) fn a_server_killed_before_it_ran_fails_its_clients<H: Home>(home: &mut H) {
    let mut machine = home.boot(HEAP, &Settings::DEFAULT);
    let kernel = machine.kernel();
    let handle = kernel.clone();
    let client = kernel.try_spawn("client", async move {
        handle.services().try_connect::<Doubler>(true, 1).await.map(|_| ())
    });
    let server = kernel.try_spawn("server", serve(bind(&kernel, ""))).expect("spawned");
    server.abort();
    let refused = machine.finish(client.expect("spawned"));
    assert_eq!(refused, Err(ConnectError::ServerGone));
}

pub(super) fn a_uuid_is_free_again_once_its_server_is_gone<H: Home>(home: &mut H) {
    let mut machine = home.boot(HEAP, &Settings::DEFAULT);
    let kernel = machine.kernel();
    let first = bind(&kernel, "");
    let instance = first.instance();
    let twice = kernel.services().try_bind::<Doubler>("").map(|_| ());
    assert_eq!(twice, Err(BindError::AlreadyBound(instance)));
    drop(first);
    let second = bind(&kernel, "");
    assert_ne!(second.instance(), instance, "an instance's number is not used again");
    machine.start("server", serve(second));
    let answer = machine.run(async move {
        let client = kernel.services().try_connect::<Doubler>(true, 1).await.expect("connected");
        client.call(4).await
    });
    assert_eq!(answer, Ok(8));
}

pub(super) fn clients_can_wait_for_the_next_server<H: Home>(home: &mut H) {
    let mut machine = home.boot(HEAP, &Settings::DEFAULT);
    let kernel = machine.kernel();
    let waiting = [1, 2, 3].map(|number| {
        let handle = kernel.clone();
        let client = kernel.try_spawn("client", async move {
            let client = handle.services().connect::<Doubler>(true, 1).await.expect("connected");
            client.call(number).await
        });
        client.expect("spawned")
    });
    machine.settle();
    let server = bind(&kernel, "");
    machine.start("server", serve(server));
    for (client, answer) in waiting.into_iter().zip([2, 4, 6]) {
        assert_eq!(machine.finish(client), Ok(answer));
    }
}

/// Another contract under the doubler's UUID.
enum Impostor {}

impl Service for Impostor {
    type Request = u8;
    type Response = u8;
    type Error = u8;
    type Hello = ();
    type ConnectError = ();

    const UUID: Uuid = Doubler::UUID;
    const NAME: &'static str = "impostor";
    const VERSION: Version = Version::new(9, 9);
}

pub(super) fn a_failed_connect_says_why<H: Home>(home: &mut H) {
    let mut machine = home.boot(HEAP, &Settings { services: 1, ..Settings::DEFAULT });
    let kernel = machine.kernel();
    machine.run(async move {
        let services = kernel.services();
        let absent = services.try_connect::<Doubler>(true, 1).await.map(|_| ());
        assert_eq!(absent, Err(ConnectError::NotFound));

        let impostor = services.try_bind::<Impostor>("").expect("bound");
        let mistyped = services.connect::<Doubler>(true, 1).await.map(|_| ());
        let expected = ConnectError::TypeMismatch { name: "impostor", version: Version::new(9, 9) };
        assert_eq!(mistyped, Err(expected));
        let mistyped = services.try_bind::<Doubler>("other").map(|_| ());
        assert_eq!(mistyped, Err(BindError::TypeMismatch { name: "impostor" }));
        drop(impostor);

        let server = services.try_bind::<Doubler>("").expect("bound");
        let full = services.try_bind::<Doubler>("other").map(|_| ());
        assert_eq!(full, Err(BindError::Full { services: 1 }));
        let task = kernel.try_spawn("server", serve(server)).expect("spawned");
        for depth in [0, 257, usize::MAX] {
            let refused = services.try_connect::<Doubler>(true, depth).await.map(|_| ());
            assert_eq!(refused, Err(ConnectError::Depth { depth }));
        }
        let rejected = services.try_connect::<Doubler>(false, 1).await.map(|_| ());
        assert_eq!(rejected, Err(ConnectError::Rejected(Unwelcome)));
        task.abort();
        let dead = services.try_connect::<Doubler>(true, 1).await.map(|_| ());
        assert_eq!(dead, Err(ConnectError::ServerGone));
    });
}

pub(super) fn several_instances_are_listed_chosen_and_watched<H: Home>(home: &mut H) {
    let mut machine = home.boot(HEAP, &Settings::DEFAULT);
    let kernel = machine.kernel();
    kernel.events().listen(Kinds::ALL);
    let mut watch = kernel.services().watch();
    let (left, right) = (bind(&kernel, "left"), bind(&kernel, "right"));
    let (left_id, right_id) = (left.instance(), right.instance());
    let left_task = kernel.try_spawn("left", serve(left)).expect("spawned");
    machine.start("right", serve(right));
    let handle = kernel.clone();
    let chosen = machine.run(async move {
        let services = handle.services();
        let by_label =
            services.try_connect_to::<Doubler>(Select::Label("right"), true, 1).await.expect("connected");
        let by_number = services.try_connect_to::<Doubler>(Select::Instance(left_id), true, 1).await;
        let first = services.try_connect::<Doubler>(true, 1).await.expect("connected");
        let none = services.try_connect_to::<Doubler>(Select::Label("middle"), true, 1).await.map(|_| ());
        assert_eq!(none, Err(ConnectError::NotFound));
        (by_label.instance(), by_number.expect("connected").instance(), first.instance())
    });
    assert_eq!(chosen, (right_id, left_id, left_id));
    left_task.abort();
    machine.settle();
    let mut listed = None;
    let mut after = InstanceId(0);
    while let Some(service) = kernel.services().next_service(after) {
        assert_eq!(listed.replace(service.instance), None, "one instance is left");
        after = service.instance;
    }
    assert_eq!(listed, Some(right_id));
    for (arrived, instance) in [(true, left_id), (true, right_id), (false, left_id)] {
        let change = watch.try_next().expect("the change was seen").record;
        assert_eq!((change.arrived, change.instance), (arrived, instance));
    }
    assert!(watch.try_next().is_none());
    let mut cursor = kernel.events().last(u64::MAX);
    let mut gone = false;
    while let Some(entry) = kernel.events().read(&mut cursor) {
        gone |= matches!(entry.record.event, Event::Unregister { instance, .. } if instance == left_id.0);
    }
    assert!(gone, "the departure is an event");
}
