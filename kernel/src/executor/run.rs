//! One poll of one task, and the end of a task.
#![expect(unsafe_code, reason = "tasks are polled and freed through type-erased pointers")]

use core::{ptr::NonNull, task::Context};

use super::{
    Executor, Header, JoinError,
    state::{Finish, Popped},
    task,
};
use crate::{
    event::{Ending, Event, Events, Kind},
    heap::{Account, Heap},
    platform::Clock,
};

impl Executor {
    /// Polls a task, or ends it if it has been cancelled; `true` if it was polled.
    ///
    /// # Safety
    ///
    /// `task` has just been popped.
    #[inline]
    pub(super) unsafe fn run(
        &self,
        task: NonNull<Header>,
        heap: &Heap,
        events: &Events,
        clock: &dyn Clock,
        now_us: &mut u64,
    ) -> bool {
        // SAFETY: the executor's reference keeps the header until it is released below.
        let header = unsafe { task.as_ref() };
        if header.state.begin_poll() == Popped::Finished {
            self.done_but_queued.set(self.done_but_queued.get() - 1);
            // SAFETY: finished while queued, so the executor's reference is dropped now.
            unsafe { task::release(task) };
            return false;
        }
        let mut poll =
            Poll { executor: self, heap, events, task, outer: None, failure: JoinError::Cancelled };
        if header.cancelled.get() {
            return false;
        }
        // What unwinds from here on is the task's panic: dropping `poll` ends the task.
        poll.failure = JoinError::Panicked;
        let waker = task::borrowed_waker(task);
        self.current.set(Some(task));
        // SAFETY: the account is the header's first field and lives as long as the task; `poll` sets it back.
        poll.outer = Some(unsafe { heap.enter(task.cast()) });
        // SAFETY: polled by the executor only, which does not nest polls, and not finished.
        let ready = unsafe { (header.vtable.poll)(task, &mut Context::from_waker(&waker)) };
        poll.restore();
        let end_us = clock.now_us();
        let took_us = end_us.saturating_sub(*now_us);
        *now_us = end_us;
        header.note_poll(took_us);
        if took_us > u64::from(self.long_poll_us.get()) {
            events.emit(Kind::LongPoll, || Event::LongPoll { task: header.id, us: saturate(took_us) });
        }
        events.emit(Kind::Poll, || Event::Poll { task: header.id, us: saturate(took_us) });
        if !ready && header.cancelled.get() {
            poll.failure = JoinError::Cancelled;
            return true;
        }
        core::mem::forget(poll);
        if ready {
            // SAFETY: the stage holds the output, and this is the only end of this task.
            unsafe { self.finish(task, events, Ending::Finished) };
        }
        true
    }

    /// Marks a task as done, whose stage holds its outcome.
    ///
    /// # Safety
    ///
    /// Called once for a task, which the executor references; the reference is given up.
    unsafe fn finish(&self, task: NonNull<Header>, events: &Events, ending: Ending) {
        // SAFETY: the executor's reference.
        let header = unsafe { task.as_ref() };
        // SAFETY: every task that is not done is on the list.
        self.with_tasks(|tasks| unsafe { tasks.remove(task) });
        self.completed.set(self.completed.get().wrapping_add(1));
        events.emit(Kind::Exit, || Event::Exit { task: header.id, ending });
        // Whatever happens in the user's drop of an outcome that nobody wants, the task is over.
        let end = End { executor: self, task };
        if !header.joinable.get() {
            // SAFETY: nobody will ask for the outcome; the executor still holds its reference.
            unsafe { (header.vtable.forget)(task) };
        }
        drop(end);
    }
}

/// Tells everybody that a task is over. Dropped once for a task.
struct End<'e> {
    executor: &'e Executor,
    task: NonNull<Header>,
}

impl Drop for End<'_> {
    fn drop(&mut self) {
        // SAFETY: the executor's reference, which is given up below.
        let header = unsafe { self.task.as_ref() };
        let queued = header.state.finish();
        if let Some(joiner) = header.joiner.take() {
            joiner.wake();
        }
        match queued {
            // SAFETY: done and on no queue: the executor's reference goes.
            Finish::Unqueued => unsafe { task::release(self.task) },
            Finish::StillQueued => {
                self.executor.done_but_queued.set(self.executor.done_but_queued.get() + 1);
            }
        }
    }
}

/// A poll in progress. Dropping it ends the task with `failure`: that is how a cancelled task ends, and how a panic
/// that unwinds out of a poll ends the task that panicked and nothing else.
pub(super) struct Poll<'e> {
    pub(super) executor: &'e Executor,
    pub(super) heap: &'e Heap,
    pub(super) events: &'e Events,
    pub(super) task: NonNull<Header>,
    /// The account to go back to.
    pub(super) outer: Option<NonNull<Account>>,
    pub(super) failure: JoinError,
}

impl Poll<'_> {
    fn restore(&mut self) {
        self.executor.current.set(None);
        if let Some(outer) = self.outer.take() {
            // SAFETY: the account that was current before the poll, which outlives it.
            unsafe { self.heap.enter(outer) };
        }
    }
}

impl Drop for Poll<'_> {
    fn drop(&mut self) {
        self.restore();
        // Whatever happens in the drop of the user's future, the task is over.
        let finish = Finally(self);
        // SAFETY: the task is alive and not being polled any more.
        unsafe { (finish.0.task.as_ref().vtable.fail)(finish.0.task, finish.0.failure) };
    }
}

struct Finally<'p, 'e>(&'p Poll<'e>);

impl Drop for Finally<'_, '_> {
    fn drop(&mut self) {
        let Poll { executor, events, task, .. } = *self.0;
        let ending = match self.0.failure {
            JoinError::Cancelled => Ending::Cancelled,
            JoinError::Panicked => Ending::Panicked,
        };
        // SAFETY: the stage holds the failure, and this is the only end of this task.
        unsafe { executor.finish(task, events, ending) };
    }
}

fn saturate(us: u64) -> u32 {
    u32::try_from(us).unwrap_or(u32::MAX)
}
