//! The laws of the event stream and of its ring.

mod probe;

use std::vec::Vec;

use super::*;
use crate::{limits::Settings, testing::Machine};

const NAME: &str = "sleeper";

fn ring(slots: usize) -> Ring<u32> {
    Ring::new(std::boxed::Box::leak(std::boxed::Box::new_uninit_slice(slots)))
}

fn rest(ring: &Ring<u32>, cursor: &mut Cursor) -> Vec<(u64, u64, u32)> {
    core::iter::from_fn(|| ring.read(cursor))
        .map(|entry| (entry.missed, entry.number, entry.record))
        .collect()
}

fn machine(events: usize) -> Machine {
    Machine::with(128 * 1024, &Settings { events, ..Settings::DEFAULT })
}

fn emit(events: &Events, task: u32) {
    events.emit(Kind::Spawn, || Event::Spawn { task, name: NAME });
}

fn read(events: &Events, cursor: &mut Cursor) -> Option<(u64, Event)> {
    events.read(cursor).map(|entry| (entry.missed, entry.record.event))
}

// A leaked ring is a leak to Miri, which the stream's tests below are run under.
#[cfg(not(miri))]
#[test]
fn a_reader_gets_every_record_once_in_order_and_is_told_what_it_missed() {
    for slots in [1, 2, 3, 255, 256, 257] {
        let mut ring = ring(slots);
        let (mut joined, mut fresh) = (Cursor::at(0), Cursor::default());
        assert_eq!(ring.read(&mut joined), None);
        let len = slots as u32;
        (0..len).for_each(|record| ring.write(record));
        let all: Vec<_> = (0..len).map(|record| (0, u64::from(record), record)).collect();
        assert_eq!(rest(&ring, &mut joined), all);
        // The reader sleeps through one more than the ring holds.
        (len..2 * len + 1).for_each(|record| ring.write(record));
        let late = rest(&ring, &mut joined);
        assert_eq!(late.len(), slots);
        assert_eq!(late[0], (1, u64::from(len) + 1, len + 1));
        assert!(late[1..].iter().all(|(missed, ..)| *missed == 0));
        // Who has never read has missed nothing.
        assert_eq!(rest(&ring, &mut fresh)[0], (0, u64::from(len) + 1, len + 1));
        assert_eq!(ring.read(&mut fresh), None);
    }
}

#[test]
fn a_ring_without_slots_keeps_nothing_and_harms_nobody() {
    let mut ring = Ring::<u32>::new(&mut []);
    ring.write(1);
    assert_eq!((ring.written(), ring.read(&mut Cursor::default())), (0, None));
    assert_eq!(ring.read(&mut Cursor::at(7)), None);
}

#[cfg(not(miri))]
#[test]
fn a_cursor_from_the_future_waits_for_its_record() {
    let mut ring = ring(4);
    let mut cursor = Cursor::at(2);
    ring.write(0);
    ring.write(1);
    assert_eq!(ring.read(&mut cursor), None);
    ring.write(2);
    assert_eq!(rest(&ring, &mut cursor), [(0, 2, 2)]);
}

#[test]
fn a_machine_without_slots_records_no_event_whoever_listens() {
    let machine = machine(0);
    let kernel = machine.kernel.handle();
    assert_eq!(kernel.events().listening(), Kinds::NONE);
    kernel.events().listen(Kinds::ALL);
    kernel.try_spawn("task", async {}).expect("spawned").detach();
    machine.settle();
    assert_eq!((kernel.events().recorded(), kernel.events().read(&mut Cursor::default())), (0, None));
}

#[test]
fn only_what_is_listened_to_is_recorded_or_even_made() {
    let machine = machine(8);
    let kernel = machine.kernel.handle();
    let events = kernel.events();
    let before = events.listen(Kinds::NONE.with(Kind::Exit));
    assert_eq!(before, Kinds::DEFAULT);
    events.emit(Kind::Spawn, || panic!("nobody listens"));
    events.emit(Kind::Exit, || Event::Exit { task: 1, ending: Ending::Finished });
    events.listen(Kinds::ALL.without(Kind::Exit));
    events.emit(Kind::Exit, || panic!("nobody listens"));
    emit(events, 2);
    let mut cursor = Cursor::default();
    assert_eq!(read(events, &mut cursor), Some((0, Event::Exit { task: 1, ending: Ending::Finished })));
    assert_eq!(read(events, &mut cursor), Some((0, Event::Spawn { task: 2, name: NAME })));
    assert_eq!(read(events, &mut cursor), None);
}

#[test]
fn a_slow_reader_stops_nobody_and_is_told_what_it_missed() {
    let machine = machine(4);
    let kernel = machine.kernel.handle();
    let events = kernel.events();
    let (mut slow, mut quick) = (Cursor::at(events.recorded()), Cursor::at(events.recorded()));
    for task in 0..10 {
        emit(events, task);
        assert_eq!(read(events, &mut quick), Some((0, Event::Spawn { task, name: NAME })));
    }
    assert_eq!(read(events, &mut slow), Some((6, Event::Spawn { task: 6, name: NAME })));
    assert_eq!(read(events, &mut slow), Some((0, Event::Spawn { task: 7, name: NAME })));
}

#[test]
fn the_last_records_are_read_and_those_before_them_are_not_missed() {
    let machine = machine(4);
    let kernel = machine.kernel.handle();
    let events = kernel.events();
    (0..10).for_each(|task| emit(events, task));
    for (count, first) in [(1, 9), (3, 7), (4, 6), (5, 6), (1000, 6), (u64::MAX, 6)] {
        assert_eq!(
            read(events, &mut events.last(count)),
            Some((0, Event::Spawn { task: first, name: NAME })),
            "{count}"
        );
    }
    assert_eq!(read(events, &mut events.last(0)), None);
}

#[test]
fn events_carry_the_time_and_read_as_text() {
    let machine = machine(4);
    let kernel = machine.kernel.handle();
    machine.clock.set(u64::MAX);
    kernel.events().emit(Kind::WaitCycle, || Event::WaitCycle { task: 3, service: "echo" });
    let entry = kernel.events().read(&mut Cursor::default()).expect("recorded");
    assert_eq!(entry.record.at_us, u64::MAX);
    assert_eq!(entry.record.event.to_string(), "wait-cycle task=3 service=echo");
}

#[test]
fn every_kind_has_a_bit_and_a_name_of_its_own() {
    assert!(Kind::ALL.len() <= 32);
    for (at, kind) in Kind::ALL.iter().enumerate() {
        assert_eq!(*kind as usize, at);
        assert!(Kinds::NONE.with(*kind).contains(*kind) && !Kinds::ALL.without(*kind).contains(*kind));
        assert_eq!(Kind::ALL.iter().filter(|other| other.name() == kind.name()).count(), 1);
    }
}

#[test]
fn after_the_kernel_is_gone_events_and_log_are_silent() {
    let machine = machine(4);
    let kernel = machine.kernel.handle();
    kernel.log().info("test", format_args!("before"));
    drop(machine);
    kernel.events().listen(Kinds::ALL);
    emit(kernel.events(), 1);
    assert_eq!(kernel.events().read(&mut Cursor::default()), None);
    kernel.log().set_level(crate::log::Level::Trace);
    kernel.log().error("test", format_args!("after"));
    let mut cursor = Cursor::default();
    let lines = core::iter::from_fn(|| kernel.log().read(&mut cursor));
    assert!(lines.count() <= 1);
}

#[test]
fn the_same_run_leaves_the_same_events() {
    let run = || {
        let machine = Machine::new();
        let kernel = machine.kernel.handle();
        kernel.events().listen(Kinds::ALL);
        for task in 1..5 {
            let handle = kernel.clone();
            let future = async move {
                for step in 0..3 {
                    handle.sleep(crate::time::Duration::from_micros(task * step)).await;
                    drop(handle.heap().try_box([0_u8; 40]));
                }
            };
            kernel.try_spawn("task", future).expect("spawned").detach();
        }
        machine.run();
        let mut cursor = Cursor::default();
        core::iter::from_fn(|| kernel.events().read(&mut cursor))
            .map(|entry| entry.record)
            .collect::<Vec<_>>()
    };
    let first = run();
    assert!(first.len() > 20);
    assert_eq!(first, run());
}
