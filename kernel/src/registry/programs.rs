//! The door for user programs: services that speak bytes.
//!
//! A program is built apart from the kernel, so it cannot hand over Rust values. It sends a request as a postcard
//! frame, and gets a frame back. A service is open to programs if it was bound with
//! [`bind_for_programs`](super::Services::bind_for_programs); all others do not exist for them.
//!
//! A program names the service by UUID *and* by the key of its schema, so one that was built against another version
//! is refused when it connects instead of reading nonsense later. What comes in is taken apart before anybody sees it:
//! frames that are too long, cut short or have something behind their end are refused, and nothing in them is
//! believed. Sending and receiving allocate nothing.
#![expect(unsafe_code, reason = "slots of typed connections are kept for requests known by number")]

use core::{
    cell::Cell,
    fmt,
    future::poll_fn,
    mem::ManuallyDrop,
    ptr::NonNull,
    task::{Context, Poll},
};

#[cfg(test)]
mod tests;

pub use postcard_schema::key::Key;
use postcard_schema::{Schema, schema::NamedType};
use serde::{Serialize, de::DeserializeOwned};

use super::{
    CallError, Client, InstanceId, RequestId, Select, Service, Services, Unsent, UnsentReason, Uuid, Version,
    connecting::{Connecting, Opened, take_greeting},
    connection::{Greeting, Head},
    contract::Contract,
    error::Refused,
    pending::{give_up, poll_slot},
    queue::Node,
    table::{Label, Waits},
};
use crate::{
    heap::{AllocError, FixedVec},
    inline::Bytes,
};

/// Bytes in a frame at most.
pub const FRAME: usize = 512;

/// Bytes of a server's reason for turning a program away that are passed on; longer reasons are dropped.
pub const REASON: usize = 32;

/// A type that travels as bytes: its values can be written, read, and described.
pub trait Message: Serialize + DeserializeOwned + Schema + 'static {}

impl<T: Serialize + DeserializeOwned + Schema + 'static> Message for T {}

/// A service whose types all travel as bytes, so that it can be opened to programs. Every such [`Service`] is one.
pub trait ProgramService:
    Service<Request: Message, Response: Message, Error: Message, Hello: Message, ConnectError: Message>
{
    /// Tells this contract from other versions of it.
    const KEY: Key =
        Key::for_path::<(Self::Request, Self::Response, Self::Error, Self::Hello, Self::ConnectError)>(
            Self::NAME,
        );

    /// What its messages look like.
    const SCHEMAS: Schemas = Schemas {
        request: Self::Request::SCHEMA,
        response: Self::Response::SCHEMA,
        error: Self::Error::SCHEMA,
        hello: Self::Hello::SCHEMA,
        connect_error: Self::ConnectError::SCHEMA,
    };
}

impl<S> ProgramService for S where
    S: Service<Request: Message, Response: Message, Error: Message, Hello: Message, ConnectError: Message>
{
}

/// What the messages of a service look like.
#[derive(Debug, Clone, Copy)]
pub struct Schemas {
    /// What a client asks.
    pub request: &'static NamedType,
    /// What the server answers.
    pub response: &'static NamedType,
    /// Why the server could not do what it was asked.
    pub error: &'static NamedType,
    /// What a client says when it connects.
    pub hello: &'static NamedType,
    /// Why a client is turned away.
    pub connect_error: &'static NamedType,
}

/// An open service, as programs see it.
#[derive(Debug, Clone, Copy)]
pub struct ProgramServiceInfo {
    /// The instance's number.
    pub instance: InstanceId,
    /// The service's identity.
    pub uuid: Uuid,
    /// Its name.
    pub name: &'static str,
    /// What tells it from others of this identity.
    pub label: Label,
    /// Its version.
    pub version: Version,
    /// The key that a program has to know.
    pub key: Key,
    /// What its messages look like.
    pub schemas: Schemas,
}

/// How programs reach a service: the bytes side of its types, and what is to be done that depends on them.
///
/// All functions take connections of this service, or slots of such, which live.
pub(super) struct Table {
    key: Key,
    schemas: Schemas,
    contract: &'static Contract,
    /// Makes a connection with this frame as its hello; `None` if it is none.
    connect: unsafe fn(Opened, &[u8]) -> Option<Connecting>,
    /// Looks at the greeting of a connection whose handshake has been answered.
    greeted: unsafe fn(NonNull<Head>) -> Result<(), ProgramConnectError>,
    /// Makes a client of a connection that has been greeted, which is the caller's: its drop closes it.
    close: unsafe fn(NonNull<Head>),
    /// Sends a frame as a request.
    send: Send,
    /// Looks at a request that has not been ended, and if there is a reply, writes it as a frame.
    poll: PollReply,
    /// Gives up a request that has not been ended.
    give_up: unsafe fn(NonNull<Node>),
}

type Send = unsafe fn(NonNull<Head>, &[u8], Option<&Context<'_>>) -> Result<NonNull<Node>, ProgramCallError>;

type PollReply =
    unsafe fn(NonNull<Node>, &Context<'_>, &mut [u8]) -> Poll<Result<ProgramReply, ProgramCallError>>;

struct TableOf<S>(S);

impl<S: ProgramService> TableOf<S> {
    const TABLE: Table = Table {
        key: S::KEY,
        schemas: S::SCHEMAS,
        contract: Contract::of::<S>(),
        connect: connect::<S>,
        greeted: greeted::<S>,
        close: close::<S>,
        send: send::<S>,
        poll: poll::<S>,
        give_up: end::<S>,
    };
}

pub(super) fn table<S: ProgramService>() -> &'static Table {
    &TableOf::<S>::TABLE
}

/// Why a program is not connected.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProgramConnectError {
    /// No such service is open to programs.
    NotFound,
    /// The program was built against another version of the contract; build it anew.
    WrongVersion {
        /// The version that is running.
        running: Version,
    },
    /// The hello is no frame of the service's type.
    Malformed,
    /// The connection was refused by the kernel or cut short: no memory, bad depth, server gone.
    Refused(Refusal),
    /// The server turned the program away; its reason as a frame, if it fits.
    Rejected(Bytes<REASON>),
}

/// See [`ProgramConnectError::Refused`].
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The depth is zero or too large.
    Depth,
    /// The server dropped the handshake.
    Unanswered,
    /// The server went away.
    ServerGone,
    /// No memory.
    Memory(AllocError),
}

impl fmt::Display for ProgramConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound => f.write_str("no such service is open to programs"),
            Self::WrongVersion { running } => {
                write!(
                    f,
                    "the service runs contract version {running} and the program knows another; build it anew"
                )
            }
            Self::Malformed => f.write_str("the hello is not of the service's type"),
            Self::Refused(Refusal::Depth) => f.write_str("the connection's depth is out of range"),
            Self::Refused(Refusal::Unanswered) => f.write_str("the service did not answer the handshake"),
            Self::Refused(Refusal::ServerGone) => f.write_str("the service went away during the handshake"),
            Self::Refused(Refusal::Memory(error)) => write!(f, "no memory for the connection: {error}"),
            Self::Rejected(_) => f.write_str("the service turned the program away"),
        }
    }
}

impl core::error::Error for ProgramConnectError {}

/// Why a program's request has no response.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProgramCallError {
    /// The frame is not of the request's type, or has something behind its end. The connection goes on.
    Malformed,
    /// The frame is longer than [`FRAME`].
    TooLong,
    /// All slots are in use; take a reply first.
    Full,
    /// There is no such request under way.
    NoSuchRequest,
    /// The reply does not fit in the buffer that was given; it is lost.
    ReplyTooLong,
    /// The server has gone away.
    ServerGone,
    /// The server dropped the request without an answer.
    Unanswered,
    /// The server waits for the very task that asked.
    WaitCycle,
    /// The deadline has passed.
    Deadline,
}

impl fmt::Display for ProgramCallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "the frame is not of the request's type",
            Self::TooLong => "the frame is too long",
            Self::Full => "all request slots are in use; take a reply first",
            Self::NoSuchRequest => "no such request is under way",
            Self::ReplyTooLong => "the reply does not fit in the buffer",
            Self::ServerGone => "the service has gone away; connect again",
            Self::Unanswered => "the service dropped the request without an answer",
            Self::WaitCycle => "the service waits for this very task, so it can never answer",
            Self::Deadline => "the service did not answer in time",
        })
    }
}

impl core::error::Error for ProgramCallError {}

/// A reply, as bytes at the start of the buffer that was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProgramReply {
    /// A response, so many bytes long.
    Response(usize),
    /// An error of the service, so many bytes long.
    Error(usize),
}

/// Where a client keeps the slot of a request that is under way.
type Place = Cell<Option<NonNull<Node>>>;

/// A connection that speaks bytes.
pub struct ProgramClient {
    /// A connection of the table's service, of which this is the client.
    connection: NonNull<Head>,
    table: &'static Table,
    /// The requests that are under way: slots of the connection, with requests that have not been ended.
    slots: FixedVec<Place>,
}

impl ProgramClient {
    fn find(&self, request: RequestId) -> Option<&Place> {
        // SAFETY: the slots are in the connection, which the client keeps.
        let is_it = |slot: NonNull<Node>| unsafe { slot.as_ref() }.id.get() == request.0;
        self.slots.iter().find(|slot| slot.get().is_some_and(is_it))
    }

    /// Sends a request.
    ///
    /// # Errors
    ///
    /// See [`ProgramCallError`]; nothing has been sent then.
    pub fn send(&self, request: &[u8]) -> Result<RequestId, ProgramCallError> {
        self.start(request, None).map(|(_place, request)| request)
    }

    /// Sends a request, for the task whose context it is, if it waits already. Says where the request's slot is kept.
    fn start(
        &self,
        request: &[u8],
        waits: Option<&Context<'_>>,
    ) -> Result<(&Place, RequestId), ProgramCallError> {
        if request.len() > FRAME {
            return Err(ProgramCallError::TooLong);
        }
        let free = self.slots.iter().find(|slot| slot.get().is_none()).ok_or(ProgramCallError::Full)?;
        // SAFETY: the connection lives, and is one of the table's service.
        let slot = unsafe { (self.table.send)(self.connection, request, waits) }?;
        free.set(Some(slot));
        // SAFETY: the slot is in the connection, which the client keeps.
        Ok((free, RequestId(unsafe { slot.as_ref() }.id.get())))
    }

    /// Looks whether a request has been answered, and if so writes the reply to the buffer.
    pub fn poll_reply(
        &self,
        request: RequestId,
        context: &mut Context<'_>,
        reply: &mut [u8],
    ) -> Poll<Result<ProgramReply, ProgramCallError>> {
        match self.find(request) {
            Some(place) => self.poll_at(place, context, reply),
            None => Poll::Ready(Err(ProgramCallError::NoSuchRequest)),
        }
    }

    /// As [`poll_reply`](Self::poll_reply), for the request whose slot is kept in this place.
    fn poll_at(
        &self,
        place: &Place,
        context: &Context<'_>,
        reply: &mut [u8],
    ) -> Poll<Result<ProgramReply, ProgramCallError>> {
        let Some(slot) = place.get() else {
            return Poll::Ready(Err(ProgramCallError::NoSuchRequest));
        };
        // SAFETY: a slot of a connection of the table's service. The request has not been ended: it is kept here.
        let poll = unsafe { (self.table.poll)(slot, context, reply) };
        if poll.is_ready() {
            place.set(None);
        }
        poll
    }

    /// Gives a request up; a number that is not under way is ignored.
    pub fn give_up(&self, request: RequestId) {
        if let Some(place) = self.find(request) {
            self.give_up_at(place);
        }
    }

    fn give_up_at(&self, place: &Place) {
        if let Some(slot) = place.take() {
            // SAFETY: as for `poll_at`: until now it was kept here.
            unsafe { (self.table.give_up)(slot) };
        }
    }

    /// Sends a request and waits for the reply.
    ///
    /// # Errors
    ///
    /// See [`ProgramCallError`].
    ///
    /// # Cancellation
    ///
    /// Dropping the future gives the request up.
    pub async fn call(&self, request: &[u8], reply: &mut [u8]) -> Result<ProgramReply, ProgramCallError> {
        let mut sent: Option<Sent<'_>> = None;
        poll_fn(|context| match &sent {
            // Afterwards the place is empty, so nothing is left to be given up.
            Some(Sent { place, .. }) => self.poll_at(place, context, reply),
            None => {
                let (place, _request) = self.start(request, Some(context))?;
                sent = Some(Sent { client: self, place });
                // The reply will wake this task, so there is no need to look for it.
                Poll::Pending
            }
        })
        .await
    }
}

/// A request of [`ProgramClient::call`], which is given up with it. Nobody else knows its number, so its place is its own.
struct Sent<'c> {
    client: &'c ProgramClient,
    place: &'c Place,
}

impl Drop for Sent<'_> {
    fn drop(&mut self) {
        self.client.give_up_at(self.place);
    }
}

impl Drop for ProgramClient {
    fn drop(&mut self) {
        // SAFETY: this is the client of the connection, which is one of the table's service.
        unsafe { (self.table.close)(self.connection) };
    }
}

impl Services {
    /// The first service open to programs whose instance number is above `after`: start with 0 to list them all.
    pub fn next_program_service(&self, after: InstanceId) -> Option<ProgramServiceInfo> {
        self.registry.with_servers(|servers| {
            let open = servers.iter().filter(|core| core.instance > after && core.programs.is_some());
            let core = open.min_by_key(|core| core.instance)?;
            let table = core.programs?;
            Some(ProgramServiceInfo {
                instance: core.instance,
                uuid: core.contract.uuid,
                name: core.contract.name,
                label: core.label,
                version: core.contract.version,
                key: table.key,
                schemas: table.schemas,
            })
        })
    }

    /// Connects a program to a service, if it is running and open to programs: to the instance that was bound first.
    ///
    /// # Errors
    ///
    /// See [`ProgramConnectError`].
    ///
    /// # Cancellation
    ///
    /// As for [`try_connect`](Self::try_connect).
    pub async fn connect_program(
        &self,
        uuid: Uuid,
        key: Key,
        hello: &[u8],
        depth: usize,
    ) -> Result<ProgramClient, ProgramConnectError> {
        self.connect_program_to(Select::First, uuid, key, hello, depth).await
    }

    /// Connects a program to the chosen instance of a service, as [`connect_program`](Self::connect_program) does.
    ///
    /// # Errors
    ///
    /// See [`ProgramConnectError`].
    ///
    /// # Cancellation
    ///
    /// As for [`try_connect`](Self::try_connect).
    pub async fn connect_program_to(
        &self,
        select: Select<'_>,
        uuid: Uuid,
        key: Key,
        hello: &[u8],
        depth: usize,
    ) -> Result<ProgramClient, ProgramConnectError> {
        let found = self.registry.with_servers(|servers| {
            let mut open =
                servers.iter().filter(|core| core.contract.uuid == uuid && core.programs.is_some());
            let core = open.find(|core| select.chooses(core))?;
            core.programs.map(|table| (core.instance, core.contract.version, table))
        });
        let (instance, running, table) = found.ok_or(ProgramConnectError::NotFound)?;
        if table.key != key {
            return Err(ProgramConnectError::WrongVersion { running });
        }
        let (registry, heap) = (&self.registry, self.registry.system().heap());
        let select = Select::Instance(instance);
        let opened = registry.open(table.contract, select, Waits::ForMemory, depth).await?;
        // SAFETY: a connection of the table's service.
        let connecting = unsafe { (table.connect)(opened, hello) }.ok_or(ProgramConnectError::Malformed)?;
        connecting.answered().await?;
        // SAFETY: a connection of the table's service, whose handshake has been answered.
        unsafe { (table.greeted)(connecting.connection) }?;
        let memory = |error| ProgramConnectError::Refused(Refusal::Memory(error));
        let mut slots = heap.vec(depth).await.map_err(memory)?;
        while slots.push(Cell::new(None)).is_ok() {}
        Ok(ProgramClient { connection: connecting.connected(), table, slots })
    }
}

unsafe fn connect<S: ProgramService>(opened: Opened, hello: &[u8]) -> Option<Connecting> {
    // SAFETY: the caller's.
    unsafe {
        match decode::<S::Hello>(hello) {
            Some(hello) => Some(Connecting::new::<S>(opened, hello)),
            None => {
                opened.close::<S>();
                None
            }
        }
    }
}

unsafe fn greeted<S: ProgramService>(connection: NonNull<Head>) -> Result<(), ProgramConnectError> {
    // SAFETY: the caller's. The handshake is decided, so the greeting is the client's.
    match unsafe { take_greeting::<S>(connection) } {
        Greeting::Accepted => Ok(()),
        Greeting::Refused(reason) => {
            let mut frame = [0; REASON];
            let written = postcard::to_slice(&reason, &mut frame).map_or(&[][..], |written| written);
            Err(ProgramConnectError::Rejected(Bytes::cut(written)))
        }
        Greeting::Empty | Greeting::Hello(_) => Err(ProgramConnectError::Refused(Refusal::Unanswered)),
    }
}

unsafe fn close<S: ProgramService>(connection: NonNull<Head>) {
    // SAFETY: the caller's.
    drop(unsafe { Client::<S>::new(connection) });
}

unsafe fn send<S: ProgramService>(
    connection: NonNull<Head>,
    request: &[u8],
    waits: Option<&Context<'_>>,
) -> Result<NonNull<Node>, ProgramCallError> {
    let request = decode::<S::Request>(request).ok_or(ProgramCallError::Malformed)?;
    // SAFETY: the caller's. The client is only borrowed, so it is not dropped here.
    let client = ManuallyDrop::new(unsafe { Client::<S>::new(connection) });
    let prepare = |node: &Node| match waits {
        Some(context) => node.expect_reply(context),
        None => node.awaited.set(false),
    };
    match client.start_with(request, prepare) {
        Ok(slot) => Ok(slot.cast()),
        Err(Unsent { reason: UnsentReason::Full, .. }) => Err(ProgramCallError::Full),
        Err(Unsent { reason: UnsentReason::ServerGone, .. }) => Err(ProgramCallError::ServerGone),
    }
}

unsafe fn poll<S: ProgramService>(
    slot: NonNull<Node>,
    context: &Context<'_>,
    reply: &mut [u8],
) -> Poll<Result<ProgramReply, ProgramCallError>> {
    // SAFETY: the caller's.
    let outcome = unsafe { poll_slot::<S>(slot.cast(), context) };
    outcome.map(|outcome| match outcome {
        Ok(response) => encode(&response, reply).map(ProgramReply::Response),
        Err(CallError::Service(error)) => encode(&error, reply).map(ProgramReply::Error),
        Err(CallError::ServerGone) => Err(ProgramCallError::ServerGone),
        Err(CallError::Unanswered) => Err(ProgramCallError::Unanswered),
        Err(CallError::Deadline) => Err(ProgramCallError::Deadline),
        Err(CallError::WaitCycle) => Err(ProgramCallError::WaitCycle),
    })
}

unsafe fn end<S: ProgramService>(slot: NonNull<Node>) {
    // SAFETY: the caller's.
    unsafe { give_up::<S>(slot.cast()) };
}

impl From<Refused> for ProgramConnectError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::NotFound | Refused::TypeMismatch { .. } => Self::NotFound,
            Refused::Depth { .. } => Self::Refused(Refusal::Depth),
            Refused::Unanswered => Self::Refused(Refusal::Unanswered),
            Refused::ServerGone => Self::Refused(Refusal::ServerGone),
            Refused::Memory(error) => Self::Refused(Refusal::Memory(error)),
        }
    }
}

/// Reads a whole frame, to its last byte.
fn decode<T: DeserializeOwned>(frame: &[u8]) -> Option<T> {
    match postcard::take_from_bytes(frame) {
        Ok((value, [])) => Some(value),
        _ => None,
    }
}

fn encode(value: &impl Serialize, reply: &mut [u8]) -> Result<usize, ProgramCallError> {
    postcard::to_slice(value, reply)
        .map(|written| written.len())
        .map_err(|_full| ProgramCallError::ReplyTooLong)
}
