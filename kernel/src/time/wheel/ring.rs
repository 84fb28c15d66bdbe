//! The entries of one slot: an intrusive ring, kept by its last entry.
//!
//! ```text
//!            ┌──────────────── next ────────────────┐
//!            ▼                                      │
//!         ┌─────┐ next  ┌─────┐ next  ┌─────┐ next  │
//!         │first│ ────▶ │     │ ────▶ │last │ ──────┘      (and `prev` the other way round)
//!         └─────┘       └─────┘       └─────┘
//!                                        ▲
//!                            Ring: last ─┘
//! ```
//!
//! A wheel has 256 slots, nearly all empty, so the size of a head is what the wheel weighs. One pointer to the *last*
//! entry gives both ends, which makes the wheel of a 32-bit chip one kilobyte; `cordyceps::List` has two pointers and a
//! length, which would make it three.
//!
//! # Rules
//!
//! 1. An entry is in at most one ring. From [`Ring::push_back`] until it is taken out it stays alive and where it is:
//!    the caller of `push_back` promises so. So a pointer in a ring may be followed.
//! 2. Only this module writes a ring's pointers, and after each operation every entry's `next` and `prev` are entries of
//!    the same ring that point back. An entry in no ring has neither.
//! 3. An entry is only ever reached through shared references, and all its fields are cells: two references to it never
//!    conflict. Cells and pointers also keep rings and entries on one thread.
#![expect(unsafe_code, reason = "an intrusive list follows pointers to entries that it does not own")]

use core::{cell::Cell, marker::PhantomPinned, ptr::NonNull};

use super::Place;

/// What a wheel keeps about one deadline; it lives in the future that waits.
pub(in crate::time) struct Entry<P> {
    /// Its neighbours, both present while it is in a ring.
    next: Cell<Option<NonNull<Entry<P>>>>,
    prev: Cell<Option<NonNull<Entry<P>>>>,
    /// When it is due, in microseconds since boot.
    deadline_us: Cell<u64>,
    /// The slot whose ring it is in, if it is in one.
    place: Cell<Place>,
    /// What the wheel hands out when the entry is due.
    payload: Cell<P>,
    /// Its neighbours point here. The marker also tells the compiler that a `&mut` to the future around this entry is
    /// not the only way to it.
    _pinned: PhantomPinned,
}

impl<P> Entry<P> {
    /// An entry in no ring.
    pub(in crate::time) const fn new(deadline_us: u64, payload: P) -> Self {
        Self {
            next: Cell::new(None),
            prev: Cell::new(None),
            deadline_us: Cell::new(deadline_us),
            place: Cell::new(Place::FIRST),
            payload: Cell::new(payload),
            _pinned: PhantomPinned,
        }
    }

    /// When the entry is due, in microseconds since boot.
    pub(in crate::time) fn deadline_us(&self) -> u64 {
        self.deadline_us.get()
    }

    /// Sets when the entry is due. A wheel finds its entries by their deadlines, so this is for an entry in no wheel.
    pub(in crate::time) fn set_deadline_us(&self, deadline_us: u64) {
        debug_assert!(!self.is_linked(), "the deadline of a linked entry is the wheel's");
        self.deadline_us.set(deadline_us);
    }

    /// Whether the entry is in a wheel.
    pub(in crate::time) fn is_linked(&self) -> bool {
        self.next.get().is_some()
    }

    /// The payload's place, through which it is put in and taken out.
    pub(in crate::time) fn payload(&self) -> &Cell<P> {
        &self.payload
    }

    /// The slot whose ring the entry is in.
    pub(super) fn place(&self) -> Place {
        self.place.get()
    }

    /// Notes the slot whose ring the entry is about to join.
    pub(super) fn set_place(&self, place: Place) {
        self.place.set(place);
    }
}

/// The entries of one slot, in the order of their arrival.
pub(super) struct Ring<P> {
    last: Cell<Option<NonNull<Entry<P>>>>,
}

impl<P> Ring<P> {
    /// A ring of no entries.
    pub(super) const fn new() -> Self {
        Self { last: Cell::new(None) }
    }

    /// Appends an entry.
    ///
    /// # Safety
    ///
    /// The entry is in no ring, and stays alive and in place until it is taken out of this one (rule 1).
    pub(super) unsafe fn push_back(&self, entry: &Entry<P>) {
        let new = NonNull::from(entry);
        let (first, last) = match self.last.get() {
            None => (new, new),
            Some(last) => {
                // SAFETY: rules 1 and 2: `last` is in this ring, so it is alive; rule 3: no reference conflicts.
                let first = unsafe { last.as_ref() }.next.get().unwrap_or(last);
                (first, last)
            }
        };
        entry.next.set(Some(first));
        entry.prev.set(Some(last));
        // SAFETY: rules 1 to 3: `first` and `last` are in this ring, or are the entry itself.
        unsafe {
            first.as_ref().prev.set(Some(new));
            last.as_ref().next.set(Some(new));
        }
        self.last.set(Some(new));
    }

    /// Takes an entry out, and tells whether the ring is empty now. Does nothing to an entry in no ring.
    ///
    /// # Safety
    ///
    /// The entry is in this ring, or in none.
    pub(super) unsafe fn remove(&self, entry: &Entry<P>) -> bool {
        let (Some(next), Some(prev)) = (entry.next.get(), entry.prev.get()) else {
            return self.last.get().is_none();
        };
        entry.next.set(None);
        entry.prev.set(None);
        let this = NonNull::from(entry);
        if next == this {
            self.last.set(None);
            return true;
        }
        // SAFETY: rules 1 to 3: the neighbours of an entry of this ring are in it.
        unsafe {
            next.as_ref().prev.set(Some(prev));
            prev.as_ref().next.set(Some(next));
        }
        if self.last.get() == Some(this) {
            self.last.set(Some(prev));
        }
        false
    }

    /// The first entry, if there is one.
    ///
    /// # Safety
    ///
    /// The reference is not used after anything that could let go of the entry: other code than this module's and the
    /// wheel's.
    pub(super) unsafe fn first<'e>(&self) -> Option<&'e Entry<P>> {
        // SAFETY: rules 1 and 2: an entry in the ring is alive, and the caller does not outlast that.
        unsafe { Some(self.last.get()?.as_ref().next.get()?.as_ref()) }
    }

    /// Whether the ring has exactly one entry.
    pub(super) fn is_single(&self) -> bool {
        // SAFETY: rules 1 and 2: an entry in the ring is alive; rule 3: no reference conflicts.
        self.last.get().is_some_and(|last| unsafe { last.as_ref() }.next.get() == Some(last))
    }

    /// The earliest deadline in the ring, if no more than `limit` entries have to be looked at for it.
    pub(super) fn earliest_deadline_us(&self, limit: usize) -> Option<u64> {
        let last = self.last.get()?;
        let mut earliest = u64::MAX;
        let mut at = last;
        for _ in 0..limit {
            // SAFETY: rules 1 and 2: `at` is in the ring, so it is alive; rule 3: no reference conflicts.
            let entry = unsafe { at.as_ref() };
            earliest = earliest.min(entry.deadline_us.get());
            at = entry.next.get()?;
            if at == last {
                return Some(earliest);
            }
        }
        None
    }

    /// Empties the ring, handing each entry in order to `visit`, by then in no ring.
    ///
    /// # Safety
    ///
    /// `visit` lets go of no entry, of this or another ring: it runs no code but this module's and the wheel's.
    pub(super) unsafe fn drain(&self, mut visit: impl FnMut(&Entry<P>)) {
        let Some(last) = self.last.take() else { return };
        // SAFETY: rules 1 and 2: the ring's entries are alive, and `visit` keeps them so.
        let mut at = unsafe { last.as_ref() }.next.get();
        while let Some(current) = at {
            // SAFETY: as above. `current` was not visited yet, so its `next` still is the old ring's.
            let entry = unsafe { current.as_ref() };
            let next = entry.next.take();
            entry.prev.set(None);
            at = if current == last { None } else { next };
            visit(entry);
        }
    }
}
