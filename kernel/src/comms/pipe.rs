//! A byte pipe: one producer, one consumer, on either of whose ends an interrupt may be.
//!
//! The ring is the `bbqueue` crate's: bytes are written and read in place, through grants. Each half may live in an
//! interrupt handler or on another thread. A pipe's memory stays with the region: pipes are for set-up, there are few, and
//! a handler may drop its half where nothing can be freed.
//!
//! Laws:
//!
//! - A grant is given if and only if the pipe has so much room. Since a grant lies in a row, and a ring may have its room
//!   at both ends, the ring is twice as long as the pipe's capacity: then one of the ends is always long enough.
//! - When a half is dropped, the other one is told: at once when it writes, after what is left when it reads.
#![expect(unsafe_code, reason = "both halves share a block that outlives the kernel")]

use core::{
    fmt,
    ops::{Deref, DerefMut},
    ptr::NonNull,
};

use bbqueue::{
    BBQueue,
    prod_cons::stream::{StreamGrantR, StreamGrantW},
    traits::{
        coordination::{ReadGrantError, WriteGrantError},
        notifier::polling::Polling,
        storage::Storage,
    },
};

use crate::{
    heap::{AllocError, Heap},
    sync::{
        Signal,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

/// How the two ends of a ring agree: with atomics where the core has compare-and-swap, in short critical sections elsewhere.
#[cfg(target_has_atomic = "ptr")]
type Coordination = bbqueue::traits::coordination::cas::AtomicCoord;
#[cfg(not(target_has_atomic = "ptr"))]
type Coordination = bbqueue::traits::coordination::cs::CsCoord;

type Ring = BBQueue<Bytes, Coordination, Polling>;

/// The ring's memory.
struct Bytes {
    start: NonNull<u8>,
    len: usize,
}

impl Storage for Bytes {
    unsafe fn ptr_len(&self) -> (NonNull<u8>, usize) {
        (self.start, self.len)
    }
}

/// What both halves share, placed in the region for good.
struct Shared {
    ring: Ring,
    capacity: usize,
    readable: Signal,
    writable: Signal,
    /// Bytes written and not yet read.
    filled: AtomicUsize,
    producer_gone: AtomicBool,
    consumer_gone: AtomicBool,
    heap: NonNull<Heap>,
}

/// A half's pointer to what is shared. It holds the region.
struct Hold(NonNull<Shared>);

// SAFETY: what is shared is atomic (the ring's indices, the flags, the signals) or never changes, and the ring's bytes are
// handed out to one producer and one consumer at a time. It outlives the hold, which keeps the region.
unsafe impl Send for Hold {}
// SAFETY: as above.
unsafe impl Sync for Hold {}

impl Hold {
    fn shared(&self) -> &Shared {
        // SAFETY: placed for as long as the region exists, which is held.
        unsafe { self.0.as_ref() }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let heap = self.shared().heap;
        // SAFETY: the hold is given back once.
        unsafe { Heap::unhold(heap) };
    }
}

/// The end that bytes go in at.
pub struct Producer {
    hold: Hold,
}

/// The end that bytes come out of.
pub struct Consumer {
    hold: Hold,
}

/// Why a pipe was not made.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PipeError {
    /// A pipe needs room for one byte at least.
    NoCapacity,
    /// No memory.
    Memory(AllocError),
}

impl fmt::Display for PipeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoCapacity => f.write_str("a pipe needs room for at least one byte"),
            Self::Memory(error) => write!(f, "no memory for the pipe: {error}"),
        }
    }
}

impl core::error::Error for PipeError {}

/// Why there is no room to write.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrantError {
    /// More was asked for than the pipe can ever hold.
    TooLarge {
        /// Bytes asked for.
        requested: usize,
        /// Bytes in the pipe.
        capacity: usize,
    },
    /// There is not so much room now.
    Full,
    /// The other end is gone.
    Closed,
    /// A grant is out already; commit or drop it first.
    InUse,
}

impl fmt::Display for GrantError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge { requested, capacity } => {
                write!(f, "{requested} bytes can never fit in a pipe of {capacity}")
            }
            Self::Full => f.write_str("the pipe has not so much room now"),
            Self::Closed => f.write_str("the pipe's other end is gone"),
            Self::InUse => f.write_str("another grant is out"),
        }
    }
}

impl core::error::Error for GrantError {}

/// The other end is gone, and nothing is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closed;

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the other end is gone")
    }
}

impl core::error::Error for Closed {}

/// Makes a pipe for so many bytes.
///
/// # Errors
///
/// When the capacity is zero, or there is no memory.
pub fn pipe(heap: &Heap, capacity: usize) -> Result<(Producer, Consumer), PipeError> {
    if capacity == 0 {
        return Err(PipeError::NoCapacity);
    }
    // The laws say why. What overflows is refused as too large.
    let len = capacity.saturating_mul(2);
    let start = heap.try_permanent_bytes(len).map_err(PipeError::Memory)?;
    let shared = heap
        .try_permanent(Shared {
            ring: BBQueue::new_with_storage(Bytes { start, len }),
            capacity,
            readable: Signal::new(),
            writable: Signal::new(),
            filled: AtomicUsize::new(0),
            producer_gone: AtomicBool::new(false),
            consumer_gone: AtomicBool::new(false),
            heap: NonNull::from(heap),
        })
        .map_err(PipeError::Memory)?;
    let hold = || {
        heap.hold();
        Hold(shared)
    };
    Ok((Producer { hold: hold() }, Consumer { hold: hold() }))
}

impl Producer {
    /// How many bytes there can be in the pipe.
    pub fn capacity(&self) -> usize {
        self.hold.shared().capacity
    }

    /// The consumer is gone.
    pub fn is_closed(&self) -> bool {
        self.hold.shared().consumer_gone.load(Ordering::Acquire)
    }

    /// All that was written has been read.
    pub fn is_drained(&self) -> bool {
        self.hold.shared().filled.load(Ordering::Acquire) == 0
    }

    /// There is no room for another byte.
    pub fn is_full(&self) -> bool {
        self.room() == 0
    }

    /// How many bytes there is room for. Only a write of this half makes it less.
    pub fn room(&self) -> usize {
        self.capacity() - self.hold.shared().filled.load(Ordering::Acquire)
    }

    /// Room for exactly so many bytes in a row, to be filled and committed.
    ///
    /// # Errors
    ///
    /// See [`GrantError`].
    pub fn grant(&mut self, len: usize) -> Result<WriteGrant<'_>, GrantError> {
        let capacity = self.capacity();
        if self.is_closed() {
            return Err(GrantError::Closed);
        }
        if len > capacity {
            return Err(GrantError::TooLarge { requested: len, capacity });
        }
        if len > self.room() {
            return Err(GrantError::Full);
        }
        let shared = self.hold.shared();
        shared
            .ring
            .stream_producer()
            .grant_exact(len)
            .map(|grant| WriteGrant { grant, shared })
            .map_err(refused)
    }

    /// Writes as much as fits, and says how many bytes that were. For interrupt handlers and tasks.
    ///
    /// # Errors
    ///
    /// When the consumer is gone.
    pub fn write(&mut self, bytes: &[u8]) -> Result<usize, Closed> {
        if self.is_closed() {
            return Err(Closed);
        }
        let bytes = bytes.get(..self.room().min(bytes.len())).unwrap_or_default();
        // Only a grant that was forgotten stands in the way.
        let Ok(mut grant) = self.grant(bytes.len()) else { return Ok(0) };
        grant.copy_from_slice(bytes);
        grant.commit(bytes.len());
        Ok(bytes.len())
    }

    /// Waits until the consumer has read something, or is gone, since the last wait.
    ///
    /// # Cancellation
    ///
    /// What has happened meanwhile is seen by the next wait.
    pub async fn drained(&mut self) {
        self.hold.shared().writable.wait().await;
    }

    /// Writes all bytes, waiting for room.
    ///
    /// # Errors
    ///
    /// When the consumer is gone.
    ///
    /// # Cancellation
    ///
    /// Some of the bytes may have been written.
    pub async fn write_all(&mut self, bytes: &[u8]) -> Result<(), Closed> {
        let mut written = 0;
        loop {
            written += self.write(bytes.get(written..).unwrap_or_default())?;
            if written >= bytes.len() {
                return Ok(());
            }
            self.drained().await;
        }
    }
}

fn refused(error: WriteGrantError) -> GrantError {
    match error {
        WriteGrantError::InsufficientSize => GrantError::Full,
        WriteGrantError::GrantInProgress => GrantError::InUse,
    }
}

impl Drop for Producer {
    fn drop(&mut self) {
        let shared = self.hold.shared();
        shared.producer_gone.store(true, Ordering::Release);
        shared.readable.raise();
    }
}

/// Room in a pipe. Dropping it uncommitted writes nothing.
pub struct WriteGrant<'p> {
    // By reference: `commit` forgets its handle to the ring, so a counted one would never be given back.
    grant: StreamGrantW<&'p Ring>,
    shared: &'p Shared,
}

impl WriteGrant<'_> {
    /// Passes on the first `len` bytes.
    pub fn commit(self, len: usize) {
        let len = len.min(self.grant.len());
        if len == 0 {
            return;
        }
        // Counted before they can be read, so that the count never falls short.
        self.shared.filled.fetch_add(len, Ordering::Relaxed);
        self.grant.commit(len);
        self.shared.readable.raise();
    }
}

impl Deref for WriteGrant<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.grant
    }
}

impl DerefMut for WriteGrant<'_> {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.grant
    }
}

impl Consumer {
    /// The producer is gone; what it has written can still be read.
    pub fn is_closed(&self) -> bool {
        self.hold.shared().producer_gone.load(Ordering::Acquire)
    }

    /// What has come in and lies in a row; `None` when there is nothing.
    pub fn peek(&mut self) -> Option<ReadGrant<'_>> {
        let shared = self.hold.shared();
        match shared.ring.stream_consumer().read() {
            Ok(grant) => Some(ReadGrant { grant, shared }),
            Err(
                ReadGrantError::Empty
                | ReadGrantError::GrantInProgress
                | ReadGrantError::InconsistentFrameHeader,
            ) => None,
        }
    }

    /// Nothing is left to read.
    pub fn is_empty(&mut self) -> bool {
        self.peek().is_none()
    }

    /// Reads as much as there is and fits, and says how many bytes that were. For interrupt handlers and tasks.
    ///
    /// # Errors
    ///
    /// When nothing is left and the producer is gone.
    pub fn read(&mut self, bytes: &mut [u8]) -> Result<usize, Closed> {
        let closed = self.is_closed();
        let mut read = 0;
        for _ in 0..2 {
            let rest = bytes.get_mut(read..).unwrap_or_default();
            if rest.is_empty() {
                return Ok(read);
            }
            let Some(grant) = self.peek() else { break };
            let len = grant.len().min(rest.len());
            for (place, byte) in rest.iter_mut().zip(grant.iter()) {
                *place = *byte;
            }
            grant.release(len);
            read += len;
        }
        if read == 0 && closed { Err(Closed) } else { Ok(read) }
    }

    /// Waits until something has come in, or the producer is gone, since the last wait.
    ///
    /// # Cancellation
    ///
    /// What has happened meanwhile is seen by the next wait.
    pub async fn filled(&mut self) {
        self.hold.shared().readable.wait().await;
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        let shared = self.hold.shared();
        shared.consumer_gone.store(true, Ordering::Release);
        shared.writable.raise();
    }
}

/// Bytes that have come in. Dropping it leaves them there.
pub struct ReadGrant<'p> {
    grant: StreamGrantR<&'p Ring>,
    shared: &'p Shared,
}

impl ReadGrant<'_> {
    /// Takes the first `len` bytes out.
    pub fn release(self, len: usize) {
        let len = len.min(self.grant.len());
        if len == 0 {
            return;
        }
        self.grant.release(len);
        self.shared.filled.fetch_sub(len, Ordering::Release);
        self.shared.writable.raise();
    }
}

impl Deref for ReadGrant<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.grant
    }
}
