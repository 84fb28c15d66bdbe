//! The server's side of connecting: let a client in, or turn it away.
//!
//! See the safety protocol of [`connection`](super::connection), whose rules are cited here.
#![expect(unsafe_code, reason = "a handshake is a token that points into the connection of its client")]

use core::{fmt, marker::PhantomData, ptr::NonNull};

use super::{
    connection::{Connection, Greeting, Head, unpin},
    queue::{Failure, Stage, call},
    service::{ConnectionId, Service},
};

/// Somebody wants to connect: accept, or refuse with a reason. Dropping it undecided tells the client that it was
/// not answered.
#[must_use = "dropping a handshake turns the client away without a reason"]
pub struct Handshake<S: Service> {
    /// A connection of this service.
    pub(super) connection: NonNull<Head>,
    pub(super) service: PhantomData<S>,
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
        // SAFETY: a token keeps its connection (rule 1), and it is one of this service.
        unsafe { self.connection.cast().as_ref() }
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
        let connection = self.connection();
        if connection.head.handshake.stage.get() != Stage::Taken {
            return Err(ClientGone);
        }
        // SAFETY: the greeting is the token's (rule 2); the old one is dropped at the end of this function.
        let _hello = unsafe { core::ptr::replace(connection.greeting.get(), greeting) };
        // SAFETY: the token is given up here: it keeps the connection until then (rule 1).
        unsafe { answer(self.connection) };
        core::mem::forget(self);
        Ok(())
    }
}

/// Tells the client that its handshake has been decided.
///
/// # Safety
///
/// The handshake is `Taken`, and the token is given up by this.
unsafe fn answer(connection: NonNull<Head>) {
    // SAFETY: the caller's.
    let node = unsafe { &connection.as_ref().handshake };
    node.stage.set(Stage::Answered);
    // The client may free the connection.
    call(node.wake());
}

/// Tells the client that its handshake will not be decided.
///
/// # Safety
///
/// The token is given up by this.
unsafe fn refuse(connection: NonNull<Head>) {
    // SAFETY: the token keeps the connection (rule 1).
    let node = unsafe { &connection.as_ref().handshake };
    match node.stage.get() {
        Stage::Taken => {
            node.fail(Stage::Failed, Failure::Unanswered);
            call(node.wake());
        }
        Stage::Lost => node.stage.set(Stage::Failed),
        // SAFETY: the client has given up, and left the connection to this token, which is given up here, once.
        Stage::Abandoned => unsafe { unpin(connection) },
        _ => {}
    }
}

impl<S: Service> Drop for Handshake<S> {
    fn drop(&mut self) {
        // SAFETY: this token is gone afterwards.
        unsafe { refuse(self.connection) };
    }
}
