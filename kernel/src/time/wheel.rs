//! The timer wheel: deadlines filed by their hex digits.
//!
//! This is the algorithm alone. It knows no wakers, futures or clocks: an [`Entry`] has a deadline and a payload, time
//! is a number, and [`Wheel::pop_due`] hands out the payloads that are due.
//!
//! # How deadlines are filed
//!
//! The wheel stands at a time, its `cursor`. A deadline is a number of sixteen hex digits, and so is the cursor. The
//! highest digit in which the two differ is the deadline's *level*, and the deadline's own digit there is its *slot*:
//!
//! ```text
//!    level     15 14 13 12 11 10  9  8  7  6  5  4  3  2  1  0
//!    cursor     0  0  0  0  0  0  0  0  0  0  0  7  a  3  0  1
//!    deadline   0  0  0  0  0  0  0  0  0  0  0  7  c  1  1  8
//!                                                   ▲
//!                                                   level 3, slot c
//! ```
//!
//! That is all there is to it, for any two numbers of 64 bits; nothing wraps, and no deadline is too far. From the rule
//! follows what the code relies on:
//!
//! - What is on a level is due before everything on a higher level, and on one level the lower slot is due first. So the
//!   earliest deadline is in the lowest occupied slot of the lowest occupied level: two bit scans.
//! - A slot of level 0 holds one deadline; a slot of a higher level holds all deadlines between its *start* (the cursor's
//!   digits above, the slot, zeros below) and the next slot's.
//! - While the cursor stays before the earliest occupied slot's start, no entry's place changes. So time without
//!   deadlines, a microsecond or a century, is skipped by moving the cursor.
//! - When the cursor reaches that start, the slot's entries, and no others, move to lower levels, which are all empty. A
//!   move keeps their order, so entries of equal deadline are always in one slot in the order of their arrival.
//!
//! # Cost
//!
//! Inserting and removing touch the entry, its neighbours and one slot. An entry moves down at most once per level, so
//! at most fifteen times in its life, however far time jumps; a slot of one entry is not moved at all but fired from
//! where it is. The memory is one pointer per slot.
//!
//! # Rules
//!
//! 1. [`Wheel::insert`]'s caller promises what rule 1 of [`ring`] asks for, and [`Wheel::remove`]'s that the entry
//!    belongs here.
//! 2. While a method runs, no code but the wheel's and the ring's runs, save `P::default`, which only makes a value. So
//!    no entry is let go of behind a method's back. The wheel is all cells: a waker that re-enters it between two calls
//!    finds it whole.
//! 3. An entry's `place` names the ring that it is in.
#![expect(unsafe_code, reason = "the rings are intrusive: their entries belong to the futures that wait")]

mod ring;
#[cfg(test)]
mod tests;

use core::cell::Cell;

pub(super) use ring::Entry;
use ring::Ring;

/// Hex digits in a deadline.
const LEVELS: usize = 16;
/// Values of a hex digit.
const SLOTS: usize = 16;
/// Bits of a hex digit.
const DIGIT_BITS: u32 = 4;

/// How many entries of the earliest slot are looked at to find the exact next deadline.
///
/// Beyond that its start is good enough: waking there moves the entries apart, at most fifteen times in the life of each.
pub(super) const EXACT_SCAN_LIMIT: usize = 8;

/// Entries in the order of their deadlines.
pub(super) struct Wheel<P> {
    /// The time at which the wheel stands: no entry is due before it.
    cursor_us: Cell<u64>,
    /// No slot starts before this. May be too early, after a removal, but never too late.
    horizon_us: Cell<u64>,
    /// Entries in the wheel.
    len: Cell<usize>,
    /// The levels with an occupied slot, one bit each.
    levels: Cell<u16>,
    /// The occupied slots of each level, one bit each.
    occupied: [Cell<u16>; LEVELS],
    slots: [Ring<P>; LEVELS * SLOTS],
}

impl<P: Default> Wheel<P> {
    /// An empty wheel, standing at time zero.
    pub(super) const fn new() -> Self {
        Self {
            cursor_us: Cell::new(0),
            horizon_us: Cell::new(u64::MAX),
            len: Cell::new(0),
            levels: Cell::new(0),
            occupied: [const { Cell::new(0) }; LEVELS],
            slots: [const { Ring::new() }; LEVELS * SLOTS],
        }
    }

    /// Writes an empty wheel, field by field: as a whole it would lie on the stack first.
    ///
    /// # Safety
    ///
    /// The place is valid for writes, aligned, and the caller's.
    pub(super) unsafe fn write(place: *mut Self) {
        // SAFETY: the fields of the caller's place. All are written, as the pattern has the compiler check.
        unsafe {
            (&raw mut (*place).cursor_us).write(Cell::new(0));
            (&raw mut (*place).horizon_us).write(Cell::new(u64::MAX));
            (&raw mut (*place).len).write(Cell::new(0));
            (&raw mut (*place).levels).write(Cell::new(0));
            (&raw mut (*place).occupied).write(const { [const { Cell::new(0) }; LEVELS] });
            (&raw mut (*place).slots).write(const { [const { Ring::new() }; LEVELS * SLOTS] });
            let Self { cursor_us: _, horizon_us: _, len: _, levels: _, occupied: _, slots: _ } = &*place;
        }
    }

    /// How many entries are in the wheel.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.len.get()
    }

    /// A slot starts by then, so that something may be due.
    #[inline]
    pub(super) fn is_due(&self, now_us: u64) -> bool {
        now_us >= self.horizon_us.get()
    }

    /// Moves time to `now_us`, which is not back, if that passes no slot's start, so that nothing can be due. Otherwise does
    /// nothing and returns false.
    #[inline]
    pub(super) fn skip_to(&self, now_us: u64) -> bool {
        debug_assert!(now_us >= self.cursor_us.get(), "time does not go back");
        let free = now_us < self.horizon_us.get();
        if free {
            self.cursor_us.set(now_us);
        }
        free
    }

    /// Files an entry under its deadline. One that is not after the cursor is due at once, after those already due at
    /// the cursor.
    ///
    /// # Safety
    ///
    /// The entry is in no wheel. Until it is handed out by [`Wheel::pop_due`] or removed, it stays alive and in place;
    /// whatever ends its life removes it first.
    pub(super) unsafe fn insert(&self, entry: &Entry<P>) {
        debug_assert!(!entry.is_linked(), "an entry is in one wheel at a time");
        // SAFETY: rule 1: our caller promises what `file` asks for.
        let start_us = unsafe { self.file(entry) };
        if start_us < self.horizon_us.get() {
            self.horizon_us.set(start_us);
        }
        self.len.set(self.len.get().wrapping_add(1));
    }

    /// Takes an entry out before its time. Does nothing to an entry that is in no wheel.
    ///
    /// # Safety
    ///
    /// The entry is in this wheel, or in none.
    pub(super) unsafe fn remove(&self, entry: &Entry<P>) {
        if entry.is_linked() {
            // SAFETY: rule 1: our caller promises that the entry is in this wheel, and it is in one.
            unsafe { self.unlink(entry) };
        }
    }

    /// Takes out the earliest entry and hands out its payload if it is due at `now_us`; among equals, the first inserted.
    /// If none is due, moves time to `now_us`.
    pub(super) fn pop_due(&self, now_us: u64) -> Option<P> {
        while let Some(place) = self.earliest() {
            let start_us = place.start_us(self.cursor_us.get());
            if start_us > now_us {
                self.horizon_us.set(start_us);
                self.pass_to(now_us);
                return None;
            }
            let ring = self.ring(place);
            // SAFETY: rule 2: only the wheel's code runs while `entry` is in use.
            let entry = unsafe { ring.first() }?;
            let deadline_us = entry.deadline_us();
            let alone = place.level() == 0 || ring.is_single();
            if alone && deadline_us <= now_us {
                self.pass_to(deadline_us);
                // SAFETY: rule 3: the entry came from this wheel's ring.
                unsafe { self.unlink(entry) };
                return Some(entry.payload().take());
            }
            // The slot's entries move down, seen from the slot's start or, if that is all of them, from `now_us`.
            self.pass_to(if alone { now_us } else { start_us });
            self.vacate(place);
            // SAFETY: rule 2: `file` is the wheel's own, and lets go of nothing; its own demand holds because an entry
            // that was in this wheel stays alive under rule 1 until it leaves the wheel.
            unsafe {
                ring.drain(|entry| {
                    self.file(entry);
                });
            }
        }
        self.horizon_us.set(u64::MAX);
        self.pass_to(now_us);
        None
    }

    /// The earliest deadline, or a time before it if many entries compete for being the earliest.
    ///
    /// The answer lies after the cursor (unless an entry is due already), so a machine that wakes at it gets ahead.
    pub(super) fn next_deadline_us(&self) -> Option<u64> {
        let place = self.earliest()?;
        if place.level() > 0
            && let Some(exact_us) = self.ring(place).earliest_deadline_us(EXACT_SCAN_LIMIT)
        {
            return Some(exact_us);
        }
        Some(place.start_us(self.cursor_us.get()))
    }

    /// Puts an entry into its slot and returns the slot's start.
    ///
    /// # Safety
    ///
    /// As for [`Wheel::insert`].
    #[inline]
    unsafe fn file(&self, entry: &Entry<P>) -> u64 {
        let cursor_us = self.cursor_us.get();
        // A deadline in the past would have no slot; at the cursor it has one, and is due.
        let (place, start_us) = Place::of(entry.deadline_us().max(cursor_us), cursor_us);
        entry.set_place(place);
        // SAFETY: rule 1.
        unsafe { self.ring(place).push_back(entry) };
        let occupied = &self.occupied[place.level()];
        occupied.set(occupied.get() | place.slot_bit());
        self.levels.set(self.levels.get() | place.level_bit());
        start_us
    }

    /// Takes out an entry that is in this wheel.
    ///
    /// # Safety
    ///
    /// It is.
    unsafe fn unlink(&self, entry: &Entry<P>) {
        let place = entry.place();
        // SAFETY: rule 3: the entry is in the ring of its place.
        if unsafe { self.ring(place).remove(entry) } {
            self.vacate(place);
        }
        self.len.set(self.len.get().wrapping_sub(1));
    }

    /// Notes that a slot is empty.
    fn vacate(&self, place: Place) {
        let occupied = &self.occupied[place.level()];
        occupied.set(occupied.get() & !place.slot_bit());
        if occupied.get() == 0 {
            self.levels.set(self.levels.get() & !place.level_bit());
        }
    }

    /// The occupied slot with the earliest deadlines.
    fn earliest(&self) -> Option<Place> {
        let level = self.levels.get();
        if level == 0 {
            return None;
        }
        let level = level.trailing_zeros();
        let slot = self.occupied[level as usize & (LEVELS - 1)].get().trailing_zeros();
        Some(Place::new(level, slot))
    }

    /// Moves the cursor, never back.
    fn pass_to(&self, now_us: u64) {
        self.cursor_us.set(self.cursor_us.get().max(now_us));
    }

    fn ring(&self, place: Place) -> &Ring<P> {
        &self.slots[place.index()]
    }
}

/// A slot of the wheel: its level in the high digit, its number in the low one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place(u8);

impl Place {
    /// Slot 0 of level 0.
    const FIRST: Self = Self(0);

    /// The slot of that number on that level.
    const fn new(level: u32, slot: u32) -> Self {
        debug_assert!(level < LEVELS as u32 && slot < SLOTS as u32);
        Self((level << DIGIT_BITS | slot) as u8)
    }

    /// Where a deadline is filed while the cursor stands at `cursor_us`, and the start of that slot: the highest digit in
    /// which they differ, and the deadline's digit there. Equal numbers are filed as if they differed in the lowest.
    const fn of(deadline_us: u64, cursor_us: u64) -> (Self, u64) {
        let shift = (deadline_us ^ cursor_us | 1).ilog2() & !(DIGIT_BITS - 1);
        let digits = deadline_us >> shift;
        let slot = digits as u8 & (SLOTS as u8 - 1);
        // A level is `shift / DIGIT_BITS`, and goes into the high digit.
        let level = (shift << (DIGIT_BITS - DIGIT_BITS.ilog2())) as u8;
        (Self(level | slot), digits << shift)
    }

    /// The earliest deadline that can be filed here while the cursor stands at `cursor_us`.
    const fn start_us(self, cursor_us: u64) -> u64 {
        let shift = (self.0 >> DIGIT_BITS) as u32 * DIGIT_BITS;
        let above = cursor_us >> shift & !(SLOTS as u64 - 1);
        (above | self.0 as u64 & (SLOTS as u64 - 1)) << shift
    }

    const fn level(self) -> usize {
        (self.0 >> DIGIT_BITS) as usize
    }

    const fn index(self) -> usize {
        self.0 as usize
    }

    const fn level_bit(self) -> u16 {
        1 << (self.0 >> DIGIT_BITS)
    }

    const fn slot_bit(self) -> u16 {
        1 << (self.0 & (SLOTS as u8 - 1))
    }
}
