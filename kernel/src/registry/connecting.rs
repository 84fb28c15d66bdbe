//! Connecting: a connection from when it has memory until its client is let in, turned away, or gives up.
//!
//! See the safety protocol of [`connection`](super::connection), whose rules are cited here.
#![expect(unsafe_code, reason = "who is connecting shares the connection with its server's tokens")]

use core::{
    future::{Future, poll_fn},
    ptr::NonNull,
    task::{Context, Poll},
};

use super::{
    connection::{Connection, Greeting, Head, abandon, release},
    error::Refused,
    queue::{Failure, Stage},
    server::ServerCore,
    service::Service,
};
use crate::{
    event::{Event, Kind},
    heap::{Block, Shared},
};

/// A connection that has no greeting yet, which nothing may drop.
#[must_use]
pub(super) struct Opened {
    connection: NonNull<Head>,
}

impl Opened {
    pub(super) fn new(block: Block<'_>, slots: u16, server: Shared<ServerCore>) -> Self {
        Self { connection: Head::write(block, slots, server) }
    }

    /// Gives up, before anything was said.
    ///
    /// # Safety
    ///
    /// The connection is one of the service.
    #[cold]
    pub(super) unsafe fn close<S: Service>(self) {
        // SAFETY: the caller's.
        unsafe { Connection::<S>::greet(self.connection, Greeting::Empty) };
        drop(Connecting { connection: self.connection });
    }
}

/// Somebody who is connecting. Dropping it gives up.
pub(super) struct Connecting {
    pub(super) connection: NonNull<Head>,
}

impl Connecting {
    /// Says hello.
    ///
    /// # Safety
    ///
    /// The connection is one of the service.
    #[inline]
    pub(super) unsafe fn new<S: Service>(opened: Opened, hello: S::Hello) -> Self {
        let this = Self { connection: opened.connection };
        // SAFETY: the caller's. The handshake is on no queue yet, and `drop` takes it off.
        unsafe {
            Connection::<S>::greet(this.connection, Greeting::Hello(hello));
            this.submit();
        }
        this
    }

    /// # Safety
    ///
    /// The handshake is on no queue yet, and the connection has a greeting.
    #[inline(never)]
    unsafe fn submit(&self) {
        // SAFETY: the caller's, and `drop` takes it off.
        unsafe { self.head().server.submit(Head::handshake(self.connection)) };
    }

    fn head(&self) -> &Head {
        // SAFETY: who is connecting keeps the connection.
        unsafe { self.connection.as_ref() }
    }

    /// Waits until the server has let the client in, or turned it away: the greeting says which.
    #[inline]
    pub(super) fn answered(&self) -> impl Future<Output = Result<(), Refused>> {
        poll_fn(|context| self.poll_answered(context))
    }

    #[inline]
    fn poll_answered(&self, context: &Context<'_>) -> Poll<Result<(), Refused>> {
        let head = self.head();
        match head.handshake.stage.get() {
            Stage::Answered => Poll::Ready(Ok(())),
            Stage::Queued | Stage::Taken => {
                head.handshake.expect_reply(context);
                Poll::Pending
            }
            _ => Poll::Ready(Err(self.refusal())),
        }
    }

    #[cold]
    fn refusal(&self) -> Refused {
        match self.head().handshake.failure.get() {
            Failure::ServerGone => Refused::ServerGone,
            _ => Refused::Unanswered,
        }
    }

    /// The server has let the client in: passes on who is connecting's share in the connection.
    pub(super) fn connected(self) -> NonNull<Head> {
        let head = self.head();
        head.handshake.client.clear();
        let (instance, id) = (head.server.instance.0, head.id.0);
        head.server.events().emit(Kind::Connect, || Event::Connect { instance, connection: id });
        let connection = self.connection;
        core::mem::forget(self);
        connection
    }
}

impl Drop for Connecting {
    fn drop(&mut self) {
        let head = self.head();
        let node = &head.handshake;
        node.client.clear();
        match node.stage.get() {
            Stage::Queued => head.server.queue.remove(Head::handshake(self.connection)),
            // SAFETY: the stage is as demanded.
            Stage::Taken | Stage::Lost => unsafe { abandon(head, node) },
            _ => {}
        }
        head.client.set(false);
        // SAFETY: the connection is not used again.
        unsafe { release(self.connection) };
    }
}

/// Takes what the server has answered to a handshake.
///
/// # Safety
///
/// The connection lives, is one of the service, and its handshake has been answered.
pub(super) unsafe fn take_greeting<S: Service>(connection: NonNull<Head>) -> Greeting<S> {
    // SAFETY: the caller's; the greeting of a handshake that has been answered is the client's.
    unsafe { core::ptr::replace(connection.cast::<Connection<S>>().as_ref().greeting.get(), Greeting::Empty) }
}
