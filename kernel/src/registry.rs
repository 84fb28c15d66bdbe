//! The registry: services found by UUID, and the connections to them.
//!
//! A [`Service`] is a contract of request and reply. A driver [binds](Services::bind) it and serves; clients
//! [connect](Services::connect) and ask. Inside the kernel requests and replies are plain Rust values: nothing is
//! parsed, and nothing is allocated once a client is connected.
//!
//! ```text
//!   client                 connection (slots)                     server
//!   ──────                 ──────────────────                     ──────
//!   call(request) ───────▶ [ request ] ──── on the queue ───────▶ next() ─▶ Call
//!          ◀────────────── [  reply  ] ◀──────────────────────── answer(response)
//! ```
//!
//! Laws:
//!
//! - Every request ends in exactly one outcome: see [`CallError`].
//! - When a server goes away, whoever waits for it is told at once, later requests fail, and its UUID is free again.
//! - Requests of all clients are served in the order in which they were sent.
//! - A queue cannot overflow: every client brings its own slots, and waits for one of its own when all are in use.

mod calling;
mod client;
mod connecting;
mod connection;
mod contract;
mod cycle;
mod error;
mod handshake;
mod numbers;
mod pending;
pub mod programs;
mod queue;
mod server;
mod service;
mod table;
#[cfg(test)]
mod tests;

pub use self::{
    client::{CallError, Client, Unsent, UnsentReason},
    error::{BindError, ConnectError},
    handshake::{ClientGone, Handshake},
    pending::Pending,
    server::{Call, Incoming, Reply, Server},
    service::{ConnectionId, InstanceId, RequestId, Service, Uuid, Version},
    table::{Change, ConnectionInfo, Label, Registry, Select, ServiceInfo, Watch},
};
use self::{contract::Contract, table::Waits};
use crate::heap::Shared;

/// The registry as tasks see it: bind, connect, list, watch.
#[derive(Clone)]
pub struct Services {
    registry: Shared<Registry>,
}

impl Services {
    pub(crate) fn new(registry: Shared<Registry>) -> Self {
        Self { registry }
    }

    /// Starts a service under a label that tells instances apart; a single instance may leave it empty.
    ///
    /// Waits for memory, if need be. Dropping the [`Server`] ends the service.
    ///
    /// # Errors
    ///
    /// See [`BindError`].
    ///
    /// # Cancellation
    ///
    /// Nothing is bound until the future is ready.
    pub async fn bind<S: Service>(&self, label: &str) -> Result<Server<S>, BindError> {
        let core = Registry::bind(&self.registry, Contract::of::<S>(), label, None).await?;
        Ok(Server::new(core))
    }

    /// Starts a service, if there is memory for it now.
    ///
    /// # Errors
    ///
    /// See [`BindError`].
    pub fn try_bind<S: Service>(&self, label: &str) -> Result<Server<S>, BindError> {
        let heap = self.registry.system().heap();
        let core = Registry::insert(&self.registry, Contract::of::<S>(), label, None, |core| {
            heap.try_shared(core).map_err(|failed| failed.error)
        })?;
        Ok(Server::new(core))
    }

    /// As [`bind`](Self::bind), and opens the service to user programs, which speak bytes: see [`programs`].
    ///
    /// # Errors
    ///
    /// See [`BindError`].
    ///
    /// # Cancellation
    ///
    /// As for [`bind`](Self::bind).
    pub async fn bind_for_programs<S: programs::ProgramService>(
        &self,
        label: &str,
    ) -> Result<Server<S>, BindError> {
        let table = Some(programs::table::<S>());
        let core = Registry::bind(&self.registry, Contract::of::<S>(), label, table).await?;
        Ok(Server::new(core))
    }

    /// Connects to the first running instance, and waits for nothing but its server's answer.
    ///
    /// `depth` is the number of requests that may be under way at once, 1 to 256.
    ///
    /// # Errors
    ///
    /// See [`ConnectError`]; at once [`NotFound`](ConnectError::NotFound) when none is running, and
    /// [`Memory`](ConnectError::Memory) when there is none for the connection now.
    ///
    /// # Cancellation
    ///
    /// Dropping the future gives up connecting; the server's handshake is withdrawn or ends in [`ClientGone`].
    pub fn try_connect<S: Service>(
        &self,
        hello: S::Hello,
        depth: usize,
    ) -> impl Future<Output = Result<Client<S>, ConnectError<S::ConnectError>>> {
        self.try_connect_to(Select::First, hello, depth)
    }

    /// Connects to a chosen running instance, and waits for nothing but its server's answer.
    ///
    /// # Errors
    ///
    /// As for [`try_connect`](Self::try_connect).
    ///
    /// # Cancellation
    ///
    /// As for [`try_connect`](Self::try_connect).
    pub fn try_connect_to<S: Service>(
        &self,
        select: Select<'_>,
        hello: S::Hello,
        depth: usize,
    ) -> impl Future<Output = Result<Client<S>, ConnectError<S::ConnectError>>> {
        self.registry.connect(select, Waits::Never, hello, depth)
    }

    /// Waits until the service is running and there is memory for the connection, then connects to its first instance.
    ///
    /// # Errors
    ///
    /// As for [`try_connect`](Self::try_connect), without waiting only for what time cannot mend.
    ///
    /// # Cancellation
    ///
    /// As for [`try_connect`](Self::try_connect).
    pub fn connect<S: Service>(
        &self,
        hello: S::Hello,
        depth: usize,
    ) -> impl Future<Output = Result<Client<S>, ConnectError<S::ConnectError>>> {
        self.connect_to(Select::First, hello, depth)
    }

    /// Waits until the chosen instance is running, then connects to it.
    ///
    /// # Errors
    ///
    /// As for [`connect`](Self::connect).
    ///
    /// # Cancellation
    ///
    /// As for [`connect`](Self::connect).
    pub fn connect_to<S: Service>(
        &self,
        select: Select<'_>,
        hello: S::Hello,
        depth: usize,
    ) -> impl Future<Output = Result<Client<S>, ConnectError<S::ConnectError>>> {
        self.registry.connect(select, Waits::ForService, hello, depth)
    }

    /// The service instance with the smallest number above `after`: start with 0 to list them all.
    pub fn next_service(&self, after: InstanceId) -> Option<ServiceInfo> {
        self.registry.next_service(after)
    }

    /// The connection with the smallest number above `after`: start with 0 to list them all.
    pub fn next_connection(&self, after: ConnectionId) -> Option<ConnectionInfo> {
        self.registry.next_connection_after(after)
    }

    /// Watches services come and go from now on.
    pub fn watch(&self) -> Watch {
        Registry::watch(&self.registry)
    }
}
