//! The driver of I²C, over any [`Controller`].
//!
//! It has two halves. The [`Handler`] runs in the interrupt: it silences the device, and wakes the task. The [`Driver`] is a
//! task that serves the [`I2c`] contract, one transfer after another.
//!
//! ```text
//!   request ──▶ bus free? ──yes──▶ start, go on ◀──interrupt── Handler
//!                  │ no                │     │
//!                  ▼                   │     └─ not over in time ──▶ recover ──▶ BusStuck
//!            wait a little,            ▼
//!            then recover            reply
//! ```
//!
//! A transfer may take twice the time of its bits, and [`STRETCH`] for targets that hold the clock. After that it is given
//! up, and the bus is set free: a target in the midst of a byte is clocked on until it can be told to stop. An instance
//! whose predecessor was ended in the midst of a transfer does that first.

use core::{convert::Infallible, fmt};

use super::{
    ADDRESSES, Error, I2c, LONGEST, Request, Response,
    device::{Controller, Fault, Lines, Progress, Transfer},
};
use crate::{
    Handle,
    heap::AllocError,
    interrupt::{Line, Trigger},
    registry::BindError,
    services::supervise::InUse,
    time::Duration,
};

/// How long targets may hold the clock in one transfer, all in all. SMBus has the same limit.
pub const STRETCH: Duration = Duration::from_millis(25);

/// How often a bus that somebody else uses is looked at before a transfer.
const LOOKS: u32 = 25;

/// The time between two such looks: all in all they take [`STRETCH`].
const LOOK: Duration = Duration::from_millis(1);

/// Clock pulses after which whatever byte a target is in the midst of is over, with its acknowledgement.
const PULSES: u32 = 9;

/// Half a pulse, at 100 kHz.
const HALF: Duration = Duration::from_micros(5);

/// Why I²C was not set up, or its driver ended.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum I2cError {
    /// No memory.
    Memory(AllocError),
    /// The service could not be bound.
    Bind(BindError),
    /// Somebody serves the bus already.
    InUse(InUse),
}

impl fmt::Display for I2cError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory(error) => write!(f, "no memory for I²C: {error}"),
            Self::Bind(error) => error.fmt(f),
            Self::InUse(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for I2cError {}

/// Sets a bus up, once for a device. The handler is to be called whenever the device's interrupt is pending; `line` is its
/// name in `irq`.
///
/// # Errors
///
/// When there is no memory.
pub fn set_up<C: Controller>(
    kernel: &Handle,
    controller: C,
    line: &'static str,
) -> Result<(Driver<C>, Handler<C>), I2cError> {
    let line = kernel.interrupt_line(line).map_err(I2cError::Memory)?;
    let handler = Handler { controller: controller.clone(), trigger: line.trigger() };
    Ok((Driver { controller, line, unsettled: false }, handler))
}

/// The interrupt's half.
pub struct Handler<C> {
    controller: C,
    trigger: Trigger,
}

impl<C: Controller> Handler<C> {
    /// Serves the device. To be called when its interrupt is pending; calling it for nothing does no harm.
    ///
    /// It does a bounded amount of work, allocates nothing and never waits.
    pub fn interrupt(&mut self) {
        self.controller.silence();
        self.trigger.fire();
    }
}

/// The task's half.
pub struct Driver<C> {
    controller: C,
    line: Line,
    /// A transfer has begun and nobody has seen its end, or the bus was not set free after it.
    unsettled: bool,
}

impl<C: Controller> Driver<C> {
    /// The interrupt line, for whoever wires the handler up.
    pub fn line(&self) -> &Line {
        &self.line
    }

    /// Serves the bus under a label until the task is ended. Transfers allocate nothing. Whoever connects waits for the end
    /// of the transfer that goes on, as do requests.
    ///
    /// # Errors
    ///
    /// When the service cannot be bound.
    ///
    /// # Cancellation
    ///
    /// Whoever waits for a transfer is told. The next call of this sets the bus free before it begins.
    pub async fn serve(&mut self, kernel: Handle, label: &str) -> Result<Infallible, I2cError> {
        let mut server = kernel.services().bind_for_programs::<I2c>(label).await.map_err(I2cError::Bind)?;
        kernel.ready();
        if self.unsettled {
            self.recover(&kernel).await;
        }
        loop {
            let call = server.next_call().await;
            let answer = self.transfer(&kernel, call.request()).await;
            // A client that has given up meanwhile does not miss the answer.
            let _ = call.reply(answer);
        }
    }

    /// Carries out one transfer, in bounded time.
    async fn transfer(&mut self, kernel: &Handle, request: &Request) -> Result<Response, Error> {
        let mut transfer = checked(request)?;
        let free = self.becomes_free(kernel).await;
        if (self.unsettled || !free) && !self.recover(kernel).await {
            return Err(Error::BusStuck);
        }
        let limit = limit(&transfer, self.controller.hertz());
        self.unsettled = true;
        // What an interrupt had to say of the transfer before is known.
        self.line.take();
        self.controller.start(&mut transfer);
        let Ok(over) = kernel.timeout(limit, self.finish(&mut transfer)).await else {
            self.recover(kernel).await;
            return Err(Error::BusStuck);
        };
        self.unsettled = false;
        over.map_err(Error::from)?;
        Ok(Response::Data(transfer.data))
    }

    /// Carries a transfer on until it is over.
    async fn finish(&mut self, transfer: &mut Transfer) -> Result<(), Fault> {
        loop {
            match self.controller.go_on(transfer) {
                Progress::Pending => self.line.wait().await,
                Progress::Done => return Ok(()),
                Progress::Failed(fault) => return Err(fault),
            }
        }
    }

    /// Waits until nobody drives the lines, which may be another controller or a target that needs time; `false` if they
    /// stay driven. Data that an own transfer has left low do not become high by waiting.
    async fn becomes_free(&self, kernel: &Handle) -> bool {
        let is_free = || {
            let Lines { clock, data } = self.controller.lines();
            clock && (data || self.unsettled)
        };
        for _ in 0..LOOKS {
            if is_free() {
                return true;
            }
            kernel.sleep(LOOK).await;
        }
        is_free()
    }

    /// Gives up what goes on, and has all targets let go of the bus; `true` if they have.
    async fn recover(&mut self, kernel: &Handle) -> bool {
        // Should this be ended, the lines stay driven by hand.
        self.unsettled = true;
        let drive = async |clock, data| {
            self.controller.drive(Some(Lines { clock, data }));
            kernel.sleep(HALF).await;
        };
        drive(true, true).await;
        for _ in 0..PULSES {
            // A clock that is held can only be waited for.
            if !self.controller.lines().clock {
                break;
            }
            // Data that rise while the clock is high are a stop. A target that sends a 0 holds them low, and is at its next
            // bit then; behind its last one it lets go, for the acknowledgement.
            drive(false, true).await;
            drive(false, false).await;
            drive(true, false).await;
            drive(true, true).await;
            if self.controller.lines() == Lines::FREE {
                break;
            }
        }
        self.unsettled = self.controller.lines() != Lines::FREE;
        self.controller.drive(None);
        !self.unsettled
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Address { written } => Self::AddressNotAcknowledged { written },
            Fault::Data { written } => Self::DataNotAcknowledged { written },
            Fault::Arbitration => Self::ArbitrationLost,
        }
    }
}

/// The transfer that a request asks for, if it can be done at all.
fn checked(request: &Request) -> Result<Transfer, Error> {
    let transfer = Transfer::new(request);
    if !ADDRESSES.contains(&transfer.address) {
        return Err(Error::ReservedAddress);
    }
    if usize::from(transfer.read) > LONGEST {
        return Err(Error::TooLong);
    }
    if transfer.write.is_empty() && transfer.read == 0 {
        return Err(Error::NothingToDo);
    }
    Ok(transfer)
}

/// The time that a transfer may take.
fn limit(transfer: &Transfer, hertz: u32) -> Duration {
    // With two addresses; start, repeated start and stop are less than a byte. No more than 67 bytes, so it fits.
    let bytes = transfer.write.len() as u32 + u32::from(transfer.read) + 3;
    let bits_us = bytes * 9 * 1_000_000 / hertz.max(1);
    STRETCH.saturating_add(Duration::from_micros(2 * u64::from(bits_us)))
}
