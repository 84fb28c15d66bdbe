//! The handle that waits for a task, or ends it.
#![expect(unsafe_code, reason = "a join handle is a typed view of a type-erased task")]

use core::{
    fmt,
    future::Future,
    marker::PhantomData,
    pin::Pin,
    ptr::NonNull,
    task::{Context, Poll},
};

use super::{
    TaskId,
    task::{self, Header},
};

/// Waits for a task and takes its output: a future of `Result<T, JoinError>`.
///
/// Dropping the handle detaches the task, which goes on undisturbed.
///
/// # Cancellation
///
/// `&mut handle` may be awaited, dropped and awaited again; the output is kept until it has been taken.
///
/// # Panics
///
/// Polling a handle again after it has given its output is a mistake of the caller and panics.
#[must_use = "dropping a join handle detaches the task; call `detach` to say so"]
pub struct JoinHandle<T> {
    task: NonNull<Header>,
    output: PhantomData<T>,
}

/// Why a task has no output.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JoinError {
    /// The task was aborted, or the kernel shut down.
    Cancelled,
    /// The task panicked, on a host that unwinds.
    Panicked,
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cancelled => "the task was cancelled before it had a result",
            Self::Panicked => "the task panicked",
        })
    }
}

impl core::error::Error for JoinError {}

// The output is not in the handle.
impl<T> Unpin for JoinHandle<T> {}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinHandle").field("task", &self.id()).finish_non_exhaustive()
    }
}

impl<T> JoinHandle<T> {
    /// # Safety
    ///
    /// The task's output is `T`, and the join handle's reference is passed on.
    pub(super) unsafe fn new(task: NonNull<Header>) -> Self {
        Self { task, output: PhantomData }
    }

    fn header(&self) -> &Header {
        // SAFETY: the handle's reference keeps the header.
        unsafe { self.task.as_ref() }
    }

    /// The task's number, as `ps` shows it.
    pub fn id(&self) -> TaskId {
        TaskId(self.header().id)
    }

    /// The task is over: its output is there, or it was cancelled.
    pub fn is_finished(&self) -> bool {
        self.header().done.get()
    }

    /// Asks the executor to end the task: its future is dropped the next time the task's turn comes, also when the
    /// task calls this on itself. A finished task keeps its output.
    pub fn abort(&self) {
        // SAFETY: the handle's reference.
        unsafe { abort(self.task) };
    }

    /// Lets the task go on alone; the same as dropping the handle.
    pub fn detach(self) {}
}

/// # Safety
///
/// The caller holds a reference, on the kernel's thread.
pub(super) unsafe fn abort(task: NonNull<Header>) {
    // SAFETY: the caller's reference.
    unsafe {
        task.as_ref().poll.set(task::poll_cancelled);
        task::queue_here(task);
    }
}

impl<T> Future for JoinHandle<T> {
    type Output = Result<T, JoinError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let header = self.header();
        if !header.done.get() {
            let kept = header.joiner.take().filter(|kept| kept.will_wake(context.waker()));
            let waker = kept.unwrap_or_else(|| context.waker().clone());
            // Wakers that come and go may run anything, so the task may be done meanwhile.
            if !header.done.get() {
                header.joiner.set(Some(waker));
                return Poll::Pending;
            }
        }
        let mut outcome: Option<Self::Output> = None;
        // SAFETY: the task is done and `outcome` is a place for its outcome (`new`'s contract names the type).
        unsafe { (header.vtable.take)(self.task, (&raw mut outcome).cast()) };
        Poll::Ready(outcome.expect("a join handle was polled after it had given its output"))
    }
}

impl<T> Drop for JoinHandle<T> {
    fn drop(&mut self) {
        let header = self.header();
        header.joinable.set(false);
        drop(header.joiner.take());
        let done = header.done.get();
        // SAFETY: the reference is ours; a finished task's outcome is dropped before it (rule 4 of `task`).
        unsafe {
            if done {
                (header.vtable.forget)(self.task);
            }
            task::release(self.task);
        }
    }
}
