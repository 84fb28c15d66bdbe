//! A turn of the executor: polls, and the ends of tasks.
//!
//! The loop is the hot path of the whole kernel. What is rare in it stands apart: tasks that end, polls that took long,
//! timers that are due.
#![expect(unsafe_code, reason = "tasks are polled and freed through type-erased pointers")]

use core::{cell::Cell, ptr::NonNull, task::Context};

use super::{
    Executor, Header, JoinError, Surroundings, Ticked,
    state::Queue,
    task::{self, Polled},
};
use crate::{
    event::{Ending, Event, Events, Kind},
    time::Instant,
};

impl Executor {
    /// Polls tasks until none is ready or so many polls have been made as a tick may make, and fires what is due.
    #[inline]
    pub(super) fn turn(&self, around: &Surroundings) -> Ticked {
        let remote = self.remote();
        let (heap, clock) = (around.heap(), &*around.clock);
        let turn = Turn::begin(self, around);
        let mut left = self.polls_per_tick;
        while left > 0 {
            if !remote.inbox.is_untouched() {
                remote.collect();
            }
            let Some(task) = remote.batch.pop() else { break };
            left -= 1;
            // SAFETY: the executor's reference keeps a task that was popped until it is released in `conclude`.
            let header = unsafe { task.as_ref() };
            header.state.begin_poll();
            // SAFETY: the account is the header's first field, and lives until another one is entered: a task is freed
            // after `conclude` has left it, or in the poll of another, or after the turn.
            unsafe { heap.enter(task.cast()) };
            // SAFETY: polled by the executor only, which does not nest polls, and not over.
            let polled = unsafe { (header.poll.get())(task, &mut Context::from_waker(&header.waker)) };
            if polled != Polled::Pending {
                // SAFETY: as its poll says.
                unsafe { turn.conclude(task, polled) };
                continue;
            }
            if header.state.end_poll() == Queue::Push {
                // SAFETY: as its state says, and on the kernel's thread.
                unsafe { remote.batch.push(task) };
            }
            header.polls.set(header.polls.get().wrapping_add(1));
            let now_us = clock.now_us();
            if now_us != turn.seen_us.get() {
                turn.pass_to(now_us, header);
            }
        }
        turn.leave_task();
        Ticked {
            polled: self.polls_per_tick.wrapping_sub(left).wrapping_sub(turn.cancelled.get()),
            timers: turn.timers.get(),
            ..Ticked::default()
        }
    }

    /// A poll that somebody wants to know of: it was the task's longest so far, or stalled the others, or each is traced.
    #[cold]
    fn note_poll(&self, header: &Header, events: &Events, took_us: u64) {
        let us = u32::try_from(took_us).unwrap_or(u32::MAX);
        header.longest_us.set(header.longest_us.get().max(us));
        header.watch(self.each_poll.get(), self.long_poll_us);
        if us > self.long_poll_us {
            events.emit(Kind::LongPoll, || Event::LongPoll { task: header.id, us });
        }
        events.emit(Kind::Poll, || Event::Poll { task: header.id, us });
    }

    /// What to compare the time after a poll with that began at this time.
    #[inline]
    fn seen_us(&self, start_us: u64) -> u64 {
        // The clock does not show this one.
        if self.each_poll.get() { u64::MAX } else { start_us }
    }

    /// Marks a task as done, whose stage holds its outcome.
    ///
    /// # Safety
    ///
    /// Called once for a task, which the executor references; the reference is given up. `taken`: the task has been
    /// taken for a poll, so it is on no queue.
    unsafe fn finish(&self, task: NonNull<Header>, taken: bool, events: &Events, ending: Ending) {
        // SAFETY: the executor's reference.
        let header = unsafe { task.as_ref() };
        // SAFETY: every task that is not done is on the list.
        self.with_tasks(|tasks| unsafe { tasks.remove(task) });
        self.completed.set(self.completed.get().wrapping_add(1));
        events.emit(Kind::Exit, || Event::Exit { task: header.id, ending });
        // Whatever happens in the user's drop of an outcome that nobody wants, the task is over.
        let end = End { executor: self, task, taken };
        if !header.joinable.get() {
            // SAFETY: nobody will ask for the outcome; the executor still holds its reference.
            unsafe { (header.vtable.forget)(task) };
        }
        drop(end);
    }
}

/// Polls in progress. Dropping it in the middle of one, which is what a panic does that unwinds out of a task's poll, ends
/// that task and nothing else.
struct Turn<'t> {
    executor: &'t Executor,
    around: &'t Surroundings,
    /// When the poll began that is in progress: the end of one is the beginning of the next.
    start_us: Cell<u64>,
    /// A time at which nothing has to be done: the same, unless each poll is traced.
    seen_us: Cell<u64>,
    timers: Cell<u32>,
    /// Tasks that were not polled, since they had been cancelled.
    cancelled: Cell<u32>,
}

impl<'t> Turn<'t> {
    #[inline]
    fn begin(executor: &'t Executor, around: &'t Surroundings) -> Self {
        let now_us = around.clock.now_us();
        let timers = around.timers.advance(Instant::from_micros(now_us));
        Self {
            executor,
            around,
            start_us: Cell::new(now_us),
            seen_us: Cell::new(executor.seen_us(now_us)),
            timers: Cell::new(count(timers)),
            cancelled: Cell::new(0),
        }
    }

    /// Allocations are charged to no task any more. Says to which they were.
    fn leave_task(&self) -> Option<NonNull<Header>> {
        let task = self.executor.current_task(self.around.heap());
        self.around.heap().enter_kernel();
        task
    }

    /// Time has passed during a poll: charges it to the task, and fires what is due.
    #[inline(never)]
    fn pass_to(&self, now_us: u64, header: &Header) {
        self.charge(now_us, header);
        if self.around.timers.is_due(Instant::from_micros(now_us)) {
            self.leave_task();
            let fired = self.around.timers.advance(Instant::from_micros(now_us));
            self.timers.set(self.timers.get().saturating_add(count(fired)));
        }
    }

    /// Charges the time of a poll to its task.
    #[inline]
    fn charge(&self, now_us: u64, header: &Header) {
        // Clocks do not go backwards.
        let took_us = now_us.wrapping_sub(self.start_us.replace(now_us));
        self.seen_us.set(self.executor.seen_us(now_us));
        header.busy_us.set(header.busy_us.get().wrapping_add(took_us));
        if took_us >= header.notable_us.get() {
            self.executor.note_poll(header, self.around.events(), took_us);
        }
    }

    /// Ends a task whose poll says that it is over.
    ///
    /// # Safety
    ///
    /// The task has been taken for a poll, and is not being polled any more.
    #[inline(never)]
    unsafe fn conclude(&self, task: NonNull<Header>, polled: Polled) {
        self.leave_task();
        let (executor, events) = (self.executor, self.around.events());
        if polled == Polled::Finished {
            // SAFETY: the executor's reference.
            self.charge(self.around.clock.now_us(), unsafe { task.as_ref() });
            // SAFETY: the stage holds the output, and this is the only end of this task.
            unsafe { executor.finish(task, true, events, Ending::Finished) };
        } else {
            self.cancelled.set(self.cancelled.get() + 1);
            drop(Failing { executor, events, task, taken: true, failure: JoinError::Cancelled });
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if let Some(task) = self.leave_task() {
            let (executor, events) = (self.executor, self.around.events());
            drop(Failing { executor, events, task, taken: true, failure: JoinError::Panicked });
        }
        self.executor.ticking.set(false);
    }
}

/// A task that has failed. Dropping it drops the future and ends the task, whatever happens in the former.
pub(super) struct Failing<'e> {
    pub(super) executor: &'e Executor,
    pub(super) events: &'e Events,
    /// Not done, and not being polled.
    pub(super) task: NonNull<Header>,
    /// It has been taken for a poll.
    pub(super) taken: bool,
    pub(super) failure: JoinError,
}

impl Drop for Failing<'_> {
    fn drop(&mut self) {
        let finish = Finally(self);
        // SAFETY: the task is alive and not being polled any more.
        unsafe { (finish.0.task.as_ref().vtable.fail)(finish.0.task, finish.0.failure) };
    }
}

struct Finally<'p, 'e>(&'p Failing<'e>);

impl Drop for Finally<'_, '_> {
    fn drop(&mut self) {
        let Failing { executor, events, task, taken, failure } = *self.0;
        let ending = match failure {
            JoinError::Cancelled => Ending::Cancelled,
            JoinError::Panicked => Ending::Panicked,
        };
        // SAFETY: the stage holds the failure, and this is the only end of this task.
        unsafe { executor.finish(task, taken, events, ending) };
    }
}

/// Tells everybody that a task is over. Dropped once for a task.
struct End<'e> {
    executor: &'e Executor,
    task: NonNull<Header>,
    taken: bool,
}

impl Drop for End<'_> {
    fn drop(&mut self) {
        // SAFETY: the executor's reference, which is given up below.
        let header = unsafe { self.task.as_ref() };
        let idle = header.state.finish();
        header.done.set(true);
        if let Some(joiner) = header.joiner.take() {
            joiner.wake();
        }
        if self.taken || idle {
            // SAFETY: done and on no queue: the executor's reference goes.
            unsafe { task::release(self.task) };
        } else {
            self.executor.done_but_queued.set(self.executor.done_but_queued.get() + 1);
        }
    }
}

fn count(timers: usize) -> u32 {
    u32::try_from(timers).unwrap_or(u32::MAX)
}
