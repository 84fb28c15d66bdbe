//! A turn of the executor: polls, and the ends of tasks.
//!
//! The loop is the hot path of the whole kernel. What is rare in it stands apart: tasks that end, polls that took long,
//! timers that are due.
#![expect(unsafe_code, reason = "tasks are polled and freed through type-erased pointers")]

use core::ptr::NonNull;

use super::{
    Executor, Header, JoinError, MARK,
    state::Queue,
    task::{self, Polled},
};
use crate::{
    event::{Ending, Event, Kind},
    time::Instant,
};

impl Executor {
    /// Polls tasks until none is ready or so many polls have been made as a tick may make, and fires what is due. Says
    /// whether none was ready in the end.
    #[inline]
    pub(super) fn turn(&self) -> bool {
        let (remote, heap, clock) = (&self.remote, self.heap(), self.clock());
        // Only in a poll. Between two, wakers and drops may tick as they like: no task is borrowed, and what is ready is on
        // the queue.
        assert!(heap.is_in_kernel(), "a task must not drive the kernel that it runs on");
        let now_us = clock.now_us();
        // Before anything fires: a waker may tick, and the polls of that begin later.
        self.start.set(now_us | self.mark.get());
        if !self.timers.pass_to(Instant::from_micros(now_us)) {
            self.fire(now_us);
        }
        let turn = Turn { executor: self };
        let mut left = self.polls_per_tick;
        while let Some(task) = remote.pop() {
            // SAFETY: the executor's reference keeps a task that was popped until it is released in `conclude`.
            let header = unsafe { task.as_ref() };
            header.state.begin_poll();
            // SAFETY: the account is the header's first field, and lives until another one is entered: a task is freed
            // after `conclude` has left it, or in the poll of another, or after the turn.
            unsafe { heap.enter(task.cast()) };
            let polling = Polling { executor: self, task };
            // SAFETY: polled by the executor only, which does not nest polls, and not over.
            let polled = unsafe { (header.poll.get())(task) };
            core::mem::forget(polling);
            if polled == Polled::Pending {
                if header.state.end_poll() == Queue::Push {
                    // SAFETY: as its state says, and on the kernel's thread.
                    unsafe { remote.push_here(task) };
                }
                header.polls.set(header.polls.get().wrapping_add(1));
                self.count_poll();
                let now_us = clock.now_us();
                if now_us != self.start.get() {
                    self.pass_to(now_us, header);
                }
            } else {
                // SAFETY: as its poll says.
                unsafe { self.conclude(task, polled) };
            }
            left = left.wrapping_sub(1);
            if left == 0 {
                break;
            }
        }
        drop(turn);
        left != 0
    }

    #[inline]
    fn count_poll(&self) {
        self.polled.set(self.polled.get().wrapping_add(1));
    }

    /// Allocations are charged to no task any more.
    #[inline]
    fn leave_task(&self) {
        self.heap().enter_kernel();
    }

    /// Time has passed during a poll: charges it to the task, and fires what is due. What is rare is called last, so that
    /// nothing has to be kept for afterwards.
    #[inline(always)]
    fn pass_to(&self, now_us: u64, header: &Header) {
        if !self.try_charge(now_us, header) {
            self.note_and_fire(now_us, header);
        } else if self.timers.is_due(Instant::from_micros(now_us)) {
            self.fire_after_poll(now_us);
        }
    }

    #[cold]
    #[inline(never)]
    fn note_and_fire(&self, now_us: u64, header: &Header) {
        self.note_poll(now_us, header);
        if self.timers.is_due(Instant::from_micros(now_us)) {
            self.fire_after_poll(now_us);
        }
    }

    /// Fires what is due. Nobody's task is in progress meanwhile.
    #[cold]
    #[inline(never)]
    fn fire_after_poll(&self, now_us: u64) {
        self.leave_task();
        self.fire(now_us);
    }

    /// Fires what is due.
    #[cold]
    fn fire(&self, now_us: u64) {
        let timers = self.timers.fire(Instant::from_micros(now_us));
        self.fired.set(self.fired.get().saturating_add(u32::try_from(timers).unwrap_or(u32::MAX)));
    }

    /// Charges the time of a poll to its task.
    #[inline(always)]
    fn charge(&self, now_us: u64, header: &Header) {
        if !self.try_charge(now_us, header) {
            self.note_poll(now_us, header);
        }
    }

    /// Charges the time of a poll to its task, unless somebody wants to know of the poll: that is for
    /// [`note_poll`](Self::note_poll).
    #[inline(always)]
    #[must_use]
    fn try_charge(&self, now_us: u64, header: &Header) -> bool {
        let start_us = self.start.get();
        // Clocks do not go backwards. Nearly always, the upper half has not changed: then the lower halves say all.
        let took_us = (now_us as u32).wrapping_sub(start_us as u32);
        let usual = (now_us ^ start_us) >> 32 == 0 && took_us < header.notable_us.get();
        if usual {
            self.start.set(now_us);
            header.busy_us.set(header.busy_us.get().wrapping_add(u64::from(took_us)));
        }
        usual
    }

    /// Charges a poll that somebody wants to know of: it was the task's longest so far, or stalled the others, or each is
    /// traced.
    #[cold]
    #[inline(never)]
    fn note_poll(&self, now_us: u64, header: &Header) {
        let took_us = now_us.wrapping_sub(self.start.replace(now_us | self.mark.get()) & !MARK);
        header.busy_us.set(header.busy_us.get().wrapping_add(took_us));
        let events = self.events();
        let us = u32::try_from(took_us).unwrap_or(u32::MAX);
        header.note_longest(us, self.long_poll_us);
        if us > self.long_poll_us {
            events.emit(Kind::LongPoll, || Event::LongPoll { task: header.id, us });
        }
        events.emit(Kind::Poll, || Event::Poll { task: header.id, us });
    }

    /// Ends a task whose poll says that it is over.
    ///
    /// # Safety
    ///
    /// The task has been taken for a poll, and is not being polled any more.
    #[inline(never)]
    unsafe fn conclude(&self, task: NonNull<Header>, polled: Polled) {
        self.leave_task();
        if polled == Polled::Finished {
            self.count_poll();
            let over = Over { executor: self, task, taken: true, ending: Ending::Finished };
            // SAFETY: the executor's reference.
            self.charge(self.clock().now_us(), unsafe { task.as_ref() });
            core::mem::forget(over);
            // SAFETY: the stage holds the output, and this is the only end of this task.
            unsafe { self.finish(task, true, Ending::Finished) };
        } else {
            drop(Failing { executor: self, task, taken: true, failure: JoinError::Cancelled });
            // It was no poll, and least of all the next one.
            self.start.set(self.clock().now_us() ^ self.mark.get());
        }
    }

    /// Ends a task whose poll has panicked, and charges that poll to it.
    ///
    /// # Safety
    ///
    /// The task has been taken for a poll, and is not being polled any more.
    #[cold]
    unsafe fn fail_in_poll(&self, task: NonNull<Header>) {
        self.count_poll();
        let failing = Failing { executor: self, task, taken: true, failure: JoinError::Panicked };
        // SAFETY: the executor's reference, until the task is ended below.
        self.charge(self.clock().now_us(), unsafe { task.as_ref() });
        drop(failing);
    }

    /// Marks a task as done, whose stage holds its outcome.
    ///
    /// # Safety
    ///
    /// Called once for a task, which the executor references; the reference is given up. `taken`: the task has been
    /// taken for a poll, so it is on no queue.
    #[inline(always)]
    unsafe fn finish(&self, task: NonNull<Header>, taken: bool, ending: Ending) {
        // SAFETY: the executor's reference.
        let header = unsafe { task.as_ref() };
        // SAFETY: every task that is not done is on the list.
        unsafe { self.tasks.remove(task) };
        self.completed.set(self.completed.get().wrapping_add(1));
        // Whatever happens in a probe, or in the user's drop of an outcome that nobody wants, the task is over.
        let end = End { executor: self, task, taken };
        let outcome = Outcome { task };
        self.events().emit(Kind::Exit, || Event::Exit { task: header.id, ending });
        drop(outcome);
        drop(end);
    }
}

/// A turn of the executor. After it, also if a panic ends it, no task is charged.
struct Turn<'t> {
    executor: &'t Executor,
}

impl Drop for Turn<'_> {
    #[inline]
    fn drop(&mut self) {
        self.executor.leave_task();
    }
}

/// A poll in progress. It is dropped by a panic only that unwinds out of the poll, and ends that task and nothing else. What
/// panics between two polls ends none: there a task may be on the ready queue.
struct Polling<'t> {
    executor: &'t Executor,
    task: NonNull<Header>,
}

impl Drop for Polling<'_> {
    #[cold]
    fn drop(&mut self) {
        let Self { executor, task } = *self;
        executor.leave_task();
        // SAFETY: it was being polled.
        unsafe { executor.fail_in_poll(task) };
    }
}

/// A task that has failed. Dropping it drops the future and ends the task, whatever happens in the former.
pub(super) struct Failing<'e> {
    pub(super) executor: &'e Executor,
    /// Not done, and not being polled.
    pub(super) task: NonNull<Header>,
    /// It has been taken for a poll.
    pub(super) taken: bool,
    pub(super) failure: JoinError,
}

impl Drop for Failing<'_> {
    #[inline(never)]
    fn drop(&mut self) {
        let Self { executor, task, taken, failure } = *self;
        let ending = match failure {
            JoinError::Cancelled => Ending::Cancelled,
            JoinError::Panicked => Ending::Panicked,
        };
        let _over = Over { executor, task, taken, ending };
        // SAFETY: the task is alive and not being polled any more.
        unsafe { (task.as_ref().vtable.fail)(task, failure) };
    }
}

/// A task whose stage holds its outcome by the time that this is dropped, which ends the task. It is dropped where something
/// panics.
struct Over<'e> {
    executor: &'e Executor,
    task: NonNull<Header>,
    taken: bool,
    ending: Ending,
}

impl Drop for Over<'_> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: the stage holds the outcome, and this is the only end of this task.
        unsafe { self.executor.finish(self.task, self.taken, self.ending) };
    }
}

/// The outcome of a task that is over, which is dropped if nobody will ask for it.
struct Outcome {
    task: NonNull<Header>,
}

impl Drop for Outcome {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: the stage holds the outcome; the executor still holds its reference. Without a join handle nobody else
        // reaches the stage.
        unsafe {
            if !self.task.as_ref().joinable.get() {
                (self.task.as_ref().vtable.forget)(self.task);
            }
        }
    }
}

/// Tells everybody that a task is over. Dropped once for a task.
struct End<'e> {
    executor: &'e Executor,
    task: NonNull<Header>,
    taken: bool,
}

impl Drop for End<'_> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: the executor's reference, which is given up below.
        let header = unsafe { self.task.as_ref() };
        let idle = header.state.finish();
        header.done.set(true);
        let joiner = header.joiner.take();
        if self.taken || idle {
            // SAFETY: done and on no queue: the executor's reference goes.
            unsafe { task::release(self.task) };
        } else {
            self.executor.done_but_queued.set(self.executor.done_but_queued.get() + 1);
        }
        // The last of all, since that may run anything. The joiner's handle keeps the task until then.
        if let Some(joiner) = joiner {
            joiner.wake();
        }
    }
}
