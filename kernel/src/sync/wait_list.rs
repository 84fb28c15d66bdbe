//! Tasks that wait in line for something to change.
//!
//! The list is for the kernel's thread; what interrupts wake is a [`Signal`](super::Signal). Waiters are linked in
//! place, in the order in which they came, so waiting allocates nothing.
//!
//! ```text
//!             (1) finds nothing            (2) wake_one, wake_all
//!   Outside ─────────────────────▶ Queued ───────────────────────▶ Woken ──(3) finds it──▶ Outside
//!                                    ▲                               │ │
//!                                    └────────(4) finds nothing──────┘ └─(5) dropped: the next is woken
//! ```
//!
//! Laws:
//!
//! - First come, first woken. Who has looked in vain (4) goes back to the place in line that it had.
//! - A wake is not lost: a waiter that was woken and is dropped before it has looked (5) passes the wake on.
//! - [`WaitList::wake_one`] is for waiters that can do the same with what has changed, such as a free slot. Where they
//!   wait for different things, wake them all.
//!
//! Rules that the `unsafe` here rests on:
//!
//! 1. A waiter is pinned in its future while it is on the list; the future's drop takes it off.
//! 2. The list is borrowed for list operations only, which call nobody.
#![expect(unsafe_code, reason = "waiters are linked in place")]

use core::{
    cell::{Cell, UnsafeCell},
    future::Future,
    marker::PhantomPinned,
    pin::Pin,
    ptr::NonNull,
    task::{Context, Poll, Waker},
};

use cordyceps::{Linked, List, list};

#[cfg(test)]
mod tests;

/// Looks for what somebody waits for. Closures do.
pub trait Look {
    /// What is looked for.
    type Found;

    /// Looks whether it is there, and takes it.
    fn look(&mut self) -> Option<Self::Found>;
}

impl<T, F: FnMut() -> Option<T>> Look for F {
    type Found = T;

    #[inline]
    fn look(&mut self) -> Option<T> {
        self()
    }
}

/// See the module.
pub struct WaitList {
    list: UnsafeCell<List<Waiter>>,
    /// Waiters on the list, and those woken that have not looked yet.
    waiting: Cell<usize>,
    next_ticket: Cell<u32>,
    /// Wakes that came when everybody in line had been woken, but not all had looked: newcomers get them.
    spare: Cell<usize>,
}

struct Waiter {
    links: list::Links<Waiter>,
    place: Cell<Place>,
    /// When the waiter came: the list is sorted by it.
    ticket: Cell<u32>,
    waker: Cell<Option<Waker>>,
    _pinned: PhantomPinned,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Not waiting yet, or done.
    Outside,
    /// On the list.
    Queued,
    /// Off the list, told to look, and has not looked yet.
    Woken,
}

// SAFETY: waiters do not move while they are linked (rule 1), and `links` gives the address of its own field.
unsafe impl Linked<list::Links<Waiter>> for Waiter {
    type Handle = NonNull<Waiter>;

    fn into_ptr(handle: Self::Handle) -> NonNull<Self> {
        handle
    }

    unsafe fn from_ptr(ptr: NonNull<Self>) -> Self::Handle {
        ptr
    }

    unsafe fn links(ptr: NonNull<Self>) -> NonNull<list::Links<Self>> {
        // SAFETY: the list passes the address of a linked waiter.
        unsafe { NonNull::new_unchecked(&raw mut (*ptr.as_ptr()).links) }
    }
}

impl WaitList {
    /// An empty list.
    pub const fn new() -> Self {
        Self {
            list: UnsafeCell::new(List::new()),
            waiting: Cell::new(0),
            next_ticket: Cell::new(0),
            spare: Cell::new(0),
        }
    }

    fn with<R>(&self, with: impl FnOnce(&mut List<Waiter>) -> R) -> R {
        // SAFETY: one thread, and rule 2.
        with(unsafe { &mut *self.list.get() })
    }

    /// Nobody waits. Who has been woken and has not looked yet counts as waiting, so that newcomers do not overtake.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.waiting.get() == 0
    }

    /// Tells the first in line to look.
    pub fn wake_one(&self) {
        if let Some(waiter) = self.with(List::pop_front) {
            // SAFETY: it was on the list, so it is alive (rule 1).
            let waiter = unsafe { waiter.as_ref() };
            waiter.place.set(Place::Woken);
            // The last of all, since a waker may run anything.
            if let Some(waker) = waiter.waker.take() {
                waker.wake();
            }
        } else if !self.is_empty() {
            self.spare.set(self.spare.get().saturating_add(1));
        }
    }

    /// Tells everybody in line to look.
    pub fn wake_all(&self) {
        // Those who queue up again meanwhile have looked already.
        for _ in 0..self.with(|list| list.len()) {
            self.wake_one();
        }
        if !self.is_empty() {
            self.spare.set(usize::MAX);
        }
    }

    /// Waits until `look` finds what it looks for: it is called at once, and again after each wake.
    ///
    /// # Cancellation
    ///
    /// A wake that the future has not acted upon goes to the next in line.
    pub fn wait_until<L: Look>(&self, look: L) -> WaitUntil<'_, L> {
        WaitUntil { list: self, look, fair: false, waiter: Waiter::new() }
    }

    /// As [`wait_until`](Self::wait_until), but does not look while others wait: for what only one can have.
    ///
    /// # Cancellation
    ///
    /// As for [`wait_until`](Self::wait_until).
    pub fn wait_turn<L: Look>(&self, look: L) -> WaitUntil<'_, L> {
        WaitUntil { list: self, look, fair: true, waiter: Waiter::new() }
    }

    /// Somebody in line has found what it looked for: a wake that was to spare goes to the next.
    fn pass_on(&self) {
        let spare = self.spare.get();
        if spare > 0 {
            self.spare.set(if spare == usize::MAX { spare } else { spare - 1 });
            self.wake_one();
        }
    }

    /// Puts somebody in line, who has found nothing.
    #[inline(never)]
    fn line_up(&self, waiter: &Waiter, waker: &Waker) {
        // Looking may have woken this very waiter, so its place is looked up again.
        let place = waiter.place.replace(Place::Queued);
        if place == Place::Outside {
            self.waiting.set(self.waiting.get() + 1);
            let ticket = self.next_ticket.get();
            self.next_ticket.set(ticket.wrapping_add(1));
            waiter.ticket.set(ticket);
        }
        if place != Place::Queued {
            self.queue(waiter);
        }
        let kept = waiter.waker.take().filter(|kept| kept.will_wake(waker));
        let waker = kept.unwrap_or_else(|| waker.clone());
        // Wakers that come and go may run anything, and so wake this waiter, which has no waker meanwhile.
        if waiter.place.get() == Place::Queued {
            waiter.waker.set(Some(waker));
        } else {
            waker.wake();
        }
    }

    /// Puts a waiter on the list, at the place that its ticket says.
    #[inline]
    fn queue(&self, waiter: &Waiter) {
        let ticket = waiter.ticket.get();
        self.with(|list| {
            let newest = list.back().is_none_or(|last| is_before(last.ticket.get(), ticket));
            match newest {
                true => list.push_back(NonNull::from(waiter)),
                false => put_back(list, waiter),
            }
        });
    }

    /// Takes a waiter off the list, who is on it.
    #[cold]
    fn unlink(&self, waiter: &Waiter) {
        // SAFETY: the waiter is on this list, as its place said.
        self.with(|list| unsafe { list.remove(NonNull::from(waiter)) });
    }

    /// Takes a waiter out of the line, which was at that place in it.
    #[inline]
    fn leave(&self, waiter: &Waiter, place: Place) {
        if place == Place::Queued {
            self.unlink(waiter);
        }
        let waiting = self.waiting.get() - 1;
        self.waiting.set(waiting);
        if waiting == 0 {
            self.spare.set(0);
        }
    }
}

/// Puts somebody who was woken and comes back before all others but those woken earlier, who are few.
#[cold]
fn put_back(list: &mut List<Waiter>, waiter: &Waiter) {
    let mut cursor = list.cursor_front_mut();
    while cursor.current().is_some_and(|other| is_before(other.ticket.get(), waiter.ticket.get())) {
        cursor.move_next();
    }
    cursor.insert_before(NonNull::from(waiter));
}

impl Default for WaitList {
    fn default() -> Self {
        Self::new()
    }
}

/// Of two tickets less than 2³¹ apart, the first was drawn before the second.
fn is_before(ticket: u32, other: u32) -> bool {
    other.wrapping_sub(ticket) < 1 << 31
}

impl Waiter {
    fn new() -> Self {
        Self {
            links: list::Links::new(),
            place: Cell::new(Place::Outside),
            ticket: Cell::new(0),
            waker: Cell::new(None),
            _pinned: PhantomPinned,
        }
    }
}

/// A future made by [`WaitList::wait_until`] and [`WaitList::wait_turn`].
#[must_use = "futures do nothing unless they are awaited"]
pub struct WaitUntil<'l, L> {
    list: &'l WaitList,
    look: L,
    fair: bool,
    waiter: Waiter,
}

impl<L: Look> Future for WaitUntil<'_, L> {
    type Output = L::Found;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<L::Found> {
        // SAFETY: the waiter is not moved out; `look` is not pinned.
        let this = unsafe { self.get_unchecked_mut() };
        let may_look = match this.waiter.place.get() {
            Place::Outside => !this.fair || this.list.is_empty(),
            Place::Queued => !this.fair,
            Place::Woken => true,
        };
        if may_look && let Some(found) = this.look.look() {
            this.leave();
            if this.fair {
                this.list.pass_on();
            }
            return Poll::Ready(found);
        }
        this.list.line_up(&this.waiter, context.waker());
        Poll::Pending
    }
}

impl<L> WaitUntil<'_, L> {
    #[inline]
    fn leave(&self) -> Place {
        let place = self.waiter.place.replace(Place::Outside);
        if place != Place::Outside {
            self.list.leave(&self.waiter, place);
        }
        place
    }
}

impl<L> Drop for WaitUntil<'_, L> {
    #[inline]
    fn drop(&mut self) {
        if self.leave() == Place::Woken {
            self.list.wake_one();
        }
    }
}
