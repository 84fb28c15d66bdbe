//! The table of running services, and how clients find them.
//!
//! Entries are kept sorted by UUID, so that finding a service is a binary search; those of one UUID are in the order in
//! which they were bound.
#![expect(unsafe_code, reason = "connecting hands over the client's share of a connection")]

use core::{
    cell::{Cell, RefCell},
    future::poll_fn,
    ptr::NonNull,
    task::Poll,
};

use uuid::Uuid;

use super::{
    client::Client,
    connection::{Connection, Greeting, Head, abandon, release},
    contract::Contract,
    error::{BindError, ConnectError, Refused},
    programs::Table,
    queue::{Failure, Stage},
    server::ServerCore,
    service::{ConnectionId, InstanceId, Service, Version},
};
use crate::{
    event::{Cursor, Entry, Event, Events, Kind, Ring},
    executor::Executor,
    heap::{AllocError, Block, FixedVec, Shared},
    inline::Text,
    limits::CONNECTION_DEPTH,
    sync::WaitList,
    system::System,
};

/// Tells several instances of one service apart, such as `uart0`. At most 16 bytes.
pub type Label = Text<16>;

/// Arrivals and departures that a slow [`Watch`] may lag behind before it misses some.
const CHANGES: usize = 16;

/// The registry of one kernel: see [`registry`](super).
pub struct Registry {
    system: Shared<System>,
    table: RefCell<FixedVec<Shared<ServerCore>>>,
    /// Woken when a service arrives or departs.
    changed: WaitList,
    changes: RefCell<Ring<Change>>,
    next_instance: Cell<u32>,
    next_connection: Cell<u32>,
    next_request: Cell<u32>,
}

/// Which instance of a service to connect to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Select<'l> {
    /// The one that was bound first.
    #[default]
    First,
    /// The one with this label.
    Label(&'l str),
    /// The one with this number.
    Instance(InstanceId),
}

/// What the registry tells of a running service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServiceInfo {
    /// The service's identity.
    pub uuid: Uuid,
    /// Its name.
    pub name: &'static str,
    /// Its version.
    pub version: Version,
    /// The instance's label.
    pub label: Label,
    /// The instance's number.
    pub instance: InstanceId,
    /// The task that serves it, 0 if that is no task.
    pub task: u32,
    /// Connections: clients that are connected, and those that left while the server had a request of theirs in hand.
    pub clients: u32,
    /// Requests answered.
    pub answered: u32,
    /// User programs may connect.
    pub programs: bool,
}

/// What the registry tells of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionInfo {
    /// The connection's number.
    pub id: ConnectionId,
    /// The service's name.
    pub service: &'static str,
    /// The instance it leads to.
    pub instance: InstanceId,
    /// The task that connected, 0 if that was no task.
    pub client: u32,
    /// Its slots.
    pub depth: u16,
    /// Slots in use.
    pub busy: u16,
    /// Requests sent.
    pub requests: u32,
}

/// A service came or went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// It came; otherwise it went.
    pub arrived: bool,
    /// The service's identity.
    pub uuid: Uuid,
    /// Its name.
    pub name: &'static str,
    /// The instance's number.
    pub instance: InstanceId,
    /// The instance's label.
    pub label: Label,
}

impl Registry {
    /// A registry for a kernel's services.
    ///
    /// # Errors
    ///
    /// When the heap has no room for the table.
    pub(crate) fn new(system: Shared<System>, services: usize, first_id: u32) -> Result<Self, AllocError> {
        let table = system.heap().try_vec(services)?;
        let changes = system.heap().try_permanent_slots(CHANGES)?;
        Ok(Self {
            system,
            table: RefCell::new(table),
            changed: WaitList::new(),
            changes: RefCell::new(Ring::new(changes)),
            next_instance: Cell::new(first_id),
            next_connection: Cell::new(first_id),
            next_request: Cell::new(first_id),
        })
    }

    pub(super) fn system(&self) -> &System {
        &self.system
    }

    pub(super) fn executor(&self) -> &Executor {
        self.system.executor()
    }

    #[inline]
    pub(super) fn events(&self) -> &Events {
        self.system.events()
    }

    #[inline]
    pub(super) fn current_task(&self) -> u32 {
        self.system.current_task().map_or(0, |task| task.0)
    }

    #[inline]
    pub(super) fn next_request(&self) -> u32 {
        let id = self.next_request.get();
        self.next_request.set(id.wrapping_add(1));
        id
    }

    /// The number that the next request will have.
    pub(super) fn next_request_id(&self) -> u32 {
        self.next_request.get()
    }

    pub(super) fn next_connection(&self) -> ConnectionId {
        let in_use = |id| {
            self.with_servers(|servers| {
                let of_server = |core: &Shared<ServerCore>| {
                    core.with_connections(|list| list.iter().any(|head| head.id == ConnectionId(id)))
                };
                servers.iter().any(of_server)
            })
        };
        let id = free_number(self.next_connection.get(), in_use);
        self.next_connection.set(id.wrapping_add(1));
        ConnectionId(id)
    }

    #[inline]
    pub(super) fn suspect_cycle(&self) {
        self.system().suspect_cycle();
    }

    pub(super) fn with_servers<R>(&self, with: impl FnOnce(&[Shared<ServerCore>]) -> R) -> R {
        with(&self.table.borrow())
    }

    fn note(&self, core: &ServerCore, arrived: bool) {
        let change = Change {
            arrived,
            uuid: core.contract.uuid,
            name: core.contract.name,
            instance: core.instance,
            label: core.label,
        };
        self.changes.borrow_mut().write(change);
        let (service, instance) = (core.contract.name, core.instance.0);
        if arrived {
            self.events().emit(Kind::Register, || Event::Register { service, instance });
        } else {
            self.events().emit(Kind::Unregister, || Event::Unregister { service, instance });
        }
        self.changed.wake_all();
    }

    /// Makes a server as soon as there is memory for it, and puts it into the table.
    pub(super) async fn bind(
        &self,
        contract: &'static Contract,
        label: &str,
        programs: Option<&'static Table>,
    ) -> Result<Shared<ServerCore>, BindError> {
        // Everything else is done at once, when there is memory.
        let room = self.system.heap().room_for_shared().await.map_err(BindError::Memory)?;
        self.insert(contract, label, programs, |core| Ok(room.fill(core)))
    }

    /// Puts a new server into the table.
    pub(super) fn insert(
        &self,
        contract: &'static Contract,
        label: &str,
        programs: Option<&'static Table>,
        new_core: impl FnOnce(ServerCore) -> Result<Shared<ServerCore>, AllocError>,
    ) -> Result<Shared<ServerCore>, BindError> {
        let label = Label::try_from(label).map_err(|_too_long| BindError::LabelTooLong)?;
        self.check_insert(contract, label)?;
        let in_use = |id| self.with_servers(|servers| servers.iter().any(|core| core.instance.0 == id));
        let instance = InstanceId(free_number(self.next_instance.get(), in_use));
        let events = self.system.events_for_interrupts();
        let core =
            new_core(ServerCore::new(contract, label, instance, self.current_task(), programs, events))
                .map_err(BindError::Memory)?;
        {
            let mut table = self.table.borrow_mut();
            let at = table.partition_point(|other| other.contract.uuid <= contract.uuid);
            let services = table.capacity();
            table.insert(at, core.clone()).map_err(|_full| BindError::Full { services })?;
        }
        self.next_instance.set(instance.0.wrapping_add(1));
        self.note(&core, true);
        Ok(core)
    }

    fn check_insert(&self, contract: &Contract, label: Label) -> Result<(), BindError> {
        let table = self.table.borrow();
        for other in table.iter().filter(|other| other.contract.uuid == contract.uuid) {
            if other.contract.types != contract.types {
                return Err(BindError::TypeMismatch { name: other.contract.name });
            }
            if other.label == label {
                return Err(BindError::AlreadyBound(other.instance));
            }
        }
        // Last: room would not help who is refused for another reason.
        if table.len() == table.capacity() {
            return Err(BindError::Full { services: table.capacity() });
        }
        Ok(())
    }

    pub(super) fn unregister(&self, instance: InstanceId) {
        let core = {
            let mut table = self.table.borrow_mut();
            let at = table.iter().position(|core| core.instance == instance);
            at.map(|at| table.remove(at))
        };
        if let Some(core) = core {
            self.note(&core, false);
        }
    }

    fn find(&self, contract: &Contract, select: Select<'_>) -> Result<Shared<ServerCore>, Refused> {
        let table = self.table.borrow();
        let first = table.partition_point(|core| core.contract.uuid < contract.uuid);
        let mut running = table.iter().skip(first).take_while(|core| core.contract.uuid == contract.uuid);
        let found = running.find(|core| match select {
            Select::First => true,
            Select::Label(label) => *core.label == *label,
            Select::Instance(instance) => core.instance == instance,
        });
        let core = found.ok_or(Refused::NotFound)?;
        if core.contract.types == contract.types {
            Ok(core.clone())
        } else {
            Err(Refused::TypeMismatch { name: core.contract.name, version: core.contract.version })
        }
    }

    /// Connects to a service: to an instance that is running now, or else, if `wait` says so, as soon as one is.
    pub(super) async fn connect<S: Service>(
        this: &Shared<Self>,
        select: Select<'_>,
        wait: bool,
        hello: S::Hello,
        depth: usize,
    ) -> Result<Client<S>, ConnectError<S::ConnectError>> {
        let room =
            Self::room(this, Contract::of::<S>(), select, wait, depth).await.map_err(ConnectError::of)?;
        let connecting = Connecting::new(room, |block, slots, server| {
            Connection::<S>::write(block, slots, this, server, hello)
        });
        connecting.shake_hands().await.map_err(ConnectError::of)?;
        // SAFETY: the connection is one of this service, and the handshake is answered.
        match unsafe { take_greeting::<S>(connecting.connection) } {
            Greeting::Refused(reason) => Err(ConnectError::Rejected(reason)),
            // SAFETY: the share in the connection, which is one of this service, goes on to the client.
            Greeting::Accepted => Ok(unsafe { Client::new(connecting.connected()) }),
            Greeting::Empty | Greeting::Hello(_) => Err(ConnectError::Unanswered),
        }
    }

    /// Finds a service, and memory for a connection to it.
    pub(super) async fn room<'r>(
        this: &'r Shared<Self>,
        contract: &'static Contract,
        select: Select<'_>,
        wait: bool,
        depth: usize,
    ) -> Result<Room<'r>, Refused> {
        let slots = u16::try_from(depth).ok().filter(|_| (1..=CONNECTION_DEPTH).contains(&depth));
        let slots = slots.ok_or(Refused::Depth { depth })?;
        let look = || match this.find(contract, select) {
            Err(Refused::NotFound) if wait => None,
            found => Some(found),
        };
        let server = match look() {
            Some(found) => found?,
            None => this.changed.wait_until(look).await?,
        };
        let layout = contract.layout(slots).ok_or(Refused::Depth { depth })?;
        let block = this.system.heap().block(layout).await.map_err(Refused::Memory)?;
        if server.is_dead() {
            return Err(Refused::ServerGone);
        }
        Ok(Room { server, block, slots })
    }

    /// The service instance with the smallest number above `after`.
    pub fn next_service(&self, after: InstanceId) -> Option<ServiceInfo> {
        self.with_servers(|servers| {
            let core =
                servers.iter().filter(|core| core.instance > after).min_by_key(|core| core.instance)?;
            Some(ServiceInfo {
                uuid: core.contract.uuid,
                name: core.contract.name,
                version: core.contract.version,
                label: core.label,
                instance: core.instance,
                task: core.task.get(),
                clients: core.with_connections(|list| list.iter().count()).try_into().unwrap_or(u32::MAX),
                answered: core.answered.get(),
                programs: core.programs.is_some(),
            })
        })
    }

    /// The connection with the smallest number above `after`.
    pub fn next_connection_after(&self, after: ConnectionId) -> Option<ConnectionInfo> {
        self.with_servers(|servers| {
            let of_server = |core: &Shared<ServerCore>| {
                let (service, instance) = (core.contract.name, core.instance);
                core.with_connections(|list| {
                    // SAFETY: a listed connection is alive, and nothing runs meanwhile that could free it.
                    let number = |head: &NonNull<Head>| unsafe { head.as_ref() }.id;
                    let later = list.iter_raw().filter(|head| number(head) > after).min_by_key(number)?;
                    // SAFETY: as above.
                    let (busy, later) = unsafe { (Head::busy(later), later.as_ref()) };
                    Some(ConnectionInfo {
                        id: later.id,
                        service,
                        instance,
                        client: later.owner,
                        depth: later.depth,
                        busy,
                        requests: later.requests.get(),
                    })
                })
            };
            servers.iter().filter_map(of_server).min_by_key(|info| info.id)
        })
    }

    /// Watches services come and go from now on.
    pub fn watch(this: &Shared<Self>) -> Watch {
        let written = this.changes.borrow().written();
        Watch { registry: this.clone(), cursor: Cursor::at(written) }
    }
}

/// The first number from `next` on that is not in use. 0 stands before all others in listings, so nothing has it.
fn free_number(next: u32, in_use: impl Fn(u32) -> bool) -> u32 {
    let mut number = next.max(1);
    while in_use(number) {
        number = number.wrapping_add(1).max(1);
    }
    number
}

/// A service that was found, and memory for a connection to it with so many slots.
pub(super) struct Room<'r> {
    server: Shared<ServerCore>,
    block: Block<'r>,
    slots: u16,
}

/// Somebody who is connecting. Dropping it gives up.
pub(super) struct Connecting {
    pub(super) connection: NonNull<Head>,
}

impl Connecting {
    /// Begins: `write` makes the connection.
    pub(super) fn new<'r>(
        room: Room<'r>,
        write: impl FnOnce(Block<'r>, u16, &Shared<ServerCore>) -> NonNull<Head>,
    ) -> Self {
        Self { connection: write(room.block, room.slots, &room.server) }
    }

    fn head(&self) -> &Head {
        // SAFETY: who is connecting keeps the connection.
        unsafe { self.connection.as_ref() }
    }

    /// Waits until the server has let the client in, or turned it away: the greeting says which.
    pub(super) async fn shake_hands(&self) -> Result<(), Refused> {
        let head = self.head();
        // SAFETY: the handshake is on no queue yet, and `drop` takes it off.
        unsafe { head.server.submit(Head::handshake(self.connection)) };
        let node = &head.handshake;
        poll_fn(|context| match node.stage.get() {
            Stage::Queued | Stage::Taken => {
                node.expect_reply(context, &head.registry);
                Poll::Pending
            }
            _ => Poll::Ready(()),
        })
        .await;
        match (node.stage.get(), node.failure.get()) {
            (Stage::Answered, _) => Ok(()),
            (_, Failure::ServerGone) => Err(Refused::ServerGone),
            _ => Err(Refused::Unanswered),
        }
    }

    /// The server has let the client in: passes on who is connecting's share in the connection.
    pub(super) fn connected(self) -> NonNull<Head> {
        let head = self.head();
        head.handshake.client.clear();
        let (instance, id) = (head.server.instance.0, head.id.0);
        head.registry.events().emit(Kind::Connect, || Event::Connect { instance, connection: id });
        let connection = self.connection;
        core::mem::forget(self);
        connection
    }
}

impl Drop for Connecting {
    fn drop(&mut self) {
        let head = self.head();
        let node = &head.handshake;
        node.client.clear();
        match node.stage.get() {
            Stage::Queued => head.server.queue.remove(Head::handshake(self.connection)),
            // SAFETY: the stage is as demanded.
            Stage::Taken | Stage::Lost => unsafe { abandon(head, node) },
            _ => {}
        }
        head.client.set(false);
        // SAFETY: the connection is not used again.
        unsafe { release(self.connection) };
    }
}

/// Takes what the server has answered to a handshake.
///
/// # Safety
///
/// The connection lives, is one of the service, and its handshake has been answered.
pub(super) unsafe fn take_greeting<S: Service>(connection: NonNull<Head>) -> Greeting<S> {
    // SAFETY: the caller's; the greeting of a handshake that has been answered is the client's.
    unsafe { core::ptr::replace(connection.cast::<Connection<S>>().as_ref().greeting.get(), Greeting::Empty) }
}

/// Sees services come and go, in order.
pub struct Watch {
    registry: Shared<Registry>,
    cursor: Cursor,
}

impl Watch {
    /// The next change that has happened already, with how many were missed before it.
    pub fn try_next(&mut self) -> Option<Entry<Change>> {
        self.registry.changes.borrow().read(&mut self.cursor)
    }

    /// Waits for the next change.
    ///
    /// # Cancellation
    ///
    /// Nothing is lost: what was not returned is still there for the next call.
    pub async fn next(&mut self) -> Entry<Change> {
        let Self { registry, cursor } = self;
        registry.changed.wait_until(|| registry.changes.borrow().read(cursor)).await
    }
}
