//! What a server has yet to look at: handshakes and requests, first come, first served.
//!
//! The queue links nodes that lie in the connections, so it has room for everything that can be asked: it cannot
//! overflow, and queueing allocates nothing.
//!
//! Rules that the `unsafe` here rests on:
//!
//! 1. A node is on at most one queue, its server's, and is taken off before its connection is freed.
//! 2. Nodes do not move, and all of this happens on the kernel's thread.
#![expect(unsafe_code, reason = "nodes of many connections are linked through raw pointers")]

use core::{cell::Cell, hint::cold_path, ptr, ptr::NonNull, task::Waker};

use super::connection::Head;
use crate::executor::Parked;

/// What becomes of a request, seen from its slot.
///
/// ```text
///          send              take               reply
///   Free ───────▶ Queued ───────────▶ Taken ───────────▶ Answered ──▶ Free      the client takes the reply
///                   │ │                 │ │
///                   │ │                 │ └────────────▶ Failed ────▶ Free      the token was dropped
///                   │ │                 │                  ▲
///                   │ │                 │                  │ the token goes
///                   │ │                 ├──────────────▶ Lost                   server gone, cycle
///                   │ │                 │                  │ the client looks
///                   │ │                 │                  ▼
///                   │ │                 └──────────────▶ Abandoned ─▶ Free      the client gave up; the token goes
///                   │ └────────────────────────────────▶ Recalled ──▶ Free      cycle
///                   └──────────────────────────────────▶ Free                   the client gave up
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Stage {
    /// Nothing is asked.
    Free,
    /// The request is in the slot, which is on the server's queue.
    Queued,
    /// The server holds a token for it.
    Taken,
    /// The reply is in the slot.
    Answered,
    /// There will be no reply, and no token is out.
    Failed,
    /// There will be no reply, but the server still holds a token.
    Lost,
    /// There will be no reply: the request, which is in the slot, was taken off the queue.
    Recalled,
    /// The server holds a token, but nobody waits for the reply any more.
    Abandoned,
}

/// Why a request has no reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    ServerGone,
    Unanswered,
    WaitCycle,
}

/// What of a slot or a handshake is the same for all services.
pub(super) struct Node {
    /// The next on the server's queue, or the next free slot of the connection.
    pub(super) next: Cell<*const Node>,
    /// The connection that it lies in, by the pointer of its block.
    pub(super) connection: NonNull<Head>,
    /// Who waits for the outcome, or did the last time.
    pub(super) client: Parked,
    pub(super) stage: Cell<Stage>,
    /// Why there is no reply, where the stage says that there is none.
    pub(super) failure: Cell<Failure>,
    /// The node is a connection's handshake, not one of its slots.
    pub(super) handshake: bool,
    /// Somebody waits for the outcome: has polled for it since the request was sent.
    pub(super) awaited: Cell<bool>,
    /// The request's number.
    pub(super) id: Cell<u32>,
    /// The task that `client` wakes; 0 when that is no task.
    pub(super) caller: Cell<u32>,
}

impl Node {
    pub(super) fn new(handshake: bool, connection: NonNull<Head>) -> Self {
        Self {
            next: Cell::new(ptr::null()),
            connection,
            client: Parked::new(),
            stage: Cell::new(Stage::Free),
            failure: Cell::new(Failure::Unanswered),
            handshake,
            awaited: Cell::new(false),
            id: Cell::new(0),
            caller: Cell::new(0),
        }
    }

    /// Wakes whoever waits for the outcome, as [`Parked::wake`] does.
    #[inline]
    #[must_use = "the waker has to be called"]
    pub(super) fn wake(&self) -> Option<Waker> {
        if self.awaited.get() { self.client.wake() } else { None }
    }

    /// Notes that there will be no reply.
    pub(super) fn fail(&self, stage: Stage, failure: Failure) {
        self.failure.set(failure);
        self.stage.set(stage);
    }
}

/// See the module.
pub(super) struct Queue {
    first: Cell<*const Node>,
    last: Cell<*const Node>,
}

impl Queue {
    pub(super) const fn new() -> Self {
        Self { first: Cell::new(ptr::null()), last: Cell::new(ptr::null()) }
    }

    /// # Safety
    ///
    /// The node is on no queue, and its connection takes it off before it is freed (rule 1).
    #[inline]
    pub(super) unsafe fn push(&self, node: NonNull<Node>) {
        // SAFETY: the caller's, and rule 1 for the last node.
        unsafe {
            node.as_ref().next.set(ptr::null());
            if self.first.get().is_null() {
                self.first.set(node.as_ptr());
            } else {
                (*self.last.get()).next.set(node.as_ptr());
            }
        }
        self.last.set(node.as_ptr());
    }

    #[inline]
    pub(super) fn pop(&self) -> Option<NonNull<Node>> {
        let node = NonNull::new(self.first.get().cast_mut())?;
        // SAFETY: rule 1: a queued node is alive.
        self.first.set(unsafe { node.as_ref() }.next.get());
        Some(node)
    }

    /// Takes a node off, wherever it stands. Costs a walk; only cancelling does it.
    pub(super) fn remove(&self, node: NonNull<Node>) {
        let mut before: *const Node = ptr::null();
        let mut here = self.first.get();
        while !here.is_null() {
            // SAFETY: rule 1: queued nodes are alive.
            let next = unsafe { (*here).next.get() };
            if ptr::eq(here, node.as_ptr()) {
                if before.is_null() {
                    self.first.set(next);
                } else {
                    // SAFETY: as above.
                    unsafe { (*before).next.set(next) };
                }
                if ptr::eq(self.last.get(), here) {
                    self.last.set(before);
                }
                return;
            }
            (before, here) = (here, next);
        }
    }
}

/// Calls a waker that is left to call, when nothing refers to what it may free.
#[inline]
pub(super) fn call(waker: Option<Waker>) {
    if let Some(waker) = waker {
        cold_path();
        waker.wake();
    }
}
