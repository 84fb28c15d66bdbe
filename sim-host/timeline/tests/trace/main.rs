//! The laws of a trace: what is told shows, where it happened, and the trace is well formed whatever is told.

mod reader;

use host_critical_section as _;
use kernel::{
    event::{Ending, Event},
    log::Level,
};
use timeline::{Timeline, TimelineError};

use self::reader::Trace;

const CLIENT: u32 = 4;
const SERVER: u32 = 7;

fn told(tell: impl FnOnce(&mut Timeline<Vec<u8>>) -> Result<(), TimelineError>) -> Trace {
    let mut timeline = Timeline::new(Vec::new()).expect("begun");
    tell(&mut timeline).expect("told");
    Trace::read(&timeline.finish().expect("finished"))
}

fn tell(timeline: &mut Timeline<Vec<u8>>, events: &[(u64, Event)]) -> Result<(), TimelineError> {
    events.iter().try_for_each(|(at_us, event)| timeline.event(*at_us, event))
}

fn poll(task: u32, us: u32) -> Event {
    Event::Poll { task, us }
}

fn only_group(trace: &Trace) -> u64 {
    let groups = trace.groups();
    assert_eq!(groups.len(), 1);
    groups[0]
}

#[test]
fn polls_are_slices_that_end_when_they_are_told_of() {
    let trace = told(|timeline| {
        tell(
            timeline,
            &[
                (3, Event::Spawn { task: CLIENT, name: "client" }),
                (20, poll(CLIENT, 12)),
                (20, poll(SERVER, 0)),
                (25, poll(CLIENT, 5)),
            ],
        )
    });
    let group = only_group(&trace);
    assert_eq!(trace.tracks[&group].name, "mnemOS, boot 1");
    let times = |track: &str| -> Vec<(u64, u64)> {
        let track = trace.named(group, track);
        trace.slices_on(track).iter().map(|slice| (slice.begin_ns, slice.end_ns)).collect()
    };
    assert_eq!(times("client"), [(8_000, 20_000), (20_000, 25_000)]);
    assert_eq!(times("task"), [(20_000, 20_000)], "a task whose beginning was not seen");
    assert_eq!(trace.instants_on(trace.named(group, "client")), ["spawned"]);
    assert_eq!(trace.tracks[&trace.named(group, "client")].name, "client 4");
}

#[test]
fn requests_are_arrows_from_the_client_to_the_server_and_back() {
    let request = Event::Request { connection: 2, request: 9 };
    let trace = told(|timeline| {
        tell(
            timeline,
            &[
                (0, Event::Spawn { task: CLIENT, name: "client" }),
                (0, Event::Spawn { task: SERVER, name: "server" }),
                (0, Event::Register { service: "echo", instance: 1 }),
                (0, Event::Connect { instance: 1, connection: 2 }),
                (5, request),
                (10, poll(CLIENT, 10)),
                (12, Event::Reply { connection: 2, request: 9 }),
                (20, poll(SERVER, 10)),
                (30, poll(CLIENT, 10)),
                // The next one never is answered.
                (31, request),
                (40, poll(CLIENT, 10)),
            ],
        )
    });
    let group = only_group(&trace);
    let (client, server) = (trace.named(group, "client"), trace.named(group, "server"));
    let flows: Vec<_> = trace.flows().into_values().collect();
    assert_eq!(flows, [vec![client, server, client], vec![client]]);
    let names = |track| trace.slices_on(track).iter().map(|slice| slice.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(client), ["request echo", "poll", "request echo"]);
    assert_eq!(names(server), ["answer echo"]);
}

#[test]
fn what_happens_in_a_poll_is_within_its_slice_and_what_happens_before_is_before_it() {
    let trace = told(|timeline| {
        timeline.event(4, &Event::Interrupt { line: "timer" })?;
        timeline.event(12, &Event::Interrupt { line: "uart0" })?;
        timeline.log(13, Level::Warn, "uart0", "hot")?;
        timeline.event(20, &Event::LongPoll { task: CLIENT, us: 10 })?;
        timeline.event(20, &poll(CLIENT, 10))
    });
    let order: Vec<_> =
        trace.slices.iter().map(|slice| (slice.begin_ns / 1000, slice.name.as_str())).collect();
    let expected = [(4, "timer"), (10, "poll"), (12, "uart0"), (13, "uart0: hot"), (20, "long poll: 10 us")];
    assert_eq!(order, expected);
    let line = trace.slices.iter().find(|slice| slice.name == "uart0: hot").expect("the line");
    assert_eq!(line.category, "warn");
    assert_eq!(trace.tracks[&line.track].name, "log");
}

#[test]
fn counters_start_with_what_accounts_hold_and_end_with_what_is_in_use() {
    let trace = told(|timeline| {
        timeline.account(0, "kernel", 1000)?;
        timeline.account(0, "worker", 50)?;
        timeline.account(0, "worker", 30)?;
        tell(
            timeline,
            &[
                (5, Event::Allocate { owner: "worker", bytes: 200 }),
                (6, Event::Allocate { owner: "late", bytes: 8 }),
                (7, Event::Free { owner: "worker", bytes: 50 }),
                (8, poll(CLIENT, 8)),
            ],
        )
    });
    let group = only_group(&trace);
    let last = |name| trace.last_count(trace.named(group, name));
    assert_eq!(last("memory in use"), Some(1238));
    assert_eq!(last("memory of kernel"), Some(1000));
    assert_eq!(last("memory of worker"), Some(230));
    assert_eq!(last("memory of late"), Some(8));
}

#[test]
fn tasks_stand_below_what_concerns_all_and_above_memory() {
    let trace = told(|timeline| {
        timeline.account(0, "kernel", 100)?;
        tell(
            timeline,
            &[
                (1, Event::Spawn { task: u32::MAX, name: "last" }),
                (1, Event::Spawn { task: 1, name: "first" }),
                (2, Event::Interrupt { line: "timer" }),
            ],
        )
    });
    let group = only_group(&trace);
    let names = ["interrupts", "first 1", "last 4294967295", "memory in use", "memory of kernel"];
    let ranks = names.map(|name| trace.tracks[&trace.named(group, name)].rank);
    assert!(ranks.is_sorted(), "{ranks:?}");
    assert!(ranks[0] < ranks[1] && ranks[1] < ranks[3]);
}

#[test]
fn a_task_that_ends_in_its_poll_or_without_one_leaves_balanced_slices() {
    let exit = |task, ending| Event::Exit { task, ending };
    let trace = told(|timeline| {
        tell(
            timeline,
            &[
                (1, Event::Request { connection: 1, request: 1 }),
                (2, poll(CLIENT, 1)),
                // It panics, and its drop leaves the request unanswered.
                (5, poll(SERVER, 3)),
                (5, Event::Unanswered { connection: 1, request: 1 }),
                (5, exit(SERVER, Ending::Panicked)),
                // It is killed before it sees that.
                (6, exit(CLIENT, Ending::Cancelled)),
                (7, exit(99, Ending::Finished)),
            ],
        )
    });
    let group = only_group(&trace);
    let on = |name: &str| trace.tracks.iter().find(|(_, track)| track.name == name).map(|(uuid, _)| *uuid);
    let (client, server) = (on("task 4").expect("a track"), on("task 7").expect("a track"));
    assert_eq!(trace.tracks[&client].parent, Some(group));
    assert_eq!((trace.instants_on(client), trace.instants_on(server)), (vec!["cancelled"], vec!["panicked"]));
    assert_eq!(trace.flows().into_values().collect::<Vec<_>>(), [vec![client, server, client]]);
}

#[test]
fn a_reboot_begins_a_group_with_empty_memory_and_time_goes_on() {
    let trace = told(|timeline| {
        timeline.account(0, "kernel", 70)?;
        timeline.event(9, &poll(CLIENT, 0))?;
        timeline.reboot(1000)?;
        timeline.account(0, "kernel", 60)?;
        timeline.event(5, &poll(CLIENT, 5))
    });
    let groups = trace.groups();
    assert_eq!(groups.len(), 2);
    assert_eq!(trace.tracks[&groups[1]].name, "mnemOS, boot 2");
    let memory = |group| trace.last_count(trace.named(group, "memory of kernel"));
    assert_eq!((memory(groups[0]), memory(groups[1])), (Some(0), Some(60)));
    assert_eq!(trace.last_count(trace.named(groups[0], "memory in use")), Some(0));
    let slices = trace.slices_on(trace.named(groups[1], "task"));
    assert_eq!((slices[0].begin_ns, slices[0].end_ns), (1_000_000, 1_005_000));
}

#[test]
fn whatever_is_told_in_whatever_order_the_trace_is_well_formed() {
    // Reading it checks that.
    let trace = told(|timeline| {
        tell(
            timeline,
            &[
                (100, poll(1, u32::MAX)),
                (50, poll(2, 40)),
                (u64::MAX, poll(1, 7)),
                (3, Event::Reply { connection: 9, request: 9 }),
                (4, Event::Disconnect { connection: 9 }),
                (4, Event::Free { owner: "nobody", bytes: usize::MAX }),
                (4, Event::Free { owner: "nobody", bytes: usize::MAX }),
                (4, Event::GiveUp { driver: "echo" }),
            ],
        )?;
        timeline.lost(5, 3)?;
        timeline.reboot(u64::MAX)?;
        timeline.log(u64::MAX, Level::Error, "", "")
    });
    assert!(trace.slices.iter().any(|slice| slice.name == "give-up driver=echo"));
    assert!(trace.slices.iter().any(|slice| slice.name == "3 events were lost before this"));
}

#[test]
fn more_than_a_poll_can_hold_is_shown_all_the_same() {
    const MANY: usize = 200_000;
    let trace = told(|timeline| {
        let interrupt = Event::Interrupt { line: "storm" };
        (0..MANY).try_for_each(|_| timeline.event(1, &interrupt))?;
        timeline.event(2, &poll(CLIENT, 2))
    });
    assert_eq!(trace.slices.iter().filter(|slice| slice.name == "storm").count(), MANY);
}

#[test]
fn a_writer_that_fails_is_an_error_that_says_why() {
    struct Full;

    impl std::io::Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    let timeline = Timeline::new(Full).expect("nothing is written yet");
    let error = timeline.finish().map(drop).expect_err("no room");
    assert!(error.to_string().starts_with("the timeline cannot be written: "), "{error}");
}
