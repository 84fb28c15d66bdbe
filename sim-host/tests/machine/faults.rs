//! Faults: each does what its rule says, by the seed, and the console outlives it.

use kernel::{
    event::{Kind, Kinds},
    platform::Stop,
    services::{
        console::{Config, Mode},
        supervise::Policy,
    },
    time::{Duration, Instant},
};
use sim_host::{
    Builder, Digest, Fault, NoSuchDevice, Outcome, Sim, SimError,
    tape::{Recorder, Tape},
};

const CONSOLE: Config = Config::new("uart0", Mode::Plain, "a test");

fn fault(rule: &str) -> Fault {
    rule.parse().unwrap_or_else(|error| panic!("{rule}: {error}"))
}

fn machine(rules: &[&str]) -> Builder {
    let watched = Kinds::ALL.without(Kind::Allocate).without(Kind::Free);
    let builder = Sim::builder().console(CONSOLE).events(watched);
    rules.iter().fold(builder, |builder, rule| builder.fault(fault(rule)))
}

fn boot(rules: &[&str]) -> Sim {
    machine(rules).build().expect("a machine")
}

/// Sends a line, and returns what comes back within a second.
fn say(sim: &mut Sim, line: &str) -> String {
    sim.uart(0).send(line.as_bytes());
    sim.run_for(Duration::from_secs(1));
    sim.uart(0).take_text()
}

fn hits(sim: &Sim) -> Vec<u64> {
    sim.faults().iter().map(|count| count.hits).collect()
}

#[test]
fn bytes_to_the_machine_are_dropped_doubled_delayed_and_changed() {
    let mut sim = boot(&["drop uart0 rx nth 6"]);
    assert_eq!(say(&mut sim, "echo abc\n"), "bc\n");
    assert_eq!(hits(&sim), [1]);
    let mut sim = boot(&["duplicate uart0 rx nth 6"]);
    assert_eq!(say(&mut sim, "echo abc\n"), "aabc\n");
    let mut sim = boot(&["delay uart0 rx by 1ms nth 9"]);
    sim.uart(0).send(b"echo abc\n");
    sim.run_until(Instant::from_micros(999));
    assert_eq!(sim.uart(0).take_text(), "");
    sim.run_until(Instant::from_micros(1000));
    assert_eq!(sim.uart(0).take_text(), "abc\n");
    let mut sim = boot(&["corrupt uart0 rx from 1s until 2s"]);
    assert_eq!(say(&mut sim, "echo abc\n"), "abc\n", "before its time");
    assert_ne!(say(&mut sim, "echo abc\n"), "abc\n");
    say(&mut sim, "\n");
    assert_eq!(say(&mut sim, "echo abc\n"), "abc\n", "after its time");
}

#[test]
fn bytes_from_the_machine_change_on_the_line_and_not_in_its_life() {
    let life = |rules: &[&str]| {
        let mut sim = boot(rules);
        let said = say(&mut sim, "echo abcdef\n");
        (said, sim.digest())
    };
    let (said, digest) = life(&[]);
    assert_eq!(said, "abcdef\n");
    assert_eq!(life(&["drop uart0 tx every 2"]), ("ace\n".to_owned(), digest));
    assert_eq!(life(&["duplicate uart0 tx nth 1"]), ("aabcdef\n".to_owned(), digest));
    let mut sim = boot(&["delay uart0 tx by 2ms nth 2"]);
    sim.uart(0).send(b"echo abc\n");
    sim.run_until(Instant::from_micros(1999));
    assert_eq!(sim.uart(0).output(), b"ac\n");
    sim.run_until_idle();
    assert_eq!((sim.uart(0).output(), sim.now()), (b"ac\nb".to_vec(), Instant::from_millis(2)));
}

#[test]
fn the_console_lives_on_under_every_fault_of_its_line() {
    for rule in [
        "drop uart0 rx rate 20%",
        "corrupt uart0 rx rate 20%",
        "duplicate uart0 rx rate 20%",
        "delay uart0 rx by 3ms rate 20%",
        "garble uart0 rate 20%",
        "break uart0 rate 20%",
        "overrun uart0 rate 20%",
        "drop uart0 tx rate 20%",
        "stall uart0",
        "kill echo every 100ms",
        "exhaust heap",
        "fragment heap",
        "refuse echo",
        "refuse console",
    ] {
        for seed in 0..4 {
            // From when the drivers have started: one that fails again and again at its start is given up.
            let rule = format!("{rule}{} until 5s", if rule.contains(" every ") { "" } else { " from 1ms" });
            let mut sim = machine(&[&rule]).seed(seed).build().expect("a machine");
            sim.run_until(Instant::from_millis(1));
            for line in ["ps\n", "ping echo 100\n", "services\n", "echo \x1b[A\x01\n"] {
                say(&mut sim, line);
            }
            // Nobody knows what a garbled line has asked for; but nothing has panicked.
            assert_eq!((sim.panics(), sim.last_panic()), (0, None), "{rule}");
            assert!(hits(&sim)[0] > 0, "{rule}");
            sim.run_until(Instant::from_secs(30));
            // Ctrl-C gives up what may be left of a line, or run still.
            say(&mut sim, "\x03\n");
            assert_eq!(say(&mut sim, "echo alive\n"), "alive\n", "{rule}, seed {seed}");
        }
    }
}

#[test]
fn drivers_that_find_no_memory_from_power_on_start_when_there_is_some() {
    for (what, until_s) in [("exhaust", 2), ("exhaust", 3600), ("fragment", 2), ("fragment", 3600)] {
        let mut sim = boot(&[&format!("{what} heap until {until_s}s")]);
        sim.uart(0).send(b"echo alive\n");
        sim.run_until(Instant::from_secs(until_s - 1));
        assert_eq!(sim.uart(0).take_text(), "", "{what}");
        // The longest wait between two starts.
        let longest = Policy::DEFAULT.backoff.cap;
        sim.run_until(Instant::from_secs(until_s).saturating_add(longest));
        assert_eq!((sim.uart(0).take_text().as_str(), sim.panics()), ("alive\n", 0), "{what}");
        assert_eq!(sim.run_until_idle(), Outcome::Idle, "{what}");
    }
    // Drivers that have started have all they need, and bear it for any time.
    let mut sim = boot(&["exhaust heap from 1ms until 1h"]);
    sim.run_until(Instant::from_secs(1800));
    assert_eq!(say(&mut sim, "echo alive\n"), "alive\n");
}

#[test]
fn a_driver_that_starts_later_is_refused_memory_too_and_counted() {
    let mut sim = boot(&["refuse echo from 1ms"]);
    say(&mut sim, "\n");
    assert_eq!(hits(&sim), [1]);
    say(&mut sim, "restart echo\n");
    say(&mut sim, "\n");
    assert_eq!(hits(&sim), [2]);
    // At power-on nothing of this name is there yet.
    let mut sim = boot(&["refuse echo"]);
    say(&mut sim, "\n");
    assert!(hits(&sim)[0] > 0, "{:?}", sim.faults());
}

#[test]
fn drivers_are_killed_and_others_live() {
    let mut sim = boot(&["kill echo at 500ms", "kill nobody at 500ms"]);
    say(&mut sim, "\n");
    assert!(say(&mut sim, "ping echo\n").contains("no such service"));
    say(&mut sim, "spawn echo\n");
    assert!(say(&mut sim, "ping echo\n").contains("round trip"));
    assert_eq!(hits(&sim), [1, 0]);
    // Without its console a machine says nothing, but lives; with power it comes back.
    for rule in ["kill console at 500ms", "kill uart0 at 500ms"] {
        let mut sim = boot(&[rule]);
        say(&mut sim, "\n");
        assert_eq!((say(&mut sim, "echo alive\n").as_str(), sim.panics()), ("", 0), "{rule}");
        sim.reboot().expect("booted");
        assert!(say(&mut sim, "\x03\necho alive\n").ends_with("alive\n"), "{rule}");
    }
}

#[test]
fn a_stalled_driver_hears_nothing_until_it_goes_on() {
    let mut sim = boot(&["stall uart0 from 1ms until 5ms"]);
    sim.run_until(Instant::from_millis(1));
    sim.uart(0).send(b"echo late\n");
    sim.run_until(Instant::from_micros(4999));
    assert_eq!(sim.uart(0).take_text(), "");
    sim.run_until(Instant::from_millis(5));
    assert_eq!(sim.uart(0).take_text(), "late\n");
}

#[test]
fn memory_is_taken_away_cut_up_and_given_back() {
    let free = |sim: &Sim| sim.kernel().heap().stats();
    let mut sim = boot(&["exhaust heap from 1ms until 2ms"]);
    sim.run_until(Instant::from_micros(1));
    let before = free(&sim).free();
    sim.run_until(Instant::from_millis(1));
    assert_eq!(free(&sim).largest_free, 0);
    sim.run_until(Instant::from_millis(2));
    assert_eq!(free(&sim).free(), before);
    let mut sim = boot(&["fragment heap from 1ms"]);
    sim.run_until(Instant::from_millis(1));
    let cut = free(&sim);
    assert!(cut.largest_free < 256 && cut.free() > before / 3, "{cut:?}");
    sim.reboot().expect("there is memory for another boot");
    sim.run_until(Instant::from_micros(1));
    assert_eq!(free(&sim).free(), before);
}

#[test]
fn memory_is_refused_to_its_owner_alone() {
    let mut sim = boot(&["refuse victim from 1ms until 2ms"]);
    let kernel = sim.kernel();
    let asks = |name: &'static str| {
        let kernel = kernel.clone();
        sim.spawn(name, async move {
            let mut got = Vec::new();
            for at_us in [500, 1500, 2500] {
                kernel.sleep_until(Instant::from_micros(at_us)).await;
                got.push(kernel.heap().try_buffer(16).is_ok());
            }
            got
        })
    };
    let (victim, other) = (asks("victim"), asks("other"));
    let got = sim.block_on(async { (victim.await, other.await) });
    assert_eq!(got, (Ok(vec![true, false, true]), Ok(vec![true; 3])));
    assert_eq!(hits(&sim), [1]);
}

#[test]
fn power_cuts_come_at_their_time_or_event_and_the_machine_boots_again() {
    let mut sim = boot(&["power cut at 5ms"]);
    assert_eq!(sim.run_for(Duration::from_secs(1)), Outcome::PowerCut);
    assert!(sim.power_returns() && !sim.is_off());
    assert_eq!(sim.now(), Instant::from_millis(5));
    assert_eq!(sim.come_back(), Ok(true));
    assert!(!sim.power_returns());
    assert_eq!(say(&mut sim, "echo again\n"), "again\n");
    assert_eq!(hits(&sim), [1], "it was one cut in all of the machine's life");
    // At every event that there is in a short life.
    let mut whole = boot(&[]);
    say(&mut whole, "ping echo 3\n");
    for event in 1..400 {
        let mut sim = boot(&[&format!("power cut at event {event}")]);
        sim.uart(0).send(b"ping echo 3\n");
        let outcome = sim.run_for(Duration::from_secs(1));
        if outcome != Outcome::PowerCut {
            assert_eq!((outcome, hits(&sim)), (Outcome::TimeReached, vec![0]), "event {event}");
            break;
        }
        assert_eq!(sim.come_back(), Ok(true));
        sim.uart(0).take_output();
        assert_eq!(say(&mut sim, "\x03\necho again\n").lines().last(), Some("again"), "event {event}");
    }
}

#[test]
fn the_same_seed_and_faults_are_the_same_life() {
    let life = |seed: u64, rules: &[&str]| -> Digest {
        let mut sim = machine(rules).seed(seed).build().expect("a machine");
        for line in ["ps\n", "ping echo 50\n", "services\n"] {
            say(&mut sim, line);
        }
        sim.digest()
    };
    let rules = ["corrupt uart0 rx rate 10%", "kill echo every 700ms", "power cut at 10s"];
    assert_eq!(life(7, &rules), life(7, &rules));
    assert_ne!(life(7, &rules), life(8, &rules));
    assert_ne!(life(7, &rules), life(7, &[]));
}

#[test]
fn a_tape_holds_what_the_machine_saw_of_faults() {
    let path = std::env::temp_dir().join(format!("faults-{}.tape", std::process::id()));
    let rules = [
        "drop uart0 rx rate 20%",
        "delay uart0 rx by 3ms rate 10%",
        "drop uart0 tx rate 50%",
        "delay uart0 tx by 5ms rate 50%",
        "kill echo every 300ms until 2s",
        "stall uart0 from 1s until 1200ms",
        "exhaust heap from 1500ms until 1600ms",
        "power cut at 2500ms",
    ];
    let mut sim = machine(&rules).seed(3).build().expect("a machine");
    let file = std::fs::File::create(&path).expect("a file");
    sim.record(Recorder::new(file, []).expect("written")).expect("a new machine");
    for line in ["ps\n", "ping echo 50\n", "echo x\n", "services\n"] {
        sim.uart(0).send(line.as_bytes());
        sim.run_for(Duration::from_secs(1));
        sim.come_back().expect("booted");
    }
    sim.end_recording().expect("written");
    let tape = Tape::parse(&std::fs::read(&path).expect("a file")).expect("a tape");
    let _ = std::fs::remove_file(&path);
    let mut again = machine(&[]).seed(3).build().expect("a machine");
    assert_eq!(tape.replay(&mut again), Ok(()));
    assert_eq!(again.digest(), sim.digest());
}

#[test]
fn a_fault_of_a_port_that_is_not_there_is_refused() {
    let error = machine(&["drop uart3 rx"]).build().expect_err("there is one port");
    assert_eq!(error, SimError::Fault(NoSuchDevice::Uart { uart: 3, count: 1 }));
    assert!(matches!(boot(&[]).add_fault(fault("drop uart1 tx")), Err(NoSuchDevice::Uart { uart: 1, .. })));
    assert!(!matches!(boot(&[]).run_for(Duration::ZERO), Outcome::Stopped(Stop::Panic)));
}
