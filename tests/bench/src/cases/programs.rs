//! Request and reply between a program and a service: both are frames of postcard, which is most of the cost.

use std::hint::black_box;

use kernel::{
    Handle,
    registry::{
        Service, Uuid, Version,
        programs::{ProgramReply, ProgramService},
    },
    services::Never,
};

use crate::machine::Machine;

/// What is asked and answered.
type Values = (u32, u64, [u8; 16]);

/// Takes few bytes.
const SMALL: Values = (1, 2, [3; 16]);

/// Takes as many as there can be.
const LARGE: Values = (u32::MAX, u64::MAX, [u8::MAX; 16]);

/// Answers with what it is asked.
enum Mirror {}

impl Service for Mirror {
    type Request = Values;
    type Response = Values;
    type Error = Never;
    type Hello = ();
    type ConnectError = Never;

    const UUID: Uuid = Uuid::from_u128(0x61d3_98ba_04c7_4f5e_a2b1_7e0d_93c6_58f4);
    const NAME: &'static str = "mirror";
    const VERSION: Version = Version::new(1, 0);
}

async fn serve(kernel: Handle) {
    let mut server = kernel.services().bind_for_programs::<Mirror>("").await.expect("bound");
    loop {
        let call = server.next_call().await;
        let values = *call.request();
        let _ = call.answer(values);
    }
}

async fn ask(kernel: Handle, values: Values, times: u64) {
    let services = kernel.services();
    let client = services.connect_program(Mirror::UUID, Mirror::KEY, &[], 1).await.expect("connected");
    let (mut request, mut reply) = ([0; 64], [0; 64]);
    for _ in 0..times {
        let frame = encode(&values, &mut request);
        let Ok(ProgramReply::Response(len)) = client.call(frame, &mut reply).await else {
            panic!("the mirror answers");
        };
        black_box(decode(&reply[..len]));
    }
}

fn round_trips(values: Values, times: u64) {
    let machine = Machine::boot();
    machine.start("mirror", serve(machine.handle()));
    machine.settle();
    machine.start("program", ask(machine.handle(), values, times));
    machine.settle();
}

pub(crate) fn round_trip_small(times: u64) {
    round_trips(SMALL, times);
}

pub(crate) fn round_trip_large(times: u64) {
    round_trips(LARGE, times);
}

/// What postcard alone takes of a round trip: request and reply are each written and read.
fn postcard_alone(values: Values, times: u64) {
    let (mut request, mut reply) = ([0; 64], [0; 64]);
    for _ in 0..times {
        let asked = decode(black_box(encode(&values, &mut request)));
        black_box(decode(black_box(encode(&asked, &mut reply))));
    }
}

pub(crate) fn postcard_small(times: u64) {
    postcard_alone(SMALL, times);
}

pub(crate) fn postcard_large(times: u64) {
    postcard_alone(LARGE, times);
}

fn encode<'b>(values: &Values, buffer: &'b mut [u8]) -> &'b [u8] {
    postcard::to_slice(black_box(values), buffer).expect("it fits")
}

fn decode(frame: &[u8]) -> Values {
    postcard::from_bytes(frame).expect("it was written like this")
}
