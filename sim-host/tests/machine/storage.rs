//! Storage: what it holds outlives its machine's power, and goes wrong as the rules say, by the seed.

use kernel::{
    Handle,
    event::{Kind, Kinds},
    registry::CallError,
    services::{
        console::{Config, Mode},
        storage::{CHUNK, Chunk, Error, Geometry, Request, Response, Storage},
    },
    time::{Duration, Instant},
};
use sim_host::{
    Builder, External, NoSuchDevice, Outcome, Sim, SimError,
    storage::{ERASE, Image, NotAnImage, PROGRAM},
    tape::{Recorder, Tape},
};

use crate::shared::Shared;

const CONSOLE: Config = Config::new("uart0", Mode::Plain, "a test");

fn machine(rules: &[&str]) -> Builder {
    let watched = Kinds::ALL.without(Kind::Allocate).without(Kind::Free);
    let fault = |rule: &str| rule.parse().unwrap_or_else(|error| panic!("{rule}: {error}"));
    rules
        .iter()
        .fold(Sim::builder().console(CONSOLE).events(watched), |builder, rule| builder.fault(fault(rule)))
}

fn boot(rules: &[&str]) -> Sim {
    machine(rules).build().expect("a machine")
}

async fn request(kernel: Handle, request: Request) -> Result<Response, CallError<Error>> {
    kernel.services().connect::<Storage>((), 1).await.expect("it runs").call(request).await
}

fn ask(sim: &mut Sim, what: Request) -> Result<Response, CallError<Error>> {
    let kernel = sim.kernel();
    sim.block_on(request(kernel, what))
}

/// Asks, and goes on without the answer.
fn begin(sim: &mut Sim, what: Request) {
    let kernel = sim.kernel();
    sim.spawn("asks", async move { request(kernel, what).await }).detach();
    assert_eq!(sim.settle(), Outcome::Idle);
}

fn write(offset: u32, byte: u8) -> Request {
    Request::Write { offset, data: Chunk::cut(&[byte; CHUNK]) }
}

fn read(sim: &mut Sim) -> Vec<u8> {
    match ask(sim, Request::Read { offset: 0, len: CHUNK as u16 }) {
        Ok(Response::Data(data)) => data.to_vec(),
        other => panic!("{other:?}"),
    }
}

fn hits(sim: &Sim) -> Vec<u64> {
    sim.faults().iter().map(|count| count.hits).collect()
}

fn cut_power(sim: &mut Sim) {
    sim.schedule(sim.now(), External::PowerCut).expect("there is power");
    assert_eq!(sim.run_until_idle(), Outcome::PowerCut);
}

#[test]
fn the_console_calls_it_like_any_other_service() {
    let mut sim = boot(&[]);
    let lines = "call storage Info\ncall storage Write{offset: 4090, data: \"hello, storage\"}\n\
                 call storage Read{offset: 4097, len: 7}\ncall storage Erase{offset: 4096, len: 4096}\n\
                 call storage Read{offset: 4090, len: 8}\ncall storage Erase{offset: 1, len: 1}\n";
    sim.uart(0).send(lines.as_bytes());
    sim.run_for(Duration::from_secs(1));
    assert_eq!(
        sim.uart(0).take_text(),
        "Info({capacity: 65536, read_size: 1, write_size: 1, page_size: 256, erase_size: 4096})\nDone\n\
         Data(b\"storage\")\nDone\nData(b\"hello,\\xff\\xff\")\nerror: storage answered Unaligned\n"
    );
}

#[test]
fn operations_take_their_time_and_nobody_waits_for_them_but_who_asked() {
    let mut sim = boot(&[]);
    for (what, takes) in [
        (write(0, 1), PROGRAM),
        // Two pages.
        (write(256 - 32, 1), PROGRAM.saturating_add(PROGRAM)),
        (Request::Erase { offset: 0, len: 8192 }, ERASE.saturating_add(ERASE)),
        (Request::Read { offset: 0, len: 64 }, Duration::from_micros(12)),
        (Request::Info, Duration::ZERO),
    ] {
        let before = sim.now();
        ask(&mut sim, what).expect("done");
        assert_eq!(sim.now().since(before), takes, "{what:?}");
    }
    begin(&mut sim, Request::Erase { offset: 0, len: 65536 });
    sim.uart(0).send(b"ping echo\n");
    sim.run_for(Duration::from_millis(1));
    assert!(sim.uart(0).take_text().starts_with("1 round trips to echo in 0 us"));
}

#[test]
fn what_it_holds_outlives_reboots_power_cuts_and_its_machine() {
    let mut sim = boot(&[]);
    ask(&mut sim, write(0, 0x5a)).expect("written");
    sim.reboot().expect("booted");
    assert_eq!(read(&mut sim), [0x5a; CHUNK]);
    cut_power(&mut sim);
    sim.reboot().expect("booted");
    assert_eq!(read(&mut sim), [0x5a; CHUNK]);
    let image = sim.storage().image();
    assert_eq!(Image::from_bytes(image.geometry(), &image.to_bytes()), Ok(image.clone()));
    let mut other = machine(&[]).storage(image).seed(7).build().expect("a machine");
    assert_eq!(read(&mut other), [0x5a; CHUNK]);
    other.reboot().expect("booted");
    assert_eq!(read(&mut other), [0x5a; CHUNK]);
}

/// What is left of a write, or of an erase of what was written, when the power fails in the midst of it, and how long later.
fn torn(seed: u64, erase: bool, after: Duration) -> Vec<u8> {
    let mut sim = machine(&[]).seed(seed).build().expect("a machine");
    ask(&mut sim, write(0, 0x33)).expect("written");
    begin(&mut sim, if erase { Request::Erase { offset: 0, len: 4096 } } else { write(0, 0x0f) });
    sim.run_for(after);
    // What would be left can be looked at before, and changes nothing.
    let image = sim.storage().image();
    cut_power(&mut sim);
    assert_eq!(sim.storage().image(), image);
    sim.reboot().expect("booted");
    let torn = read(&mut sim);
    // The flash is as good as before.
    ask(&mut sim, Request::Erase { offset: 0, len: 4096 }).expect("erased");
    ask(&mut sim, write(0, 0x77)).expect("written");
    assert_eq!(read(&mut sim), [0x77; CHUNK]);
    torn
}

#[test]
fn a_power_cut_in_the_midst_tears_by_the_seed_and_one_after_the_end_does_not() {
    for (erase, done) in [(false, 0x03), (true, 0xff)] {
        let takes = if erase { ERASE } else { PROGRAM };
        let in_the_midst = takes.saturating_sub(Duration::from_micros(1));
        let of_seeds: Vec<_> = (0..20).map(|seed| torn(seed, erase, in_the_midst)).collect();
        assert_eq!(of_seeds[3], torn(3, erase, in_the_midst));
        let torn_ones = of_seeds.iter().filter(|bytes| **bytes != [0x33; CHUNK] && **bytes != [done; CHUNK]);
        assert!(torn_ones.count() > 10, "{of_seeds:?}");
        for (byte, bits) in of_seeds.iter().flatten().map(|byte| (byte, if erase { !byte } else { *byte })) {
            assert_eq!(bits & !if erase { 0xcc } else { 0x33 }, 0, "a bit went the wrong way: {byte:08b}");
        }
        assert_eq!(torn(3, erase, takes), [done; CHUNK]);
    }
}

#[test]
fn a_reboot_switches_the_flash_off_too() {
    let mut sim = machine(&[]).seed(3).build().expect("a machine");
    ask(&mut sim, write(0, 0x33)).expect("written");
    begin(&mut sim, Request::Erase { offset: 0, len: 4096 });
    sim.reboot().expect("booted");
    assert_eq!(read(&mut sim), torn(3, true, Duration::ZERO));
}

#[test]
fn a_read_may_have_a_wrong_bit_that_the_next_one_has_not() {
    let mut sim = boot(&["flip storage read nth 2", "flip storage read every 3"]);
    let wrong = |bytes: Vec<u8>| bytes.iter().map(|byte| (byte ^ 0xff).count_ones()).sum::<u32>();
    // Writes are not counted.
    ask(&mut sim, write(1024, 0)).expect("written");
    assert_eq!([0; 6].map(|_| wrong(read(&mut sim))), [0, 1, 1, 0, 0, 1]);
    assert_eq!(hits(&sim), [1, 2]);
    let mut sim = boot(&["flip storage read", "flip storage read"]);
    assert_eq!(wrong(read(&mut sim)), 2);
}

#[test]
fn an_operation_that_fails_is_an_error_and_torn() {
    let mut sim = boot(&["fail storage nth 2", "fail storage rate 100% from 1s until 2s"]);
    ask(&mut sim, write(0, 0x33)).expect("written");
    let failed = Err(CallError::Service(Error::Device));
    assert_eq!(ask(&mut sim, Request::Erase { offset: 0, len: 4096 }), failed);
    let left = read(&mut sim);
    assert!(left != [0x33; CHUNK] && left != [0xff; CHUNK], "{left:?}");
    sim.run_until(Instant::from_secs(1));
    assert_eq!(ask(&mut sim, Request::Read { offset: 0, len: 1 }), failed);
    sim.run_until(Instant::from_secs(2));
    assert_eq!(read(&mut sim), left);
    assert_eq!(hits(&sim), [1, 1]);
}

#[test]
fn a_bit_that_goes_bad_is_one_that_is_written_and_stays_so() {
    let mut sim = boot(&["rot storage at 1s", "rot storage every 1s from 5s until 7s"]);
    ask(&mut sim, write(0, 0x33)).expect("written");
    let wrong = |sim: &mut Sim| read(sim).iter().map(|byte| (byte ^ 0x33).count_ones()).sum::<u32>();
    assert_eq!(wrong(&mut sim), 0);
    sim.run_until(Instant::from_secs(1));
    assert_eq!(wrong(&mut sim), 1);
    sim.reboot().expect("booted");
    assert_eq!(wrong(&mut sim), 1);
    sim.run_for(Duration::from_secs(9));
    assert_eq!(hits(&sim), [1, 2]);
    assert!(wrong(&mut sim) > 1);
    // Where nothing is written, any bit may.
    let mut sim = boot(&["rot storage at 1s"]);
    sim.run_for(Duration::from_secs(1));
    let zeros: u32 = sim.storage().image().to_bytes().iter().map(|byte| byte.count_zeros()).sum();
    assert_eq!(zeros, 1);
}

#[test]
fn a_driver_that_is_killed_at_work_or_hears_nothing_comes_back() {
    let mut sim = boot(&["kill storage at 1ms", "stall storage from 1s until 2s"]);
    begin(&mut sim, Request::Erase { offset: 0, len: 65536 });
    sim.run_for(Duration::from_millis(2));
    sim.uart(0).send(b"spawn storage\n");
    // The erase that was under way ends first.
    assert_eq!(read(&mut sim), [0xff; CHUNK]);
    assert!(sim.now() >= Instant::from_millis(45));
    assert_eq!(sim.storage().operations(), 2);
    sim.run_until(Instant::from_secs(1));
    assert_eq!(read(&mut sim), [0xff; CHUNK]);
    assert_eq!(sim.now(), Instant::from_secs(2));
}

#[test]
fn what_goes_wrong_is_on_the_tape_so_a_replay_needs_no_rules() {
    let rules = [
        "flip storage read rate 50%",
        "fail storage rate 30%",
        "rot storage every 2ms",
        "power cut at event 300",
        "kill storage at 90ms",
    ];
    let file = Shared::default();
    let mut sim = machine(&rules).seed(5).build().expect("a machine");
    sim.record(Recorder::new(file.clone(), [("seed", "5".to_owned())]).expect("written")).expect("new");
    let say = |sim: &mut Sim, line: &str| {
        sim.uart(0).send(line.as_bytes());
        sim.run_for(Duration::from_millis(if line.contains("Erase") { 46 } else { 1 }));
        if sim.power_returns() {
            sim.reboot().expect("booted");
        }
    };
    for _ in 0..40 {
        say(&mut sim, "call storage Erase{offset: 0, len: 4096}\n");
        say(&mut sim, "call storage Write{offset: 7, data: \"a line of text\"}\n");
        say(&mut sim, "call storage Read{offset: 7, len: 14}\n");
        say(&mut sim, "\x03\nspawn storage\n");
    }
    sim.end_recording().expect("written");
    assert!(hits(&sim).iter().all(|hits| *hits > 0), "{:?}", sim.faults());
    let tape = Tape::parse(&file.0.borrow()).expect("a tape");
    let mut again = machine(&[]).seed(5).build().expect("a machine");
    assert_eq!(tape.replay(&mut again), Ok(()));
    assert_eq!(again.digest(), sim.digest());
    assert_eq!(again.storage().image(), sim.storage().image());
}

#[test]
fn a_machine_without_storage_has_no_driver_and_no_faults_of_it() {
    let mut sim = machine(&[]).without_storage().build().expect("a machine");
    sim.uart(0).send(b"call storage Info\nirq\n");
    sim.run_until_idle();
    let said = sim.uart(0).take_text();
    assert!(said.starts_with("error: no service `storage`") && !said.contains("\nstorage "), "{said}");
    for rule in ["flip storage read", "fail storage", "rot storage at 1s"] {
        let refused = machine(&[rule]).without_storage().build().map(|_| ());
        assert_eq!(refused, Err(SimError::Fault(NoSuchDevice::Storage)));
    }
    assert_eq!(sim.schedule(Instant::BOOT, External::Rot), Err(NoSuchDevice::Storage));
}

#[test]
fn an_image_that_fits_no_flash_is_refused() {
    let geometry = Image::GEOMETRY;
    let refused = Image::from_bytes(geometry, &[0; 100]);
    assert_eq!(refused, Err(NotAnImage::Size { bytes: 100, capacity: 65536 }));
    for geometry in [
        Geometry { capacity: 0, ..geometry },
        Geometry { capacity: Image::LARGEST + 4096, ..geometry },
        Geometry { page_size: 300, ..geometry },
    ] {
        assert_eq!(Image::erased(geometry), Err(NotAnImage::Geometry(geometry)));
    }
    // Any other does, with other units.
    let geometry = Geometry { capacity: 256, read_size: 4, write_size: 8, page_size: 16, erase_size: 32 };
    let image = Image::erased(geometry).expect("a flash");
    let mut sim = machine(&[]).storage(image).build().expect("a machine");
    assert_eq!(ask(&mut sim, Request::Info), Ok(Response::Info(geometry)));
    assert_eq!(ask(&mut sim, write(4, 0)), Err(CallError::Service(Error::Unaligned)));
    assert_eq!(ask(&mut sim, write(8, 0)), Ok(Response::Done));
    assert_eq!(sim.storage().operations(), 5);
}
