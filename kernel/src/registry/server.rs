//! The server's end: take handshakes and requests in the order in which they came, answer now or later.
//!
//! See the safety protocol of [`connection`](super::connection), whose rules are cited here.
#![expect(unsafe_code, reason = "tokens point into the connections of clients")]

use core::{
    any::TypeId,
    cell::{Cell, UnsafeCell},
    fmt,
    future::Future,
    marker::PhantomData,
    pin::Pin,
    ptr::NonNull,
    task::{Context, Poll, Waker},
};

use cordyceps::List;
use uuid::Uuid;

use super::{
    connection::{self, Connection, Head, Payload, Slot, give_back, hold, swap},
    handshake::{ClientGone, Handshake},
    programs::Table,
    queue::{self, Failure, Node, Queue, Stage},
    service::{ConnectionId, InstanceId, RequestId, Service, Version},
    table::{Label, Registry},
};
use crate::{
    event::{Event, Kind},
    heap::Shared,
};

/// What clients and the registry know of a server. It outlives the server for as long as a client is connected.
pub(super) struct ServerCore {
    pub(super) uuid: Uuid,
    pub(super) name: &'static str,
    pub(super) version: Version,
    pub(super) contract: TypeId,
    pub(super) label: Label,
    pub(super) instance: InstanceId,
    pub(super) dead: Cell<bool>,
    /// The server's task is parked in [`Server::next`].
    pub(super) waiting: Cell<bool>,
    /// The task that served last; 0 when it was no task.
    pub(super) task: Cell<u32>,
    pub(super) answered: Cell<u32>,
    /// How programs reach the service, if they may.
    pub(super) programs: Option<&'static Table>,
    waker: Cell<Option<Waker>>,
    pub(super) queue: Queue,
    connections: UnsafeCell<List<Head>>,
}

impl ServerCore {
    pub(super) fn new<S: Service>(
        label: Label,
        instance: InstanceId,
        task: u32,
        programs: Option<&'static Table>,
    ) -> Self {
        Self {
            uuid: S::UUID,
            name: S::NAME,
            version: S::VERSION,
            contract: TypeId::of::<S>(),
            label,
            instance,
            dead: Cell::new(false),
            waiting: Cell::new(false),
            task: Cell::new(task),
            answered: Cell::new(0),
            programs,
            waker: Cell::new(None),
            queue: Queue::new(),
            connections: UnsafeCell::new(List::new()),
        }
    }

    /// Runs `with` on the list of connections, which must not run user code.
    pub(super) fn with_connections<R>(&self, with: impl FnOnce(&mut List<Head>) -> R) -> R {
        // SAFETY: one thread (rule 3), and `with` does not come back here.
        with(unsafe { &mut *self.connections.get() })
    }

    /// Puts a node on the queue and wakes the server if it waits for one.
    ///
    /// # Safety
    ///
    /// As for [`Queue::push`].
    #[inline]
    pub(super) unsafe fn submit(&self, node: NonNull<Node>) {
        // SAFETY: the caller's.
        unsafe {
            node.as_ref().stage.set(Stage::Queued);
            self.queue.push(node);
        }
        if self.waiting.replace(false) {
            queue::wake(&self.waker);
        }
    }
}

impl ServerCore {
    /// Wakes a server that waits for the next request, so that it looks at the replies that it keeps for later: one has
    /// been abandoned, and its slot is not free before the reply is dropped.
    pub(super) fn look_at_replies(&self) {
        if self.waiting.get() {
            queue::wake(&self.waker);
        }
    }
}

/// A running service, seen from its driver. Dropping it ends the service: every client that waits is told at once,
/// and the UUID is free again.
///
/// # Example
///
/// ```
/// # use kernel::registry::{Server, Service};
/// # async fn serve<S: Service<Request = u32, Response = u32>>(mut server: Server<S>) {
/// loop {
///     let call = server.next_call().await;
///     let doubled = *call.request() * 2;
///     // The client may have given up meanwhile; there is nothing to do about it.
///     let _ = call.answer(doubled);
/// }
/// # }
/// ```
pub struct Server<S: Service> {
    core: Shared<ServerCore>,
    registry: Shared<Registry>,
    service: PhantomData<S>,
}

/// What a server is asked.
pub enum Incoming<S: Service> {
    /// Somebody wants to connect.
    Hello(Handshake<S>),
    /// A client has a request.
    Call(Call<S>),
}

impl<S: Service> Server<S> {
    pub(super) fn new(core: Shared<ServerCore>, registry: Shared<Registry>) -> Self {
        Self { core, registry, service: PhantomData }
    }

    /// The number of this instance.
    pub fn instance(&self) -> InstanceId {
        self.core.instance
    }

    /// The next handshake or request that is there already.
    #[inline]
    pub fn try_next(&mut self) -> Option<Incoming<S>> {
        let node = self.core.queue.pop()?;
        // SAFETY: a queued node is alive, and belongs to a connection of this server, which is one of service `S`.
        // The token that is made is counted. Pointers on the queue span their block (rule 4).
        unsafe {
            let node_ref = node.as_ref();
            node_ref.stage.set(Stage::Taken);
            Some(if node_ref.handshake {
                let connection = Connection::of_handshake(node);
                hold(node_ref, &connection.as_ref().head);
                Incoming::Hello(Handshake { connection })
            } else {
                let slot = node.cast::<Slot<S>>();
                hold(node_ref, &slot.as_ref().connection.as_ref().head);
                Incoming::Call(Call { reply: Reply { slot } })
            })
        }
    }

    /// Waits for the next handshake or request.
    ///
    /// The task is also woken when a client gives up a request that the server has taken. A server that keeps replies
    /// for later drops those that are [abandoned](Reply::is_abandoned) then: until it does, their clients lack the slots.
    ///
    /// # Cancellation
    ///
    /// Nothing is lost: what was not returned is still there for the next call.
    #[expect(
        clippy::should_implement_trait,
        reason = "an iterator cannot be awaited, nobody mistakes one for the other"
    )]
    pub fn next(&mut self) -> impl Future<Output = Incoming<S>> + '_ {
        Next { server: self }
    }

    /// Waits for the next request, accepting everybody who wants to connect.
    ///
    /// # Cancellation
    ///
    /// As for [`next`](Self::next).
    pub async fn next_call(&mut self) -> Call<S> {
        loop {
            match self.next().await {
                Incoming::Call(call) => return call,
                // Who has given up connecting meanwhile is not missed.
                Incoming::Hello(handshake) => drop(handshake.accept()),
            }
        }
    }
}

impl<S: Service> fmt::Debug for Server<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("service", &S::NAME).field("instance", &self.core.instance).finish()
    }
}

struct Next<'s, S: Service> {
    server: &'s mut Server<S>,
}

impl<S: Service> Future for Next<'_, S> {
    type Output = Incoming<S>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(incoming) = self.server.try_next() {
            return Poll::Ready(incoming);
        }
        let core = &self.server.core;
        queue::register(&core.waker, context);
        core.task.set(self.server.registry.current_task());
        core.waiting.set(true);
        Poll::Pending
    }
}

impl<S: Service> Drop for Next<'_, S> {
    fn drop(&mut self) {
        self.server.core.waiting.set(false);
    }
}

impl<S: Service> Drop for Server<S> {
    fn drop(&mut self) {
        self.core.dead.set(true);
        self.registry.unregister(self.core.instance);
        while let Some(incoming) = self.try_next() {
            let node = match &incoming {
                Incoming::Hello(handshake) => Connection::handshake(handshake.connection),
                Incoming::Call(call) => call.reply.slot.cast(),
            };
            // SAFETY: the token, which is dropped afterwards, keeps the node alive.
            unsafe { fail_node::<S>(node) };
        }
        let core = &self.core;
        while let Some(head) = core.with_connections(|list| list.iter_raw().next()) {
            let connection = head.cast::<Connection<S>>();
            // SAFETY: a listed connection is alive; the hold keeps it so while wakers run, and is given up last.
            unsafe {
                let head_ref = &connection.as_ref().head;
                Head::unlist(head, core);
                head_ref.held.set(head_ref.held.get() + 1);
                for node in Head::nodes(head).chain([Connection::handshake(connection)]) {
                    if node.as_ref().stage.get() == Stage::Taken {
                        fail_node::<S>(node);
                    }
                }
                connection.as_ref().waiters.wake_all();
                give_back(connection);
            }
        }
        drop(core.waker.take());
    }
}

/// # Safety
///
/// The node is alive and stays so, is one of service `S`, and is `Taken`.
unsafe fn fail_node<S: Service>(node: NonNull<Node>) {
    // SAFETY: the caller's, and rule 4.
    unsafe {
        if node.as_ref().handshake {
            node.as_ref().stage.set(Stage::Failed(Failure::ServerGone));
            node.as_ref().wake();
        } else {
            connection::fail(node.cast::<Slot<S>>(), Failure::ServerGone);
        }
    }
}

/// A request that the server has taken: answer it now, keep it and answer later, or hand it to another task.
///
/// Dropping it unanswered tells the client so.
#[must_use = "dropping a call leaves the request unanswered"]
pub struct Call<S: Service> {
    reply: Reply<S>,
}

impl<S: Service> Call<S> {
    /// What is asked.
    ///
    /// # Panics
    ///
    /// Never: a call carries its request until it is answered or split.
    #[inline]
    pub fn request(&self) -> &S::Request {
        // SAFETY: the payload is the token's (rule 2), and only calls that take `self` change it.
        match unsafe { &*self.reply.slot().payload.get() } {
            Payload::Request(request) => request,
            _ => unreachable!("a call carries its request until it is answered"),
        }
    }

    /// The connection it came over.
    pub fn connection_id(&self) -> ConnectionId {
        self.reply.connection_id()
    }

    /// Its number.
    pub fn id(&self) -> RequestId {
        self.reply.id()
    }

    /// Answers with a response.
    ///
    /// # Errors
    ///
    /// When the client has given up.
    #[inline]
    pub fn answer(self, response: S::Response) -> Result<(), ClientGone> {
        self.reply.send(Ok(response))
    }

    /// Answers with an error of the service.
    ///
    /// # Errors
    ///
    /// When the client has given up.
    pub fn fail(self, error: S::Error) -> Result<(), ClientGone> {
        self.reply.send(Err(error))
    }

    /// Answers.
    ///
    /// # Errors
    ///
    /// When the client has given up.
    #[inline]
    pub fn reply(self, answer: Result<S::Response, S::Error>) -> Result<(), ClientGone> {
        self.reply.send(answer)
    }

    /// Takes the request out, leaving the right to answer it.
    ///
    /// # Panics
    ///
    /// Never: a call carries its request until it is answered or split.
    pub fn split(self) -> (S::Request, Reply<S>) {
        // SAFETY: the payload is the token's (rule 2).
        match unsafe { swap(self.reply.slot, Payload::Empty) } {
            Payload::Request(request) => (request, self.reply),
            _ => unreachable!("a call carries its request until it is answered"),
        }
    }
}

/// The right, and the duty, to answer one request. Dropping it tells the client that it was not answered.
#[must_use = "dropping a reply leaves the request unanswered"]
pub struct Reply<S: Service> {
    slot: NonNull<Slot<S>>,
}

impl<S: Service> Reply<S> {
    #[inline]
    fn slot(&self) -> &Slot<S> {
        // SAFETY: a token keeps its connection, and the slot is in it (rule 1).
        unsafe { self.slot.as_ref() }
    }

    #[inline]
    fn connection(&self) -> &Connection<S> {
        // SAFETY: as above.
        unsafe { self.slot().connection.as_ref() }
    }

    /// The connection the request came over.
    pub fn connection_id(&self) -> ConnectionId {
        self.connection().head.id
    }

    /// The request's number.
    pub fn id(&self) -> RequestId {
        RequestId(self.slot().node.id.get())
    }

    /// The client does not wait any more: answering would be for nothing.
    pub fn is_abandoned(&self) -> bool {
        self.slot().node.stage.get() != Stage::Taken
    }

    /// Answers.
    ///
    /// # Errors
    ///
    /// When the client has given up.
    #[inline]
    pub fn send(self, answer: Result<S::Response, S::Error>) -> Result<(), ClientGone> {
        let node = &self.slot().node;
        if node.stage.get() != Stage::Taken {
            return Err(ClientGone);
        }
        let connection = self.connection();
        // SAFETY: the payload is the token's (rule 2). The request is dropped at the end of this function.
        let _request = unsafe { swap(self.slot, Payload::Reply(answer)) };
        node.stage.set(Stage::Answered);
        node.held.set(false);
        let (id, request) = (connection.head.id.0, node.id.get());
        connection.server.answered.set(connection.server.answered.get().wrapping_add(1));
        connection.registry.events().emit(Kind::Reply, || Event::Reply { connection: id, request });
        node.wake();
        let connection = self.slot().connection;
        core::mem::forget(self);
        // SAFETY: the token, which was counted until now, is given up here, once.
        unsafe { give_back(connection) };
        Ok(())
    }
}

impl<S: Service> Drop for Reply<S> {
    fn drop(&mut self) {
        let slot = self.slot();
        let connection = slot.connection;
        // SAFETY: a token keeps its connection until `release`; the payload is the token's (rule 2) and, once taken
        // out, is dropped when nothing refers to the slot any more.
        unsafe {
            let _request = swap(self.slot, Payload::Empty);
            slot.node.held.set(false);
            match slot.node.stage.get() {
                Stage::Taken => connection::fail(self.slot, Failure::Unanswered),
                Stage::Abandoned => connection.as_ref().free_slot(self.slot),
                // The client has yet to see why it failed, and frees the slot then.
                _ => {}
            }
            give_back(connection);
        }
    }
}
