//! Interrupt lines: how a handler tells a task that something has happened, and how often it did.
//!
//! A board or a simulator registers a line for each interrupt source once, at set-up. The [`Trigger`] goes to the
//! interrupt handler, the [`Line`] to the driver's task. Beside a byte pipe, a trigger is all that a handler touches.
//!
//! Lines live for as long as the machine: there are few, and a handler may fire late.
#![expect(unsafe_code, reason = "handlers reach their line through a pointer that outlives the kernel")]

use core::{
    cell::Cell,
    ptr::{self, NonNull},
};

use crate::{
    event::{Event, Events, Kind},
    heap::{AllocError, Heap},
    sync::{
        Signal,
        atomic::{AtomicU32, Ordering},
    },
    time::Instant,
};

#[cfg(test)]
mod tests;

/// A line's memory, placed in the region for good.
struct Record {
    name: &'static str,
    fired: AtomicU32,
    signal: Signal,
    events: NonNull<Events>,
    heap: NonNull<Heap>,
    older: *const Record,
}

/// The lines of one kernel.
pub(crate) struct Interrupts {
    newest: Cell<*const Record>,
}

/// The handler's end of a line.
pub struct Trigger {
    record: NonNull<Record>,
}

/// The task's end of a line.
pub struct Line {
    record: NonNull<Record>,
    trigger: Trigger,
}

/// What `irq` shows of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineStats {
    /// The line's name.
    pub name: &'static str,
    /// How often it fired, modulo 2³².
    pub fired: u32,
}

// SAFETY: a trigger touches only what is atomic (`fired`, `signal`), what never changes (`name`, the pointers) and the
// event stream, which guards itself. The record outlives it: the trigger holds the region.
unsafe impl Send for Trigger {}
// SAFETY: as above; nothing in it is changed through a shared reference but atomics.
unsafe impl Sync for Trigger {}

impl Interrupts {
    pub(crate) const fn new() -> Self {
        Self { newest: Cell::new(ptr::null()) }
    }

    /// Registers a line.
    ///
    /// # Errors
    ///
    /// When there is no memory for it.
    pub(crate) fn line(
        &self,
        heap: &Heap,
        events: NonNull<Events>,
        name: &'static str,
    ) -> Result<Line, AllocError> {
        let record = heap.try_permanent(Record {
            name,
            fired: AtomicU32::new(0),
            signal: Signal::new(),
            events,
            heap: NonNull::from(heap),
            older: self.newest.get(),
        })?;
        self.newest.set(record.as_ptr());
        heap.hold();
        Ok(Line { record, trigger: Trigger { record } })
    }

    /// The line registered after `after` others.
    pub(crate) fn nth(&self, after: usize) -> Option<LineStats> {
        let mut lines = 0_usize;
        let newest_first = || {
            let mut here = self.newest.get();
            core::iter::from_fn(move || {
                // SAFETY: records are placed for as long as the region exists.
                let record = unsafe { here.as_ref() }?;
                here = record.older;
                Some(record)
            })
        };
        newest_first().for_each(|_| lines += 1);
        let record = newest_first().nth(lines.checked_sub(after.checked_add(1)?)?)?;
        Some(LineStats { name: record.name, fired: record.fired.load(Ordering::Relaxed) })
    }
}

impl Trigger {
    fn record(&self) -> &Record {
        // SAFETY: records are placed for as long as the region exists, which the trigger holds.
        unsafe { self.record.as_ref() }
    }

    /// Tells the line's task that the interrupt has happened. For interrupt handlers, tasks and other threads; it
    /// allocates nothing.
    pub fn fire(&self) {
        let record = self.record();
        record.fired.fetch_add(1, Ordering::Relaxed);
        record.tell();
        record.signal.raise();
    }
}

impl Record {
    /// Tells the event stream, if somebody listens.
    #[inline]
    fn tell(&self) {
        // SAFETY: the event stream is placed for as long as the region exists.
        let events = unsafe { self.events.as_ref() };
        if events.heard().contains(Kind::Interrupt) {
            self.record(events);
        }
    }

    // Apart, since it needs a place on the stack for the event.
    #[cold]
    #[inline(never)]
    fn record(&self, events: &Events) {
        events.emit(Kind::Interrupt, || Event::Interrupt { line: self.name });
    }
}

impl Trigger {
    /// The time, for handlers that note when something happened. Once the kernel has ended it stands still at boot.
    pub fn now(&self) -> Instant {
        // SAFETY: the event stream is placed for as long as the region exists, which the trigger holds.
        let now_us = unsafe { self.record().events.as_ref() }.now_us();
        now_us.map_or(Instant::BOOT, Instant::from_micros)
    }
}

impl Clone for Trigger {
    fn clone(&self) -> Self {
        // SAFETY: the trigger's hold keeps the heap; the clone takes one of its own.
        unsafe { self.record().heap.as_ref() }.hold();
        Self { record: self.record }
    }
}

impl Drop for Trigger {
    fn drop(&mut self) {
        let heap = self.record().heap;
        // SAFETY: the hold is the trigger's and is given up once.
        unsafe { Heap::unhold(heap) };
    }
}

impl Line {
    /// A trigger for the interrupt handler.
    pub fn trigger(&self) -> Trigger {
        self.trigger.clone()
    }

    /// Waits until the interrupt has happened since the last wait.
    ///
    /// # Cancellation
    ///
    /// An interrupt that has not been seen is seen by the next wait.
    pub async fn wait(&mut self) {
        // SAFETY: as for `Trigger::record`; the line has a trigger.
        unsafe { self.record.as_ref() }.signal.wait().await;
    }

    /// Forgets an interrupt that has happened; `true` if there was one.
    pub fn take(&mut self) -> bool {
        self.trigger.record().signal.take()
    }
}
