//! The client's end: ask, wait for the reply, or give up.
//!
//! See the safety protocol of [`connection`](super::connection), whose rules are cited here.
#![expect(unsafe_code, reason = "a client shares its connection with its server's tokens")]

use core::{
    fmt,
    future::Future,
    marker::PhantomData,
    mem::MaybeUninit,
    pin::Pin,
    ptr::NonNull,
    task::{Context, Poll, ready},
};

use super::{
    connection::{Head, Slot, abandon, release},
    queue::{Failure, Node, Stage},
    service::{ConnectionId, InstanceId, RequestId, Service},
};
use crate::{
    event::{Event, Kind},
    executor::Known,
    sync::{Look, WaitUntil},
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
    fn connection(&self) -> &Head {
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
            Ok(slot) => Ok(Pending { client: PhantomData, slot: Some(slot) }),
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
    unsafe fn start_in(
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
        sent.map(|slot| Pending { client: PhantomData, slot: Some(slot) })
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

/// Takes a slot when it is its turn, and nothing if the server has gone away.
struct SlotTurn<'c> {
    connection: &'c Head,
}

impl Look for SlotTurn<'_> {
    type Found = Option<NonNull<Node>>;

    fn look(&mut self) -> Option<Self::Found> {
        if self.connection.server.is_dead() {
            return Some(None);
        }
        self.connection.take_slot().map(Some)
    }
}

impl Head {
    /// Stands in line for a slot, which is to be used as soon as it is found. There is none if the server has gone away.
    fn wait_for_slot(&self) -> WaitUntil<'_, SlotTurn<'_>> {
        self.waiters.wait_turn(SlotTurn { connection: self })
    }
}

/// A future made by [`Client::call`].
///
/// Most calls never stand in line, and should not pay for that they could: parts are valid as the step says.
struct Calling<'c, S: Service> {
    client: &'c Client<S>,
    step: Step,
    /// Valid in `Unsent` and `InLine`.
    request: MaybeUninit<S::Request>,
    /// Valid in `Sent`.
    slot: MaybeUninit<NonNull<Slot<S>>>,
    /// Valid in `InLine`, and pinned with the future.
    line: MaybeUninit<WaitUntil<'c, SlotTurn<'c>>>,
}

/// What a call does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// It has not been polled.
    Unsent,
    /// It waits for the reply; the slot's request has not been ended.
    Sent,
    /// It waits for a slot.
    InLine,
    /// It has come to its end.
    Over,
}

impl<'c, S: Service> Calling<'c, S> {
    #[inline]
    fn new(client: &'c Client<S>, request: S::Request) -> Self {
        Self {
            client,
            step: Step::Unsent,
            request: MaybeUninit::new(request),
            slot: MaybeUninit::uninit(),
            line: MaybeUninit::uninit(),
        }
    }

    /// A slot, if there is one and nobody stands in line for it.
    #[inline]
    fn slot(&self) -> Option<NonNull<Node>> {
        let connection = self.client.connection();
        if connection.waiters.is_empty() && !connection.server.is_dead() {
            connection.take_slot()
        } else {
            None
        }
    }

    /// Sends the request in a slot.
    ///
    /// # Safety
    ///
    /// The slot was free, is one of the client's, and is the caller's. The step is `Unsent`.
    #[inline]
    unsafe fn send_in(&mut self, slot: NonNull<Node>, context: &Context<'_>) {
        self.step = Step::Over;
        // SAFETY: the caller's, and the request is not read again.
        unsafe {
            let request = self.request.assume_init_read();
            self.slot.write(self.client.start_in(slot, request, |node| node.expect_reply(context)));
        }
        self.step = Step::Sent;
    }

    /// Stands in line, for a slot. When it is its turn the step is `Unsent`, and the slot is to be used at once. There is none
    /// if the server has gone away, and nothing is left to be done.
    #[cold]
    fn stand_in_line(&mut self, context: &mut Context<'_>) -> Poll<Option<NonNull<Node>>> {
        if self.step == Step::Over {
            return Poll::Ready(None);
        }
        if self.step == Step::Unsent {
            let connection = self.client.connection();
            if connection.server.is_dead() {
                self.give_in();
                return Poll::Ready(None);
            }
            self.line.write(connection.wait_for_slot());
            self.step = Step::InLine;
        }
        // SAFETY: it is valid as the step says, pinned with the future, and dropped where it is.
        let turn = ready!(unsafe { Pin::new_unchecked(self.line.assume_init_mut()) }.poll(context));
        self.step = Step::Unsent;
        // SAFETY: as above, and it is not used again.
        unsafe { self.line.assume_init_drop() };
        if turn.is_none() {
            self.give_in();
        }
        Poll::Ready(turn)
    }

    /// The server is gone: there is nothing left to be done. The step must be `Unsent`.
    fn give_in(&mut self) {
        self.step = Step::Over;
        // SAFETY: it has not been sent, and is not used again.
        unsafe { self.request.assume_init_drop() };
    }

    #[cold]
    fn give_up(&mut self) {
        // SAFETY: parts are valid as the step says, and this is the last that is done to them. The client, which is
        // borrowed, keeps its connection.
        unsafe {
            match self.step {
                Step::Unsent => self.request.assume_init_drop(),
                Step::Sent => give_up(self.slot.assume_init()),
                Step::InLine => {
                    self.line.assume_init_drop();
                    self.request.assume_init_drop();
                }
                Step::Over => {}
            }
        }
    }
}

impl<S: Service> Future for Calling<'_, S> {
    type Output = Result<S::Response, CallError<S::Error>>;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        // SAFETY: who stands in line is not moved before it has left it.
        let this = unsafe { self.get_unchecked_mut() };
        if this.step == Step::Sent {
            // SAFETY: valid as the step says; the client keeps its connection (rule 1), and the request has not been ended.
            let poll = unsafe { poll_slot(this.slot.assume_init(), context) };
            if poll.is_ready() {
                this.step = Step::Over;
            }
            return poll;
        }
        let slot = if this.step == Step::Unsent { this.slot() } else { None };
        let slot = match slot {
            Some(slot) => slot,
            None => match ready!(this.stand_in_line(context)) {
                Some(slot) => slot,
                None => return Poll::Ready(Err(CallError::ServerGone)),
            },
        };
        // SAFETY: the slot is free, this connection's, and was found just now. The request has not been sent.
        unsafe { this.send_in(slot, context) };
        // The reply will wake this task, so there is no need to look for it.
        Poll::Pending
    }
}

impl<S: Service> Drop for Calling<'_, S> {
    #[inline]
    fn drop(&mut self) {
        if self.step != Step::Over {
            self.give_up();
        }
    }
}

/// What is left to be done with a slot whose request has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rest {
    /// Nothing: it is free, or a token will free it.
    Nothing,
    /// To free it.
    Free,
    /// To free it, and drop the request.
    Request,
    /// To free it, and drop the reply.
    Reply,
}

/// Ends a request that nobody waits for; does nothing if that has been done.
///
/// # Safety
///
/// The slot's client lives.
#[cold]
pub(super) unsafe fn give_up<S: Service>(slot: NonNull<Slot<S>>) {
    // SAFETY: the caller's.
    unsafe { settle(slot, withdraw(slot.cast())) };
}

/// Does what is left to be done.
///
/// # Safety
///
/// The slot's client lives, and no token is out unless nothing is left.
unsafe fn settle<S: Service>(slot: NonNull<Slot<S>>, rest: Rest) {
    // What the payload held is dropped after the slot is free.
    let (mut _request, mut _reply) = (None, None);
    match rest {
        Rest::Nothing => return,
        Rest::Free => {}
        // SAFETY: no token is out, so the payload is the client's and holds what the stage said (rule 2).
        Rest::Request => _request = Some(unsafe { slot.as_ref().take_request() }),
        // SAFETY: as above.
        Rest::Reply => _reply = Some(unsafe { slot.as_ref().take_reply() }),
    }
    // SAFETY: the client keeps its connection (rule 1).
    unsafe { slot.as_ref().node.connection.as_ref() }.free_slot(slot.cast());
}

/// Gives a request up, whatever its stage.
///
/// # Safety
///
/// As for [`give_up`].
unsafe fn withdraw(slot: NonNull<Node>) -> Rest {
    // SAFETY: the client keeps its connection (rule 1).
    let (node, connection) = unsafe { (slot.as_ref(), slot.as_ref().connection.as_ref()) };
    node.forget_client();
    match node.stage.get() {
        Stage::Free | Stage::Abandoned => Rest::Nothing,
        stage @ (Stage::Taken | Stage::Lost) => {
            if stage == Stage::Taken {
                connection.note_unanswered(node);
            }
            // SAFETY: the stage is as demanded.
            unsafe { abandon(connection, node) };
            Rest::Nothing
        }
        Stage::Queued => {
            connection.server.queue.remove(slot);
            connection.note_unanswered(node);
            Rest::Request
        }
        Stage::Recalled => Rest::Request,
        Stage::Answered => Rest::Reply,
        Stage::Failed => Rest::Free,
    }
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
    context: &Context<'_>,
) -> Poll<Result<S::Response, CallError<S::Error>>> {
    // SAFETY: the client keeps its connection (rule 1).
    let (slot_ref, connection) = unsafe { (slot.as_ref(), slot.as_ref().node.connection.as_ref()) };
    let node = &slot_ref.node;
    let stage = node.stage.get();
    if stage == Stage::Answered {
        // SAFETY: an answered slot's payload is the client's, and holds the reply (rule 2).
        let reply = unsafe { slot_ref.take_reply() };
        connection.free_slot(slot.cast());
        return Poll::Ready(reply.map_err(CallError::Service));
    }
    if matches!(stage, Stage::Queued | Stage::Taken) {
        node.expect_reply(context);
        return Poll::Pending;
    }
    // SAFETY: the caller's.
    Poll::Ready(Err(unsafe { failed(slot) }.into()))
}

/// Ends a request that has failed.
///
/// # Safety
///
/// As for [`poll_slot`], and the request has failed.
#[cold]
unsafe fn failed<S: Service>(slot: NonNull<Slot<S>>) -> Failure {
    // SAFETY: the client keeps its connection (rule 1).
    let node = unsafe { &slot.as_ref().node };
    let failure = node.failure.get();
    let rest = match node.stage.get() {
        Stage::Lost => {
            // SAFETY: the client keeps its connection, and the stage is as demanded.
            unsafe { abandon(node.connection.as_ref(), node) };
            Rest::Nothing
        }
        Stage::Recalled => Rest::Request,
        _ => Rest::Free,
    };
    // SAFETY: no token is out but for `Lost`.
    unsafe { settle(slot, rest) };
    failure
}

impl Node {
    /// Nobody waits for the reply any more.
    #[inline]
    fn forget_client(&self) {
        self.client.clear();
        self.caller.set(0);
    }

    /// Remembers who waits for the reply.
    #[inline]
    pub(super) fn expect_reply(&self, context: &Context<'_>) {
        // SAFETY: who waits for a node keeps its connection (rule 1).
        let registry = || &*unsafe { self.connection.as_ref() }.server.registry;
        if self.client.park(context, || registry().executor()) == Known::New {
            self.caller.set(registry().current_task());
        }
        self.awaited.set(true);
    }
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
