//! A call: a request that is sent as soon as there is a slot for it, and its reply.
//!
//! See the safety protocol of [`connection`](super::connection), whose rules are cited here.
#![expect(unsafe_code, reason = "a call shares its slot with the server's tokens")]

use core::{
    future::Future,
    mem::MaybeUninit,
    pin::Pin,
    ptr::NonNull,
    task::{Context, Poll, ready},
};

use super::{
    client::{CallError, Client},
    connection::{Head, Slot},
    pending::{give_up, poll_slot},
    queue::Node,
    service::Service,
};
use crate::sync::{Look, WaitUntil};

/// Takes a slot when it is its turn, and nothing if the server has gone away.
pub(super) struct SlotTurn<'c> {
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
    pub(super) fn wait_for_slot(&self) -> WaitUntil<'_, SlotTurn<'_>> {
        self.waiters.wait_turn(SlotTurn { connection: self })
    }
}

/// A future made by [`Client::call`].
///
/// Most calls never stand in line, and should not pay for that they could: parts are valid as the step says.
pub(super) struct Calling<'c, S: Service> {
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
    pub(super) fn new(client: &'c Client<S>, request: S::Request) -> Self {
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
