//! A bounded channel for tasks: values in order, from any number of senders to any number of receivers.

use core::{
    cell::{Cell, RefCell},
    fmt,
};

use super::pipe::Closed;
use crate::{
    heap::{AllocError, FixedVec, Heap, Shared},
    sync::WaitList,
};

struct Queue<T> {
    /// The oldest value is at `first`, in a ring of `capacity` places.
    places: RefCell<FixedVec<Option<T>>>,
    first: Cell<usize>,
    len: Cell<usize>,
    room: WaitList,
    values: WaitList,
    senders: Cell<usize>,
    receivers: Cell<usize>,
}

/// Sends values. Clones send to the same receivers.
pub struct Sender<T> {
    queue: Shared<Queue<T>>,
}

/// Receives values. Clones share them: each value goes to one.
pub struct Receiver<T> {
    queue: Shared<Queue<T>>,
}

/// Why a channel was not made.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChannelError {
    /// A channel needs room for one value at least.
    NoCapacity,
    /// No memory.
    Memory(AllocError),
}

impl fmt::Display for ChannelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoCapacity => f.write_str("a channel needs room for at least one value"),
            Self::Memory(error) => write!(f, "no memory for the channel: {error}"),
        }
    }
}

impl core::error::Error for ChannelError {}

/// A value was not sent; it is handed back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SendError<T> {
    /// There is no room now, or others wait for it already.
    Full(T),
    /// All receivers are gone.
    Closed(T),
}

impl<T> fmt::Display for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "the channel is full",
            Self::Closed(_) => "all receivers of the channel are gone",
        })
    }
}

impl<T: fmt::Debug> core::error::Error for SendError<T> {}

/// Makes a channel for so many values.
///
/// # Errors
///
/// When the capacity is zero, or there is no memory.
pub fn channel<T>(heap: &Heap, capacity: usize) -> Result<(Sender<T>, Receiver<T>), ChannelError> {
    if capacity == 0 {
        return Err(ChannelError::NoCapacity);
    }
    let mut places = heap.try_vec(capacity).map_err(ChannelError::Memory)?;
    for _ in 0..capacity {
        // The vector was made for so many.
        let _ = places.push(None);
    }
    let queue = heap.try_shared(Queue {
        places: RefCell::new(places),
        first: Cell::new(0),
        len: Cell::new(0),
        room: WaitList::new(),
        values: WaitList::new(),
        senders: Cell::new(1),
        receivers: Cell::new(1),
    });
    let queue = queue.map_err(|failed| ChannelError::Memory(failed.error))?;
    Ok((Sender { queue: queue.clone() }, Receiver { queue }))
}

impl<T> Queue<T> {
    fn push(&self, value: T) -> Result<(), SendError<T>> {
        if self.receivers.get() == 0 {
            return Err(SendError::Closed(value));
        }
        {
            let mut places = self.places.borrow_mut();
            let capacity = places.len();
            if self.len.get() == capacity {
                return Err(SendError::Full(value));
            }
            // Not above twice the capacity, which is the length of a slice in memory.
            let place = (self.first.get() + self.len.get()) % capacity;
            if let Some(place) = places.get_mut(place) {
                *place = Some(value);
            }
        }
        self.len.set(self.len.get() + 1);
        self.values.wake_one();
        Ok(())
    }

    fn pop(&self) -> Option<T> {
        let value = {
            let mut places = self.places.borrow_mut();
            let capacity = places.len();
            let value = places.get_mut(self.first.get())?.take()?;
            self.first.set((self.first.get() + 1) % capacity);
            value
        };
        self.len.set(self.len.get() - 1);
        self.room.wake_one();
        Some(value)
    }
}

impl<T> Sender<T> {
    /// Sends a value, if there is room and nobody else waits for it.
    ///
    /// # Errors
    ///
    /// Hands the value back.
    pub fn try_send(&self, value: T) -> Result<(), SendError<T>> {
        if self.queue.receivers.get() > 0 && !self.queue.room.is_empty() {
            return Err(SendError::Full(value));
        }
        self.queue.push(value)
    }

    /// Sends a value as soon as there is room. Senders are served in order.
    ///
    /// # Errors
    ///
    /// Hands the value back when all receivers are gone.
    ///
    /// # Cancellation
    ///
    /// The value is dropped with the future, unless it has been sent.
    pub async fn send(&self, value: T) -> Result<(), SendError<T>> {
        let mut value = Some(value);
        self.queue
            .room
            .wait_turn(|| match self.queue.push(value.take()?) {
                Err(SendError::Full(unsent)) => {
                    value = Some(unsent);
                    None
                }
                done => Some(done),
            })
            .await
    }
}

impl<T> Receiver<T> {
    /// The oldest value, if there is one.
    ///
    /// # Errors
    ///
    /// When nothing is left and all senders are gone.
    pub fn try_recv(&self) -> Result<Option<T>, Closed> {
        match self.queue.pop() {
            Some(value) => Ok(Some(value)),
            None if self.queue.senders.get() == 0 => Err(Closed),
            None => Ok(None),
        }
    }

    /// Waits for the next value. Receivers are served in order.
    ///
    /// # Errors
    ///
    /// When nothing is left and all senders are gone.
    ///
    /// # Cancellation
    ///
    /// Nothing is lost: what was not returned is still there.
    pub async fn recv(&self) -> Result<T, Closed> {
        self.queue.values.wait_turn(|| self.try_recv().transpose()).await
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        self.queue.senders.set(self.queue.senders.get() + 1);
        Self { queue: self.queue.clone() }
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        self.queue.receivers.set(self.queue.receivers.get() + 1);
        Self { queue: self.queue.clone() }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        let left = self.queue.senders.get() - 1;
        self.queue.senders.set(left);
        if left == 0 {
            self.queue.values.wake_all();
        }
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        let left = self.queue.receivers.get() - 1;
        self.queue.receivers.set(left);
        if left == 0 {
            // Nobody will ask for what is left.
            while self.queue.pop().is_some() {}
            self.queue.room.wake_all();
        }
    }
}
