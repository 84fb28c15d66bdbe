//! The client's end: ask, wait for the reply, or give up.
//!
//! See the safety protocol of [`connection`](super::connection), whose rules are cited here.
#![expect(unsafe_code, reason = "a client shares its connection with its server's tokens")]

use core::{
    fmt,
    future::Future,
    marker::PhantomData,
    pin::Pin,
    ptr::NonNull,
    task::{Context, Poll},
};

use super::{
    connection::{Connection, Payload, Slot, release, swap},
    queue::{Failure, Stage},
    service::{ConnectionId, InstanceId, RequestId, Service},
};
use crate::{
    event::{Event, Kind},
    time::Duration,
};

/// A connection to a service, seen from its client.
///
/// It has as many request slots as the depth chosen at connect: so many requests may be under way at once, and the
/// next one waits for a slot. Sending allocates nothing. Dropping the client closes the connection.
pub struct Client<S: Service> {
    connection: NonNull<Connection<S>>,
}

/// Why a request has no response.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallError<E> {
    /// The server says so.
    Service(E),
    /// The server has gone away; connect again to find the next one.
    ServerGone,
    /// The server dropped the request without an answer.
    Unanswered,
    /// The deadline has passed; the server may or may not have done what was asked.
    Deadline,
    /// The server waits, directly or through others, for the task that asked: the answer could never come.
    WaitCycle,
}

impl<E: fmt::Display> fmt::Display for CallError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Service(error) => error.fmt(f),
            Self::ServerGone => f.write_str("the service has gone away; connect again"),
            Self::Unanswered => f.write_str("the service dropped the request without an answer"),
            Self::Deadline => f.write_str("the service did not answer in time"),
            Self::WaitCycle => f.write_str("the service waits for this very task, so it can never answer"),
        }
    }
}

impl<E: core::error::Error> core::error::Error for CallError<E> {}

/// A request was not sent; it is handed back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unsent<R> {
    /// The request.
    pub request: R,
    /// Why it was not sent.
    pub reason: UnsentReason,
}

/// Why a request was not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnsentReason {
    /// All slots of the connection are in use; wait for a reply, or use [`Client::send`].
    Full,
    /// The server has gone away; connect again to find the next one.
    ServerGone,
}

impl fmt::Display for UnsentReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "all request slots of the connection are in use; wait for a reply first",
            Self::ServerGone => "the service has gone away; connect again",
        })
    }
}

impl<R> fmt::Display for Unsent<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reason.fmt(f)
    }
}

impl<R: fmt::Debug> core::error::Error for Unsent<R> {}

impl<S: Service> Client<S> {
    /// # Safety
    ///
    /// The caller passes on its being the connection's client.
    pub(super) unsafe fn new(connection: NonNull<Connection<S>>) -> Self {
        Self { connection }
    }

    #[inline]
    fn connection(&self) -> &Connection<S> {
        // SAFETY: a client keeps its connection (rule 1).
        unsafe { self.connection.as_ref() }
    }

    /// The connection's number.
    pub fn id(&self) -> ConnectionId {
        self.connection().head.id
    }

    /// The instance that the client is connected to.
    pub fn instance(&self) -> InstanceId {
        self.connection().server.instance
    }

    /// How many requests may be under way at once.
    pub fn depth(&self) -> u16 {
        self.connection().head.depth
    }

    /// The server has not gone away.
    pub fn is_connected(&self) -> bool {
        !self.connection().server.dead.get()
    }

    /// Sends a request, if a slot is free.
    ///
    /// # Errors
    ///
    /// Hands the request back when the connection is full, or its server gone.
    #[inline]
    pub fn try_send(&self, request: S::Request) -> Result<Pending<'_, S>, Unsent<S::Request>> {
        match self.start(request) {
            Ok(slot) => Ok(Pending { client: PhantomData, slot: Some(slot) }),
            Err(unsent) => Err(unsent),
        }
    }

    /// Sends a request, if a slot is free: its slot is the caller's to poll or to give up.
    #[inline]
    pub(super) fn start(&self, request: S::Request) -> Result<NonNull<Slot<S>>, Unsent<S::Request>> {
        let connection = self.connection();
        if connection.server.dead.get() {
            return Err(Unsent { request, reason: UnsentReason::ServerGone });
        }
        let Some(slot) = connection.take_slot() else {
            return Err(Unsent { request, reason: UnsentReason::Full });
        };
        let head = &connection.head;
        head.requests.set(head.requests.get().wrapping_add(1));
        let registry = &**connection.registry;
        let id = registry.next_request();
        // SAFETY: the slot is in this connection. A free slot's payload is empty and the client's (rule 2), and its
        // node is on no queue; `Pending`'s drop, or else the client's, takes it off before the connection is freed.
        unsafe {
            let node = &slot.as_ref().node;
            node.id.set(id);
            node.caller.set(registry.current_task());
            node.awaited.set(false);
            core::mem::forget(swap(slot, Payload::Request(request)));
            if !connection.server.waiting.get() {
                registry.suspect_cycle();
            }
            connection.server.submit(slot.cast());
        }
        registry.events().emit(Kind::Request, || Event::Request { connection: head.id.0, request: id });
        Ok(slot)
    }

    /// Waits for a free slot and sends a request.
    ///
    /// # Errors
    ///
    /// Hands the request back when the server is gone.
    ///
    /// # Cancellation
    ///
    /// Before a slot was free nothing has been sent; afterwards dropping the [`Pending`] decides.
    pub async fn send(&self, request: S::Request) -> Result<Pending<'_, S>, Unsent<S::Request>> {
        let connection = self.connection();
        let mut request = request;
        if connection.waiters.is_empty() || connection.server.dead.get() {
            match self.try_send(request) {
                Err(Unsent { request: unsent, reason: UnsentReason::Full }) => request = unsent,
                done => return done,
            }
        }
        let mut request = Some(request);
        connection
            .waiters
            .wait_turn(|| {
                if connection.has_free_slot() || connection.server.dead.get() {
                    request.take().map(|request| self.try_send(request))
                } else {
                    None
                }
            })
            .await
    }

    /// Asks, and waits for the reply.
    ///
    /// # Errors
    ///
    /// See [`CallError`]; one of them, or the response, comes back for every request.
    ///
    /// # Cancellation
    ///
    /// Dropping the future gives up: a request that the server has not taken is withdrawn, a reply that comes later is
    /// dropped, and the slot is free again. Neither side is harmed.
    #[inline]
    pub async fn call(&self, request: S::Request) -> Result<S::Response, CallError<S::Error>> {
        match self.send(request).await {
            Ok(pending) => pending.await,
            Err(_) => Err(CallError::ServerGone),
        }
    }

    /// Asks, and waits for the reply no longer than `limit`, counted from now.
    ///
    /// # Errors
    ///
    /// As for [`call`](Self::call), and [`CallError::Deadline`].
    ///
    /// # Cancellation
    ///
    /// As for [`call`](Self::call).
    pub async fn call_within(
        &self,
        limit: Duration,
        request: S::Request,
    ) -> Result<S::Response, CallError<S::Error>> {
        let system = self.connection().registry.system();
        let deadline = system.now().saturating_add(limit);
        match system.timers.timeout_at(deadline, self.call(request)).await {
            Ok(answer) => answer,
            Err(_elapsed) => Err(CallError::Deadline),
        }
    }
}

impl<S: Service> fmt::Debug for Client<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("service", &S::NAME).field("connection", &self.id()).finish()
    }
}

impl<S: Service> Drop for Client<S> {
    fn drop(&mut self) {
        let connection = self.connection;
        // SAFETY: the client keeps the connection until `release`. Only requests whose `Pending` was forgotten are
        // still under way; their nodes leave the queue here.
        unsafe {
            let head = &connection.as_ref().head;
            if head.busy.get() > 0 {
                for node in super::connection::Head::nodes(connection.cast()) {
                    give_up::<S>(node.cast());
                }
            }
            head.client.set(false);
            release(connection);
        }
    }
}

/// Ends a request that nobody waits for.
///
/// # Safety
///
/// The slot's client lives.
pub(super) unsafe fn give_up<S: Service>(slot: NonNull<Slot<S>>) {
    // SAFETY: the client keeps its connection (rule 1).
    let (node, connection) = unsafe { (&slot.as_ref().node, slot.as_ref().connection.as_ref()) };
    node.unregister();
    match node.stage.get() {
        Stage::Free | Stage::Abandoned => return,
        Stage::Queued => {
            connection.server.queue.remove(slot.cast());
            connection.note_unanswered(node);
        }
        Stage::Taken => {
            node.stage.set(Stage::Abandoned);
            connection.note_unanswered(node);
            connection.server.look_at_replies();
            return;
        }
        Stage::Failed(_) if node.held.get() => {
            node.stage.set(Stage::Abandoned);
            connection.server.look_at_replies();
            return;
        }
        Stage::Failed(_) | Stage::Answered => {}
    }
    // SAFETY: no token holds the payload, so it is the client's (rule 2). It is dropped after the slot is free.
    let _payload = unsafe { swap(slot, Payload::Empty) };
    connection.free_slot(slot);
}

/// A request under way: a future of its reply.
///
/// # Cancellation
///
/// Dropping it gives the request up, see [`Client::call`].
///
/// # Panics
///
/// Polling it again after it has given the reply is a mistake of the caller and panics.
#[must_use = "dropping a pending request gives it up"]
pub struct Pending<'c, S: Service> {
    client: PhantomData<&'c Client<S>>,
    slot: Option<NonNull<Slot<S>>>,
}

impl<S: Service> Pending<'_, S> {
    /// The request's number, unless the reply has been taken.
    pub fn id(&self) -> Option<RequestId> {
        // SAFETY: the client keeps its connection (rule 1).
        self.slot.map(|slot| RequestId(unsafe { slot.as_ref() }.node.id.get()))
    }
}

impl<S: Service> Future for Pending<'_, S> {
    type Output = Result<S::Response, CallError<S::Error>>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let slot = self.slot.expect("a pending request was polled after it had given its reply");
        // SAFETY: the client keeps its connection (rule 1), and the request has not been ended.
        let poll = unsafe { poll_slot(slot, context) };
        if poll.is_ready() {
            self.slot = None;
        }
        poll
    }
}

/// Looks whether a request has come to its end, and if so takes the outcome and frees the slot.
///
/// # Safety
///
/// The slot's client lives, and the slot is that of a request which has not been ended.
#[inline]
pub(super) unsafe fn poll_slot<S: Service>(
    slot: NonNull<Slot<S>>,
    context: &mut Context<'_>,
) -> Poll<Result<S::Response, CallError<S::Error>>> {
    // SAFETY: the client keeps its connection (rule 1).
    let (node, connection) = unsafe { (&slot.as_ref().node, slot.as_ref().connection.as_ref()) };
    let outcome = match node.stage.get() {
        Stage::Answered => {
            // SAFETY: an answered slot's payload is the client's (rule 2).
            match unsafe { swap(slot, Payload::Empty) } {
                Payload::Reply(Ok(response)) => Ok(response),
                Payload::Reply(Err(error)) => Err(CallError::Service(error)),
                _ => unreachable!("an answered slot carries a reply"),
            }
        }
        Stage::Failed(failure) => {
            if node.held.get() {
                node.stage.set(Stage::Abandoned);
                connection.server.look_at_replies();
                return Poll::Ready(Err(failure.into()));
            }
            // SAFETY: no token holds the payload, so it is the client's (rule 2).
            drop(unsafe { swap(slot, Payload::Empty) });
            Err(failure.into())
        }
        _ => {
            node.register(context);
            return Poll::Pending;
        }
    };
    connection.free_slot(slot);
    Poll::Ready(outcome)
}

impl<E> From<Failure> for CallError<E> {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::ServerGone => Self::ServerGone,
            Failure::Unanswered => Self::Unanswered,
            Failure::WaitCycle => Self::WaitCycle,
        }
    }
}

impl<S: Service> Drop for Pending<'_, S> {
    fn drop(&mut self) {
        if let Some(slot) = self.slot.take() {
            // SAFETY: the client, which is borrowed, keeps its connection.
            unsafe { give_up(slot) };
        }
    }
}
