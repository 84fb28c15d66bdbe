//! The table of running services, and how clients find them.
//!
//! Entries are kept sorted by UUID, so that finding a service is a binary search; those of one UUID are in the order in
//! which they were bound.
#![expect(unsafe_code, reason = "connecting hands over the client's share of a connection")]

use core::{
    cell::{Cell, RefCell},
    ptr::NonNull,
};

use uuid::Uuid;

use super::{
    client::Client,
    connecting::{Connecting, Opened, take_greeting},
    connection::{Greeting, Head},
    contract::Contract,
    error::{BindError, ConnectError, Refused},
    numbers::Numbers,
    programs::Table,
    server::ServerCore,
    service::{ConnectionId, InstanceId, Service, Version},
};
use crate::{
    event::{Cursor, Entry, Event, Events, Kind, Ring},
    executor::Executor,
    heap::{AllocError, FixedVec, Shared},
    inline::Text,
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
    instances: Numbers,
    connections: Numbers,
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

impl Select<'_> {
    /// It may be this instance.
    pub(super) fn chooses(&self, core: &ServerCore) -> bool {
        match *self {
            Self::First => true,
            Self::Label(label) => *core.label == *label,
            Self::Instance(instance) => core.instance == instance,
        }
    }
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
            instances: Numbers::from(first_id),
            connections: Numbers::from(first_id),
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
        let id = self.connections.upcoming(|look| {
            self.with_servers(|servers| {
                for core in servers {
                    core.with_connections(|list| list.iter().for_each(|head| look(head.id.0)));
                }
            });
        });
        self.connections.advance();
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
        this: &Shared<Self>,
        contract: &'static Contract,
        label: &str,
        programs: Option<&'static Table>,
    ) -> Result<Shared<ServerCore>, BindError> {
        // Everything else is done at once, when there is memory.
        let room = this.system.heap().room_for_shared().await.map_err(BindError::Memory)?;
        Self::insert(this, contract, label, programs, |core| Ok(room.fill(core)))
    }

    /// Puts a new server into the table.
    pub(super) fn insert(
        this: &Shared<Self>,
        contract: &'static Contract,
        label: &str,
        programs: Option<&'static Table>,
        new_core: impl FnOnce(ServerCore) -> Result<Shared<ServerCore>, AllocError>,
    ) -> Result<Shared<ServerCore>, BindError> {
        let label = Label::try_from(label).map_err(|_too_long| BindError::LabelTooLong)?;
        this.check_insert(contract, label)?;
        let instance = InstanceId(this.instances.upcoming(|look| {
            this.with_servers(|servers| servers.iter().for_each(|core| look(core.instance.0)));
        }));
        let core = new_core(ServerCore::new(this.clone(), contract, label, instance, programs))
            .map_err(BindError::Memory)?;
        {
            let mut table = this.table.borrow_mut();
            let at = table.partition_point(|other| other.contract.uuid <= contract.uuid);
            let services = table.capacity();
            table.insert(at, core.clone()).map_err(|_full| BindError::Full { services })?;
        }
        this.instances.advance();
        this.note(&core, true);
        Ok(core)
    }

    fn check_insert(&self, contract: &Contract, label: Label) -> Result<(), BindError> {
        let table = self.table.borrow();
        for other in of_uuid(&table, contract.uuid) {
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

    pub(super) fn unregister(&self, server: &ServerCore) {
        let core = {
            let mut table = self.table.borrow_mut();
            let before = first_of(&table, server.contract.uuid);
            let same =
                of_uuid(&table, server.contract.uuid).position(|core| core.instance == server.instance);
            same.map(|at| table.remove(before + at))
        };
        if let Some(core) = core {
            self.note(&core, false);
        }
    }

    fn find(&self, contract: &Contract, select: &Select<'_>) -> Result<Shared<ServerCore>, Refused> {
        let table = self.table.borrow();
        let found = of_uuid(&table, contract.uuid).find(|core| select.chooses(core));
        let core = found.ok_or(Refused::NotFound)?;
        if core.contract.types == contract.types {
            Ok(core.clone())
        } else {
            Err(Refused::TypeMismatch { name: core.contract.name, version: core.contract.version })
        }
    }

    /// Connects to a service.
    pub(super) async fn connect<S: Service>(
        &self,
        select: Select<'_>,
        waits: Waits,
        hello: S::Hello,
        depth: usize,
    ) -> Result<Client<S>, ConnectError<S::ConnectError>> {
        let contract = Contract::of::<S>();
        let opened = match self.open_now(contract, &select, waits, depth) {
            Ok(opened) => opened,
            Err(Some(refused)) => return Err(ConnectError::of(refused)),
            Err(None) => self.wait_to_open(contract, select, waits, depth).await.map_err(ConnectError::of)?,
        };
        // SAFETY: a connection of this service.
        let connecting = unsafe { Connecting::new::<S>(opened, hello) };
        connecting.answered().await.map_err(ConnectError::of)?;
        // SAFETY: the connection is one of this service, and the handshake is answered.
        match unsafe { take_greeting::<S>(connecting.connection) } {
            Greeting::Refused(reason) => Err(ConnectError::Rejected(reason)),
            // SAFETY: the share in the connection, which is one of this service, goes on to the client.
            Greeting::Accepted => Ok(unsafe { Client::new(connecting.connected()) }),
            Greeting::Empty | Greeting::Hello(_) => Err(ConnectError::Unanswered),
        }
    }

    /// Makes a connection, if its service is running and there is memory for it. `None` says that one of them has to be
    /// waited for.
    #[inline(never)]
    fn open_now(
        &self,
        contract: &'static Contract,
        select: &Select<'_>,
        waits: Waits,
        depth: usize,
    ) -> Result<Opened, Option<Refused>> {
        let (slots, layout) = contract.slots(depth)?;
        let server = self.find(contract, select).map_err(|refused| match refused {
            Refused::NotFound if waits == Waits::ForService => None,
            refused => Some(refused),
        })?;
        let heap = self.system.heap();
        let block = match waits {
            Waits::Never => heap.try_block(layout).map_err(Refused::Memory)?,
            Waits::ForMemory | Waits::ForService => heap.block_quickly(layout).ok_or(None)?,
        };
        Ok(Opened::new(block, slots, server))
    }

    /// Makes a connection, once its service is running, if that is waited for, and there is memory for it.
    async fn wait_to_open(
        &self,
        contract: &'static Contract,
        select: Select<'_>,
        waits: Waits,
        depth: usize,
    ) -> Result<Opened, Refused> {
        let (slots, layout) = contract.slots(depth)?;
        let look = || match self.find(contract, &select) {
            Err(Refused::NotFound) if waits == Waits::ForService => None,
            found => Some(found),
        };
        let server = self.changed.wait_until(look).await?;
        let block = self.system.heap().block(layout).await.map_err(Refused::Memory)?;
        if server.is_dead() {
            return Err(Refused::ServerGone);
        }
        Ok(Opened::new(block, slots, server))
    }

    /// Makes a connection, and waits for what is to be waited for.
    pub(super) async fn open(
        &self,
        contract: &'static Contract,
        select: Select<'_>,
        waits: Waits,
        depth: usize,
    ) -> Result<Opened, Refused> {
        match self.open_now(contract, &select, waits, depth) {
            Ok(opened) => Ok(opened),
            Err(Some(refused)) => Err(refused),
            Err(None) => self.wait_to_open(contract, select, waits, depth).await,
        }
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

/// Where the services of a UUID begin in the table.
fn first_of(table: &[Shared<ServerCore>], uuid: Uuid) -> usize {
    table.partition_point(|core| core.contract.uuid < uuid)
}

/// The services of a UUID, in the order in which they were bound.
fn of_uuid(table: &[Shared<ServerCore>], uuid: Uuid) -> impl Iterator<Item = &Shared<ServerCore>> {
    table.iter().skip(first_of(table, uuid)).take_while(move |core| core.contract.uuid == uuid)
}

/// What connecting waits for, besides the server's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Waits {
    /// Nothing.
    Never,
    /// Memory.
    ForMemory,
    /// The service, and then memory.
    ForService,
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
