//! Supervision: drivers that are started again when they end.
//!
//! A driver is a task that serves for ever. When it ends nevertheless, by an error, a panic or a kill, its services
//! are gone: every client that waits is told at once, and the labels are free. The [`Supervisor`] then starts it anew
//! by its [`Policy`], and clients connect again. One that fails too often is given up, so that a broken driver does
//! not keep the machine busy.
//!
//! ```text
//!                   ┌───────────────── Start, Restart ────────────────┐
//!                   ▼                                                 │
//!   add ──▶ (1) start ──▶ Running ──(2) it ends ──▶ Waiting ──(5) Kill ──▶ Stopped
//!                   ▲        │                       │   │
//!                   │        └─(3) Kill ──▶ Stopped  │   └─(6) too often ──▶ GivenUp
//!                   └────────────(4) time is up ─────┘
//! ```
//!
//! That there is no memory to start a driver is not the driver's failure. It is tried again, after waits that double up to
//! the policy's longest, until there is memory: the driver is not given up for it, however long it takes, and a machine
//! that has no memory when it is switched on comes up when it gets some. A driver for which no heap would be large enough
//! does fail. Drivers that run keep what they have, and are not concerned.
//!
//! Each driver has a supervising task, which is never ready in the sense of
//! [`Handle::ready`]: what it allocates is the driver's task, and that is set-up, so the steady-state policy does not
//! stand in the way of a restart. A driver's account begins anew with each start.
//!
//! The factory runs in the driver's task, so what it allocates is the driver's, and so is its panic.
//!
//! # Example
//!
//! ```
//! # use kernel::{Handle, services::{echo, supervise::{self, AddError, Policy, Supervisor}}};
//! # fn assemble(kernel: &Handle) -> Result<(), AddError> {
//! let supervisor = Supervisor::new(kernel, 8)?;
//! supervisor.add("echo", Policy::DEFAULT, echo::serve, true)?;
//! let control = supervisor.clone();
//! let serve = move |kernel| supervise::serve(kernel, control.clone());
//! supervisor.add("supervise", Policy::DEFAULT, serve, true)?;
//! # Ok(())
//! # }
//! ```

use core::convert::Infallible;

use postcard_schema::Schema;
use serde::{Deserialize, Serialize};

use super::Never;
use crate::{
    Handle,
    inline::Text,
    registry::{BindError, Service, Uuid, Version},
};

mod kept;
mod policy;
mod supervisor;
#[cfg(test)]
mod tests;
mod watch;

pub use self::{
    kept::{InUse, Kept, Lease},
    policy::{Backoff, Limit, Policy, Restart},
    supervisor::{AddError, Supervisor},
};

/// The longest name of a driver, in bytes.
pub const NAME: usize = 24;

/// The longest description of how a driver ended, in bytes; longer ones are cut.
pub const ENDING: usize = 64;

/// What each supervising task is called. [`DriverRow::supervisor`] tells them apart.
pub const TASK: &str = "watch";

/// The contract.
pub enum Supervise {}

/// What a client asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub enum Request {
    /// The driver that was added after so many others.
    Driver(u16),
    /// Start a driver that does not run. One that waits for its next start is started at once.
    Start(Text<NAME>),
    /// End a driver, until somebody starts it.
    Kill(Text<NAME>),
    /// End a driver if it runs, and start it at once.
    Restart(Text<NAME>),
}

/// What the supervisor answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub enum Response {
    /// A driver; `None` after the last one.
    Driver(Option<DriverRow>),
    /// Done: the driver has ended, or its task has been spawned.
    Done,
}

/// A driver under supervision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub struct DriverRow {
    /// How many drivers were added before it.
    pub index: u16,
    /// Its name.
    pub name: Text<NAME>,
    /// The task that supervises it, named [`TASK`].
    pub supervisor: u32,
    /// What it does.
    pub state: DriverState,
    /// When it is started again, in words.
    pub restart: Text<NAME>,
    /// How often it was started.
    pub starts: u32,
    /// How it ended last; empty if it has not ended yet.
    pub last_ending: Text<ENDING>,
}

/// What a driver does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub enum DriverState {
    /// It runs.
    Running {
        /// Its task.
        task: u32,
    },
    /// It has ended and will be started again.
    Waiting {
        /// When, in microseconds since boot.
        until_us: u64,
    },
    /// It does not run until somebody starts it.
    Stopped,
    /// It failed too often, and does not run until somebody starts it.
    GivenUp,
}

/// Why the supervisor did not do what it was asked.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub enum Error {
    /// No driver has this name.
    NoSuchDriver,
    /// The driver runs already.
    AlreadyRunning,
    /// The driver does not run.
    NotRunning,
}

impl core::fmt::Display for Error {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::NoSuchDriver => "no driver under supervision has this name",
            Self::AlreadyRunning => "the driver runs already; restart it instead",
            Self::NotRunning => "the driver does not run",
        })
    }
}

impl core::error::Error for Error {}

impl Service for Supervise {
    type Request = Request;
    type Response = Response;
    type Error = Error;
    type Hello = ();
    type ConnectError = Never;

    const UUID: Uuid = Uuid::from_u128(0x7a35_d1e8_60c2_4d9b_9c4f_b81e_52f7_0a96);
    const NAME: &'static str = "supervise";
    const VERSION: Version = Version::new(1, 0);
}

/// The driver of the service. It is for the console and for tools; programs cannot reach it.
///
/// One request at a time is carried out: the next one waits until the driver has ended, or is started.
///
/// # Errors
///
/// When the service cannot be bound.
pub async fn serve(kernel: Handle, supervisor: Supervisor) -> Result<Infallible, BindError> {
    let mut server = kernel.services().bind::<Supervise>("").await?;
    kernel.ready();
    loop {
        let call = server.next_call().await;
        let (ordered, name) = match call.request() {
            Request::Driver(after) => {
                let row = supervisor.row(usize::from(*after));
                let _ = call.answer(Response::Driver(row));
                continue;
            }
            Request::Start(name) => (supervisor.start(name), *name),
            Request::Kill(name) => (supervisor.kill(name), *name),
            Request::Restart(name) => (supervisor.restart(name), *name),
        };
        if ordered.is_ok() {
            supervisor.settled(&name).await;
        }
        // A client that has given up meanwhile does not miss the answer.
        let _ = call.reply(ordered.map(|()| Response::Done));
    }
}
