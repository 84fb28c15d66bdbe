//! A request under way, seen from its client: the reply, or giving it up.
//!
//! See the safety protocol of [`connection`](super::connection), whose rules are cited here.
#![expect(unsafe_code, reason = "a request's slot is shared with the server's tokens")]

use core::{
    future::Future,
    marker::PhantomData,
    pin::Pin,
    ptr::NonNull,
    task::{Context, Poll},
};

use super::{
    client::{CallError, Client},
    connection::{Slot, abandon},
    queue::{Failure, Node, Stage},
    service::{RequestId, Service},
};
use crate::executor::Known;

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

impl<'c, S: Service> Pending<'c, S> {
    /// # Safety
    ///
    /// The slot is one of the client's, and that of a request which has not been ended. It is passed on.
    #[inline]
    pub(super) unsafe fn new(_client: &'c Client<S>, slot: NonNull<Slot<S>>) -> Self {
        Self { client: PhantomData, slot: Some(slot) }
    }

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
    pub(super) fn forget_client(&self) {
        self.client.clear();
        self.caller.set(0);
    }

    /// Remembers who waits for the reply.
    #[inline]
    pub(super) fn expect_reply(&self, context: &Context<'_>) {
        // SAFETY: who waits for a node keeps its connection (rule 1).
        let registry = || &*unsafe { self.connection.as_ref() }.server.registry;
        // Before it is parked: the waker that goes may run anything, and so answer the request.
        self.awaited.set(true);
        if self.client.park(context, || registry().executor()) == Known::New {
            self.caller.set(registry().current_task());
        }
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
