//! The I²C bus: its time, its targets, and what goes wrong on it.

use std::sync::{Arc, Mutex};

use kernel::{
    registry::CallError,
    services::{
        console::{Config, Mode},
        i2c::{Data, Error, I2c, LONGEST, Request, Response},
    },
    time::{Duration, Instant},
};
use sim_host::{
    Builder, External, NoSuchDevice, Sim, Time,
    i2c::{Registers, Target, Thermometer},
    tape::{Recorder, Tape},
};

const CONSOLE: Config = Config {
    port: "uart0",
    mode: Mode::Plain,
    machine: "a test",
    power_off_at_end: false,
    has_boot_loader: false,
    serial_number: None,
};

type Answer = Result<Response, CallError<Error>>;

fn machine(rules: &[&str]) -> Builder {
    rules.iter().fold(Sim::builder(), |builder, rule| builder.fault(rule.parse().expect(rule)))
}

fn boot(rules: &[&str]) -> Sim {
    machine(rules).build().expect("a machine")
}

fn transfer(address: u8, write: &[u8], read: u8) -> Request {
    Request::Transfer { address, write: Data::try_from(write).expect("short"), read }
}

/// The temperature, in the thermometer's own words.
fn temperature() -> Request {
    transfer(Thermometer::ADDRESS, &[0], 2)
}

/// What comes of a request, and how long it took.
fn ask(sim: &mut Sim, request: Request) -> (Answer, Duration) {
    let kernel = sim.kernel();
    sim.block_on(async move {
        let bus = kernel.services().connect::<I2c>((), 1).await.expect("there is a bus");
        let before = kernel.now();
        let answer = bus.call(request).await;
        (answer, kernel.now().since(before))
    })
}

fn answer(sim: &mut Sim, request: Request) -> Answer {
    ask(sim, request).0
}

fn data(bytes: &[u8]) -> Answer {
    Ok(Response::Data(Data::try_from(bytes).expect("short")))
}

/// 21.5 degrees.
fn warm() -> Answer {
    data(&[0x15, 0x80])
}

const fn refused(error: Error) -> Answer {
    Err(CallError::Service(error))
}

fn hits(sim: &Sim) -> Vec<u64> {
    sim.faults().iter().map(|count| count.hits).collect()
}

#[test]
fn a_transfer_takes_the_time_of_its_bits() {
    let mut sim = boot(&[]);
    // Start, address, register, start, address, two bytes, stop.
    assert_eq!(
        ask(&mut sim, temperature()),
        (warm(), Duration::from_micros(10 * (1 + 9 + 9 + 1 + 9 + 18 + 1)))
    );
    let longest = transfer(Thermometer::ADDRESS, &[0; LONGEST], LONGEST as u8);
    let (read, took) = ask(&mut sim, longest);
    assert!(matches!(read, Ok(Response::Data(data)) if data.len() == LONGEST));
    assert_eq!(took.as_micros(), 10 * (3 + 9 * (2 + 2 * LONGEST as u64)));
    // Nobody is there.
    let nobody = ask(&mut sim, transfer(0x49, &[0], 2));
    assert_eq!(nobody, (refused(Error::AddressNotAcknowledged { written: 0 }), Duration::from_micros(110)));
}

#[test]
fn the_thermometer_has_registers_that_are_kept_until_the_power_fails() {
    let mut sim = machine(&[]).target(0x48, || Thermometer::new(-1)).build().expect("a machine");
    assert_eq!(answer(&mut sim, temperature()), data(&[0xff, 0xf0]));
    assert_eq!(answer(&mut sim, transfer(0x48, &[3, 0x12, 0x34, 0x56], 4)), data(&[0x12, 0x34, 0x12, 0x34]));
    assert_eq!(answer(&mut sim, transfer(0x48, &[0, 1, 2], 2)), data(&[0xff, 0xf0]), "it measures");
    sim.reboot().expect("booted");
    assert_eq!(answer(&mut sim, transfer(0x48, &[3], 2)), data(&[0x50, 0]));
}

#[test]
fn the_room_gets_warmer_and_colder() {
    let mut sim = boot(&[]);
    for (text, read) in [("25.5", [0x19, 0x80]), ("-0.0625", [0xff, 0xf0]), ("127.9375", [0x7f, 0xf0])] {
        let now = sim.now();
        sim.schedule(now, External::Sense { address: 0x48, text: text.into() }).expect("it is there");
        assert_eq!(answer(&mut sim, temperature()), data(&read), "{text}");
    }
    // What is no temperature, or none that the chip can measure, is refused and changes none.
    for text in ["warm", "25,5", "nan", "", "-300", "128", "1e9"] {
        let now = sim.now();
        let refused = sim.schedule(now, External::Sense { address: 0x48, text: text.into() });
        let told = refused.expect_err(text).to_string();
        let wanted = format!(
            "at 0x48 makes nothing of \"{text}\": it wants degrees, such as 25.5, from -128 to 127.9375"
        );
        assert!(told.ends_with(&wanted), "{told}");
        assert_eq!(answer(&mut sim, temperature()), data(&[0x7f, 0xf0]), "{text}");
    }
    let nobody = NoSuchDevice::Target { address: 0x49 };
    let now = sim.now();
    let sensed = sim.schedule(now, External::Sense { address: 0x49, text: Vec::new() });
    assert_eq!(sensed, Err(nobody.clone()));
    assert_eq!(sim.add_fault("nak i2c 0x49".parse().expect("a rule")), Err(nobody));
}

#[test]
fn a_register_file_is_written_and_read_from_where_its_pointer_is() {
    let file = Registers::new(4);
    let target = file.clone();
    let mut sim = machine(&[]).target(0x50, move || target.clone()).build().expect("a machine");
    assert_eq!(answer(&mut sim, transfer(0x50, &[3, 7, 8], 0)), data(&[]));
    assert_eq!(
        [0, 1, 2, 3, 4].map(|register| file.get(register)),
        [Some(8), Some(0), Some(0), Some(7), None]
    );
    file.set(2, 9);
    assert_eq!(answer(&mut sim, transfer(0x50, &[2], 4)), data(&[9, 7, 8, 0]));
    assert_eq!(answer(&mut sim, transfer(0x50, &[], 1)), data(&[9]), "it goes on where it was");
}

/// Takes two bytes and no more, and notes what it sees.
#[derive(Clone, Default)]
struct Picky(Arc<Mutex<String>>);

impl Picky {
    fn note(&self, what: &str) -> usize {
        let mut notes = self.0.lock().expect("no panic");
        notes.push_str(what);
        notes.matches('w').count()
    }
}

impl Target for Picky {
    fn begin(&mut self, reads: bool) -> bool {
        self.note(if reads { "R" } else { "W" });
        !reads
    }

    fn write(&mut self, _: u8) -> bool {
        self.note("w") <= 2
    }

    fn read(&mut self) -> u8 {
        0
    }

    fn end(&mut self) {
        self.note(".");
    }
}

#[test]
fn a_target_may_refuse_what_it_does_not_take() {
    let target = Picky::default();
    let notes = target.0.clone();
    let mut sim = machine(&[]).target(0x20, move || target.clone()).build().expect("a machine");
    let read = answer(&mut sim, transfer(0x20, &[1], 1));
    assert_eq!(read, refused(Error::AddressNotAcknowledged { written: 1 }));
    let written = answer(&mut sim, transfer(0x20, &[1, 2, 3], 1));
    assert_eq!(written, refused(Error::DataNotAcknowledged { written: 1 }));
    assert_eq!(notes.lock().expect("no panic").as_str(), "WwR.Www.");
}

#[test]
fn what_a_rule_refuses_is_an_error_and_the_next_transfer_works() {
    for (nth, error) in [
        (1, Error::AddressNotAcknowledged { written: 0 }),
        (2, Error::DataNotAcknowledged { written: 0 }),
        (3, Error::AddressNotAcknowledged { written: 1 }),
    ] {
        let mut sim = boot(&[&format!("nak i2c nth {nth}")]);
        assert_eq!(answer(&mut sim, temperature()), refused(error));
        assert_eq!(answer(&mut sim, temperature()), warm());
        assert_eq!(hits(&sim), [1]);
    }
    // Rules may be about one target, and last for a time. Where nobody is, nothing is counted.
    let mut sim = machine(&["nak i2c 0x50 from 1s until 2s"]);
    sim = sim.target(0x50, || Registers::new(1));
    let mut sim = sim.build().expect("a machine");
    let memory = transfer(0x50, &[0], 1);
    for at_ms in [0, 1000, 2000] {
        sim.run_until(Instant::from_millis(at_ms));
        let expected =
            if at_ms == 1000 { refused(Error::AddressNotAcknowledged { written: 0 }) } else { data(&[0]) };
        assert_eq!(answer(&mut sim, memory), expected, "{at_ms} ms");
        assert_eq!(answer(&mut sim, temperature()), warm());
        assert!(answer(&mut sim, transfer(0x51, &[], 1)).is_err());
    }
    assert_eq!(hits(&sim), [1]);
}

#[test]
fn chance_comes_from_the_seed() {
    let life = |seed| {
        let mut sim = machine(&["nak i2c rate 20%"]).seed(seed).build().expect("a machine");
        (0..20).map(|_| answer(&mut sim, temperature()).is_ok()).collect::<Vec<_>>()
    };
    assert_eq!(life(1), life(1));
    assert_ne!(life(1), life(2));
    assert!(life(1).contains(&true) && life(1).contains(&false));
}

#[test]
fn a_bus_that_is_held_is_waited_for_and_given_up_in_time() {
    // Targets may hold the clock for a while.
    let mut sim = boot(&["stick i2c from 100us until 5100us"]);
    assert_eq!(ask(&mut sim, temperature()), (warm(), Duration::from_micros(480 + 5000)));
    // What takes too long is given up, wherever it began, and when the bus is free it works.
    for from_us in (0..480).step_by(7) {
        let mut sim = boot(&[&format!("stick i2c from {from_us}us until 100ms")]);
        let (stuck, took) = ask(&mut sim, temperature());
        assert_eq!(stuck, refused(Error::BusStuck), "{from_us}");
        assert!(took < Duration::from_millis(30), "{from_us}: {took}");
        assert_eq!(answer(&mut sim, temperature()), refused(Error::BusStuck));
        sim.run_until(Instant::from_millis(100));
        let (read, took) = ask(&mut sim, temperature());
        assert_eq!(read, warm(), "{from_us}");
        assert!(took < Duration::from_micros(700), "{from_us}: {took}, with setting the bus free");
        assert_eq!(ask(&mut sim, temperature()), (warm(), Duration::from_micros(480)), "{from_us}");
        assert_eq!(hits(&sim), [1]);
    }
}

#[test]
fn a_driver_that_is_killed_or_gives_up_in_mid_transfer_leaves_the_bus_to_the_next() {
    for after_us in (1..480).step_by(7) {
        // The client gives up; the transfer is finished.
        let mut sim = boot(&[]);
        let kernel = sim.kernel();
        let next = sim.block_on(async move {
            let [bus, other] = [
                kernel.services().connect::<I2c>((), 1).await.expect("there is a bus"),
                kernel.services().connect::<I2c>((), 1).await.expect("there is a bus"),
            ];
            let limit = Duration::from_micros(after_us);
            assert_eq!(bus.call_within(limit, transfer(0x48, &[3, 1, 2], 2)).await, Err(CallError::Deadline));
            other.call(transfer(0x48, &[3], 2)).await
        });
        assert_eq!(next, data(&[1, 2]), "{after_us}");
        // The driver is started again.
        let rule = format!("kill i2c at {after_us}us");
        let mut sim = machine(&[&rule]).console(CONSOLE).build().expect("a machine");
        let (told, _) = ask(&mut sim, temperature());
        assert!(matches!(told, Err(CallError::ServerGone | CallError::Unanswered)), "{after_us}: {told:?}");
        sim.uart(0).send(b"spawn i2c\n");
        sim.run_for(Duration::from_millis(1));
        assert_eq!(ask(&mut sim, temperature()), (warm(), Duration::from_micros(480)), "{after_us}");
    }
}

#[test]
fn what_the_bus_bears_from_outside_is_on_a_tape() {
    let path = std::env::temp_dir().join(format!("mnemos-i2c-{}.tape", std::process::id()));
    let live = |sim: &mut Sim| {
        for _ in 0..10 {
            sim.uart(0).send(b"call i2c Transfer{address: 72, write: x\"00\", read: 2}\n");
            sim.run_for(Duration::from_millis(50));
        }
    };
    let rules = ["nak i2c rate 20%", "stick i2c from 110ms until 140ms"];
    let mut sim = machine(&rules).console(CONSOLE).seed(3).build().expect("a machine");
    let file = std::fs::File::create(&path).expect("a file");
    sim.record(Recorder::new(file, []).expect("written")).expect("fresh");
    live(&mut sim);
    sim.end_recording().expect("written");
    assert!(hits(&sim).iter().all(|hits| *hits > 0), "{:?}", sim.faults());
    let text = std::fs::read(&path).expect("a file");
    let _ = std::fs::remove_file(&path);
    let mut again = Sim::builder().console(CONSOLE).seed(3).build().expect("a machine");
    assert_eq!(Tape::parse(&text).expect("a tape").replay(&mut again), Ok(()));
    assert_eq!(again.digest(), sim.digest());
    assert_eq!(again.uart(0).take_text(), sim.uart(0).take_text());
}

#[test]
fn a_host_that_is_late_breaks_no_transfer_off() {
    // A step of the machine takes longer than a transfer may, on any host.
    let rules = machine(&["nak i2c nth 5"]).time(Time::Scaled(1_000_000.0));
    let mut sim = rules.build().expect("a machine");
    sim.record(Recorder::new(std::io::sink(), []).expect("written")).expect("fresh");
    let longest = transfer(Thermometer::ADDRESS, &[0], LONGEST as u8);
    let read = answer(&mut sim, longest);
    assert!(matches!(read, Ok(Response::Data(_))), "{read:?}");
    assert_eq!(answer(&mut sim, temperature()), refused(Error::DataNotAcknowledged { written: 0 }));
    assert_eq!(answer(&mut sim, temperature()), warm());
    assert_eq!(hits(&sim), [1]);
}

#[test]
fn the_bus_can_be_disturbed_by_hand() {
    let mut sim = boot(&[]);
    sim.schedule(Instant::BOOT, External::Nak).expect("there is a bus");
    assert_eq!(answer(&mut sim, temperature()), refused(Error::AddressNotAcknowledged { written: 0 }));
    assert_eq!(answer(&mut sim, temperature()), warm());
    let now = sim.now();
    sim.schedule(now, External::Stick).expect("there is a bus");
    sim.schedule(now + Duration::from_millis(1), External::Free).expect("there is a bus");
    assert_eq!(ask(&mut sim, temperature()), (warm(), Duration::from_micros(1480)));
}
