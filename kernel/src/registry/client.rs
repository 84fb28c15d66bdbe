//! The client's end: ask, wait for the reply, or give up.
//!
//! See the safety protocol of [`connection`](super::connection), whose rules are cited here.
#![expect(unsafe_code, reason = "a client shares its connection with its server's tokens")]

use core::{fmt, future::Future, marker::PhantomData, ptr::NonNull};

use super::{
    calling::Calling,
    connection::{Head, Slot, release},
    pending::Pending,
    queue::{Node, Stage},
    service::{ConnectionId, InstanceId, Service},
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
    /// A connection of this service.
    connection: NonNull<Head>,
    service: PhantomData<S>,
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
    /// The caller passes on its being the connection's client, and the connection is one of this service.
    pub(super) unsafe fn new(connection: NonNull<Head>) -> Self {
        Self { connection, service: PhantomData }
    }

    #[inline]
    pub(super) fn connection(&self) -> &Head {
        // SAFETY: a client keeps its connection (rule 1).
        unsafe { self.connection.as_ref() }
    }

    /// The connection's number.
    pub fn id(&self) -> ConnectionId {
        self.connection().id
    }

    /// The instance that the client is connected to.
    pub fn instance(&self) -> InstanceId {
        self.connection().server.instance
    }

    /// How many requests may be under way at once.
    pub fn depth(&self) -> u16 {
        self.connection().depth
    }

    /// The server has not gone away.
    pub fn is_connected(&self) -> bool {
        !self.connection().server.is_dead()
    }

    /// Sends a request, if a slot is free.
    ///
    /// # Errors
    ///
    /// Hands the request back when the connection is full, or its server gone.
    #[inline]
    pub fn try_send(&self, request: S::Request) -> Result<Pending<'_, S>, Unsent<S::Request>> {
        match self.start(request) {
            // SAFETY: the slot's request has been sent just now.
            Ok(slot) => Ok(unsafe { Pending::new(self, slot) }),
            Err(unsent) => Err(unsent),
        }
    }

    /// Sends a request, if a slot is free: its slot is the caller's to poll or to give up.
    #[inline]
    fn start(&self, request: S::Request) -> Result<NonNull<Slot<S>>, Unsent<S::Request>> {
        self.start_with(request, |node| node.awaited.set(false))
    }

    /// As [`start`](Self::start), with something to be done to the node before it goes on its way.
    #[inline]
    pub(super) fn start_with(
        &self,
        request: S::Request,
        prepare: impl FnOnce(&Node),
    ) -> Result<NonNull<Slot<S>>, Unsent<S::Request>> {
        let connection = self.connection();
        if connection.server.is_dead() {
            return Err(Unsent { request, reason: UnsentReason::ServerGone });
        }
        let Some(slot) = connection.take_slot() else {
            return Err(Unsent { request, reason: UnsentReason::Full });
        };
        // SAFETY: the slot is free, and this connection's.
        Ok(unsafe { self.start_in(slot, request, prepare) })
    }

    /// Sends a request in a slot.
    ///
    /// # Safety
    ///
    /// The slot was free, is one of this connection, and is the caller's.
    #[inline]
    pub(super) unsafe fn start_in(
        &self,
        slot: NonNull<Node>,
        request: S::Request,
        prepare: impl FnOnce(&Node),
    ) -> NonNull<Slot<S>> {
        let connection = self.connection();
        let server = &**connection.server;
        connection.requests.set(connection.requests.get().wrapping_add(1));
        let id = server.registry.next_request();
        // SAFETY: the slot is in this connection. A free slot's payload holds nothing and is the client's (rule 2), and
        // its node is on no queue; whoever has the slot takes it off before the connection is freed, or else the
        // client's drop does.
        unsafe {
            let node = slot.as_ref();
            node.id.set(id);
            prepare(node);
            slot.cast::<Slot<S>>().as_ref().put_request(request);
            if server.events().heard().contains(Kind::Request) {
                connection.note_request(node);
            }
            if !server.submit(slot) {
                server.registry.suspect_cycle();
            }
        }
        slot.cast()
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
        let sent = if connection.waiters.is_empty() || connection.server.is_dead() {
            self.start(request)
        } else {
            Err(Unsent { request, reason: UnsentReason::Full })
        };
        let sent = match sent {
            Err(Unsent { request, reason: UnsentReason::Full }) => match connection.wait_for_slot().await {
                // SAFETY: the slot is free, and this connection's.
                Some(slot) => Ok(unsafe { self.start_in(slot, request, |node| node.awaited.set(false)) }),
                None => Err(Unsent { request, reason: UnsentReason::ServerGone }),
            },
            done => done,
        };
        // SAFETY: the slot's request has been sent just now.
        sent.map(|slot| unsafe { Pending::new(self, slot) })
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
    pub fn call(
        &self,
        request: S::Request,
    ) -> impl Future<Output = Result<S::Response, CallError<S::Error>>> + '_ {
        Calling::new(self, request)
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
        let system = self.connection().server.registry.system();
        let deadline = system.now().saturating_add(limit);
        match system.timers().timeout_at(deadline, self.call(request)).await {
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
        // SAFETY: the client is gone afterwards.
        unsafe { close(self.connection) };
    }
}

/// Ends a client.
///
/// # Safety
///
/// The caller has been the connection's client, and does not use the connection again.
#[inline(never)]
pub(super) unsafe fn close(connection: NonNull<Head>) {
    // SAFETY: the client keeps the connection until `release`. Only requests whose future was forgotten are still under
    // way; their nodes leave the queue here.
    unsafe {
        let give_up = connection.as_ref().server.contract.give_up;
        for node in Head::nodes(connection) {
            let state = node.as_ref();
            if state.stage.get() == Stage::Free {
                state.forget_client();
            } else {
                give_up(node);
            }
        }
        let head = connection.as_ref();
        head.client.set(false);
        head.server.events().emit(Kind::Disconnect, || Event::Disconnect { connection: head.id.0 });
        release(connection);
    }
}
