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

use core::{
    cell::Cell,
    ptr,
    ptr::NonNull,
    task::{Context, Waker},
};

/// What becomes of a request, seen from its slot.
///
/// ```text
///          send              take               reply
///   Free ───────▶ Queued ───────────▶ Taken ───────────▶ Answered ──▶ Free      the client takes the reply
///                   │ │                 │ │
///                   │ └─────────────────┼─┴────────────▶ Failed ────▶ Free      server gone, token dropped, cycle
///                   │                   └──────────────▶ Abandoned ─▶ Free      the client gave up; the token goes
///                   └──────────────────────────────────▶ Free                   the client gave up
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Nothing is asked.
    Free,
    /// On the server's queue.
    Queued,
    /// The server holds a token for it.
    Taken,
    /// The reply is in the slot.
    Answered,
    /// There will be no reply, for this reason.
    Failed(Failure),
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
    pub(super) stage: Cell<Stage>,
    /// The server holds a token for this node.
    pub(super) held: Cell<bool>,
    /// The request's number.
    pub(super) id: Cell<u32>,
    /// The task that waits for the reply; 0 when it was not sent by a task.
    pub(super) caller: Cell<u32>,
    /// The node is a connection's handshake, not one of its slots.
    pub(super) handshake: bool,
    /// Somebody has polled for the outcome since the request was sent.
    pub(super) awaited: Cell<bool>,
    waker: Cell<Option<Waker>>,
}

impl Node {
    pub(super) const fn new(handshake: bool) -> Self {
        Self {
            next: Cell::new(ptr::null()),
            stage: Cell::new(Stage::Free),
            held: Cell::new(false),
            id: Cell::new(0),
            caller: Cell::new(0),
            handshake,
            awaited: Cell::new(false),
            waker: Cell::new(None),
        }
    }

    /// Remembers whom to wake. Keeps the waker of last time if it wakes the same task.
    #[inline]
    pub(super) fn register(&self, context: &Context<'_>) {
        self.awaited.set(true);
        register(&self.waker, context);
    }

    /// Wakes whoever registered last, and keeps the waker for next time.
    #[inline]
    pub(super) fn wake(&self) {
        wake(&self.waker);
    }

    /// Whoever registered last, to be woken once nothing refers to the node any more: being woken may free it.
    pub(super) fn take_waker(&self) -> Option<Waker> {
        self.waker.take()
    }

    /// Forgets whom to wake.
    pub(super) fn unregister(&self) {
        drop(self.waker.take());
    }
}

/// Puts the context's waker in a place, unless one that wakes the same task is there already.
#[inline]
pub(super) fn register(place: &Cell<Option<Waker>>, context: &Context<'_>) {
    let waker = match place.take() {
        Some(waker) if waker.will_wake(context.waker()) => waker,
        _ => context.waker().clone(),
    };
    place.set(Some(waker));
}

/// Wakes the waker in a place, and leaves it there for next time unless waking has put another one there.
#[inline]
pub(super) fn wake(place: &Cell<Option<Waker>>) {
    if let Some(waker) = place.take() {
        waker.wake_by_ref();
        if let Some(newer) = place.replace(Some(waker)) {
            place.set(Some(newer));
        }
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
