//! Tapes, digests and the queue of what happens from outside, as the library has them.

use kernel::{
    event::Kinds,
    services::console::{Config, Mode},
    time::{Duration, Instant},
};
use sim_host::{
    Builder, External, NoSuchDevice, Outcome, Sim, Time, Wait,
    tape::{NotFresh, Recorder, ReplayError, Tape},
};

use crate::shared::Shared;

fn machine(seed: u64) -> Builder {
    let console = Config { power_off_at_end: true, ..Config::new("uart0", Mode::Plain, "a test") };
    Sim::builder().seed(seed).console(console).events(Kinds::ALL)
}

/// A session in some kind of time, and its tape.
fn recorded(time: Time) -> (Sim, Tape) {
    let file = Shared::default();
    let mut sim = machine(1).time(time).build().expect("a machine");
    let recorder = Recorder::new(file.clone(), [("seed", "1".to_owned())]).expect("written");
    sim.record(recorder).expect("a new machine");
    for line in ["random\n", "gpio 25 out\n", "sleep 2ms\n", "gpio 25 high\n"] {
        sim.uart(0).send(line.as_bytes());
        sim.run_for(Duration::from_millis(5));
    }
    sim.reboot().expect("rebooted");
    sim.send_at(Instant::from_millis(3), 0, *b"uptime\n");
    sim.run_for(Duration::from_millis(5));
    sim.end_recording().expect("written");
    let tape = Tape::parse(&file.0.borrow()).expect("a tape");
    (sim, tape)
}

#[test]
fn a_life_in_any_time_is_replayed_in_virtual_time() {
    for time in [Time::Virtual, Time::Real, Time::Scaled(10.0)] {
        let (recorded, tape) = recorded(time);
        assert_eq!((tape.option("seed"), tape.inputs()), (Some("1"), 5));
        let mut sim = machine(1).build().expect("a machine");
        assert_eq!(tape.replay(&mut sim), Ok(()), "{time:?}");
        assert_eq!(sim.digest(), recorded.digest(), "{time:?}");
        assert_eq!(sim.uart(0).output(), recorded.uart(0).output());
        // It lives on where the tape ends.
        sim.uart(0).send(b"poweroff\n");
        assert!(matches!(sim.run_until_idle(), Outcome::Stopped(_)));
    }
}

#[test]
fn another_machine_goes_another_way_and_a_used_one_is_refused() {
    let (_, tape) = recorded(Time::Virtual);
    let mut other = machine(2).build().expect("a machine");
    match tape.replay(&mut other) {
        Err(ReplayError::Diverged(place)) => {
            assert!(place.tape != place.machine && place.line > 3, "{place}")
        }
        replayed => panic!("{replayed:?}"),
    }
    let mut used = machine(1).build().expect("a machine");
    used.step();
    assert_eq!(tape.replay(&mut used), Err(ReplayError::NotFresh));
    let recorder = Recorder::new(std::io::sink(), []).expect("written");
    assert_eq!(used.record(recorder), Err(NotFresh));
    let mut poor = machine(1).pins(0).build().expect("a machine");
    let text = b"mnemos-tape 1\nbegin\n1 0 > pin 3 high\n1 0 end 00000000000000000000000000000000\n";
    let replayed = Tape::parse(text).expect("a tape").replay(&mut poor);
    assert!(matches!(replayed, Err(ReplayError::Device { line: 3, .. })), "{replayed:?}");
}

#[test]
fn a_power_cut_stops_the_machine_until_it_is_booted_again() {
    let mut sim = machine(1).build().expect("a machine");
    sim.send_at(Instant::from_millis(1), 0, *b"sleep 1\n");
    sim.schedule(Instant::from_millis(500), External::PowerCut).expect("any machine has power");
    assert_eq!(sim.run_for(Duration::from_secs(10)), Outcome::PowerCut);
    assert_eq!((sim.now(), sim.waits()), (Instant::from_millis(500), Wait::PowerCut));
    assert_eq!(sim.run_until_idle(), Outcome::PowerCut);
    sim.reboot().expect("rebooted");
    assert_eq!(sim.run_for(Duration::from_secs(10)), Outcome::TimeReached);
    assert_eq!(sim.uptime_of_all_boots(), Duration::from_millis(10_500));
}

#[test]
fn what_cannot_happen_is_refused_when_it_is_scheduled() {
    let mut sim = machine(1).build().expect("a machine");
    let lines = sim.interrupt_lines();
    let mut refused = |line: &str| {
        let external = line.parse().expect("well written");
        sim.schedule(Instant::from_secs(1), external).expect_err(line)
    };
    assert_eq!(refused("break uart1"), NoSuchDevice::Uart { uart: 1, count: 1 });
    assert_eq!(refused("pin 30 low"), NoSuchDevice::Pin { pin: 30, count: 30 });
    assert_eq!(refused("interrupt bell"), NoSuchDevice::Interrupt { line: "bell".into(), lines });
}

#[test]
fn a_run_until_a_time_in_the_past_does_what_is_due_and_time_does_not_go_back() {
    let mut sim = machine(1).build().expect("a machine");
    sim.run_until(Instant::from_secs(5));
    sim.uart(0).send(b"echo late\n");
    sim.send_at(Instant::from_secs(1), 0, *b"echo later\n");
    assert_eq!(sim.run_until(Instant::from_secs(2)), Outcome::TimeReached);
    assert_eq!((sim.now(), sim.uart(0).take_text()), (Instant::from_secs(5), "late\nlater\n".into()));
}
