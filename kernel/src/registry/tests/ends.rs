//! Every request ends in one way, wherever either side gives up.

use core::mem::forget;

use super::*;
use crate::event::{Event, Kinds};

#[test]
fn a_request_given_up_on_the_queue_never_reaches_the_server() {
    let mut bench = Bench::new();
    let client = bench.connect(3);
    let pending = [0, 1, 2].map(|number| bench.send(&client, number));
    let [first, middle, last] = pending;
    drop(middle);
    assert_eq!(bench.drops.count(), 2, "the hello and the request");
    drop(last);
    let mut again = bench.send(&client, 3);
    drop(first);
    let call = bench.take();
    assert_eq!(call.request().1, 3);
    assert!(bench.server().try_next().is_none());
    let reply = bench.drops.token(4);
    assert!(call.answer(reply).is_ok());
    assert_eq!(outcome(&mut again), Some(Ok(4)));
}

#[test]
fn a_connection_that_was_made_tells_of_its_end_once_whoever_is_first_to_go() {
    let mut bench = Bench::new();
    let events = bench.machine.kernel.handle();
    let events = events.events();
    events.listen(Kinds::ALL);
    let mut cursor = events.last(0);
    let mut told = move || {
        core::iter::from_fn(|| events.read(&mut cursor))
            .map(|entry| entry.record.event)
            .filter(|event| matches!(event, Event::Connect { .. } | Event::Disconnect { .. }))
            .collect::<Vec<_>>()
    };
    let client = bench.connect(1);
    let Some(Event::Connect { connection, .. }) = told().pop() else {
        panic!("nobody tells of the connection")
    };
    let pending = bench.send(&client, 1);
    let call = bench.take();
    drop(pending);
    drop(client);
    assert_eq!(told(), [Event::Disconnect { connection }], "even though the server has a request still");
    drop(call);
    assert_eq!(told(), []);
    let client = bench.connect(1);
    let Some(Event::Connect { connection, .. }) = told().pop() else {
        panic!("nobody tells of the connection")
    };
    bench.server = None;
    assert_eq!(told(), [], "the client has it still");
    drop(client);
    assert_eq!(told(), [Event::Disconnect { connection }]);
}

#[test]
fn a_request_given_up_while_the_server_has_it_is_told_and_its_slot_is_free_afterwards() {
    let mut bench = Bench::new();
    let client = bench.connect(1);
    let pending = bench.send(&client, 1);
    let call = bench.take();
    drop(pending);
    assert_eq!(call.request().1, 1, "the server keeps what it has taken");
    assert!(client.try_send(bench.drops.token(2)).is_err(), "the slot is the server's");
    let reply = bench.drops.token(3);
    assert!(call.answer(reply).is_err());
    let mut next = bench.send(&client, 4);
    assert_eq!(outcome(&mut next), None);
    let reply = bench.drops.token(5);
    assert!(bench.take().fail(reply).is_ok());
    assert_eq!(outcome(&mut next), Some(Err(CallError::Service(5))));
    drop(next);
    drop(client);
    assert_eq!(bench.drops.count(), 6);
}

#[test]
fn a_reply_given_up_before_it_was_seen_is_dropped() {
    let mut bench = Bench::new();
    let client = bench.connect(1);
    let pending = bench.send(&client, 1);
    let reply = bench.drops.token(2);
    assert!(bench.take().answer(reply).is_ok());
    assert_eq!(bench.drops.count(), 2);
    drop(pending);
    assert_eq!(bench.drops.count(), 3);
    assert!(client.try_send(bench.drops.token(3)).is_ok());
}

#[test]
fn a_call_dropped_unanswered_is_an_outcome() {
    let mut bench = Bench::new();
    let client = bench.connect(2);
    let (mut whole, mut split) = (bench.send(&client, 1), bench.send(&client, 2));
    drop(bench.take());
    let (request, reply) = bench.take().split();
    assert_eq!(request.1, 2);
    assert_eq!((outcome(&mut whole), outcome(&mut split)), (Some(Err(CallError::Unanswered)), None));
    drop(reply);
    assert_eq!(outcome(&mut split), Some(Err(CallError::Unanswered)));
    assert!(client.is_connected());
    let mut next = bench.send(&client, 3);
    let reply = bench.drops.token(4);
    assert!(bench.take().answer(reply).is_ok());
    assert_eq!(outcome(&mut next), Some(Ok(4)));
}

#[test]
fn a_server_that_goes_away_fails_requests_at_every_stage_at_once() {
    let mut bench = Bench::new();
    let before = bench.used();
    let client = bench.connect(5);
    let mut pending = [0, 1, 2, 3, 4].map(|number| bench.send(&client, number));
    // Answered, taken, split; two are queued.
    let reply = bench.drops.token(9);
    assert!(bench.take().answer(reply).is_ok());
    let taken = bench.take();
    let (request, split) = bench.take().split();
    drop(bench.server.take());
    assert!(!client.is_connected());
    let outcomes = pending.each_mut().map(outcome);
    let gone = Some(Err(CallError::ServerGone));
    assert_eq!(outcomes, [Some(Ok(9)), gone, gone, gone, gone]);
    let refused = client.try_send(bench.drops.token(5)).map(|_| ()).map_err(|unsent| unsent.reason);
    assert_eq!(refused, Err(UnsentReason::ServerGone));
    // What the server had taken stays whole, and leads nowhere.
    assert_eq!((taken.request().1, request.1), (1, 2));
    assert!(taken.answer(bench.drops.token(6)).is_err());
    drop(pending);
    drop(client);
    assert!(split.is_abandoned());
    assert!(split.send(Ok(bench.drops.token(7))).is_err());
    drop(request);
    assert_eq!(bench.drops.count(), 10);
    assert!(bench.used() < before, "the server's entry is free too");
}

#[test]
fn a_token_kept_by_another_task_outlives_server_and_client_and_kernel() {
    for order in 0..6 {
        let mut bench = Bench::new();
        let client = bench.connect(2);
        forget(bench.send(&client, 1));
        forget(bench.send(&client, 2));
        let call = bench.take();
        let drops = bench.drops.clone();
        let (mut client, mut server) = (Some(client), bench.server.take());
        let (mut call, mut machine) = (Some(call), Some(bench.machine));
        let mut give_up = |what: u32| match what {
            0 => drop(client.take()),
            1 => drop(server.take()),
            2 => drop(call.take()),
            _ => drop(machine.take()),
        };
        for step in 0..3 {
            give_up((order + step * (1 + order / 3)) % 3);
            if order == step {
                give_up(3);
            }
        }
        give_up(3);
        assert_eq!(drops.count(), 3, "the hello and both requests, in order {order}");
    }
}

#[test]
fn forgotten_requests_are_given_up_with_the_client() {
    let mut bench = Bench::new();
    let client = bench.connect(4);
    let before = bench.drops.count();
    for number in 0..4 {
        forget(bench.send(&client, number));
    }
    let reply = bench.drops.token(4);
    assert!(bench.take().answer(reply).is_ok());
    drop(bench.take());
    let taken = bench.take();
    assert!(client.try_send(bench.drops.token(5)).is_err());
    drop(client);
    assert!(bench.server().try_next().is_none());
    assert!(taken.answer(bench.drops.token(6)).is_err());
    assert_eq!(bench.drops.count() - before, 7);
}

#[test]
fn a_client_that_goes_away_leaves_no_memory_behind() {
    let mut bench = Bench::new();
    let before = bench.used();
    for depth in [1, 2, 255, 256] {
        let client = bench.connect(depth);
        assert_eq!(client.depth() as usize, depth);
        let pending = bench.send(&client, 0);
        drop(pending);
        drop(client);
        assert_eq!(bench.used(), before, "depth {depth}");
    }
}

#[test]
fn a_handshake_given_up_at_any_stage_harms_neither_side() {
    let mut bench = Bench::new();
    let before = bench.used();
    for stage in 0..4 {
        let (services, hello) = (bench.services(), bench.drops.token(0));
        let mut connecting = Box::pin(async move { services.try_connect::<Probe>(hello, 1).await.is_ok() });
        if stage > 0 {
            assert!(poll(&mut connecting).is_pending());
        }
        match stage {
            0 | 1 => drop(connecting),
            2 => {
                let Some(Incoming::Hello(handshake)) = bench.server().try_next() else { panic!() };
                drop(connecting);
                assert_eq!(handshake.hello().1, 0);
                assert!(handshake.accept().is_err());
            }
            _ => {
                let Some(Incoming::Hello(handshake)) = bench.server().try_next() else { panic!() };
                assert!(handshake.accept().is_ok());
                drop(connecting);
            }
        }
        assert!(bench.server().try_next().is_none());
        assert_eq!((bench.drops.count(), bench.used()), (stage + 1, before), "stage {stage}");
    }
}

#[test]
fn a_handshake_ends_in_what_the_server_did_with_it() {
    let mut bench = Bench::new();
    let connecting = |bench: &Bench| {
        let (services, hello) = (bench.services(), bench.drops.token(0));
        let mut connecting = Box::pin(async move { services.try_connect::<Probe>(hello, 1).await });
        assert!(poll(&mut connecting).is_pending());
        connecting
    };
    let mut end = connecting(&bench);
    let Some(Incoming::Hello(handshake)) = bench.server().try_next() else { panic!() };
    assert!(handshake.reject(bench.drops.token(7)).is_ok());
    assert!(matches!(poll(&mut end), Poll::Ready(Err(ConnectError::Rejected(Token(_, 7))))));
    let mut end = connecting(&bench);
    drop(bench.server().try_next());
    assert!(matches!(poll(&mut end), Poll::Ready(Err(ConnectError::Unanswered))));
    // Queued, and taken.
    let (mut taken, mut queued) = (connecting(&bench), connecting(&bench));
    let Some(Incoming::Hello(handshake)) = bench.server().try_next() else { panic!() };
    drop(bench.server.take());
    assert!(matches!(poll(&mut taken), Poll::Ready(Err(ConnectError::ServerGone))));
    assert!(matches!(poll(&mut queued), Poll::Ready(Err(ConnectError::ServerGone))));
    assert!(handshake.accept().is_err());
    assert_eq!(bench.drops.count(), 5);
}

#[test]
fn a_deadline_is_an_outcome_and_the_next_request_works() {
    let mut bench = Bench::new();
    let client = bench.connect(1);
    let request = bench.drops.token(1);
    let mut call = Box::pin(client.call_within(Duration::from_micros(10), request));
    assert!(poll(&mut call).is_pending());
    bench.machine.clock.set(10);
    bench.machine.settle();
    assert!(matches!(poll(&mut call), Poll::Ready(Err(CallError::Deadline))));
    drop(call);
    assert!(bench.server().try_next().is_none());
    let mut next = bench.send(&client, 2);
    let reply = bench.drops.token(3);
    assert!(bench.take().answer(reply).is_ok());
    assert_eq!(outcome(&mut next), Some(Ok(3)));
}

#[test]
fn every_request_and_its_outcome_is_told_of() {
    let mut bench = Bench::new();
    let kernel = bench.machine.kernel.handle();
    let events = kernel.events();
    events.listen(Kinds::ALL);
    let client = bench.connect(2);
    let mut cursor = events.last(0);
    let (answered, dropped) = (bench.send(&client, 1), bench.send(&client, 2));
    let reply = bench.drops.token(3);
    let call = bench.take();
    let (connection, first) = (client.id().0, call.id().0);
    assert!(call.answer(reply).is_ok());
    let call = bench.take();
    let second = call.id().0;
    drop(call);
    let told: Vec<_> = core::iter::from_fn(|| events.read(&mut cursor))
        .map(|entry| entry.record.event)
        .filter(|event| {
            matches!(event, Event::Request { .. } | Event::Reply { .. } | Event::Unanswered { .. })
        })
        .collect();
    let expected = [
        Event::Request { connection, request: first },
        Event::Request { connection, request: second },
        Event::Reply { connection, request: first },
        Event::Unanswered { connection, request: second },
    ];
    assert_eq!(told, expected);
    drop((answered, dropped));
}

#[test]
fn a_request_kept_by_the_server_does_not_keep_the_task_that_gave_it_up() {
    let mut bench = Bench::new();
    let kernel = bench.machine.kernel.handle();
    let services = bench.services();
    let client = Rc::new(bench.connect(1));
    let (asking, token) = (client.clone(), bench.drops.token(1));
    let before = bench.used();
    let task = async move {
        let large = [services.next_service(crate::registry::InstanceId(0)); 20];
        let answer = asking.call(token).await;
        drop((answer, large));
    };
    let task = kernel.try_spawn("client", task).expect("spawned");
    bench.machine.settle();
    assert!(bench.used() > before);
    let call = bench.take();
    task.abort();
    task.detach();
    bench.machine.settle();
    assert_eq!(bench.used(), before, "the memory of the task is free, though its request is not ended");
    drop(call);
    drop(client);
}
