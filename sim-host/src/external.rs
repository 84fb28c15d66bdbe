//! What happens to the machine from outside, in order: one queue, sorted by time, first come first served among equals.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
};

use kernel::time::Instant;

use crate::Sim;

/// Something that happens to a machine.
pub(crate) type Action = Box<dyn FnOnce(&Sim)>;

/// The queue of one machine.
#[derive(Default)]
pub(crate) struct External {
    queue: RefCell<BTreeMap<(u64, u64), Action>>,
    next: Cell<u64>,
}

impl External {
    /// Lets something happen at a time; in the past means as soon as possible.
    pub(crate) fn schedule(&self, at: Instant, action: Action) {
        let number = self.next.get();
        self.next.set(number + 1);
        self.queue.borrow_mut().insert((at.as_micros(), number), action);
    }

    /// Takes what is due.
    pub(crate) fn take_due(&self, now: Instant) -> Option<Action> {
        let mut queue = self.queue.borrow_mut();
        let first = queue.first_entry()?;
        (first.key().0 <= now.as_micros()).then(|| first.remove())
    }

    /// When the next thing happens.
    pub(crate) fn next_at(&self) -> Option<Instant> {
        self.queue.borrow().keys().next().map(|(at_us, _)| Instant::from_micros(*at_us))
    }

    /// Counts time from `boot` on: the machine's clock starts again at 0.
    pub(crate) fn restart_at(&self, boot: Instant) {
        let mut queue = self.queue.borrow_mut();
        let moved = std::mem::take(&mut *queue);
        let earlier = |at_us: u64| at_us.saturating_sub(boot.as_micros());
        queue.extend(moved.into_iter().map(|((at_us, number), action)| ((earlier(at_us), number), action)));
    }
}
