//! The laws of I²C, on a bus that the test moves.

mod fake;

use std::{collections::BTreeSet, string::ToString, vec::Vec};

use self::fake::{Fake, TARGET, Trouble};
use super::{
    Data, Error, I2c, LONGEST, Request, Response,
    driver::{Handler, STRETCH, set_up},
};
use crate::{
    Handle,
    heap::SteadyState,
    platform::Next,
    registry::{CallError, Client},
    services::supervise::{Kept, Policy, Supervisor},
    testing::Machine,
    time::{Duration, Instant},
};

type Answer = Result<Response, CallError<Error>>;
type Asking = crate::executor::JoinHandle<Answer>;

struct Bench {
    machine: Machine,
    kernel: Handle,
    bus: Fake,
    handler: Handler<Fake>,
    supervisor: Supervisor,
}

impl Bench {
    fn new() -> Self {
        let machine = Machine::new();
        let kernel = machine.kernel.handle();
        let bus = Fake::default();
        let (driver, handler) = set_up(&kernel, bus.clone(), "i2c").expect("set up");
        let driver = Kept::new(&kernel, driver).expect("memory");
        let supervisor = Supervisor::new(&kernel, 1).expect("memory");
        let serve = move |kernel| {
            let driver = driver.lend();
            async move { driver.expect("lent to one at a time").serve(kernel, "").await }
        };
        supervisor.add("i2c", Policy::DEFAULT, serve, true).expect("added");
        machine.settle();
        Self { machine, kernel, bus, handler, supervisor }
    }

    fn connect(&self) -> Client<I2c> {
        let kernel = self.kernel.clone();
        self.machine.ask(async move { kernel.services().try_connect::<I2c>((), 1).await.expect("running") })
    }

    /// Begins to ask; the bus stands still.
    fn begin(&self, request: Request) -> Asking {
        self.begin_from(self.connect(), request)
    }

    fn begin_from(&self, client: Client<I2c>, request: Request) -> Asking {
        let asking =
            self.kernel.try_spawn("asks", async move { client.call(request).await }).expect("spawned");
        self.machine.settle();
        asking
    }

    /// Lets the bus carry a byte and whatever comes of it; `false` if there was nothing to carry.
    fn step(&mut self) -> bool {
        let carried = self.bus.step();
        while self.bus.is_pending() {
            self.handler.interrupt();
            self.machine.settle();
        }
        carried
    }

    /// Lets the bus and time go on until nothing happens any more.
    fn run(&mut self) {
        loop {
            if self.step() {
                continue;
            }
            match self.machine.settle() {
                Next::SleepUntil(at) => self.machine.clock.set(at.as_micros()),
                _ if self.bus.step() => {}
                _ => return,
            }
        }
    }

    fn ask(&mut self, request: Request) -> Answer {
        let asking = self.begin(request);
        self.run();
        self.outcome(asking)
    }

    fn outcome(&self, asking: Asking) -> Answer {
        assert!(asking.is_finished());
        self.machine.ask(async move { asking.await.expect("not aborted") })
    }

    /// The bus does what it should.
    fn works(&mut self) {
        self.bus.wire();
        assert_eq!(self.ask(transfer(TARGET, &[7], 1)), data(&[0xa1]));
        assert_eq!(self.bus.wire(), "S 20W 07 S 20R [a1] P");
    }
}

fn transfer(address: u8, write: &[u8], read: u8) -> Request {
    Request::Transfer { address, write: Data::try_from(write).expect("short"), read }
}

fn data(bytes: &[u8]) -> Answer {
    Ok(Response::Data(Data::try_from(bytes).expect("short")))
}

const fn refused(error: Error) -> Answer {
    Err(CallError::Service(error))
}

#[test]
fn a_transfer_writes_and_then_reads_in_one_transaction() {
    let mut bench = Bench::new();
    assert_eq!(bench.ask(transfer(TARGET, &[1, 2], 3)), data(&[0xa1, 0xa2, 0xa3]));
    assert_eq!(bench.bus.wire(), "S 20W 01 02 S 20R [a1] [a2] [a3] P");
    assert_eq!(bench.ask(transfer(TARGET, &[9], 0)), data(&[]));
    assert_eq!(bench.bus.wire(), "S 20W 09 P");
    assert_eq!(bench.ask(transfer(TARGET, &[], 1)), data(&[0xa1]));
    assert_eq!(bench.bus.wire(), "S 20R [a1] P");
}

#[test]
fn a_transfer_may_be_longer_than_the_controllers_fifos() {
    let mut bench = Bench::new();
    let Ok(Response::Data(read)) = bench.ask(transfer(TARGET, &[5; LONGEST], LONGEST as u8)) else {
        panic!("read")
    };
    let expected: Vec<u8> = (0xa1..).take(LONGEST).collect();
    assert_eq!(read.as_slice(), expected);
    assert_eq!(bench.bus.wire().matches("05").count(), LONGEST);
}

#[test]
fn what_cannot_be_done_is_refused_and_never_on_the_bus() {
    let mut bench = Bench::new();
    for address in [0x00, 0x07, 0x78, 0x7f, 0x80, 0xff] {
        assert_eq!(bench.ask(transfer(address, &[1], 0)), refused(Error::ReservedAddress));
    }
    assert_eq!(bench.ask(transfer(TARGET, &[], 0)), refused(Error::NothingToDo));
    for read in [LONGEST as u8 + 1, u8::MAX] {
        assert_eq!(bench.ask(transfer(TARGET, &[1], read)), refused(Error::TooLong));
    }
    assert_eq!(bench.bus.wire(), "");
    bench.works();
}

#[test]
fn what_is_not_acknowledged_is_an_error_that_says_how_far_it_came_and_the_next_transfer_works() {
    let mut bench = Bench::new();
    assert_eq!(
        bench.ask(transfer(0x21, &[1], 1)),
        refused(Error::AddressNotAcknowledged { written: 0 }),
        "nobody is there"
    );
    bench.works();
    for (trouble, error, wire) in [
        (Trouble::Address, Error::AddressNotAcknowledged { written: 0 }, "S 20W P"),
        (Trouble::Data(0), Error::DataNotAcknowledged { written: 0 }, "S 20W 01 P"),
        (Trouble::Data(2), Error::DataNotAcknowledged { written: 2 }, "S 20W 01 02 03 P"),
        (
            Trouble::AddressForReading,
            Error::AddressNotAcknowledged { written: 6 },
            "S 20W 01 02 03 04 05 06 S 20R P",
        ),
        (Trouble::Arbitration, Error::ArbitrationLost, "S 20W P"),
    ] {
        bench.bus.trouble(trouble);
        assert_eq!(bench.ask(transfer(TARGET, &[1, 2, 3, 4, 5, 6], 2)), refused(error));
        assert_eq!(bench.bus.wire(), wire);
        bench.works();
    }
}

#[test]
fn a_clock_that_is_held_for_long_is_an_error_in_time_and_the_next_transfer_works() {
    let mut bench = Bench::new();
    let asking = bench.begin(transfer(TARGET, &[1, 2], 2));
    assert!(bench.step() && bench.step());
    bench.bus.hold_clock(true);
    bench.run();
    assert_eq!(bench.outcome(asking), refused(Error::BusStuck));
    let within = STRETCH + Duration::from_millis(2);
    assert!(bench.kernel.now() < Instant::BOOT + within, "{}", bench.kernel.now());
    // From before a transfer, too.
    let before = bench.kernel.now();
    assert_eq!(bench.ask(transfer(TARGET, &[1], 0)), refused(Error::BusStuck));
    assert!(bench.kernel.now() < before + within, "{}", bench.kernel.now());
    bench.bus.hold_clock(false);
    bench.bus.wire();
    // What the first of them left behind is put in order before.
    assert_eq!(bench.ask(transfer(TARGET, &[2], 0)), data(&[]));
    assert_eq!(bench.bus.wire(), "recovered S 20W 02 P");
    bench.works();
}

#[test]
fn a_transfer_has_twice_the_time_of_its_bits_beside_that_for_which_targets_may_hold_the_clock() {
    let mut bench = Bench::new();
    let asking = bench.begin(transfer(TARGET, &[5; LONGEST], LONGEST as u8));
    bench.bus.hold_clock(true);
    let bits_us = 10 * 9 * (2 * LONGEST as u64 + 3);
    bench.machine.run_for_us(STRETCH.as_micros() + 2 * bits_us - 1);
    assert!(bench.bus.is_running() && !asking.is_finished());
    bench.machine.run_for_us(1);
    assert!(!bench.bus.is_running());
    bench.run();
    assert_eq!(bench.outcome(asking), refused(Error::BusStuck));
}

#[test]
fn a_clock_that_is_held_for_a_while_is_waited_for() {
    let mut bench = Bench::new();
    let asking = bench.begin(transfer(TARGET, &[1], 0));
    assert!(bench.step());
    bench.bus.hold_clock(true);
    bench.machine.run_for_us(STRETCH.as_micros());
    assert!(!asking.is_finished());
    bench.bus.hold_clock(false);
    bench.run();
    assert_eq!(bench.outcome(asking), data(&[]));
}

#[test]
fn a_target_that_holds_the_data_is_clocked_out_of_its_byte() {
    for pulses in 1..=9 {
        let mut bench = Bench::new();
        bench.bus.hold_data(pulses);
        assert_eq!(bench.ask(transfer(TARGET, &[1], 0)), data(&[]), "{pulses}");
        assert_eq!(bench.bus.wire(), "recovered S 20W 01 P");
    }
    let mut bench = Bench::new();
    bench.bus.hold_data(1000);
    assert_eq!(bench.ask(transfer(TARGET, &[1], 0)), refused(Error::BusStuck));
    // That data do not rise by waiting is known from then on.
    let before = bench.kernel.now();
    assert_eq!(bench.ask(transfer(TARGET, &[1], 0)), refused(Error::BusStuck));
    assert!(bench.kernel.now() < before + Duration::from_millis(1), "{}", bench.kernel.now());
}

#[test]
fn a_transfer_whose_client_gives_up_is_finished_and_the_next_one_is_right() {
    let mut bench = Bench::new();
    for steps in 0..6 {
        let [first, second] = [bench.connect(), bench.connect()];
        let asking = bench.begin_from(first, transfer(TARGET, &[1, 2], 2));
        (0..steps).for_each(|_| assert!(bench.step()));
        asking.abort();
        let next = bench.begin_from(second, transfer(TARGET, &[3], 1));
        bench.run();
        assert_eq!(bench.outcome(next), data(&[0xa1]), "{steps}");
        assert_eq!(bench.bus.wire(), "S 20W 01 02 S 20R [a1] [a2] P S 20W 03 S 20R [a1] P", "{steps}");
    }
}

#[test]
fn a_transfer_given_up_while_it_waits_is_never_on_the_bus() {
    let mut bench = Bench::new();
    let clients = [bench.connect(), bench.connect(), bench.connect()];
    let mut asked = 0;
    let [first, second, third] = clients.map(|client| {
        asked += 1;
        bench.begin_from(client, transfer(TARGET, &[asked], 0))
    });
    second.abort();
    bench.run();
    assert_eq!([bench.outcome(first), bench.outcome(third)], [data(&[]), data(&[])]);
    assert_eq!(bench.bus.wire(), "S 20W 01 P S 20W 03 P");
}

#[test]
fn when_the_driver_ends_clients_are_told_and_the_next_instance_sets_the_bus_free() {
    for steps in 0..6 {
        let mut bench = Bench::new();
        let asking = bench.begin(transfer(TARGET, &[1, 2], 2));
        (0..steps).for_each(|_| assert!(bench.step()));
        assert!(bench.bus.is_running());
        bench.bus.wire();
        bench.supervisor.restart("i2c").expect("there is one");
        bench.machine.settle();
        bench.run();
        let told = bench.outcome(asking);
        assert!(matches!(told, Err(CallError::Unanswered | CallError::ServerGone)), "{told:?}");
        assert_eq!(bench.bus.wire(), "recovered");
        bench.works();
    }
}

#[test]
#[cfg_attr(miri, ignore = "minutes of safe code, whose unsafe grounds have tests of their own")]
fn a_target_that_was_left_in_the_midst_of_any_byte_is_told_to_stop() {
    for byte in 0..=u8::MAX {
        for bit in 0..=8 {
            let mut bench = Bench::new();
            let asking = bench.begin(transfer(TARGET, &[1], 2));
            assert!(bench.step());
            bench.bus.leave_sending(byte, bit);
            bench.bus.wire();
            bench.supervisor.restart("i2c").expect("there is one");
            bench.run();
            drop(asking);
            assert_eq!(bench.bus.wire(), "recovered", "{byte:#04x} at bit {bit}");
            bench.works();
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "minutes of safe code, whose unsafe grounds have tests of their own")]
fn a_driver_that_is_ended_while_it_sets_the_bus_free_is_followed_by_one_that_does_so() {
    for ended_after in 0..STRETCH.as_micros() / 1000 + 2 {
        for half in 0..30 {
            let mut bench = Bench::new();
            bench.bus.hold_data(3);
            let asking = bench.begin(transfer(TARGET, &[1], 0));
            bench.machine.run_for_us(1000 * ended_after + 5 * half);
            bench.supervisor.restart("i2c").expect("there is one");
            bench.machine.settle();
            bench.run();
            drop(asking);
            bench.bus.hold_data(0);
            bench.bus.wire();
            bench.works();
        }
    }
}

#[test]
fn transfers_allocate_nothing() {
    let mut bench = Bench::new();
    bench.kernel.heap().set_policy(SteadyState::Deny);
    let (client, kernel) = (bench.connect(), bench.kernel.clone());
    let ask = async move {
        kernel.ready();
        for address in [TARGET, TARGET + 1, TARGET] {
            let _ = client.call(transfer(address, &[1], 8)).await;
        }
    };
    let asking = bench.kernel.try_spawn("asks", ask).expect("spawned");
    bench.machine.settle();
    let before = bench.kernel.heap().stats().allocations;
    bench.run();
    assert!(asking.is_finished());
    assert_eq!(bench.kernel.heap().stats().allocations, before);
}

#[test]
fn an_interrupt_for_nothing_does_no_harm() {
    let mut bench = Bench::new();
    (0..3).for_each(|_| bench.handler.interrupt());
    bench.machine.settle();
    bench.works();
}

#[test]
fn a_handler_that_outlives_its_kernel_does_no_harm() {
    let Bench { machine, kernel, mut handler, supervisor, .. } = Bench::new();
    drop((machine, kernel, supervisor));
    handler.interrupt();
}

#[test]
fn each_error_has_a_sentence_of_its_own() {
    let errors = [
        Error::ReservedAddress,
        Error::NothingToDo,
        Error::TooLong,
        Error::AddressNotAcknowledged { written: 0 },
        Error::AddressNotAcknowledged { written: 3 },
        Error::DataNotAcknowledged { written: 3 },
        Error::ArbitrationLost,
        Error::BusStuck,
    ];
    let told: BTreeSet<_> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), errors.len(), "{told:?}");
}
