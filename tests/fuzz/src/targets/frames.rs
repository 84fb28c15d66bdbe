//! Frames of a program, sent to services.

use kernel::{
    Handle,
    inline::Text,
    registry::{
        Incoming, Service, Uuid, Version,
        programs::{FRAME, ProgramCallError, ProgramConnectError, ProgramReply, ProgramService, Schemas},
    },
    services::{echo, inspect},
    wire::text::decode_all,
};
use postcard_schema::Schema;
use serde::{Deserialize, Serialize};
use sim_host::{Sim, Time};

use crate::{Choices, Counted};

/// A service whose messages have something of everything.
enum Store {}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Schema)]
#[expect(
    clippy::large_enum_variant,
    reason = "messages own no memory, so they are as large as their largest"
)]
enum Request {
    Put { key: u16, value: Text<300>, flags: [bool; 3] },
    Get(Option<char>, (i8, i64)),
    Fail(Result<f32, ()>),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Schema)]
struct Failed(u8);

impl Service for Store {
    type Request = Request;
    type Response = Request;
    type Error = Failed;
    type Hello = (u8, Text<16>);
    type ConnectError = Failed;

    const UUID: Uuid = Uuid::from_u128(7);
    const NAME: &'static str = "store";
    const VERSION: Version = Version::new(1, 0);
}

async fn serve(kernel: Handle) {
    let mut server = kernel.services().bind_for_programs::<Store>("").await.expect("nobody else is there");
    loop {
        match server.next().await {
            Incoming::Hello(hello) if hello.hello().0 == 0 => drop(hello.reject(Failed(9)).ok()),
            Incoming::Hello(hello) => drop(hello.accept().ok()),
            Incoming::Call(call) => match call.split() {
                (Request::Fail(_), reply) => drop(reply.send(Err(Failed(3))).ok()),
                (request, reply) => drop(reply.send(Ok(request)).ok()),
            },
        }
    }
}

/// A frame is answered, or refused with a reason; nothing is lost, neither the connection nor memory.
pub fn run(bytes: &[u8]) {
    let mut sim =
        Sim::builder().bare().heap(64 * 1024).time(Time::Virtual).build().expect("the heap is large enough");
    let kernel = sim.kernel();
    sim.spawn("store", serve(kernel.clone())).detach();
    sim.spawn("echo", echo::serve(kernel.clone())).detach();
    sim.spawn("inspect", inspect::serve(kernel.clone())).detach();
    let _ = sim.settle();
    let bytes = bytes.to_vec();
    sim.block_on(async move {
        let mut choices = Choices(&bytes);
        let used = || kernel.heap().stats().used;
        let before = used();
        match choices.byte() % 3 {
            0 => program::<Store>(&kernel, &mut choices).await,
            1 => program::<echo::Echo>(&kernel, &mut choices).await,
            _ => program::<inspect::Inspect>(&kernel, &mut choices).await,
        }
        assert_eq!(used(), before, "memory is left behind");
    });
    assert_eq!(sim.panics(), 0, "{:?}", sim.last_panic());
}

async fn program<S: ProgramService>(kernel: &Handle, choices: &mut Choices<'_>) {
    let depth = usize::from(choices.byte() % 4) + 1;
    let services = kernel.services();
    let client = match services.connect_program(S::UUID, S::KEY, choices.piece(1), depth).await {
        Ok(client) => client,
        Err(ProgramConnectError::Malformed | ProgramConnectError::Rejected(_)) => return,
        Err(other) => panic!("{other}"),
    };
    while !choices.is_empty() {
        let mut reply = [0; FRAME];
        let room = usize::from(choices.byte()) * 2;
        let frame = choices.piece(4);
        match client.call(frame, &mut reply[..room]).await {
            Ok(answer) => {
                assert!(frame.len() <= FRAME);
                check(&S::SCHEMAS, answer, &reply[..room]);
            }
            Err(ProgramCallError::TooLong) => assert!(frame.len() > FRAME),
            Err(ProgramCallError::Malformed | ProgramCallError::ReplyTooLong) => {}
            Err(other) => panic!("{other}"),
        }
    }
}

fn check(schemas: &Schemas, answer: ProgramReply, reply: &[u8]) {
    let (schema, len) = match answer {
        ProgramReply::Response(len) => (schemas.response, len),
        ProgramReply::Error(len) => (schemas.error, len),
    };
    decode_all(schema, &reply[..len], &mut Counted::default()).expect("a reply is of its type");
}
