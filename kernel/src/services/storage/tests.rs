//! The laws of storage, on a flash that the test holds: an operation ends when the test says so.

use std::{
    sync::{Arc, Mutex},
    vec::Vec,
};

use super::{
    CHUNK, Chunk, Error, Geometry, Request, Response, Storage,
    device::{Done, Failure, Flash, Operation},
    driver::{Handler, StorageError, set_up},
};
use crate::{
    Handle,
    executor::JoinHandle,
    heap::SteadyState,
    registry::{CallError, Client},
    services::supervise::{Kept, Policy, Supervisor},
    testing::Machine,
    time::Duration,
};

/// Small, with units of several bytes.
const GEOMETRY: Geometry =
    Geometry { capacity: 512, read_size: 2, write_size: 4, page_size: 32, erase_size: 128 };

/// A flash: what it holds, and what it is at.
#[derive(Clone)]
struct Chip(Arc<Mutex<Model>>);

struct Model {
    geometry: Geometry,
    bytes: Vec<u8>,
    busy: Option<Operation>,
    result: Option<Result<Done, Failure>>,
    interrupt: bool,
    /// All that was started.
    started: Vec<Operation>,
    /// What the next operations come to, other than success.
    fails: Vec<Failure>,
    corrects: bool,
}

impl Chip {
    fn new(geometry: Geometry) -> Self {
        Self(Arc::new(Mutex::new(Model {
            geometry,
            bytes: std::vec![0xff; geometry.capacity as usize],
            busy: None,
            result: None,
            interrupt: false,
            started: Vec::new(),
            fails: Vec::new(),
            corrects: false,
        })))
    }

    fn with<R>(&self, with: impl FnOnce(&mut Model) -> R) -> R {
        with(&mut self.0.lock().expect("no test panics with the model in hand"))
    }

    /// The operation under way ends; `true` if there was one.
    fn end(&self) -> bool {
        self.with(|model| {
            let Some(operation) = model.busy.take() else { return false };
            let sector = model.geometry.erase_size as usize;
            let done = match operation {
                Operation::Read { offset, len } => {
                    let data = Chunk::cut(&model.bytes[offset as usize..][..len.into()]);
                    if model.corrects { Done::Corrected(data) } else { Done::Read(data) }
                }
                Operation::Program { offset, data } => {
                    for (byte, new) in model.bytes[offset as usize..].iter_mut().zip(data.iter()) {
                        *byte &= new;
                    }
                    Done::Changed
                }
                Operation::Erase { offset } => {
                    model.bytes[offset as usize..][..sector].fill(0xff);
                    Done::Changed
                }
            };
            model.result = Some(model.fails.pop().map_or(Ok(done), Err));
            true
        })
    }
}

impl Flash for Chip {
    fn geometry(&self) -> Geometry {
        self.with(|model| model.geometry)
    }

    fn start(&self, operation: Operation) {
        self.with(|model| {
            assert!(model.busy.is_none() && model.result.is_none(), "one at a time");
            model.started.push(operation);
            model.busy = Some(operation);
        });
    }

    fn is_busy(&self) -> bool {
        self.with(|model| model.busy.is_some())
    }

    fn take(&self) -> Option<Result<Done, Failure>> {
        self.with(|model| model.result.take())
    }

    fn set_interrupt(&self, on: bool) {
        self.with(|model| model.interrupt = on);
    }
}

struct Bench {
    machine: Machine,
    kernel: Handle,
    chip: Chip,
    handler: Handler<Chip>,
    supervisor: Supervisor,
}

type Waiting = JoinHandle<Result<Response, CallError<Error>>>;

impl Bench {
    fn new() -> Self {
        let machine = Machine::new();
        let kernel = machine.kernel.handle();
        let chip = Chip::new(GEOMETRY);
        let (driver, handler) = set_up(&kernel, chip.clone(), "storage").expect("set up");
        let driver = Kept::new(&kernel, driver).expect("memory");
        let supervisor = Supervisor::new(&kernel, 1).expect("memory");
        let serve = move |kernel| {
            let driver = driver.lend();
            async move { driver.expect("lent to one at a time").serve(kernel, "").await }
        };
        supervisor.add("storage", Policy::DEFAULT, serve, true).expect("added");
        machine.settle();
        Self { machine, kernel, chip, handler, supervisor }
    }

    fn connect(&self, depth: usize) -> Client<Storage> {
        let kernel = self.kernel.clone();
        self.machine
            .ask(async move { kernel.services().try_connect::<Storage>((), depth).await.expect("running") })
    }

    /// Asks something. What the client gets is in the join handle, later.
    fn begin(&self, request: Request) -> Waiting {
        self.begin_by(self.connect(1), request)
    }

    fn begin_by(&self, client: Client<Storage>, request: Request) -> Waiting {
        let ask = async move { client.call(request).await };
        let waiting = self.kernel.try_spawn("asks", ask).expect("spawned");
        self.machine.settle();
        waiting
    }

    /// What is under way ends, with an interrupt if that is on; `true` if something was.
    fn end(&mut self) -> bool {
        let ended = self.chip.end();
        if ended && self.chip.with(|model| model.interrupt) {
            self.handler.interrupt();
            assert!(!self.chip.with(|model| model.interrupt), "it would come again at once");
        }
        self.machine.settle();
        ended
    }

    /// Asks, and lets the device work until there is an answer.
    fn ask(&mut self, request: Request) -> Result<Response, Error> {
        let waiting = self.begin(request);
        while !waiting.is_finished() {
            assert!(self.end(), "the driver waits for a device that does nothing");
        }
        self.outcome(waiting).map_err(|error| match error {
            CallError::Service(error) => error,
            other => panic!("the driver is there: {other:?}"),
        })
    }

    fn outcome(&self, waiting: Waiting) -> Result<Response, CallError<Error>> {
        self.machine.ask(async move { waiting.await.expect("not aborted") })
    }

    fn started(&self) -> Vec<Operation> {
        self.chip.with(|model| core::mem::take(&mut model.started))
    }
}

fn write(offset: u32, data: &[u8]) -> Request {
    Request::Write { offset, data: Chunk::cut(data) }
}

fn data(bytes: &[u8]) -> Result<Response, Error> {
    Ok(Response::Data(Chunk::cut(bytes)))
}

#[test]
fn what_is_written_is_read_and_writing_again_only_makes_bits_zero() {
    let mut bench = Bench::new();
    assert_eq!(bench.ask(Request::Info), Ok(Response::Info(GEOMETRY)));
    assert_eq!(bench.ask(Request::Read { offset: 8, len: 4 }), data(&[0xff; 4]));
    assert_eq!(bench.ask(write(8, b"\x0f\xf0\x55\xff")), Ok(Response::Done));
    assert_eq!(bench.ask(Request::Read { offset: 8, len: 4 }), data(b"\x0f\xf0\x55\xff"));
    assert_eq!(bench.ask(write(8, b"\xff\xff\xff\x01")), Ok(Response::Done));
    assert_eq!(bench.ask(Request::Read { offset: 8, len: 4 }), data(b"\x0f\xf0\x55\x01"));
    assert_eq!(bench.ask(Request::Erase { offset: 0, len: 128 }), Ok(Response::Done));
    assert_eq!(bench.ask(Request::Read { offset: 8, len: 4 }), data(&[0xff; 4]));
}

#[test]
fn a_write_is_cut_at_pages_and_an_erase_at_sectors() {
    let mut bench = Bench::new();
    let bytes: [u8; 64] = core::array::from_fn(|n| n as u8);
    assert_eq!(bench.ask(write(28, &bytes)), Ok(Response::Done));
    let program = |offset, from: usize, to| Operation::Program { offset, data: Chunk::cut(&bytes[from..to]) };
    assert_eq!(bench.started(), [program(28, 0, 4), program(32, 4, 36), program(64, 36, 64)]);
    assert_eq!(bench.ask(Request::Read { offset: 28, len: 64 }), data(&bytes));
    bench.started();
    assert_eq!(bench.ask(Request::Erase { offset: 128, len: 256 }), Ok(Response::Done));
    assert_eq!(bench.started(), [Operation::Erase { offset: 128 }, Operation::Erase { offset: 256 }]);
}

#[test]
fn what_is_out_of_range_or_unaligned_is_refused_and_never_begun() {
    let mut bench = Bench::new();
    for (request, error) in [
        (Request::Read { offset: 512, len: 2 }, Error::OutOfRange),
        (Request::Read { offset: u32::MAX - 1, len: 64 }, Error::OutOfRange),
        (Request::Read { offset: 0, len: 65 }, Error::TooLong),
        (Request::Read { offset: 0, len: u16::MAX }, Error::TooLong),
        (Request::Read { offset: 1, len: 2 }, Error::Unaligned),
        (Request::Read { offset: 0, len: 3 }, Error::Unaligned),
        (write(508, &[0; 8]), Error::OutOfRange),
        (write(u32::MAX, &[0; 64]), Error::OutOfRange),
        (write(2, &[0; 4]), Error::Unaligned),
        (write(0, &[0; 3]), Error::Unaligned),
        (Request::Erase { offset: 0, len: 1024 }, Error::OutOfRange),
        (Request::Erase { offset: 128, len: u32::MAX }, Error::OutOfRange),
        (Request::Erase { offset: 64, len: 128 }, Error::Unaligned),
        (Request::Erase { offset: 0, len: 64 }, Error::Unaligned),
    ] {
        assert_eq!(bench.ask(request), Err(error), "{request:?}");
    }
    assert_eq!(bench.started(), []);
}

#[test]
fn nothing_to_do_is_done_without_the_device_up_to_the_very_end() {
    let mut bench = Bench::new();
    assert_eq!(bench.ask(Request::Read { offset: 512, len: 0 }), data(&[]));
    assert_eq!(bench.ask(write(512, &[])), Ok(Response::Done));
    assert_eq!(bench.ask(Request::Erase { offset: 512, len: 0 }), Ok(Response::Done));
    assert_eq!(bench.started(), []);
    assert_eq!(bench.ask(Request::Read { offset: 510, len: 2 }), data(&[0xff; 2]));
}

#[test]
fn what_the_device_says_of_a_read_or_a_failure_is_told() {
    let mut bench = Bench::new();
    bench.chip.with(|model| model.corrects = true);
    let read = Request::Read { offset: 0, len: 2 };
    assert_eq!(bench.ask(read), Ok(Response::Corrected(Chunk::cut(&[0xff; 2]))));
    bench.chip.with(|model| model.fails = std::vec![Failure::Failed, Failure::Uncorrectable]);
    assert_eq!(bench.ask(read), Err(Error::Uncorrectable));
    assert_eq!(bench.ask(write(0, &[0; 4])), Err(Error::Device));
    // What has failed is not gone on with, and the next request is none the worse.
    bench.started();
    bench.chip.with(|model| model.fails = std::vec![Failure::Failed]);
    assert_eq!(bench.ask(Request::Erase { offset: 0, len: 512 }), Err(Error::Device));
    assert_eq!(bench.started(), [Operation::Erase { offset: 0 }]);
    assert_eq!(bench.ask(write(0, &[0; 4])), Ok(Response::Done));
}

#[test]
fn requests_are_served_in_their_order_and_none_waits_for_the_processor() {
    let mut bench = Bench::new();
    let [first, second] = [bench.connect(1), bench.connect(1)];
    let erase = bench.begin_by(first, Request::Erase { offset: 0, len: 128 });
    let read = bench.begin_by(second, Request::Read { offset: 0, len: 2 });
    assert!(bench.machine.kernel.is_idle());
    assert_eq!(bench.started(), [Operation::Erase { offset: 0 }]);
    assert!(bench.end());
    assert!(erase.is_finished() && !read.is_finished());
    assert!(bench.end());
    assert!(read.is_finished());
}

#[test]
fn an_interrupt_for_nothing_or_for_many_things_does_no_harm() {
    let mut bench = Bench::new();
    for _ in 0..3 {
        bench.handler.interrupt();
    }
    let read = bench.begin(Request::Read { offset: 0, len: 2 });
    for _ in 0..3 {
        bench.handler.interrupt();
        bench.machine.settle();
        assert!(!read.is_finished());
    }
    assert!(bench.end());
    assert!(read.is_finished());
}

#[test]
fn who_gives_up_stops_what_was_not_begun_and_leaves_the_device_sane() {
    let mut bench = Bench::new();
    let [client, other] = [bench.connect(1), bench.connect(1)];
    let erase = async move {
        let all = Request::Erase { offset: 0, len: 512 };
        assert_eq!(client.call_within(Duration::from_millis(1), all).await, Err(CallError::Deadline));
    };
    let asking = bench.kernel.try_spawn("gives up", erase).expect("spawned");
    bench.machine.settle();
    assert!(bench.end());
    bench.machine.run_for_us(1000);
    assert!(asking.is_finished());
    // The second sector is erased to its end, the third never.
    let read = bench.begin_by(other, Request::Read { offset: 0, len: 2 });
    assert!(bench.end());
    assert!(bench.end());
    assert!(read.is_finished());
    let two = [Operation::Erase { offset: 0 }, Operation::Erase { offset: 128 }];
    assert_eq!(bench.started(), [&two[..], &[Operation::Read { offset: 0, len: 2 }]].concat());
}

#[test]
fn who_gives_a_write_up_stops_the_pages_that_were_not_begun() {
    let mut bench = Bench::new();
    let client = bench.connect(1);
    let give_up = async move {
        let pages = write(0, &[0; CHUNK]);
        assert_eq!(client.call_within(Duration::from_millis(1), pages).await, Err(CallError::Deadline));
    };
    let asking = bench.kernel.try_spawn("gives up", give_up).expect("spawned");
    bench.machine.settle();
    bench.machine.run_for_us(1000);
    assert!(asking.is_finished());
    assert!(bench.end());
    assert_eq!(bench.started(), [Operation::Program { offset: 0, data: Chunk::cut(&[0; 32]) }]);
    assert_eq!(bench.ask(Request::Read { offset: 30, len: 4 }), data(&[0, 0, 0xff, 0xff]));
}

#[test]
fn a_driver_that_is_ended_at_work_is_followed_by_one_that_waits_for_the_device() {
    let mut bench = Bench::new();
    for ended_before in [false, true] {
        let program = bench.begin(write(0, &[0x55; 4]));
        if ended_before {
            // It ends when nobody is there to take the result.
            bench.supervisor.restart("storage").expect("there is one");
            assert!(bench.chip.end());
            bench.handler.interrupt();
        } else {
            bench.supervisor.restart("storage").expect("there is one");
        }
        bench.machine.settle();
        let told = bench.outcome(program);
        assert!(matches!(told, Err(CallError::Unanswered | CallError::ServerGone)), "{told:?}");
        bench.started();
        let read = bench.begin(Request::Read { offset: 0, len: 4 });
        if !ended_before {
            assert_eq!(bench.started(), []);
            assert!(bench.end());
        }
        assert_eq!(bench.started(), [Operation::Read { offset: 0, len: 4 }]);
        assert!(bench.end());
        // What was under way is not what was asked for.
        assert_eq!(bench.outcome(read), Ok(Response::Data(Chunk::cut(&[0x55; 4]))));
    }
}

#[test]
fn no_request_allocates() {
    let mut bench = Bench::new();
    bench.kernel.heap().set_policy(SteadyState::Deny);
    let client = bench.connect(1);
    let ask = async move {
        for _ in 0..3 {
            assert_eq!(client.call(Request::Erase { offset: 0, len: 256 }).await, Ok(Response::Done));
            assert_eq!(client.call(write(4, &[7; CHUNK])).await, Ok(Response::Done));
            let read = client.call(Request::Read { offset: 4, len: CHUNK as u16 }).await;
            assert_eq!(read, Ok(Response::Data(Chunk::cut(&[7; CHUNK]))));
        }
    };
    let asking = bench.kernel.try_spawn("asks", ask).expect("spawned");
    bench.machine.settle();
    let before = bench.kernel.heap().stats().allocations;
    while bench.end() {}
    assert!(asking.is_finished());
    assert_eq!(bench.kernel.heap().stats().allocations, before);
}

#[test]
fn a_device_whose_units_do_not_fit_is_refused() {
    let machine = Machine::new();
    let kernel = machine.kernel.handle();
    for geometry in [
        Geometry { capacity: 0, ..GEOMETRY },
        Geometry { capacity: 500, ..GEOMETRY },
        Geometry { erase_size: 0, ..GEOMETRY },
        Geometry { erase_size: 16, ..GEOMETRY },
        Geometry { page_size: 0, ..GEOMETRY },
        Geometry { page_size: 30, ..GEOMETRY },
        Geometry { write_size: 0, ..GEOMETRY },
        Geometry { read_size: 0, ..GEOMETRY },
        Geometry { page_size: 128, write_size: 128, ..GEOMETRY },
    ] {
        let refused = set_up(&kernel, Chip::new(geometry), "storage").map(|_| ());
        assert_eq!(refused, Err(StorageError::Geometry(geometry)));
    }
    assert!(set_up(&kernel, Chip::new(GEOMETRY), "storage").is_ok());
}

#[test]
fn a_handler_that_outlives_its_kernel_does_no_harm() {
    let Bench { machine, kernel, chip, mut handler, supervisor } = Bench::new();
    drop((machine, kernel, supervisor));
    chip.start(Operation::Erase { offset: 0 });
    assert!(chip.end());
    handler.interrupt();
}
