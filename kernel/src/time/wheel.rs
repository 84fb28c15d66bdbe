//! The timer wheel: deadlines sorted by their hexadecimal digits.
//!
//! A wheel has 16 levels of 16 slots, one level for each digit of a 64-bit time. An entry stands on the level of the
//! highest digit in which its deadline differs from the wheel's time, in the slot of the deadline's digit there:
//!
//! ```text
//!   now      0x...0000_1234_5678
//!   deadline 0x...0000_1234_9abc     first difference: digit 3, where the deadline has 9: level 3, slot 9
//! ```
//!
//! When the wheel's time reaches a slot, the slot's entries are sorted anew, and stand on lower levels then; at level 0
//! a slot is one microsecond, and its entries are due. So an entry moves 15 times at most, whatever its deadline, and
//! the whole range of 64 bits needs no special case.
//!
//! Rules that the `unsafe` here rests on:
//!
//! 1. An entry is on the list that its `place` names, or on none if that is `None`; nobody else changes `place`.
//! 2. An entry is pinned, and taken off before its memory goes.
#![expect(unsafe_code, reason = "entries are linked in place")]

use core::{cell::Cell, marker::PhantomPinned, ptr::NonNull, task::Waker};

use cordyceps::{Linked, List, list};

const LEVELS: usize = 16;
const SLOTS: usize = 16;
const DIGIT_BITS: u32 = 4;

/// Entries of the next slot that are looked at to tell the exact next deadline.
const LOOK: usize = 8;

/// A timer that is, or is not, set.
pub(super) struct Entry {
    links: list::Links<Entry>,
    pub(super) deadline_us: Cell<u64>,
    place: Cell<Option<(u8, u8)>>,
    pub(super) fired: Cell<bool>,
    pub(super) waker: Cell<Option<Waker>>,
    _pinned: PhantomPinned,
}

// SAFETY: entries do not move while they are linked (rule 2), and `links` gives the address of its own field.
unsafe impl Linked<list::Links<Entry>> for Entry {
    type Handle = NonNull<Entry>;

    fn into_ptr(handle: Self::Handle) -> NonNull<Self> {
        handle
    }

    unsafe fn from_ptr(ptr: NonNull<Self>) -> Self::Handle {
        ptr
    }

    unsafe fn links(ptr: NonNull<Self>) -> NonNull<list::Links<Self>> {
        // SAFETY: the list passes the address of a linked entry.
        unsafe { NonNull::new_unchecked(&raw mut (*ptr.as_ptr()).links) }
    }
}

impl Entry {
    pub(super) fn new(deadline_us: u64) -> Self {
        Self {
            links: list::Links::new(),
            deadline_us: Cell::new(deadline_us),
            place: Cell::new(None),
            fired: Cell::new(false),
            waker: Cell::new(None),
            _pinned: PhantomPinned,
        }
    }

    pub(super) fn is_set(&self) -> bool {
        self.place.get().is_some()
    }
}

/// See the module.
pub(super) struct Wheel {
    now_us: u64,
    levels: [Level; LEVELS],
    /// Levels that have entries, one bit each.
    occupied: u16,
    len: usize,
}

struct Level {
    /// Slots that have entries, one bit each.
    occupied: u16,
    slots: [List<Entry>; SLOTS],
}

impl Wheel {
    pub(super) const fn new() -> Self {
        Self {
            now_us: 0,
            levels: [const { Level { occupied: 0, slots: [const { List::new() }; SLOTS] } }; LEVELS],
            occupied: 0,
            len: 0,
        }
    }

    pub(super) fn now_us(&self) -> u64 {
        self.now_us
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Sets a timer. A deadline that has passed is due at the next microsecond that the wheel looks at: at once.
    ///
    /// # Safety
    ///
    /// The entry is pinned and not set, and is removed before its memory goes.
    pub(super) unsafe fn insert(&mut self, entry: NonNull<Entry>) {
        self.len += 1;
        // SAFETY: the caller's.
        unsafe { self.place(entry) };
    }

    /// # Safety
    ///
    /// The entry is alive, pinned and on no list.
    unsafe fn place(&mut self, entry: NonNull<Entry>) {
        // SAFETY: the caller's.
        let entry_ref = unsafe { entry.as_ref() };
        let deadline_us = entry_ref.deadline_us.get().max(self.now_us);
        // Without a difference the entry is due now: level 0, in the slot of the present microsecond.
        let highest_bit = 63 - ((deadline_us ^ self.now_us) | 1).leading_zeros();
        let level = highest_bit / DIGIT_BITS;
        let slot = (deadline_us >> (level * DIGIT_BITS)) as u8 & 0xf;
        entry_ref.place.set(Some((level as u8, slot)));
        self.occupied |= 1 << level;
        let level = &mut self.levels[level as usize];
        level.occupied |= 1 << slot;
        level.slots[usize::from(slot)].push_back(entry);
    }

    /// Cancels a timer, if it is set.
    ///
    /// # Safety
    ///
    /// The entry is alive, and was set on this wheel, if at all.
    pub(super) unsafe fn remove(&mut self, entry: NonNull<Entry>) {
        // SAFETY: the caller's; rule 1.
        unsafe {
            if let Some((level, slot)) = entry.as_ref().place.take() {
                self.levels[usize::from(level)].slots[usize::from(slot)].remove(entry);
                self.note_removed(usize::from(level), slot);
            }
        }
    }

    fn note_removed(&mut self, level: usize, slot: u8) {
        self.len -= 1;
        self.note_emptied(level, slot);
    }

    fn note_emptied(&mut self, level: usize, slot: u8) {
        let emptied = &mut self.levels[level];
        if emptied.slots[usize::from(slot)].is_empty() {
            emptied.occupied &= !(1 << slot);
            if emptied.occupied == 0 {
                self.occupied &= !(1 << level);
            }
        }
    }

    /// The first slot that has entries: its level, its number, and the time at which it begins.
    fn next_slot(&self) -> Option<(usize, u8, u64)> {
        if self.occupied == 0 {
            return None;
        }
        // Lower levels come first: what stands on a level differs from now in that digit, and not above.
        let level = self.occupied.trailing_zeros();
        let slot = self.levels[level as usize].occupied.trailing_zeros();
        let shift = level * DIGIT_BITS;
        // Everything from this digit down is replaced: the digit by the slot, what is below by zero.
        let above = self.now_us & u64::MAX.checked_shl(shift + DIGIT_BITS).unwrap_or(0);
        let begins = above | (u64::from(slot) << shift);
        Some((level as usize, slot as u8, begins.max(self.now_us)))
    }

    /// The next deadline: exact if the next slot has few entries, else a time before it.
    pub(super) fn next_deadline_us(&self) -> Option<u64> {
        let (level, slot, begins) = self.next_slot()?;
        let entries = &self.levels[level].slots[usize::from(slot)];
        if level == 0 || entries.len() > LOOK {
            return Some(begins);
        }
        entries.iter().map(|entry| entry.deadline_us.get()).min()
    }

    /// Turns the wheel towards `now_us` and takes off the next entry that is due, if any. To be called until there is
    /// none; then the wheel stands at `now_us`.
    #[inline]
    pub(super) fn turn(&mut self, now_us: u64) -> Option<NonNull<Entry>> {
        while let Some((level, slot, begins)) = self.next_slot() {
            if begins > now_us {
                break;
            }
            self.now_us = begins;
            if level == 0 {
                let entry = self.levels[0].slots[usize::from(slot)].pop_front()?;
                // SAFETY: an entry on a list is alive (rule 2).
                unsafe { entry.as_ref() }.place.set(None);
                self.note_removed(0, slot);
                return Some(entry);
            }
            // In order, so that equal deadlines keep theirs.
            while let Some(entry) = self.levels[level].slots[usize::from(slot)].pop_front() {
                // SAFETY: alive (rule 2), and just taken off its list.
                unsafe { self.place(entry) };
            }
            self.note_emptied(level, slot);
        }
        self.now_us = self.now_us.max(now_us);
        None
    }
}
