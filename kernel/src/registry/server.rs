//! The server's end: take handshakes and requests in the order in which they came, answer now or later.
//!
//! See the safety protocol of [`connection`](super::connection), whose rules are cited here.
#![expect(unsafe_code, reason = "tokens point into the connections of clients")]

use core::{
    cell::{Cell, UnsafeCell},
    fmt,
    future::{Future, poll_fn},
    marker::PhantomData,
    ptr::NonNull,
    task::{Context, Poll, ready},
};

use cordyceps::List;

use super::{
    connection::{Head, Slot, pin, unpin},
    contract::Contract,
    handshake::{ClientGone, Handshake},
    programs::Table,
    queue::{Failure, Node, Queue, Stage, call},
    service::{ConnectionId, InstanceId, RequestId, Service},
    table::{Label, Registry},
};
use crate::{
    event::{Events, Kind},
    executor::{Known, Parked},
    heap::Shared,
};

/// What clients and the registry know of a server. It outlives the server for as long as a client is connected.
pub(super) struct ServerCore {
    pub(super) contract: &'static Contract,
    /// The registry has a share in each running server, and gives it up when the server goes.
    pub(super) registry: Shared<Registry>,
    pub(super) label: Label,
    pub(super) instance: InstanceId,
    state: Cell<State>,
    /// The task that served last; 0 when it was no task.
    pub(super) task: Cell<u32>,
    pub(super) answered: Cell<u32>,
    /// How programs reach the service, if they may.
    pub(super) programs: Option<&'static Table>,
    /// Who serves.
    parked: Parked,
    pub(super) queue: Queue,
    connections: UnsafeCell<List<Head>>,
    events: NonNull<Events>,
}

/// What a server does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Its task is parked in [`Server::next`].
    Waiting,
    /// Its task is busy, or waits for something else.
    Busy,
    /// It is gone.
    Dead,
}

impl ServerCore {
    pub(super) fn new(
        registry: Shared<Registry>,
        contract: &'static Contract,
        label: Label,
        instance: InstanceId,
        programs: Option<&'static Table>,
    ) -> Self {
        let (task, events) = (registry.current_task(), registry.system().events_for_interrupts());
        Self {
            contract,
            registry,
            label,
            instance,
            state: Cell::new(State::Busy),
            task: Cell::new(task),
            answered: Cell::new(0),
            programs,
            parked: Parked::new(),
            queue: Queue::new(),
            connections: UnsafeCell::new(List::new()),
            events,
        }
    }

    /// The server's task is parked in [`Server::next`].
    #[inline]
    pub(super) fn is_waiting(&self) -> bool {
        self.state.get() == State::Waiting
    }

    #[inline]
    pub(super) fn is_dead(&self) -> bool {
        self.state.get() == State::Dead
    }

    /// The kernel's events.
    #[inline]
    pub(super) fn events(&self) -> &Events {
        // SAFETY: placed for as long as the region exists, in which this lies.
        unsafe { self.events.as_ref() }
    }

    /// Runs `with` on the list of connections, which must not run user code.
    pub(super) fn with_connections<R>(&self, with: impl FnOnce(&mut List<Head>) -> R) -> R {
        // SAFETY: one thread (rule 3), and `with` does not come back here.
        with(unsafe { &mut *self.connections.get() })
    }

    /// Puts a node on the queue and wakes the server if it waits for one; `false` if it does not.
    ///
    /// # Safety
    ///
    /// As for [`Queue::push`].
    #[inline]
    pub(super) unsafe fn submit(&self, node: NonNull<Node>) -> bool {
        // SAFETY: the caller's.
        unsafe {
            node.as_ref().stage.set(Stage::Queued);
            self.queue.push(node);
        }
        let waits = self.is_waiting();
        if waits {
            self.state.set(State::Busy);
            call(self.parked.wake());
        }
        waits
    }

    /// Takes the first node off the queue, for a token.
    #[inline]
    fn take(&self) -> Option<NonNull<Node>> {
        let node = self.queue.pop()?;
        // SAFETY: a queued node is alive.
        unsafe { node.as_ref() }.stage.set(Stage::Taken);
        Some(node)
    }

    /// Wakes a server that waits for the next request, so that it looks at the replies that it keeps for later: one has
    /// been abandoned, and its slot is not free before the reply is dropped.
    pub(super) fn look_at_replies(&self) {
        if self.is_waiting() {
            call(self.parked.wake());
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
    pub(super) fn new(core: Shared<ServerCore>) -> Self {
        Self { core, service: PhantomData }
    }

    /// The number of this instance.
    pub fn instance(&self) -> InstanceId {
        self.core.instance
    }

    /// The next handshake or request that is there already.
    #[inline]
    pub fn try_next(&mut self) -> Option<Incoming<S>> {
        // SAFETY: the node was taken off this server's queue just now.
        self.core.take().map(|node| unsafe { Self::incoming(node) })
    }

    /// The token of a node.
    ///
    /// # Safety
    ///
    /// The node is one that `take` of such a server gave.
    #[inline]
    unsafe fn incoming(node: NonNull<Node>) -> Incoming<S> {
        // SAFETY: the caller's.
        unsafe {
            match node.as_ref().handshake {
                true => Incoming::Hello(Self::handshake(node)),
                false => Incoming::Call(Self::request(node)),
            }
        }
    }

    /// The token of a handshake.
    ///
    /// # Safety
    ///
    /// The node is one that `take` gave, and a handshake's.
    unsafe fn handshake(node: NonNull<Node>) -> Handshake<S> {
        // SAFETY: the caller's: it is alive. It belongs to a connection of this server, which is one of service `S`.
        Handshake { connection: unsafe { node.as_ref() }.connection, service: PhantomData }
    }

    /// The token of a request.
    ///
    /// # Safety
    ///
    /// The node is one that `take` gave, and a slot's. It belongs to a connection of this server, which is one of service
    /// `S`.
    #[inline]
    unsafe fn request(node: NonNull<Node>) -> Call<S> {
        Call { slot: node.cast() }
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
        let queue = AtQueue { core: &self.core };
        // SAFETY: the node was taken off this server's queue just now.
        poll_fn(move |context| queue.poll(context).map(|node| unsafe { Self::incoming(node) }))
    }

    /// Waits for the next request, accepting everybody who wants to connect.
    ///
    /// # Cancellation
    ///
    /// As for [`next`](Self::next).
    #[inline]
    pub fn next_call(&mut self) -> impl Future<Output = Call<S>> + '_ {
        let queue = AtQueue { core: &self.core };
        poll_fn(move |context| {
            loop {
                let node = ready!(queue.poll(context));
                // SAFETY: the node was taken off this server's queue just now.
                unsafe {
                    if !node.as_ref().handshake {
                        return Poll::Ready(Self::request(node));
                    }
                    accept::<S>(node);
                }
            }
        })
    }
}

impl<S: Service> fmt::Debug for Server<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("service", &S::NAME).field("instance", &self.core.instance).finish()
    }
}

/// A server at its queue. Dropping it says that the server does not wait there any more.
struct AtQueue<'s> {
    core: &'s ServerCore,
}

impl AtQueue<'_> {
    /// Takes the first node off the queue, or parks the task until there is one.
    #[inline]
    fn poll(&self, context: &Context<'_>) -> Poll<NonNull<Node>> {
        let core = self.core;
        if let Some(node) = core.take() {
            return Poll::Ready(node);
        }
        // Before it is parked: the waker that goes may run anything, and so send a request.
        core.state.set(State::Waiting);
        if core.parked.park(context, || core.registry.executor()) == Known::New {
            core.task.set(core.registry.current_task());
        }
        Poll::Pending
    }
}

impl Drop for AtQueue<'_> {
    #[inline]
    fn drop(&mut self) {
        self.core.state.set(State::Busy);
    }
}

/// Lets a client in.
///
/// # Safety
///
/// As for [`Server::handshake`].
#[cold]
unsafe fn accept<S: Service>(node: NonNull<Node>) {
    // Who has given up connecting meanwhile is not missed.
    // SAFETY: the caller's.
    let _ = unsafe { Server::<S>::handshake(node) }.accept();
}

impl<S: Service> Drop for Server<S> {
    fn drop(&mut self) {
        self.core.state.set(State::Dead);
        self.core.registry.unregister(&self.core);
        while let Some(incoming) = self.try_next() {
            let node = match &incoming {
                Incoming::Hello(handshake) => Head::handshake(handshake.connection),
                Incoming::Call(call) => call.slot.cast(),
            };
            // SAFETY: the token, which is dropped afterwards, keeps the node alive.
            unsafe { lose(node) };
        }
        self.core.lose_connections();
    }
}

impl ServerCore {
    /// The server is gone: tells the clients that are connected.
    fn lose_connections(&self) {
        while let Some(head) = self.with_connections(|list| list.iter_raw().next()) {
            // SAFETY: a listed connection is alive; the pin keeps it so while wakers run, and is given up last.
            unsafe {
                Head::unlist(head, self);
                pin(head.as_ref());
                for node in Head::nodes(head).chain([Head::handshake(head)]) {
                    if node.as_ref().stage.get() == Stage::Taken {
                        lose(node);
                    }
                }
                head.as_ref().waiters.wake_all();
                unpin(head);
            }
        }
        self.parked.clear();
    }
}

/// The server is gone: tells a client whose token is out.
///
/// # Safety
///
/// The node is alive and stays so, and is `Taken`.
unsafe fn lose(node: NonNull<Node>) {
    // SAFETY: the caller's, and rule 4.
    unsafe {
        let state = node.as_ref();
        state.fail(Stage::Lost, Failure::ServerGone);
        if !state.handshake {
            state.connection.as_ref().note_unanswered(state);
        }
        call(state.wake());
    }
}

/// A request that the server has taken: answer it now, keep it and answer later, or hand it to another task.
///
/// Dropping it unanswered tells the client so.
#[must_use = "dropping a call leaves the request unanswered"]
pub struct Call<S: Service> {
    slot: NonNull<Slot<S>>,
}

impl<S: Service> Call<S> {
    #[inline]
    fn slot(&self) -> &Slot<S> {
        // SAFETY: a token keeps its connection, and the slot is in it (rule 1).
        unsafe { self.slot.as_ref() }
    }

    /// What is asked.
    #[inline]
    pub fn request(&self) -> &S::Request {
        // SAFETY: the payload is the token's, which is a call (rule 2), and only what takes `self` changes it.
        unsafe { self.slot().request() }
    }

    /// The connection it came over.
    pub fn connection_id(&self) -> ConnectionId {
        // SAFETY: the slot is in its connection.
        unsafe { self.slot().node.connection.as_ref() }.id
    }

    /// Its number.
    pub fn id(&self) -> RequestId {
        RequestId(self.slot().node.id.get())
    }

    /// Answers with a response.
    ///
    /// # Errors
    ///
    /// When the client has given up.
    #[inline]
    pub fn answer(self, response: S::Response) -> Result<(), ClientGone> {
        self.reply(Ok(response))
    }

    /// Answers with an error of the service.
    ///
    /// # Errors
    ///
    /// When the client has given up.
    pub fn fail(self, error: S::Error) -> Result<(), ClientGone> {
        self.reply(Err(error))
    }

    /// Answers.
    ///
    /// # Errors
    ///
    /// When the client has given up.
    #[inline]
    pub fn reply(self, answer: Result<S::Response, S::Error>) -> Result<(), ClientGone> {
        // The request is dropped last.
        let (_request, reply) = self.split();
        reply.send(answer)
    }

    /// Takes the request out, leaving the right to answer it.
    #[inline]
    pub fn split(self) -> (S::Request, Reply<S>) {
        // SAFETY: the payload is the token's, and holds the request (rule 2). The token becomes another kind.
        let request = unsafe { self.slot().take_request() };
        let reply = Reply { slot: self.slot };
        core::mem::forget(self);
        (request, reply)
    }
}

impl<S: Service> Drop for Call<S> {
    fn drop(&mut self) {
        // SAFETY: as for `split`; this token is gone afterwards.
        let _request = unsafe { self.slot().take_request() };
        drop(Reply { slot: self.slot });
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

    fn connection(&self) -> &Head {
        // SAFETY: as above.
        unsafe { self.slot().node.connection.as_ref() }
    }

    /// The connection the request came over.
    pub fn connection_id(&self) -> ConnectionId {
        self.connection().id
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
        // SAFETY: the token keeps its connection (rule 1), until it is given up below.
        let slot = unsafe { self.slot.as_ref() };
        let node = &slot.node;
        if node.stage.get() != Stage::Taken {
            return Err(ClientGone);
        }
        // SAFETY: the payload is the token's, and holds nothing (rule 2). The connection is there.
        let connection = unsafe {
            slot.put_reply(answer);
            node.connection.as_ref()
        };
        node.stage.set(Stage::Answered);
        let server = &**connection.server;
        let traced = server.events().heard().contains(Kind::Reply);
        server.answered.set(server.answered.get().wrapping_add(1));
        if traced {
            connection.note_reply(node);
        }
        // The token is given up before the client is woken, who may free the connection.
        core::mem::forget(self);
        call(node.wake());
        Ok(())
    }
}

impl<S: Service> Drop for Reply<S> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: this token is gone afterwards.
        unsafe { leave_unanswered(self.slot.cast()) };
    }
}

/// Tells a client that its request will not be answered.
///
/// # Safety
///
/// The request's token is a [`Reply`], which is given up by this.
#[cold]
unsafe fn leave_unanswered(slot: NonNull<Node>) {
    // SAFETY: the token keeps its connection (rule 1), until it is given up here.
    let (node, connection) = unsafe { (slot.as_ref(), slot.as_ref().connection) };
    // SAFETY: as above.
    let connection_ref = unsafe { connection.as_ref() };
    match node.stage.get() {
        Stage::Taken => {
            node.fail(Stage::Failed, Failure::Unanswered);
            connection_ref.note_unanswered(node);
            call(node.wake());
        }
        // The client has yet to see why it failed, and frees the slot then.
        Stage::Lost => node.stage.set(Stage::Failed),
        Stage::Abandoned => {
            connection_ref.free_slot(slot);
            // SAFETY: the client left the connection to this token, which is given up here, once.
            unsafe { unpin(connection) };
        }
        _ => {}
    }
}
