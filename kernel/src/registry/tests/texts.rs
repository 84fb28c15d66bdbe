//! What people read of services: errors, numbers, versions.

use core::fmt::{Debug, Display};

use super::*;
use crate::{
    heap::AllocError,
    registry::{
        BindError, ClientGone, ConnectionId, InstanceId, RequestId,
        programs::{ProgramCallError, ProgramConnectError, Refusal},
    },
};

fn assert_sentence(error: &dyn Display) {
    let text = error.to_string();
    assert!(text.len() > 12 && text.contains(' '), "{text}");
    assert!(!text.ends_with('.') && !text.contains('\n'), "{text}");
}

#[test]
fn every_error_says_one_clear_sentence() {
    let memory = AllocError::OutOfMemory { requested: 100 };
    let running = Version::new(2, 1);
    let bind = [
        BindError::AlreadyBound(InstanceId(3)),
        BindError::TypeMismatch { name: "add" },
        BindError::Full { services: 2 },
        BindError::LabelTooLong,
        BindError::Memory(memory),
    ];
    bind.iter().for_each(|error| assert_sentence(error));
    let connect: [ConnectError<&str>; 7] = [
        ConnectError::NotFound,
        ConnectError::TypeMismatch { name: "add", version: running },
        ConnectError::Depth { depth: 0 },
        ConnectError::Rejected("it is late"),
        ConnectError::Unanswered,
        ConnectError::ServerGone,
        ConnectError::Memory(memory),
    ];
    connect.iter().for_each(|error| assert_sentence(error));
    let call: [CallError<&str>; 4] =
        [CallError::ServerGone, CallError::Unanswered, CallError::Deadline, CallError::WaitCycle];
    call.iter().for_each(|error| assert_sentence(error));
    assert_eq!(CallError::Service("overflow").to_string(), "overflow", "the service's own words");
    for reason in [UnsentReason::Full, UnsentReason::ServerGone] {
        assert_sentence(&reason);
        assert_eq!(Unsent { request: 1, reason }.to_string(), reason.to_string());
    }
    assert_sentence(&ClientGone);
}

#[test]
fn every_error_of_a_program_says_one_clear_sentence() {
    let refusals =
        [Refusal::Depth, Refusal::Unanswered, Refusal::ServerGone, Refusal::Memory(AllocError::Contended)];
    refusals.iter().for_each(|refusal| assert_sentence(&ProgramConnectError::Refused(*refusal)));
    let connect = [
        ProgramConnectError::NotFound,
        ProgramConnectError::WrongVersion { running: Version::new(2, 1) },
        ProgramConnectError::Malformed,
        ProgramConnectError::Rejected(crate::inline::Bytes::default()),
    ];
    connect.iter().for_each(|error| assert_sentence(error));
    let call = [
        ProgramCallError::Malformed,
        ProgramCallError::TooLong,
        ProgramCallError::Full,
        ProgramCallError::NoSuchRequest,
        ProgramCallError::ReplyTooLong,
        ProgramCallError::ServerGone,
        ProgramCallError::Unanswered,
        ProgramCallError::WaitCycle,
        ProgramCallError::Deadline,
    ];
    call.iter().for_each(|error| assert_sentence(error));
}

#[test]
fn numbers_and_versions_are_printed_plainly() {
    let numbers: [&dyn Display; 3] = [&InstanceId(7), &ConnectionId(8), &RequestId(9)];
    assert_eq!(numbers.map(ToString::to_string), ["7", "8", "9"]);
    assert_eq!(format!("{:>3}", InstanceId(7)), "  7");
    assert_eq!(Version::new(2, 10).to_string(), "2.10");
}

#[test]
fn clients_and_servers_say_what_they_are_of() {
    let mut bench = Bench::new();
    let client = bench.connect(1);
    let names_its_service = |it: &dyn Debug, number: &dyn Debug| {
        let text = format!("{it:?}");
        assert!(text.contains("\"probe\"") && text.contains(&format!("{number:?}")), "{text}");
    };
    names_its_service(&client, &client.id());
    let server = bench.server();
    names_its_service(&*server, &server.instance());
}
