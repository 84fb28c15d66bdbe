//! The server's side of connecting: let a client in, or turn it away.
//!
//! See the safety protocol of [`connection`](super::connection), whose rules are cited here.
#![expect(unsafe_code, reason = "a handshake is a token that points into the connection of its client")]

use core::{fmt, ptr::NonNull};

use super::{
    connection::{Connection, Greeting, unpin},
    queue::{Failure, Stage, call},
    service::{ConnectionId, Service},
};

/// Somebody wants to connect: accept, or refuse with a reason. Dropping it undecided tells the client that it was
/// not answered.
#[must_use = "dropping a handshake turns the client away without a reason"]
pub struct Handshake<S: Service> {
    pub(super) connection: NonNull<Connection<S>>,
}

/// Whoever asked has given up, or was told that the server is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientGone;

impl fmt::Display for ClientGone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the client does not wait for an answer any more")
    }
}

impl core::error::Error for ClientGone {}

impl<S: Service> Handshake<S> {
    fn connection(&self) -> &Connection<S> {
        // SAFETY: a token keeps its connection (rule 1).
        unsafe { self.connection.as_ref() }
    }

    /// The connection's number.
    pub fn connection_id(&self) -> ConnectionId {
        self.connection().head.id
    }

    /// What the client says.
    ///
    /// # Panics
    ///
    /// Never: a handshake carries its hello until it is decided.
    pub fn hello(&self) -> &S::Hello {
        // SAFETY: the greeting is the token's (rule 2), and only the deciding calls, which take `self`, change it.
        match unsafe { &*self.connection().greeting.get() } {
            Greeting::Hello(hello) => hello,
            _ => unreachable!("a handshake carries its hello until it is decided"),
        }
    }

    /// Lets the client in.
    ///
    /// # Errors
    ///
    /// When it has given up.
    pub fn accept(self) -> Result<ConnectionId, ClientGone> {
        let id = self.connection_id();
        self.decide(Greeting::Accepted)?;
        Ok(id)
    }

    /// Turns the client away.
    ///
    /// # Errors
    ///
    /// When it has given up.
    pub fn reject(self, reason: S::ConnectError) -> Result<(), ClientGone> {
        self.decide(Greeting::Refused(reason))
    }

    fn decide(self, greeting: Greeting<S>) -> Result<(), ClientGone> {
        // SAFETY: the token keeps the connection (rule 1), until it is given up below.
        let connection = unsafe { self.connection.as_ref() };
        let node = &connection.head.handshake;
        if node.stage.get() != Stage::Taken {
            return Err(ClientGone);
        }
        // SAFETY: the greeting is the token's (rule 2); the old one is dropped at the end of this function.
        let _hello = unsafe { core::ptr::replace(connection.greeting.get(), greeting) };
        node.stage.set(Stage::Answered);
        // The token is given up before the client is woken, who may free the connection.
        core::mem::forget(self);
        call(node.wake());
        Ok(())
    }
}

impl<S: Service> Drop for Handshake<S> {
    fn drop(&mut self) {
        let node = &self.connection().head.handshake;
        match node.stage.get() {
            Stage::Taken => {
                node.fail(Stage::Failed, Failure::Unanswered);
                call(node.wake());
            }
            Stage::Lost => node.stage.set(Stage::Failed),
            // SAFETY: the client has given up, and left the connection to this token, which is given up here, once.
            Stage::Abandoned => unsafe { unpin(self.connection) },
            _ => {}
        }
    }
}
