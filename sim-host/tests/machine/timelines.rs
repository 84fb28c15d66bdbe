//! Timelines: the machine does what it would do without, whatever happens to its tasks.

use kernel::{
    services::echo::{Echo, Request},
    time::{Duration, Instant},
};
use sim_host::{Builder, External, Sim};

#[path = "../../timeline/tests/trace/reader.rs"]
pub(crate) mod reader;

use reader::Trace;

use crate::shared::Shared;

/// A life with requests, a task that panics while it holds some, one that is killed, and a reboot.
fn live(builder: Builder) -> Sim {
    let mut sim = builder.build().expect("a machine");
    for _ in 0..2 {
        let kernel = sim.kernel();
        let broken = async move {
            let echo = kernel.services().connect::<Echo>((), 1).await.expect("connected");
            for number in 0..5 {
                echo.call(Request::Number(number)).await.expect("an answer");
                kernel.sleep(Duration::from_micros(number)).await;
            }
            let _request = echo.call(Request::Number(5));
            let _memory = kernel.heap().try_box([0_u8; 500]);
            panic!("on purpose");
        };
        sim.spawn("broken", broken).detach();
        let kernel = sim.kernel();
        let sleeper = async move {
            let _memory = kernel.heap().try_box([0_u8; 300]);
            kernel.sleep(Duration::MAX).await;
        };
        sim.spawn("sleeper", sleeper).detach();
        sim.schedule(Instant::from_millis(2), External::Kill { task: "sleeper".to_owned() })
            .expect("scheduled");
        sim.run_until(Instant::from_millis(5));
        assert_eq!(sim.panics(), sim.reboots() + 1);
        if sim.reboots() == 0 {
            sim.reboot().expect("booted");
        }
    }
    sim
}

#[test]
fn tasks_that_panic_or_are_killed_leave_a_whole_trace_and_right_counters() {
    let shared = Shared::default();
    let mut sim = live(Sim::builder().timeline(shared.clone()));
    let kernel = sim.kernel();
    sim.end_timeline().expect("written");
    let trace = Trace::read(&shared.0.borrow());
    let groups = trace.groups();
    assert_eq!(groups.len(), 2);
    for group in &groups {
        let (broken, echo) = (trace.named(*group, "broken"), trace.named(*group, "echo"));
        assert_eq!(trace.instants_on(broken), ["spawned", "panicked"]);
        assert_eq!(trace.instants_on(trace.named(*group, "sleeper")), ["spawned", "cancelled"]);
        let flows = trace.flows();
        let there_and_back = flows.values().filter(|flow| **flow == [broken, echo, broken]);
        assert_eq!(there_and_back.count(), 5);
        let last = trace.slices_on(broken).last().map(|slice| slice.end_ns);
        assert!(last.is_some_and(|last| last > 0), "the poll that panicked shows");
        let memory = |name| trace.last_count(trace.named(*group, name));
        assert_eq!((memory("memory of broken"), memory("memory of sleeper")), (Some(0), Some(0)));
    }
    let used = trace.last_count(trace.named(groups[1], "memory in use"));
    assert_eq!(used, i64::try_from(kernel.heap().stats().used).ok());
}

#[test]
fn a_machine_cannot_tell_that_it_has_a_timeline() {
    let with = live(Sim::builder().timeline(std::io::sink()));
    let without = live(Sim::builder());
    assert_eq!(with.digest(), without.digest());
    assert_eq!(with.critical_sections(), without.critical_sections());
    assert_eq!(with.kernel().events().recorded(), without.kernel().events().recorded());
    let listening = without.kernel().events().listening();
    assert_eq!(with.kernel().events().listening(), listening);
}

#[test]
fn of_machines_that_are_built_alike_the_first_writes() {
    let shared = Shared::default();
    let builder = Sim::builder().bare().timeline(shared.clone());
    let (mut first, mut second) =
        (builder.clone().build().expect("a machine"), builder.build().expect("another"));
    second.spawn("second", async {}).detach();
    second.run_until_idle();
    first.spawn("first", async {}).detach();
    first.run_until_idle();
    second.end_timeline().expect("it has none");
    first.end_timeline().expect("written");
    let trace = Trace::read(&shared.0.borrow());
    let names: Vec<_> = trace.tracks.values().map(|track| track.name.as_str()).collect();
    assert!(names.contains(&"first 1") && !names.contains(&"second 1"), "{names:?}");
}
