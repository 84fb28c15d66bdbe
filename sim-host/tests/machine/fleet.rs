//! Many boards, joined by serial links.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
};

use crate::{shared::Shared, timelines::reader::Trace};
use kernel::{
    Handle,
    heap::SteadyState,
    platform::Stop,
    registry::{Client, Select},
    services::serial::{Chunk, Request, Response, Serial},
    time::{Duration, Instant},
};
use sim_host::{
    Builder, Outcome, Pace, Sim,
    fleet::{BoardId, Carried, Fleet, FleetError, Link, LinkError, Plan},
};

/// What boards have heard, and when by the clock of the one that hears.
type Heard = Arc<Mutex<Vec<(&'static str, u64, Vec<u8>)>>>;

fn heard(heard: &Heard) -> Vec<(&'static str, u64, Vec<u8>)> {
    heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

async fn connect(kernel: &Handle) -> Client<Serial> {
    kernel.services().connect::<Serial>((), 1).await.expect("connected")
}

async fn send(port: &Client<Serial>, bytes: &[u8]) {
    for chunk in bytes.chunks(64) {
        let chunk = Chunk::try_from(chunk).expect("a chunk");
        port.call(Request::Write(chunk)).await.expect("written");
    }
}

/// Sends bytes once, a second after each boot.
fn sender(bytes: &'static [u8]) -> Builder {
    Sim::builder().on_boot(move |sim| {
        let kernel = sim.kernel();
        sim.spawn("sender", async move {
            let port = connect(&kernel).await;
            kernel.sleep(Duration::from_secs(1)).await;
            send(&port, bytes).await;
        })
        .detach();
        Ok(())
    })
}

/// Writes down what comes, and sends it on if it is to.
fn receiver(name: &'static str, to: &Heard, passes_on: bool) -> Builder {
    let to = to.clone();
    Sim::builder().on_boot(move |sim| {
        let (kernel, to) = (sim.kernel(), to.clone());
        sim.spawn("receiver", async move {
            let port = connect(&kernel).await;
            while let Ok(Response::Data(chunk)) = port.call(Request::Read).await {
                let at_us = kernel.now().as_micros();
                to.lock().unwrap_or_else(PoisonError::into_inner).push((name, at_us, chunk.to_vec()));
                if passes_on {
                    send(&port, &chunk).await;
                }
            }
        })
        .detach();
        Ok(())
    })
}

/// Two boards, the first of which sends.
fn pair(seed: u64, bytes: &'static [u8], link: Link) -> (Fleet, [BoardId; 2], Heard) {
    let to = Heard::default();
    let mut fleet = Fleet::new(seed);
    let left = fleet.add("left", sender(bytes)).expect("a board");
    let right = fleet.add("right", receiver("right", &to, false)).expect("a board");
    fleet.connect(left.port(0), right.port(0), link).expect("a link");
    (fleet, [left, right], to)
}

#[test]
fn bytes_take_as_long_as_the_link_says() {
    let link: Link = "rate 10000 latency 5ms".parse().expect("a link");
    let (mut fleet, [left, right], to) = pair(0, b"abc", link);
    assert_eq!(fleet.run_until_idle(), Ok(Outcome::Idle));
    let expected: [(_, _, &[u8]); 3] =
        [("right", 1_006_000, b"a"), ("right", 1_007_000, b"b"), ("right", 1_008_000, b"c")];
    assert_eq!(heard(&to), expected.map(|(name, at_us, bytes)| (name, at_us, bytes.to_vec())));
    assert_eq!(fleet.carried(left.port(0)), Some(Carried { bytes: 3, lost: 0 }));
    assert_eq!(fleet.carried(right.port(0)), Some(Carried::default()));
    assert_eq!(fleet.now(), Instant::from_micros(1_008_000));
}

#[test]
fn a_perfect_link_takes_no_time() {
    let (mut fleet, _, to) = pair(0, b"abc", Link::default());
    fleet.run_for(Duration::from_secs(1)).expect("a run");
    assert_eq!(heard(&to), [("right", 1_000_000, b"abc".to_vec())]);
}

#[test]
fn a_bad_link_loses_its_share_and_the_same_for_the_same_seed() {
    const SENT: u64 = 4000;
    static BYTES: [u8; SENT as usize] = [b'x'; SENT as usize];
    let run = |seed| {
        let link = Link::default().loss_per_million(250_000);
        let (mut fleet, [left, _], to) = pair(seed, &BYTES, link);
        fleet.run_until_idle().expect("a run");
        let carried = fleet.carried(left.port(0)).expect("a link");
        let arrived: usize = heard(&to).iter().map(|(.., bytes)| bytes.len()).sum();
        assert_eq!(carried.bytes, arrived as u64);
        assert_eq!(carried.bytes + carried.lost, SENT);
        (carried.lost, fleet.digest())
    };
    let (lost, digest) = run(1);
    assert!((900..1100).contains(&lost), "{lost}");
    assert_eq!(run(1), (lost, digest));
    assert_ne!(run(2).1, digest);
}

/// Sends on at its second port what comes in at its first.
fn forwarder() -> Builder {
    Sim::builder().uart("uart1", Pace::default()).on_boot(|sim| {
        let kernel = sim.kernel();
        sim.spawn("forwarder", async move {
            let services = kernel.services();
            let port = |label| services.connect_to::<Serial>(Select::Label(label), (), 1);
            let (from, to) =
                (port("uart0").await.expect("connected"), port("uart1").await.expect("connected"));
            while let Ok(Response::Data(chunk)) = from.call(Request::Read).await {
                send(&to, &chunk).await;
            }
        })
        .detach();
        Ok(())
    })
}

#[test]
fn a_ring_passes_a_token_on_for_ever() {
    let mut fleet = Fleet::new(0);
    let boards = ["a", "b", "c", "d", "e"].map(|name| fleet.add(name, forwarder()).expect("a board"));
    let link = Link::default().latency(Duration::from_millis(10));
    for (from, to) in boards.iter().zip(boards.iter().cycle().skip(1)) {
        fleet.connect(from.port(1), to.port(0), link).expect("a link");
    }
    fleet.board(boards[0]).uart(0).send(b"t");
    fleet.run_for(Duration::from_secs(1)).expect("a run");
    // Sent at 0, 10, 20 ... 1000 ms.
    let carried = boards.map(|board| fleet.carried(board.port(1)).expect("a link").bytes);
    assert_eq!(carried, [21, 20, 20, 20, 20]);
    let clocks = boards.map(|board| fleet.board(board).now());
    assert_eq!(clocks, [Instant::from_secs(1); 5]);
}

#[test]
fn boards_that_talk_without_taking_time_are_stopped() {
    let to = Heard::default();
    let mut fleet = Fleet::new(0).step_limit(10_000);
    let [one, other] =
        ["one", "other"].map(|name| fleet.add(name, receiver(name, &to, true)).expect("a board"));
    fleet.connect(one.port(0), other.port(0), Link::default()).expect("a link");
    // Both run, and nobody has said anything.
    assert_eq!(fleet.run_until_idle(), Ok(Outcome::Idle));
    let said = Request::Write(Chunk::try_from(b"!".as_slice()).expect("a chunk"));
    let kernel = fleet.board(one).kernel();
    fleet
        .board(one)
        .spawn("first", async move {
            connect(&kernel).await.call(said).await.expect("written");
        })
        .detach();
    assert_eq!(fleet.run_for(Duration::from_secs(1)), Ok(Outcome::Limit));
    assert_eq!(fleet.now(), Instant::BOOT);
}

#[test]
fn a_board_that_reboots_keeps_the_fleets_time() {
    let (mut fleet, [left, right], to) = pair(0, b"abc", Link::default().latency(Duration::from_millis(1)));
    let kernel = fleet.board(left).kernel();
    fleet
        .board(left)
        .spawn("reboot", async move {
            kernel.sleep(Duration::from_millis(1500)).await;
            kernel.stop(Stop::Reboot);
        })
        .detach();
    assert_eq!(fleet.run_for(Duration::from_secs(4)), Ok(Outcome::TimeReached));
    let times: Vec<u64> = heard(&to).iter().map(|(_, at_us, _)| *at_us).collect();
    assert_eq!(times, [1_001_000, 2_501_000]);
    assert_eq!(fleet.board(left).reboots(), 1);
    assert_eq!(fleet.board(left).now(), Instant::from_micros(2_500_000));
    assert_eq!(fleet.board(right).now(), Instant::from_secs(4));
}

#[test]
fn what_comes_to_a_board_that_is_off_is_lost_and_counted() {
    let (mut fleet, [left, right], to) = pair(0, b"abc", Link::default());
    let kernel = fleet.board(right).kernel();
    fleet.board(right).spawn("off", async move { kernel.stop(Stop::PowerOff) }).detach();
    assert_eq!(fleet.run_for(Duration::from_secs(2)), Ok(Outcome::TimeReached));
    assert!(fleet.is_off(right) && !fleet.is_off(left));
    assert_eq!(fleet.carried(left.port(0)), Some(Carried { bytes: 0, lost: 3 }));
    // On again, it hears what comes then, at the time since it was switched on.
    fleet.switch_on(right).expect("a boot");
    fleet.switch_on(left).expect("a boot");
    assert_eq!(fleet.run_for(Duration::from_secs(2)), Ok(Outcome::TimeReached));
    assert_eq!(heard(&to), [("right", 1_000_000, b"abc".to_vec())]);
    assert_eq!(fleet.now(), Instant::from_secs(4));
    assert_eq!(fleet.board(right).now(), Instant::from_secs(2));
}

#[test]
fn what_is_on_its_way_when_a_board_goes_off_and_comes_before_it_is_on_again_is_lost() {
    // Sent at 1 s, it comes at 3 s.
    let (mut fleet, [left, right], to) = pair(0, b"abc", Link::default().latency(Duration::from_secs(2)));
    fleet.run_for(Duration::from_secs(2)).expect("a run");
    let kernel = fleet.board(right).kernel();
    fleet.board(right).spawn("off", async move { kernel.stop(Stop::PowerOff) }).detach();
    fleet.run_for(Duration::from_secs(5)).expect("a run");
    assert!(fleet.is_off(right));
    fleet.switch_on(right).expect("a boot");
    fleet.run_for(Duration::from_secs(5)).expect("a run");
    assert_eq!(heard(&to), []);
    assert_eq!(fleet.carried(left.port(0)), Some(Carried { bytes: 0, lost: 3 }));
}

#[test]
fn the_power_of_one_board_may_fail() {
    let (mut fleet, [left, right], _) = pair(0, b"abc", Link::default());
    let cut = "power cut at 500ms".parse().expect("a fault");
    fleet.board_mut(left).add_fault(cut).expect("a machine");
    fleet.run_for(Duration::from_secs(3)).expect("a run");
    assert_eq!((fleet.board(left).reboots(), fleet.board(right).reboots()), (1, 0));
    assert_eq!(fleet.board(left).now(), Instant::from_micros(2_500_000));
    assert_eq!(fleet.carried(left.port(0)), Some(Carried { bytes: 3, lost: 0 }));
}

#[test]
fn a_predicate_ends_a_run_between_steps() {
    let (mut fleet, [left, _], _) = pair(0, b"abc", Link::default());
    let sent = |fleet: &Fleet| fleet.carried(left.port(0)).is_some_and(|carried| carried.bytes > 0);
    assert_eq!(fleet.run_until_pred(Duration::from_secs(9), sent), Ok(Outcome::Satisfied));
    assert_eq!(fleet.now(), Instant::from_secs(1));
}

#[test]
fn digests_stand_for_links_too_unless_nobody_wants_them() {
    let digest = |fleet: Fleet, bytes| {
        let mut fleet = fleet;
        let left = fleet.add("left", sender(bytes)).expect("a board");
        let right = fleet.add("right", Sim::builder()).expect("a board");
        fleet.connect(left.port(0), right.port(0), Link::default()).expect("a link");
        fleet.run_for(Duration::from_secs(2)).expect("a run");
        fleet.digest()
    };
    assert_ne!(digest(Fleet::new(0), b"abc"), digest(Fleet::new(0), b"abd"));
    let silent = || Fleet::new(0).without_digest();
    assert_eq!(digest(silent(), b"abc"), digest(silent(), b"abd"));
}

#[test]
fn a_plan_is_added_to_what_a_fleet_has() {
    let plan =
        Plan::parse("plan", "boards 2 a\nlink a0.uart1 a1.uart0\nat 1ms a1 power cut").expect("a plan");
    let mut fleet = Fleet::new(0);
    let first = fleet.add("first", Sim::builder()).expect("a board");
    let mut fleet = plan.build(fleet, |machine| machine).expect("a fleet");
    fleet.run_for(Duration::from_secs(1)).expect("a run");
    let [a0, a1] = ["a0", "a1"].map(|name| fleet.find(name).expect("a board"));
    assert!(fleet.is_off(a1) && !fleet.is_off(first) && !fleet.is_off(a0));
    assert_eq!(fleet.free_ports(a0).collect::<Vec<_>>(), [a0.port(0)]);
    let again = plan.build(fleet, |machine| machine).map(drop);
    assert_eq!(again, Err(FleetError::NameTaken { name: "a0".to_owned() }));
}

#[test]
fn a_board_that_was_off_goes_on_later_in_the_timeline() {
    let trace = Shared::default();
    let mut fleet = Fleet::new(0).timeline(trace.clone());
    fleet.run_for(Duration::from_secs(1)).expect("a run");
    let board = fleet.add("late", sender(b"abc")).expect("a board");
    let kernel = fleet.board(board).kernel();
    fleet.board(board).spawn("off", async move { kernel.stop(Stop::PowerOff) }).detach();
    fleet.run_for(Duration::from_secs(2)).expect("a run");
    fleet.switch_on(board).expect("a boot");
    fleet.run_for(Duration::from_secs(2)).expect("a run");
    fleet.end_timeline().expect("written");
    let trace = Trace::read(&trace.0.borrow());
    let [first, second] = *trace.groups() else { panic!("two boots") };
    let begins = |group, task| {
        let slices = trace.slices_on(trace.named(group, task));
        slices.iter().map(|slice| slice.begin_ns / 1_000_000_000).collect::<Vec<_>>()
    };
    assert_eq!(begins(first, "off"), [1], "it joined after a second");
    assert_eq!(begins(second, "sender").first(), Some(&3));
    assert_eq!(begins(second, "sender").last(), Some(&4), "a second later");
}

#[test]
fn boards_draw_from_the_seed_of_their_fleet() {
    let seeds = |seed| {
        let mut fleet = Fleet::new(seed);
        ["a", "b"].map(|name| {
            let board = fleet.add(name, Sim::builder()).expect("a board");
            fleet.board(board).seed()
        })
    };
    let [a, b] = seeds(1);
    assert_ne!(a, b);
    assert_eq!(seeds(1), [a, b]);
    assert_ne!(seeds(2), [a, b]);
}

#[test]
fn impossible_fleets_are_refused() {
    let mut fleet = Fleet::new(0);
    let one = fleet.add("one", Sim::builder()).expect("a board");
    let other = fleet.add("other", Sim::builder()).expect("a board");
    let name = || "one".to_owned();
    assert_eq!(fleet.add("one", Sim::builder()), Err(FleetError::NameTaken { name: name() }));
    let link = Link::default();
    let missing = FleetError::NoSuchPort { name: name(), uart: 1, count: 1 };
    assert_eq!(fleet.connect(one.port(1), other.port(0), link), Err(missing));
    let same = FleetError::SamePort { name: name(), uart: 0 };
    assert_eq!(fleet.connect(one.port(0), one.port(0), link), Err(same));
    fleet.connect(one.port(0), other.port(0), link).expect("a link");
    let taken = FleetError::PortTaken { name: name(), uart: 0 };
    assert_eq!(fleet.connect(one.port(0), other.port(0), link), Err(taken));
    assert!(matches!(fleet.add("tiny", Sim::builder().heap(512)), Err(FleetError::Boot { .. })));
    assert_eq!(fleet.boards().len(), 2);
    assert_eq!(fleet.find("tiny"), None);
}

#[test]
fn impossible_links_are_refused() {
    let refused = |text: &str| text.parse::<Link>().expect_err(text);
    assert_eq!(refused("latency"), LinkError::NotATime);
    assert_eq!(refused("rate 0"), LinkError::NotARate);
    assert_eq!(refused("loss 101%"), LinkError::NotALoss);
    assert_eq!(refused("speed 9600"), LinkError::NotALinkWord);
    assert_eq!(refused("rate 1 rate 1"), LinkError::Twice);
    assert_eq!("".parse(), Ok(Link::default()));
}

/// Keeps what is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn log_lines_tell_whose_they_are() {
    let log = Log::default();
    let writer = log.clone();
    let lines = tracing_subscriber::fmt().with_ansi(false).without_time().with_writer(move || writer.clone());
    tracing::subscriber::with_default(lines.finish(), || {
        let mut fleet = Fleet::new(0);
        for name in ["left", "right"] {
            let board = fleet.add(name, Sim::builder()).expect("a board");
            let kernel = fleet.board(board).kernel();
            kernel.log().info("test", format_args!("I am {name}"));
        }
        fleet.run_until_idle().expect("a run");
    });
    let log = String::from_utf8_lossy(&log.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned();
    for name in ["left", "right"] {
        let line = log.lines().find(|line| line.contains(&format!("I am {name}"))).expect("a line");
        assert!(line.contains(&format!("board{{name=\"{name}\"}}")), "{line}");
    }
}

#[test]
fn one_board_in_trouble_leaves_the_others_alone() {
    let mut fleet = Fleet::new(0);
    let strict = |builder: Builder| builder.alloc_policy(SteadyState::Deny);
    let one = fleet.add("one", strict(Sim::builder())).expect("a board");
    let other = fleet.add("other", strict(Sim::builder())).expect("a board");
    let kernel = fleet.board(one).kernel();
    fleet.board(one).spawn("bad", async move { kernel.stop(Stop::Panic) }).detach();
    fleet.run_for(Duration::from_secs(1)).expect("a run");
    assert!(fleet.is_off(one) && !fleet.is_off(other));
    assert_eq!(fleet.board(other).now(), Instant::from_secs(1));
}
