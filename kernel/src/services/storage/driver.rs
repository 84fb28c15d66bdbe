//! The driver of storage, over any [`Flash`].
//!
//! It has two halves. The [`Handler`] runs in the interrupt: it switches the interrupt off, and wakes the task. The
//! [`Driver`] is a task that serves the [`Storage`] contract, and takes results from the device itself. So the halves share
//! nothing but the device and an interrupt line.
//!
//! ```text
//!   request ──▶ Driver ── start ──▶ flash ── interrupt ──▶ Handler ──▶ Driver ── take ──▶ reply
//! ```
//!
//! Flash takes its time, and nobody waits for it but who asked. A driver that is ended while the flash is busy leaves it to
//! finish; the next instance waits for that before it starts anything, and throws the result away.

use core::{convert::Infallible, fmt};

use super::{
    CHUNK, Chunk, Error, Geometry, Request, Response, Storage,
    device::{Done, Failure, Flash, Operation},
};
use crate::{
    Handle,
    heap::AllocError,
    interrupt::{Line, Trigger},
    registry::{BindError, Reply},
    services::supervise::InUse,
};

/// Why storage was not set up, or its driver ended.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StorageError {
    /// The device's units do not fit each other, or not into a request.
    Geometry(Geometry),
    /// No memory.
    Memory(AllocError),
    /// The service could not be bound.
    Bind(BindError),
    /// Somebody serves the flash already.
    InUse(InUse),
}

impl fmt::Display for StorageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Geometry(geometry) => write!(
                f,
                "sectors must divide the capacity, pages the sectors, and units of up to {CHUNK} bytes the pages; the \
                 device says {geometry:?}"
            ),
            Self::Memory(error) => write!(f, "no memory for storage: {error}"),
            Self::Bind(error) => error.fmt(f),
            Self::InUse(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for StorageError {}

/// Sets storage up, once for a device. The handler is to be called whenever the device's interrupt is pending; `line` is
/// its name in `irq`.
///
/// # Errors
///
/// When there is no memory, or the device's units do not [fit](Geometry::is_sound).
pub fn set_up<F: Flash>(
    kernel: &Handle,
    flash: F,
    line: &'static str,
) -> Result<(Driver<F>, Handler<F>), StorageError> {
    let geometry = flash.geometry();
    if !geometry.is_sound() {
        return Err(StorageError::Geometry(geometry));
    }
    let line = kernel.interrupt_line(line).map_err(StorageError::Memory)?;
    let handler = Handler { flash: flash.clone(), trigger: line.trigger() };
    Ok((Driver { flash, geometry, line }, handler))
}

impl Geometry {
    /// The units fit each other: sectors divide the capacity, pages the sectors, and the units of reads and writes, of
    /// [`CHUNK`] bytes at most, the pages.
    pub const fn is_sound(&self) -> bool {
        const fn divides(unit: u32, whole: u32) -> bool {
            whole != 0 && matches!(whole.checked_rem(unit), Some(0))
        }
        let Self { capacity, read_size, write_size, page_size, erase_size } = *self;
        divides(erase_size, capacity)
            && divides(page_size as u32, erase_size)
            && divides(write_size as u32, page_size as u32)
            && divides(read_size as u32, page_size as u32)
            && read_size as usize <= CHUNK
            && write_size as usize <= CHUNK
    }

    /// Whether a request of a unit may be.
    fn check(&self, offset: u32, len: u32, unit: u32) -> Result<(), Error> {
        match offset.checked_add(len) {
            Some(end) if end <= self.capacity => {}
            _ => return Err(Error::OutOfRange),
        }
        if offset.is_multiple_of(unit) && len.is_multiple_of(unit) { Ok(()) } else { Err(Error::Unaligned) }
    }
}

/// The interrupt's half.
pub struct Handler<F> {
    flash: F,
    trigger: Trigger,
}

impl<F: Flash> Handler<F> {
    /// Serves the device. To be called when its interrupt is pending; calling it for nothing does no harm.
    ///
    /// It does a bounded amount of work, allocates nothing and never waits.
    pub fn interrupt(&mut self) {
        // The task switches it on again when it waits for more.
        self.flash.set_interrupt(false);
        self.trigger.fire();
    }
}

/// The task's half.
pub struct Driver<F> {
    flash: F,
    geometry: Geometry,
    line: Line,
}

impl<F: Flash> Driver<F> {
    /// The interrupt line, for whoever wires the handler up.
    pub fn line(&self) -> &Line {
        &self.line
    }

    /// Serves the flash under a label until the task is ended.
    ///
    /// # Errors
    ///
    /// When the service cannot be bound.
    pub async fn serve(&mut self, kernel: Handle, label: &str) -> Result<Infallible, StorageError> {
        let bound = kernel.services().bind_for_programs::<Storage>(label).await;
        let mut server = bound.map_err(StorageError::Bind)?;
        kernel.ready();
        loop {
            let (request, reply) = server.next_call().await.split();
            let answer = self.answer(request, &reply).await;
            // A client that has given up meanwhile does not miss the answer.
            let _ = reply.send(answer);
        }
    }

    async fn answer(&mut self, request: Request, reply: &Reply<Storage>) -> Result<Response, Error> {
        match request {
            Request::Info => Ok(Response::Info(self.geometry)),
            Request::Read { offset, len } => self.read(offset, len).await,
            Request::Write { offset, data } => self.write(offset, &data, reply).await,
            Request::Erase { offset, len } => self.erase(offset, len, reply).await,
        }
    }

    async fn read(&mut self, offset: u32, len: u16) -> Result<Response, Error> {
        if usize::from(len) > CHUNK {
            return Err(Error::TooLong);
        }
        self.geometry.check(offset, len.into(), self.geometry.read_size.into())?;
        if len == 0 {
            return Ok(Response::Data(Chunk::new()));
        }
        match self.perform(Operation::Read { offset, len }).await? {
            Done::Read(data) => Ok(Response::Data(data)),
            Done::Corrected(data) => Ok(Response::Corrected(data)),
            Done::Changed => Err(Error::Device),
        }
    }

    async fn write(
        &mut self,
        mut offset: u32,
        data: &[u8],
        reply: &Reply<Storage>,
    ) -> Result<Response, Error> {
        // A chunk's length fits.
        self.geometry.check(offset, data.len() as u32, self.geometry.write_size.into())?;
        let page = u32::from(self.geometry.page_size);
        let mut rest = data;
        while !rest.is_empty() && !reply.is_abandoned() {
            let room = page - offset % page;
            let (now, later) = rest.split_at_checked(room as usize).unwrap_or((rest, &[]));
            self.perform(Operation::Program { offset, data: Chunk::cut(now) }).await?;
            offset = offset.saturating_add(room);
            rest = later;
        }
        Ok(Response::Done)
    }

    async fn erase(&mut self, offset: u32, len: u32, reply: &Reply<Storage>) -> Result<Response, Error> {
        let sector = self.geometry.erase_size;
        self.geometry.check(offset, len, sector)?;
        let mut done = 0;
        while done < len && !reply.is_abandoned() {
            self.perform(Operation::Erase { offset: offset.saturating_add(done) }).await?;
            done = done.saturating_add(sector);
        }
        Ok(Response::Done)
    }

    /// Has the device do something, and waits for what comes of it.
    async fn perform(&mut self, operation: Operation) -> Result<Done, Error> {
        // An instance before this one may have left something under way.
        while self.flash.is_busy() {
            self.ended().await;
        }
        let _stale = self.flash.take();
        self.flash.start(operation);
        loop {
            match self.flash.take() {
                Some(Ok(done)) => return Ok(done),
                Some(Err(Failure::Failed)) => return Err(Error::Device),
                Some(Err(Failure::Uncorrectable)) => return Err(Error::Uncorrectable),
                None => self.ended().await,
            }
        }
    }

    /// Waits for the interrupt, which may come for nothing.
    async fn ended(&mut self) {
        self.flash.set_interrupt(true);
        self.line.wait().await;
    }
}
