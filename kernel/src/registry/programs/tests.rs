//! The laws of the door for programs: bytes in, bytes out, nothing believed.

use core::{
    convert::Infallible,
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
};
use std::string::ToString;

use postcard_schema::Schema;
use serde::{Deserialize, Serialize};

use super::{FRAME, Key, ProgramCallError, ProgramConnectError, ProgramReply, ProgramService};
use crate::{
    Handle,
    inline::Text,
    registry::{Incoming, InstanceId, Select, Service, Uuid, Version},
    testing::Machine,
};

enum Store {}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Schema)]
#[expect(
    clippy::large_enum_variant,
    reason = "messages own no memory, so they are as large as their largest"
)]
enum Request {
    Length(Text<300>),
    Fail,
    Drop,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Schema)]
struct Failed(u8);

impl Service for Store {
    type Request = Request;
    type Response = u32;
    type Error = Failed;
    type Hello = u8;
    type ConnectError = Failed;

    const UUID: Uuid = Uuid::from_u128(7);
    const NAME: &'static str = "store";
    const VERSION: Version = Version::new(2, 1);
}

async fn serve(kernel: Handle) -> Infallible {
    let mut server = kernel.services().bind_for_programs::<Store>("").await.expect("bound");
    loop {
        match server.next().await {
            Incoming::Hello(hello) if *hello.hello() == 0 => drop(hello.reject(Failed(9)).ok()),
            Incoming::Hello(hello) => drop(hello.accept().ok()),
            Incoming::Call(call) => match call.split() {
                (Request::Length(text), reply) => drop(reply.send(Ok(text.len() as u32)).ok()),
                (Request::Fail, reply) => drop(reply.send(Err(Failed(3))).ok()),
                (Request::Drop, reply) => drop(reply),
            },
        }
    }
}

/// Runs a program's side against the store.
fn with_store<F: Future<Output = ()> + 'static>(program: impl FnOnce(Handle) -> F) {
    let machine = Machine::new();
    let kernel = machine.kernel.handle();
    kernel.try_spawn("store", serve(kernel.clone())).expect("spawned").detach();
    machine.settle();
    let program = kernel.try_spawn("program", program(kernel.clone())).expect("spawned");
    machine.settle();
    assert!(program.is_finished(), "the program did not come to its end");
}

fn frame(request: &Request) -> Vec<u8> {
    let mut frame = vec![0; FRAME];
    let len = postcard::to_slice(request, &mut frame).expect("it fits").len();
    frame.truncate(len);
    frame
}

#[test]
fn a_request_in_bytes_is_answered_in_bytes() {
    with_store(|kernel| async move {
        let store =
            kernel.services().connect_program(Store::UUID, Store::KEY, &[1], 1).await.expect("connected");
        let mut reply = [0; 16];
        let answer = store.call(&frame(&Request::Length(Text::cut("four"))), &mut reply).await;
        assert_eq!(answer, Ok(ProgramReply::Response(1)));
        assert_eq!(reply[0], 4);
        let answer = store.call(&frame(&Request::Fail), &mut reply).await;
        assert_eq!(answer, Ok(ProgramReply::Error(1)));
        assert_eq!(reply[0], 3);
        let answer = store.call(&frame(&Request::Drop), &mut reply).await;
        assert_eq!(answer, Err(ProgramCallError::Unanswered));
    });
}

#[test]
fn a_program_chooses_among_instances_that_are_open() {
    let machine = Machine::new();
    let kernel = machine.kernel.handle();
    let services = kernel.services().clone();
    let program = async move {
        let _closed = services.bind::<Store>("closed").await.expect("bound");
        let mut servers = Vec::new();
        for label in ["one", "two"] {
            servers.push(services.bind_for_programs::<Store>(label).await.expect("bound"));
        }
        let mut after = InstanceId(0);
        let mut listed = Vec::new();
        while let Some(service) = services.next_program_service(after) {
            after = service.instance;
            listed.push(service.label.to_string());
        }
        assert_eq!(listed, ["one", "two"]);
        for (select, served_by) in [
            (Select::First, Some(0)),
            (Select::Label("one"), Some(0)),
            (Select::Label("two"), Some(1)),
            (Select::Instance(after), Some(1)),
            (Select::Label("closed"), None),
            (Select::Label("three"), None),
        ] {
            let mut connecting = pin!(services.connect_program_to(select, Store::UUID, Store::KEY, &[1], 1));
            let refused = poll_fn(|context| Poll::Ready(connecting.as_mut().poll(context))).await;
            assert_eq!(
                matches!(refused, Poll::Ready(Err(ProgramConnectError::NotFound))),
                served_by.is_none()
            );
            let asked = servers.iter_mut().position(|server| server.try_next().is_some());
            assert_eq!(asked, served_by, "{select:?}");
        }
    };
    let program = kernel.try_spawn("program", program).expect("spawned");
    machine.settle();
    assert!(program.is_finished());
}

#[test]
fn hostile_frames_are_refused_and_the_connection_goes_on() {
    with_store(|kernel| async move {
        let store =
            kernel.services().connect_program(Store::UUID, Store::KEY, &[1], 1).await.expect("connected");
        let mut reply = [0; 16];
        let good = frame(&Request::Length(Text::cut("ok")));
        let mut trailing = good.clone();
        trailing.push(0);
        let hostile: [&[u8]; 6] =
            [&[], &[9], &good[..good.len() - 1], &trailing, &[0, 0xff, 0xff, 0xff, 0xff, 0x7f], &[0xff; 40]];
        for bytes in hostile {
            assert_eq!(store.call(bytes, &mut reply).await, Err(ProgramCallError::Malformed), "{bytes:?}");
        }
        assert_eq!(store.call(&[0xff; FRAME], &mut reply).await, Err(ProgramCallError::Malformed));
        assert_eq!(store.call(&[0xff; FRAME + 1], &mut reply).await, Err(ProgramCallError::TooLong));
        assert_eq!(store.call(&good, &mut []).await, Err(ProgramCallError::ReplyTooLong));
        assert_eq!(store.call(&good, &mut reply).await, Ok(ProgramReply::Response(1)));
    });
}

#[test]
fn a_program_of_another_version_is_refused() {
    with_store(|kernel| async move {
        let services = kernel.services();
        let other = Key::for_path::<u8>("store");
        let refused = services.connect_program(Store::UUID, other, &[1], 1).await.map(|_| ());
        assert_eq!(refused, Err(ProgramConnectError::WrongVersion { running: Version::new(2, 1) }));
        let absent = services.connect_program(Uuid::from_u128(8), Store::KEY, &[1], 1).await.map(|_| ());
        assert_eq!(absent, Err(ProgramConnectError::NotFound));
        let malformed = services.connect_program(Store::UUID, Store::KEY, &[1, 1], 1).await.map(|_| ());
        assert_eq!(malformed, Err(ProgramConnectError::Malformed));
        let rejected = services.connect_program(Store::UUID, Store::KEY, &[0], 1).await.map(|_| ());
        assert!(matches!(rejected, Err(ProgramConnectError::Rejected(reason)) if reason.as_slice() == [9]));
    });
}

#[test]
fn a_service_that_is_not_open_does_not_exist_for_programs() {
    let machine = Machine::new();
    let kernel = machine.kernel.handle();
    let server = kernel.services().try_bind::<Store>("").expect("bound");
    assert!(kernel.services().next_program_service(InstanceId(0)).is_none());
    let handle = kernel.clone();
    let program = kernel
        .try_spawn("program", async move {
            handle.services().connect_program(Store::UUID, Store::KEY, &[1], 1).await.map(|_| ())
        })
        .expect("spawned");
    machine.settle();
    assert!(program.is_finished());
    drop(server);
}

#[test]
fn requests_under_way_are_told_apart_by_number() {
    with_store(|kernel| async move {
        let store =
            kernel.services().connect_program(Store::UUID, Store::KEY, &[1], 2).await.expect("connected");
        let request = frame(&Request::Length(Text::cut("abc")));
        let first = store.send(&frame(&Request::Length(Text::cut("a")))).expect("a slot is free");
        let second = store.send(&request).expect("a slot is free");
        assert_eq!(store.send(&request), Err(ProgramCallError::Full));
        store.give_up(first);
        store.give_up(first);
        let mut reply = [0; 4];
        let gone = core::future::poll_fn(|context| store.poll_reply(first, context, &mut reply)).await;
        assert_eq!(gone, Err(ProgramCallError::NoSuchRequest));
        let answer = core::future::poll_fn(|context| store.poll_reply(second, context, &mut reply)).await;
        assert_eq!((answer, reply[0]), (Ok(ProgramReply::Response(1)), 3));
    });
}

#[test]
fn a_program_that_gives_up_frees_the_slot_and_one_that_goes_the_connection() {
    with_store(|kernel| async move {
        let clients = || kernel.services().next_service(InstanceId(0)).expect("listed").clients;
        let store =
            kernel.services().connect_program(Store::UUID, Store::KEY, &[1], 1).await.expect("connected");
        let request = frame(&Request::Length(Text::cut("abc")));
        let mut reply = [0; 4];
        {
            let mut call = pin!(store.call(&request, &mut reply));
            let first = poll_fn(|context| Poll::Ready(call.as_mut().poll(context))).await;
            assert!(first.is_pending());
            assert_eq!(store.send(&request), Err(ProgramCallError::Full));
        }
        assert_eq!(store.call(&request, &mut reply).await, Ok(ProgramReply::Response(1)));
        let used = kernel.heap().stats().used;
        assert_eq!(clients(), 1);
        drop(store);
        assert_eq!(clients(), 0);
        assert!(kernel.heap().stats().used < used, "its memory is free");
    });
}
