//! A ring of records that forgets its oldest, and readers who are told what they missed.

use core::mem::MaybeUninit;

/// Remembers the last records written; see the module.
///
/// Records are numbered from 0 in the order in which they were written.
pub(crate) struct Ring<T: Copy + 'static> {
    slots: &'static mut [MaybeUninit<T>],
    written: u64,
    /// Where the next record goes: `written` modulo the length, without a division.
    next: usize,
}

/// A reader's place in a ring. A new one starts at the oldest record that is left, and has missed nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cursor {
    next: u64,
    /// What comes from `next` on is meant for this reader, so it misses what is forgotten.
    joined: bool,
}

/// A record, and how many before it came and went since the cursor's last read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<T> {
    /// Records that the reader was too slow for.
    pub missed: u64,
    /// The record's number, counted from 0 since boot.
    pub number: u64,
    /// The record.
    pub record: T,
}

impl Cursor {
    /// The place after so many records.
    pub(crate) fn at(written: u64) -> Self {
        Self { next: written, joined: true }
    }

    /// A place before the last `count` of `written` records.
    pub(crate) fn before_last(written: u64, count: u64) -> Self {
        Self { next: written.saturating_sub(count), joined: false }
    }
}

impl<T: Copy> Ring<T> {
    pub(crate) fn new(slots: &'static mut [MaybeUninit<T>]) -> Self {
        Self { slots, written: 0, next: 0 }
    }

    /// How many records have been written since boot.
    pub(crate) fn written(&self) -> u64 {
        self.written
    }

    pub(crate) fn write(&mut self, record: T) {
        if let Some(slot) = self.slots.get_mut(self.next) {
            slot.write(record);
            // In 64 bits it never overflows, and a place is below the length.
            self.written = self.written.wrapping_add(1);
            self.next = self.next.wrapping_add(1);
            if self.next == self.slots.len() {
                self.next = 0;
            }
        }
    }

    /// The next record after the cursor, which moves past it.
    #[expect(unsafe_code, reason = "slots below `written` are initialised")]
    pub(crate) fn read(&self, cursor: &mut Cursor) -> Option<Entry<T>> {
        // A cursor that was made for another ring may be ahead.
        let unread = self.written.checked_sub(cursor.next).filter(|unread| *unread > 0)?;
        let left = unread.min(self.slots.len() as u64);
        let number = self.written.wrapping_sub(left);
        // No more are left than there are slots. A place is found without a division, which costs much on a chip.
        let back = left as usize;
        let place = match self.next.checked_sub(back) {
            Some(place) => place,
            None => self.slots.len().wrapping_sub(back).wrapping_add(self.next),
        };
        let slot = self.slots.get(place)?;
        // SAFETY: `number` was written (it is below `written`), and not more than the ring's length ago, so its slot
        // holds it still; `T: Copy`, so reading it leaves it whole.
        let record = unsafe { slot.assume_init_read() };
        let missed = if cursor.joined { number - cursor.next } else { 0 };
        *cursor = Cursor { next: number + 1, joined: true };
        Some(Entry { missed, number, record })
    }
}
