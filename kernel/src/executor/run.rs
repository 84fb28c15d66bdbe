//! A turn of the executor: polls, and the ends of tasks.
//!
//! The loop is the hot path of the whole kernel. What is rare in it stands apart: tasks that end, polls that took long,
//! timers that are due.
#![expect(unsafe_code, reason = "tasks are polled and freed through type-erased pointers")]

use core::{ptr::NonNull, task::Context};

use super::{
    Executor, Header, JoinError, Surroundings, Ticked,
    state::Queue,
    task::{self, Polled},
};
use crate::{
    event::{Ending, Event, Events, Kind},
    heap::Account,
    time::Instant,
};

impl Executor {
    /// Polls tasks until none is ready or so many polls have been made as a tick may make, and fires what is due.
    pub(super) fn turn(&self, around: &Surroundings<'_>) -> Ticked {
        let Surroundings { heap, clock, timers, .. } = *around;
        let remote = self.remote();
        // What unwinds out of a poll is the task's panic: dropping the turn ends the task.
        let turn = Turn { executor: self, around, outer: heap.current() };
        let mut now_us = clock.now_us();
        let mut report = Ticked { timers: timers.advance(Instant::from_micros(now_us)), ..Ticked::default() };
        let mut left = self.polls_per_tick;
        loop {
            if timers.is_due(Instant::from_micros(now_us)) {
                turn.leave_task();
                report.timers = report.timers.saturating_add(timers.advance(Instant::from_micros(now_us)));
            }
            if left == 0 {
                break;
            }
            if !remote.inbox.is_untouched() {
                // The machine is awake, whether it counted as asleep or not.
                let _ = remote.inbox.take(&remote.batch);
            }
            let Some(task) = remote.batch.pop() else { break };
            left -= 1;
            // SAFETY: the executor's reference keeps a task that was popped until it is released in `conclude`.
            let header = unsafe { task.as_ref() };
            header.state.begin_poll();
            let waker = task::borrowed_waker(task);
            // SAFETY: the account is the header's first field, and lives until another one is entered: a task is freed
            // after `conclude` has left it, or in the poll of another, or after the turn.
            unsafe { heap.enter(task.cast()) };
            // SAFETY: polled by the executor only, which does not nest polls, and not finished.
            let polled = unsafe { (header.poll.get())(task, &mut Context::from_waker(&waker)) };
            let before_us = core::mem::replace(&mut now_us, clock.now_us());
            // Clocks do not go backwards.
            let took_us = now_us.wrapping_sub(before_us);
            header.polls.set(header.polls.get().wrapping_add(1));
            header.busy_us.set(header.busy_us.get().wrapping_add(took_us));
            if took_us >= header.notable_us.get() {
                self.note_poll(header, around.events, took_us, polled);
            }
            if polled != Polled::Pending {
                report.cancelled += u32::from(polled == Polled::Cancelled);
                // SAFETY: the task has been polled, or is to be ended instead.
                unsafe { turn.conclude(task, polled) };
                continue;
            }
            if header.state.end_poll() == Queue::Push {
                // SAFETY: as its state says, and on the kernel's thread.
                unsafe { remote.batch.push(task) };
            }
        }
        turn.leave_task();
        report.polled = self.polls_per_tick - left - report.cancelled;
        report
    }

    /// A poll that somebody wants to know of: it was the task's longest so far, or stalled the others, or each is traced.
    #[cold]
    fn note_poll(&self, header: &Header, events: &Events, took_us: u64, polled: Polled) {
        if polled == Polled::Cancelled {
            return;
        }
        let us = u32::try_from(took_us).unwrap_or(u32::MAX);
        header.longest_us.set(header.longest_us.get().max(us));
        header.watch(self.each_poll.get(), self.long_poll_us);
        if us > self.long_poll_us {
            events.emit(Kind::LongPoll, || Event::LongPoll { task: header.id, us });
        }
        events.emit(Kind::Poll, || Event::Poll { task: header.id, us });
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
    around: &'t Surroundings<'t>,
    /// The account of whoever asked for the turn.
    outer: NonNull<Account>,
}

impl Turn<'_> {
    /// Allocations are charged to no task any more. Says to which they were.
    fn leave_task(&self) -> Option<NonNull<Header>> {
        // SAFETY: the outer account outlives the turn.
        let account = unsafe { self.around.heap.enter(self.outer) };
        (account != self.outer).then(|| account.cast())
    }

    /// Ends a task whose poll says that it is over.
    ///
    /// # Safety
    ///
    /// The task has been taken for a poll, and is not being polled any more.
    #[inline(never)]
    unsafe fn conclude(&self, task: NonNull<Header>, polled: Polled) {
        self.leave_task();
        let (executor, events) = (self.executor, self.around.events);
        if polled == Polled::Finished {
            // SAFETY: the stage holds the output, and this is the only end of this task.
            unsafe { executor.finish(task, true, events, Ending::Finished) };
        } else {
            drop(Failing { executor, events, task, taken: true, failure: JoinError::Cancelled });
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if let Some(task) = self.leave_task() {
            let (executor, events) = (self.executor, self.around.events);
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
