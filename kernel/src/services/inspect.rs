//! Inspection: the kernel read from outside. Tasks, heap, owners, services, connections, interrupts, events.
//!
//! The console, host tools and tests all use this one door. Lists are read a row at a time: ask for the first row
//! after what you have seen, start with 0, stop at `None`. Rows that come and go meanwhile do no harm.

use core::{convert::Infallible, fmt::Write as _};

use postcard_schema::Schema;
use serde::{Deserialize, Serialize};

use super::Never;
use crate::{
    Handle,
    event::Cursor,
    executor::{self, TaskId},
    heap::AccountStats,
    inline::Text,
    registry::{BindError, ConnectionId, InstanceId, Service, Uuid, Version},
};

#[cfg(test)]
mod tests;

/// The longest name in a row, in bytes; longer ones are cut.
pub const NAME: usize = 24;

/// The longest description of an event, in bytes; longer ones are cut.
pub const DETAIL: usize = 64;

/// The contract.
pub enum Inspect {}

/// What a client asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub enum Request {
    /// The kernel as a whole.
    Kernel,
    /// The task with the smallest number above this.
    Task(u32),
    /// The heap.
    Heap,
    /// The owner of memory with the smallest number at or above this: 0 is the kernel, others are tasks.
    Owner(u32),
    /// The service instance with the smallest number above this.
    Service(u32),
    /// The connection with the smallest number above this.
    Connection(u32),
    /// The interrupt line registered after so many others.
    Interrupt(u16),
    /// The first event kept whose number is at least this.
    Event(u64),
}

/// The answer to a [`Request`]; `None` at the end of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub enum Response {
    /// The kernel as a whole.
    Kernel(Kernel),
    /// A task.
    Task(Option<Task>),
    /// The heap.
    Heap(Heap),
    /// An owner of memory.
    Owner(Option<Owner>),
    /// A service instance.
    Service(Option<ServiceRow>),
    /// A connection.
    Connection(Option<Connection>),
    /// An interrupt line.
    Interrupt(Option<Interrupt>),
    /// An event.
    Event(Option<Event>),
}

/// The kernel as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub struct Kernel {
    /// The kernel's version.
    pub version: Text<NAME>,
    /// Microseconds since boot.
    pub uptime_us: u64,
    /// Events recorded since boot.
    pub events: u64,
}

/// A task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub struct Task {
    /// Its number.
    pub id: u32,
    /// Its name.
    pub name: Text<NAME>,
    /// What it is doing.
    pub state: TaskState,
    /// How often it was polled.
    pub polls: u32,
    /// How often its wakers were called.
    pub wakes: u32,
    /// Time spent in its polls, in microseconds.
    pub busy_us: u64,
    /// Its longest poll, in microseconds.
    pub longest_us: u32,
    /// Heap memory charged to it, in bytes.
    pub bytes: u32,
}

/// What a task is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub enum TaskState {
    /// Being polled: the inspection service itself.
    Running,
    /// Waiting for its turn.
    Ready,
    /// Waiting for a wake.
    Waiting,
}

/// The heap. All sizes are in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub struct Heap {
    /// What can be allocated in an empty heap.
    pub capacity: u32,
    /// What is allocated, with overhead.
    pub used: u32,
    /// The most that was allocated at a time.
    pub peak: u32,
    /// The largest block that could be allocated now: much less than what is free means fragmentation.
    pub largest_free: u32,
    /// Live allocations.
    pub blocks: u32,
    /// Allocations since boot.
    pub allocations: u64,
    /// Allocations refused since boot.
    pub failures: u32,
    /// Tasks that wait for memory.
    pub waiters: u32,
}

/// An owner of memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub struct Owner {
    /// The task's number; 0 is the kernel.
    pub id: u32,
    /// Its name.
    pub name: Text<NAME>,
    /// Bytes charged to it.
    pub bytes: u32,
    /// The most bytes that were charged to it at a time.
    pub peak: u32,
    /// Live allocations.
    pub blocks: u32,
    /// Allocations since it began.
    pub allocations: u32,
    /// Allocations refused since it began.
    pub failures: u32,
    /// What it may use at most, if that is limited.
    pub quota: Option<u32>,
    /// It has declared itself ready: from then on it should not allocate.
    pub ready: bool,
    /// Allocations made or tried after that.
    pub violations: u32,
}

/// A service instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub struct ServiceRow {
    /// The instance's number.
    pub instance: u32,
    /// The service's name.
    pub name: Text<NAME>,
    /// The instance's label.
    pub label: Text<16>,
    /// The contract's version.
    pub version: Version,
    /// The service's UUID.
    pub uuid: [u8; 16],
    /// The task that serves it, 0 if that is no task.
    pub task: u32,
    /// Clients that are connected.
    pub clients: u32,
    /// Requests answered.
    pub answered: u32,
    /// User programs may connect.
    pub programs: bool,
}

/// A connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub struct Connection {
    /// Its number.
    pub id: u32,
    /// The service's name.
    pub service: Text<NAME>,
    /// The instance it leads to.
    pub instance: u32,
    /// The task that connected, 0 if that was no task.
    pub client: u32,
    /// Its slots.
    pub depth: u16,
    /// Slots in use.
    pub busy: u16,
    /// Requests sent.
    pub requests: u32,
}

/// An interrupt line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub struct Interrupt {
    /// Its name.
    pub name: Text<NAME>,
    /// How often it fired.
    pub fired: u32,
}

/// An event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub struct Event {
    /// Its number, counted from 0 since boot: ask for the next one with one more.
    pub number: u64,
    /// When, in microseconds since boot.
    pub at_us: u64,
    /// What happened.
    pub what: Text<DETAIL>,
}

impl Service for Inspect {
    type Request = Request;
    type Response = Response;
    type Error = Never;
    type Hello = ();
    type ConnectError = Never;

    const UUID: Uuid = Uuid::from_u128(0xd4a9_8c15_3e6b_4b0f_8f72_19c4_a05e_6b3d);
    const NAME: &'static str = "inspect";
    const VERSION: Version = Version::new(1, 0);
}

/// The driver.
///
/// # Errors
///
/// When the service cannot be bound.
pub async fn serve(kernel: Handle) -> Result<Infallible, BindError> {
    let mut server = kernel.services().bind_for_programs::<Inspect>("").await?;
    kernel.ready();
    loop {
        let call = server.next_call().await;
        let answer = answer(&kernel, *call.request());
        // A client that has given up meanwhile does not miss the answer.
        let _ = call.answer(answer);
    }
}

fn answer(kernel: &Handle, request: Request) -> Response {
    match request {
        Request::Kernel => Response::Kernel(Kernel {
            version: Text::cut(env!("CARGO_PKG_VERSION")),
            uptime_us: kernel.now().as_micros(),
            events: kernel.events().recorded(),
        }),
        Request::Task(after) => Response::Task(kernel.next_task(TaskId(after)).map(Task::from)),
        Request::Heap => Response::Heap(heap(kernel)),
        Request::Owner(from) => Response::Owner(owner(kernel, from)),
        Request::Service(after) => Response::Service(service(kernel, after)),
        Request::Connection(after) => Response::Connection(connection(kernel, after)),
        Request::Interrupt(after) => Response::Interrupt(interrupt(kernel, after)),
        Request::Event(from) => Response::Event(event(kernel, from)),
    }
}

impl From<executor::TaskStats> for Task {
    fn from(task: executor::TaskStats) -> Self {
        Self {
            id: task.id.0,
            name: Text::cut(task.name),
            state: match task.state {
                executor::TaskState::Running => TaskState::Running,
                executor::TaskState::Ready => TaskState::Ready,
                executor::TaskState::Waiting => TaskState::Waiting,
            },
            polls: task.polls,
            wakes: task.wakes,
            busy_us: task.busy_us,
            longest_us: task.longest_us,
            bytes: clamp(task.bytes),
        }
    }
}

fn heap(kernel: &Handle) -> Heap {
    let heap = kernel.heap().stats();
    Heap {
        capacity: clamp(heap.capacity),
        used: clamp(heap.used),
        peak: clamp(heap.peak),
        largest_free: clamp(heap.largest_free),
        blocks: clamp(heap.blocks),
        allocations: heap.allocations,
        failures: heap.failures,
        waiters: heap.waiters,
    }
}

fn owner(kernel: &Handle, from: u32) -> Option<Owner> {
    let row = |id, account: AccountStats| Owner {
        id,
        name: Text::cut(account.name),
        bytes: clamp(account.bytes),
        peak: clamp(account.peak),
        blocks: account.blocks,
        allocations: account.allocations,
        failures: account.failures,
        quota: account.quota.map(clamp),
        ready: account.ready,
        violations: account.violations,
    };
    match from.checked_sub(1) {
        None => Some(row(0, kernel.heap().kernel_account().stats())),
        Some(after) => kernel.next_account(TaskId(after)).map(|(task, account)| row(task.0, account)),
    }
}

fn service(kernel: &Handle, after: u32) -> Option<ServiceRow> {
    let service = kernel.services().next_service(InstanceId(after))?;
    Some(ServiceRow {
        instance: service.instance.0,
        name: Text::cut(service.name),
        label: service.label,
        version: service.version,
        uuid: service.uuid.into_bytes(),
        task: service.task,
        clients: service.clients,
        answered: service.answered,
        programs: service.programs,
    })
}

fn connection(kernel: &Handle, after: u32) -> Option<Connection> {
    let connection = kernel.services().next_connection(ConnectionId(after))?;
    Some(Connection {
        id: connection.id.0,
        service: Text::cut(connection.service),
        instance: connection.instance.0,
        client: connection.client,
        depth: connection.depth,
        busy: connection.busy,
        requests: connection.requests,
    })
}

fn interrupt(kernel: &Handle, after: u16) -> Option<Interrupt> {
    let line = kernel.nth_interrupt_line(after.into())?;
    Some(Interrupt { name: Text::cut(line.name), fired: line.fired })
}

fn event(kernel: &Handle, from: u64) -> Option<Event> {
    let entry = kernel.events().read(&mut Cursor::at(from))?;
    let mut what = Text::new();
    // A description that is too long keeps what fits.
    let _cut = write!(what, "{}", entry.record.event);
    Some(Event { number: entry.number, at_us: entry.record.at_us, what })
}

/// Sizes in a row are 32 bits wide, which no heap of a board exceeds; a larger one of a host is shown as the most.
fn clamp(size: usize) -> u32 {
    u32::try_from(size).unwrap_or(u32::MAX)
}
