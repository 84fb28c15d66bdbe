//! The laws of the log service.

use super::{Error, LogService, Request, Response, TARGET, Text, serve};
use crate::{
    limits::{LOG_TARGETS, LOG_TEXT, Settings},
    log::Level,
    registry::{CallError, Client},
    testing::Machine,
};

fn machine() -> Machine {
    let machine = Machine::new();
    let kernel = machine.kernel.handle();
    kernel.try_spawn("log", serve(kernel.clone())).expect("spawned").detach();
    machine.settle();
    machine
}

async fn connect(kernel: &crate::Handle) -> Client<LogService> {
    kernel.services().connect::<LogService>((), 1).await.expect("running")
}

#[test]
fn a_line_that_is_written_can_be_read() {
    let machine = machine();
    let kernel = machine.kernel.handle();
    machine.clock.set(5);
    machine.ask(async move {
        let log = connect(&kernel).await;
        let write = Request::Write { level: Level::Warn, text: Text::cut("hello") };
        assert_eq!(log.call(write).await, Ok(Response::Done));
        let Ok(Response::Line(Some(line))) = log.call(Request::Line(0)).await else { panic!("a line") };
        assert_eq!((line.number, line.at_us, line.level), (0, 5, Level::Warn));
        assert_eq!((&*line.target, &*line.text), (TARGET, "hello"));
        assert_eq!(log.call(Request::Line(line.number + 1)).await, Ok(Response::Line(None)));
    });
}

#[test]
fn a_reader_who_is_late_gets_the_oldest_line_kept() {
    let machine = machine();
    let kernel = machine.kernel.handle();
    for n in 0..100 {
        kernel.log().info("test", format_args!("{n}"));
    }
    machine.ask(async move {
        let log = connect(&kernel).await;
        let Ok(Response::Line(Some(line))) = log.call(Request::Line(3)).await else { panic!("a line") };
        let oldest = 100 - Settings::DEFAULT.log_lines as u64;
        assert_eq!((line.number, line.text.parse()), (oldest, Ok(oldest)));
        assert_eq!(log.call(Request::Line(u64::MAX)).await, Ok(Response::Line(None)));
    });
}

#[test]
fn what_the_filter_does_not_let_pass_is_not_kept() {
    let machine = machine();
    let kernel = machine.kernel.handle();
    machine.ask(async move {
        let log = connect(&kernel).await;
        let text = Text::cut("x");
        for level in [Level::Debug, Level::Trace, Level::Off] {
            assert_eq!(log.call(Request::Write { level, text }).await, Ok(Response::Done));
        }
        assert_eq!(log.call(Request::Line(0)).await, Ok(Response::Line(None)));
        let set = Request::Set { target: Text::cut(TARGET), level: Level::Trace };
        assert_eq!(log.call(set).await, Ok(Response::Done));
        assert_eq!(log.call(Request::Write { level: Level::Trace, text }).await, Ok(Response::Done));
        assert!(matches!(log.call(Request::Line(0)).await, Ok(Response::Line(Some(_)))));
    });
}

#[test]
fn levels_are_set_listed_and_taken_away() {
    let machine = machine();
    let kernel = machine.kernel.handle();
    machine.ask(async move {
        let log = connect(&kernel).await;
        let (none, uart) = (Text::new(), Text::cut("uart"));
        assert_eq!(log.call(Request::Get(none)).await, Ok(Response::Level(Level::Info)));
        let _ = log.call(Request::Set { target: none, level: Level::Error }).await;
        let _ = log.call(Request::Set { target: uart, level: Level::Debug }).await;
        assert_eq!(log.call(Request::Get(none)).await, Ok(Response::Level(Level::Error)));
        assert_eq!(log.call(Request::Get(Text::cut("uart::rx"))).await, Ok(Response::Level(Level::Debug)));
        assert_eq!(log.call(Request::Target(0)).await, Ok(Response::Target(Some((uart, Level::Debug)))));
        assert_eq!(log.call(Request::Target(1)).await, Ok(Response::Target(None)));
        assert_eq!(log.call(Request::Clear(uart)).await, Ok(Response::Done));
        assert_eq!(log.call(Request::Target(0)).await, Ok(Response::Target(None)));
        assert_eq!(log.call(Request::Get(uart)).await, Ok(Response::Level(Level::Error)));
    });
}

#[test]
fn one_target_too_many_is_refused_and_harms_nothing() {
    let machine = machine();
    let kernel = machine.kernel.handle();
    machine.ask(async move {
        let log = connect(&kernel).await;
        let set = |n: usize| Request::Set { target: Text::cut(&std::format!("t{n}")), level: Level::Trace };
        for n in 0..LOG_TARGETS {
            assert_eq!(log.call(set(n)).await, Ok(Response::Done));
        }
        assert_eq!(log.call(set(LOG_TARGETS)).await, Err(CallError::Service(Error::TooManyTargets)));
        assert_eq!(log.call(Request::Clear(Text::cut("unknown"))).await, Ok(Response::Done));
        assert_eq!(log.call(set(0)).await, Ok(Response::Done));
    });
}

#[test]
fn a_line_of_the_full_length_is_kept_whole() {
    let machine = machine();
    let kernel = machine.kernel.handle();
    machine.ask(async move {
        let log = connect(&kernel).await;
        let text = Text::<LOG_TEXT>::cut(&"ä".repeat(LOG_TEXT));
        let _ = log.call(Request::Write { level: Level::Error, text }).await;
        let Ok(Response::Line(Some(line))) = log.call(Request::Line(0)).await else { panic!("a line") };
        assert_eq!(line.text, text);
    });
}
