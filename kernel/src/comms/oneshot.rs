//! A oneshot: one value from a task to another, and then perhaps the next one, over the same memory.

use core::cell::Cell;

use super::{channel::SendError, pipe::Closed};
use crate::{
    heap::{AllocError, Heap, Shared},
    sync::WaitList,
};

struct Place<T> {
    value: Cell<Option<T>>,
    filled: WaitList,
    sender_gone: Cell<bool>,
    receiver_gone: Cell<bool>,
}

/// Sends one value at a time.
pub struct Sender<T> {
    place: Shared<Place<T>>,
}

/// Receives one value at a time.
pub struct Receiver<T> {
    place: Shared<Place<T>>,
}

/// Makes a oneshot.
///
/// # Errors
///
/// When there is no memory.
pub fn oneshot<T>(heap: &Heap) -> Result<(Sender<T>, Receiver<T>), AllocError> {
    let place = Place {
        value: Cell::new(None),
        filled: WaitList::new(),
        sender_gone: Cell::new(false),
        receiver_gone: Cell::new(false),
    };
    let place = heap.try_shared(place).map_err(|failed| failed.error)?;
    Ok((Sender { place: place.clone() }, Receiver { place }))
}

impl<T> Sender<T> {
    /// Sends a value.
    ///
    /// # Errors
    ///
    /// Hands the value back when the one before has not been taken, or the receiver is gone.
    pub fn send(&self, value: T) -> Result<(), SendError<T>> {
        if self.place.receiver_gone.get() {
            return Err(SendError::Closed(value));
        }
        if let Some(before) = self.place.value.take() {
            self.place.value.set(Some(before));
            return Err(SendError::Full(value));
        }
        self.place.value.set(Some(value));
        self.place.filled.wake_one();
        Ok(())
    }
}

impl<T> Receiver<T> {
    /// The value, if it has been sent.
    ///
    /// # Errors
    ///
    /// When there is none and the sender is gone.
    pub fn try_recv(&mut self) -> Result<Option<T>, Closed> {
        match self.place.value.take() {
            None if self.place.sender_gone.get() => Err(Closed),
            value => Ok(value),
        }
    }

    /// Waits for the value.
    ///
    /// # Errors
    ///
    /// When there is none and the sender is gone.
    ///
    /// # Cancellation
    ///
    /// A value that was not returned is still there.
    pub async fn recv(&mut self) -> Result<T, Closed> {
        let place = &self.place;
        let look = || match place.value.take() {
            Some(value) => Some(Ok(value)),
            None => place.sender_gone.get().then_some(Err(Closed)),
        };
        place.filled.wait_until(look).await
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.place.sender_gone.set(true);
        self.place.filled.wake_all();
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        self.place.receiver_gone.set(true);
        drop(self.place.value.take());
    }
}
