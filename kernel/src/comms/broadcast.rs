//! A broadcast: every subscriber sees every value, unless it is too slow, and then it is told what it missed.
//!
//! The publisher never waits: the values are kept in a ring that forgets its oldest. A subscriber that does not read, or
//! is dropped, concerns nobody else.

use core::cell::{Cell, RefCell};

use super::{channel::ChannelError, pipe::Closed};
use crate::{
    event::{Cursor, Entry, Ring},
    heap::{Heap, Shared},
    sync::WaitList,
};

struct Values<T: Copy + 'static> {
    ring: RefCell<Ring<T>>,
    published: WaitList,
    publisher_gone: Cell<bool>,
    subscribers: Cell<usize>,
}

/// Publishes values.
pub struct Publisher<T: Copy + 'static> {
    values: Shared<Values<T>>,
}

/// Sees the values that are published after it has subscribed.
pub struct Subscriber<T: Copy + 'static> {
    values: Shared<Values<T>>,
    cursor: Cursor,
}

/// Makes a broadcast that remembers so many values for slow subscribers. Its memory stays with the region: broadcasts are
/// for set-up.
///
/// # Errors
///
/// When the capacity is zero, or there is no memory.
pub fn broadcast<T: Copy + 'static>(heap: &Heap, capacity: usize) -> Result<Publisher<T>, ChannelError> {
    if capacity == 0 {
        return Err(ChannelError::NoCapacity);
    }
    let slots = heap.try_permanent_slots(capacity).map_err(ChannelError::Memory)?;
    let values = heap.try_shared(Values {
        ring: RefCell::new(Ring::new(slots)),
        published: WaitList::new(),
        publisher_gone: Cell::new(false),
        subscribers: Cell::new(0),
    });
    Ok(Publisher { values: values.map_err(|failed| ChannelError::Memory(failed.error))? })
}

impl<T: Copy> Publisher<T> {
    /// Publishes a value, and says how many subscribers there are.
    pub fn publish(&self, value: T) -> usize {
        self.values.ring.borrow_mut().write(value);
        self.values.published.wake_all();
        self.values.subscribers.get()
    }

    /// Subscribes to what is published from now on.
    pub fn subscribe(&self) -> Subscriber<T> {
        self.values.subscribers.set(self.values.subscribers.get() + 1);
        let cursor = Cursor::at(self.values.ring.borrow().written());
        Subscriber { values: self.values.clone(), cursor }
    }
}

impl<T: Copy> Drop for Publisher<T> {
    fn drop(&mut self) {
        self.values.publisher_gone.set(true);
        self.values.published.wake_all();
    }
}

impl<T: Copy> Subscriber<T> {
    /// The next value that was published already, with how many were missed before it.
    ///
    /// # Errors
    ///
    /// When nothing is left and the publisher is gone.
    pub fn try_next(&mut self) -> Result<Option<Entry<T>>, Closed> {
        match self.values.ring.borrow().read(&mut self.cursor) {
            None if self.values.publisher_gone.get() => Err(Closed),
            read => Ok(read),
        }
    }

    /// Waits for the next value.
    ///
    /// # Errors
    ///
    /// When nothing is left and the publisher is gone.
    ///
    /// # Cancellation
    ///
    /// Nothing is lost: what was not returned is still there for the next call.
    #[expect(
        clippy::should_implement_trait,
        reason = "an iterator cannot be awaited, nobody mistakes one for the other"
    )]
    pub fn next(&mut self) -> impl Future<Output = Result<Entry<T>, Closed>> {
        let Self { values, cursor } = self;
        let look = || match values.ring.borrow().read(cursor) {
            Some(entry) => Some(Ok(entry)),
            None => values.publisher_gone.get().then_some(Err(Closed)),
        };
        values.published.wait_until(look)
    }
}

impl<T: Copy> Drop for Subscriber<T> {
    fn drop(&mut self) {
        self.values.subscribers.set(self.values.subscribers.get() - 1);
    }
}
