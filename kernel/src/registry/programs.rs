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
    future::{Future, poll_fn},
    pin::Pin,
    ptr::NonNull,
    task::{Context, Poll},
};

#[cfg(test)]
mod tests;

pub use postcard_schema::key::Key;
use postcard_schema::{Schema, schema::NamedType};
use serde::{Serialize, de::DeserializeOwned};

use super::{
    CallError, Client, ConnectError, InstanceId, RequestId, Select, Service, Services, UnsentReason, Uuid,
    Version,
    client::{give_up, poll_slot},
    connection::Slot,
    table::Registry,
};
use crate::{
    heap::{AllocError, Box, FixedVec, Heap},
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
    /// Its version.
    pub version: Version,
    /// The key that a program has to know.
    pub key: Key,
    /// What its messages look like.
    pub schemas: Schemas,
}

/// How programs reach a service: the bytes side of its types.
pub(super) struct Table {
    key: Key,
    schemas: Schemas,
    connect: Connect,
}

type Connect =
    for<'a> fn(&'a Services, InstanceId, &'a [u8], usize) -> Result<Connecting<'a>, ProgramConnectError>;

type Connecting<'a> = Pin<Box<dyn Future<Output = Result<ProgramClient, ProgramConnectError>> + 'a>>;

struct TableOf<S>(S);

impl<S: ProgramService> TableOf<S> {
    const TABLE: Table = Table { key: S::KEY, schemas: S::SCHEMAS, connect: connect::<S> };
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

/// A connection that speaks bytes.
pub struct ProgramClient {
    client: Box<dyn BytesClient>,
}

/// What a typed connection does for one that speaks bytes.
trait BytesClient {
    fn send(&self, request: &[u8]) -> Result<RequestId, ProgramCallError>;

    fn poll_reply(
        &self,
        request: RequestId,
        context: &mut Context<'_>,
        reply: &mut [u8],
    ) -> Poll<Result<ProgramReply, ProgramCallError>>;

    fn give_up(&self, request: RequestId);
}

impl ProgramClient {
    /// Sends a request.
    ///
    /// # Errors
    ///
    /// See [`ProgramCallError`]; nothing has been sent then.
    pub fn send(&self, request: &[u8]) -> Result<RequestId, ProgramCallError> {
        self.client.send(request)
    }

    /// Looks whether a request has been answered, and if so writes the reply to the buffer.
    pub fn poll_reply(
        &self,
        request: RequestId,
        context: &mut Context<'_>,
        reply: &mut [u8],
    ) -> Poll<Result<ProgramReply, ProgramCallError>> {
        self.client.poll_reply(request, context, reply)
    }

    /// Gives a request up; a number that is not under way is ignored.
    pub fn give_up(&self, request: RequestId) {
        self.client.give_up(request);
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
        struct GiveUp<'c>(&'c ProgramClient, RequestId);

        impl Drop for GiveUp<'_> {
            fn drop(&mut self) {
                self.0.give_up(self.1);
            }
        }

        let pending = GiveUp(self, self.send(request)?);
        poll_fn(|context| self.poll_reply(pending.1, context, reply)).await
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
                uuid: core.uuid,
                name: core.name,
                version: core.version,
                key: table.key,
                schemas: table.schemas,
            })
        })
    }

    /// Connects a program to a service, if it is running and open to programs.
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
        let found = self.registry.with_servers(|servers| {
            let core = servers.iter().find(|core| core.uuid == uuid && core.programs.is_some())?;
            core.programs.map(|table| (core.instance, core.version, table))
        });
        let (instance, running, table) = found.ok_or(ProgramConnectError::NotFound)?;
        if table.key != key {
            return Err(ProgramConnectError::WrongVersion { running });
        }
        (table.connect)(self, instance, hello, depth)?.await
    }
}

fn connect<'a, S: ProgramService>(
    services: &'a Services,
    instance: InstanceId,
    hello: &'a [u8],
    depth: usize,
) -> Result<Connecting<'a>, ProgramConnectError> {
    let heap = services.registry.system().heap();
    let connecting = heap
        .try_box(connect_typed::<S>(&services.registry, heap, instance, hello, depth))
        .map_err(|failed| ProgramConnectError::Refused(Refusal::Memory(failed.error)))?;
    Ok(Box::into_pin(Box::unsize(connecting, |it| it as &mut (dyn Future<Output = _> + 'a))))
}

async fn connect_typed<S: ProgramService>(
    registry: &crate::heap::Shared<Registry>,
    heap: &Heap,
    instance: InstanceId,
    hello: &[u8],
    depth: usize,
) -> Result<ProgramClient, ProgramConnectError> {
    let memory = |error| ProgramConnectError::Refused(Refusal::Memory(error));
    let hello = decode::<S::Hello>(hello).ok_or(ProgramConnectError::Malformed)?;
    let client = Registry::connect_now::<S>(registry, Select::Instance(instance), hello, depth).await?;
    let mut slots = heap.vec(depth).await.map_err(memory)?;
    while slots.push(Cell::new(None)).is_ok() {}
    let typed = heap.boxed(Typed { slots, client }).await.map_err(|failed| memory(failed.error))?;
    Ok(ProgramClient { client: Box::unsize(typed, |it| it as &mut dyn BytesClient) })
}

impl<E: Serialize> From<ConnectError<E>> for ProgramConnectError {
    fn from(error: ConnectError<E>) -> Self {
        match error {
            ConnectError::NotFound | ConnectError::TypeMismatch { .. } => Self::NotFound,
            ConnectError::Depth { .. } => Self::Refused(Refusal::Depth),
            ConnectError::Unanswered => Self::Refused(Refusal::Unanswered),
            ConnectError::ServerGone => Self::Refused(Refusal::ServerGone),
            ConnectError::Memory(error) => Self::Refused(Refusal::Memory(error)),
            ConnectError::Rejected(reason) => {
                let mut frame = [0; REASON];
                let written = postcard::to_slice(&reason, &mut frame).map_or(&[][..], |written| written);
                Self::Rejected(Bytes::cut(written))
            }
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

/// A typed connection, and the slots of the requests that are under way.
struct Typed<S: ProgramService> {
    /// A slot here is one of `client`'s, with a request that has not been ended.
    slots: FixedVec<Cell<Option<NonNull<Slot<S>>>>>,
    client: Client<S>,
}

impl<S: ProgramService> Typed<S> {
    fn find(&self, request: RequestId) -> Option<&Cell<Option<NonNull<Slot<S>>>>> {
        // SAFETY: the slots are the client's, which keeps them.
        let is_it = |slot: NonNull<Slot<S>>| unsafe { slot.as_ref() }.node.id.get() == request.0;
        self.slots.iter().find(|slot| slot.get().is_some_and(is_it))
    }
}

impl<S: ProgramService> BytesClient for Typed<S> {
    fn send(&self, request: &[u8]) -> Result<RequestId, ProgramCallError> {
        if request.len() > FRAME {
            return Err(ProgramCallError::TooLong);
        }
        let free = self.slots.iter().find(|slot| slot.get().is_none()).ok_or(ProgramCallError::Full)?;
        let request = decode::<S::Request>(request).ok_or(ProgramCallError::Malformed)?;
        let slot = self.client.start(request).map_err(|unsent| match unsent.reason {
            UnsentReason::Full => ProgramCallError::Full,
            UnsentReason::ServerGone => ProgramCallError::ServerGone,
        })?;
        free.set(Some(slot));
        // SAFETY: the slot is the client's, which keeps it.
        Ok(RequestId(unsafe { slot.as_ref() }.node.id.get()))
    }

    fn poll_reply(
        &self,
        request: RequestId,
        context: &mut Context<'_>,
        reply: &mut [u8],
    ) -> Poll<Result<ProgramReply, ProgramCallError>> {
        let Some(place) = self.find(request) else {
            return Poll::Ready(Err(ProgramCallError::NoSuchRequest));
        };
        let Some(slot) = place.get() else { return Poll::Ready(Err(ProgramCallError::NoSuchRequest)) };
        // SAFETY: the client lives, and the request has not been ended: it is in the table.
        let Poll::Ready(outcome) = (unsafe { poll_slot(slot, context) }) else { return Poll::Pending };
        place.set(None);
        Poll::Ready(match outcome {
            Ok(response) => encode(&response, reply).map(ProgramReply::Response),
            Err(CallError::Service(error)) => encode(&error, reply).map(ProgramReply::Error),
            Err(CallError::ServerGone) => Err(ProgramCallError::ServerGone),
            Err(CallError::Unanswered) => Err(ProgramCallError::Unanswered),
            Err(CallError::Deadline) => Err(ProgramCallError::Deadline),
            Err(CallError::WaitCycle) => Err(ProgramCallError::WaitCycle),
        })
    }

    fn give_up(&self, request: RequestId) {
        if let Some(slot) = self.find(request).and_then(Cell::take) {
            // SAFETY: the client lives, and the request, which was in the table until now, has not been ended.
            unsafe { give_up(slot) };
        }
    }
}

fn encode(value: &impl Serialize, reply: &mut [u8]) -> Result<usize, ProgramCallError> {
    postcard::to_slice(value, reply)
        .map(|written| written.len())
        .map_err(|_full| ProgramCallError::ReplyTooLong)
}
