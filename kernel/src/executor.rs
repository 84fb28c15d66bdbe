//! The executor: cooperative tasks on one core, polled in the order in which they became ready.
//!
//! Every driver is a task: a future in the kernel's heap, with a name, an account and statistics. A task runs until
//! its future returns `Pending`; its waker, called from a task, an interrupt or another host thread, puts it at the
//! end of the ready queue. `Executor::tick` polls until no task is ready, at most a given number of times, and reports; it
//! never waits and never loops for ever, however often tasks wake themselves. What is due meanwhile fires meanwhile.
//!
//! Laws:
//!
//! - First woken, first polled; a task that wakes itself counts as woken when its poll ends. Between two polls of a task
//!   that is always ready, every other ready task is polled.
//! - A wake is never lost: one that lands during the task's own poll queues it again.
//! - Cancelling drops the future on the executor, never in an interrupt, and wakes the joiner once.
//! - The allocator never runs in an interrupt: a task whose last waker is dropped there is freed by the next tick.
#![expect(unsafe_code, reason = "tasks are polled and freed through type-erased pointers")]

use core::{cell::Cell, fmt, future::Future, ptr::NonNull, task::Waker};

mod join;
mod parked;
mod ready;
mod remote;
mod run;
mod state;
mod task;
mod tasks;
#[cfg(test)]
mod tests;

pub use self::join::{JoinError, JoinHandle};
pub(crate) use self::parked::{Known, Parked};
pub(crate) use self::task::Header;
use self::{remote::Remote, run::Failing, state::State, task::Task, tasks::Tasks};
use crate::{
    event::{Event, Events, Kind, Kinds},
    heap::{Account, AccountStats, AllocError, Heap},
    limits::Settings,
    platform::Clock,
    sync::atomic::{AtomicU32, Ordering, hint},
    time::Timers,
};

/// A task's number. Numbers count up from 1 and are not used twice before 2³² tasks have been spawned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId(pub u32);

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// What was done since the last report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ticked {
    /// Polls made.
    pub(crate) polled: u32,
    /// Tasks that ended, whether by finishing, by being cancelled or by panicking.
    pub(crate) completed: u32,
    /// Tasks spawned.
    pub(crate) spawned: u32,
    /// Timers that were due.
    pub(crate) timers: u32,
}

/// What `ps` shows of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TaskStats {
    /// The task's number.
    pub id: TaskId,
    /// The name given at spawn.
    pub name: &'static str,
    /// What it is doing.
    pub state: TaskState,
    /// How often it was polled. A wake that came while it was queued already needs no poll of its own.
    pub polls: u32,
    /// How often its wakers were called, modulo 2³².
    pub wakes: u32,
    /// Time spent in its polls, in microseconds.
    pub busy_us: u64,
    /// Its longest poll, in microseconds.
    pub longest_us: u32,
    /// Heap memory charged to it, in bytes.
    pub bytes: usize,
}

/// What a task is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskState {
    /// Being polled right now: the task that asks.
    Running,
    /// Waiting for its turn.
    Ready,
    /// Waiting for a wake.
    Waiting,
}

/// Why a task was not spawned; the future is handed back.
pub struct SpawnError<F> {
    /// What would have been the task.
    pub future: F,
    /// Why it is none.
    pub reason: SpawnFailure,
}

/// The reason in a [`SpawnError`].
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpawnFailure {
    /// The heap did not give a block for the task.
    Memory(AllocError),
    /// The kernel is shutting down.
    ShutDown,
}

impl<F> fmt::Debug for SpawnError<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpawnError").field("reason", &self.reason).finish_non_exhaustive()
    }
}

impl<F> fmt::Display for SpawnError<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reason.fmt(f)
    }
}

impl<F> core::error::Error for SpawnError<F> {}

impl fmt::Display for SpawnFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory(error) => write!(f, "no memory for the task: {error}"),
            Self::ShutDown => f.write_str("the kernel is shutting down and takes no new tasks"),
        }
    }
}

impl core::error::Error for SpawnFailure {}

/// The executor of one kernel, with what it needs of the rest. It stays in the region for good.
///
/// What each poll touches comes first, in order: a chip reaches what is near with shorter code.
#[repr(C)]
pub(crate) struct Executor {
    heap: NonNull<Heap>,
    clock: NonNull<dyn Clock>,
    remote: Remote,
    polls_per_tick: u32,
    /// When the poll began that is in progress, with `mark`: the end of one is the beginning of the next. If the clock shows
    /// this after the poll, nothing has to be done about it.
    start: Cell<u64>,
    /// What the next report says, see [`Ticked`].
    polled: Cell<u32>,
    completed: Cell<u32>,
    spawned: Cell<u32>,
    fired: Cell<u32>,
    events: NonNull<Events>,
    /// The kinds of events that somebody heard at the last tick.
    kinds: Cell<Kinds>,
    /// There is more to the end of a tick than ready tasks and timers, see [`Executor::look_closer`].
    extraordinary: Cell<bool>,
    closed: Cell<bool>,
    /// [`MARK`] if somebody listens to each poll, otherwise zero.
    mark: Cell<u64>,
    long_poll_us: u32,
    next_id: Cell<u32>,
    /// All tasks that are not done.
    tasks: Tasks,
    /// Tasks that shutting down ended on the ready queue: their reference goes when they are popped.
    done_but_queued: Cell<usize>,
    /// Large, and so the last.
    pub(crate) timers: Timers,
}

/// Makes of a time one that the clock never shows, and of the time that a poll took one that is always worth a look.
const MARK: u64 = 1 << 63;

impl Executor {
    /// Places an executor in its heap for good, since wakers may outlive the kernel. It is written where it is to be: the
    /// timers are too large for the stack of a chip.
    ///
    /// # Errors
    ///
    /// When there is no memory for it.
    ///
    /// # Safety
    ///
    /// The events lie in the heap for good. After the executor has been [shut down](Self::shut_down), it is not used any
    /// more when the clock is gone.
    pub(crate) unsafe fn place(
        heap: &Heap,
        events: NonNull<Events>,
        clock: NonNull<dyn Clock>,
        settings: &Settings,
    ) -> Result<NonNull<Self>, AllocError> {
        let block = heap.try_block(core::alloc::Layout::new::<Self>())?;
        let this = block.into_permanent().cast::<Self>();
        let place = this.as_ptr();
        // SAFETY: the block is fresh, fits, and is never freed. All fields are written, as the pattern has the compiler check.
        unsafe {
            (&raw mut (*place).heap).write(NonNull::from(heap));
            (&raw mut (*place).events).write(events);
            (&raw mut (*place).clock).write(clock);
            Timers::write(&raw mut (*place).timers);
            (&raw mut (*place).remote).write(Remote::new(NonNull::from(heap)));
            (&raw mut (*place).tasks).write(Tasks::new());
            (&raw mut (*place).next_id).write(Cell::new(1));
            (&raw mut (*place).polled).write(Cell::new(0));
            (&raw mut (*place).completed).write(Cell::new(0));
            (&raw mut (*place).spawned).write(Cell::new(0));
            (&raw mut (*place).fired).write(Cell::new(0));
            (&raw mut (*place).long_poll_us).write(settings.long_poll_us);
            (&raw mut (*place).polls_per_tick).write(settings.polls_per_tick.max(1));
            (&raw mut (*place).kinds).write(Cell::new(Kinds::NONE));
            (&raw mut (*place).mark).write(Cell::new(0));
            (&raw mut (*place).start).write(Cell::new(0));
            (&raw mut (*place).done_but_queued).write(Cell::new(0));
            (&raw mut (*place).closed).write(Cell::new(false));
            (&raw mut (*place).extraordinary).write(Cell::new(false));
            let Self {
                heap: _,
                events: _,
                clock: _,
                timers: _,
                remote: _,
                tasks: _,
                next_id: _,
                polled: _,
                completed: _,
                spawned: _,
                fired: _,
                long_poll_us: _,
                polls_per_tick: _,
                kinds: _,
                mark: _,
                start: _,
                done_but_queued: _,
                closed: _,
                extraordinary: _,
            } = &*place;
        }
        Ok(this)
    }

    #[inline]
    pub(crate) fn heap(&self) -> &Heap {
        // SAFETY: the executor lies in it.
        unsafe { self.heap.as_ref() }
    }

    #[inline]
    pub(crate) fn events(&self) -> &Events {
        // SAFETY: the word of `place`'s caller.
        unsafe { self.events.as_ref() }
    }

    #[inline]
    pub(crate) fn clock(&self) -> &dyn Clock {
        // SAFETY: the word of `place`'s caller.
        unsafe { self.clock.as_ref() }
    }

    /// All tasks that are not done. Nobody may end a task while they are looked at.
    fn tasks(&self) -> impl Iterator<Item = &Header> {
        // SAFETY: what this module does with them runs no user code.
        unsafe { self.tasks.iter() }
    }

    /// Starts a task in a block of its own.
    ///
    /// # Safety
    ///
    /// The block came from [`Heap::try_own_block`] or [`into_own`](crate::heap::Block::into_own) for the layout of a
    /// `Task<F>`.
    #[inline]
    unsafe fn start<F>(&self, block: NonNull<u8>, name: &'static str, future: F) -> JoinHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        // SAFETY: the block is as the caller says. The handle is the one that `launch` counts.
        unsafe {
            Task::write_future(block.cast(), future);
            self.launch(block.cast(), name, Task::<F>::VTABLE);
            JoinHandle::new(block.cast())
        }
    }

    /// Does for a new task what does not depend on its future's type, which is nearly all.
    ///
    /// # Safety
    ///
    /// The block is as for [`start`](Self::start), with the future in it. The caller makes a join handle of the task.
    #[inline(never)]
    unsafe fn launch(&self, task: NonNull<Header>, name: &'static str, vtable: &'static task::Vtable) {
        let heap = self.heap();
        let id = self.next_id.get();
        self.next_id.set(id.checked_add(1).unwrap_or(1));
        // SAFETY: the header is the first of what lies in the block.
        unsafe {
            task.write(Header {
                account: Account::in_own_block(heap, name, vtable.extent),
                state: State::spawned(),
                next: Cell::new(core::ptr::null_mut()),
                poll: Cell::new(vtable.poll),
                vtable,
                remote: NonNull::from(&self.remote),
                id,
                joinable: Cell::new(true),
                done: Cell::new(false),
                joiner: Cell::new(None),
                wakes: AtomicU32::new(0),
                polls: Cell::new(0),
                busy_us: Cell::new(0),
                notable_us: Cell::new(task::notable_us(0)),
                longest_us: Cell::new(0),
                older: Cell::new(None),
                newer: Cell::new(None),
                waker: task::borrowed_waker(task),
            });
        }
        // SAFETY: written above, and nobody else knows it yet.
        let account = unsafe { &task.as_ref().account };
        heap.observe_own(account);
        self.events().emit(Kind::Spawn, || Event::Spawn { task: id, name: account.name() });
        heap.hold();
        self.spawned.set(self.spawned.get().wrapping_add(1));
        // SAFETY: the task is new, and `State::spawned` says that it is woken. The queue is the last of all, since that may
        // wake the machine, which may tick on the spot.
        unsafe {
            self.tasks.push(task);
            self.remote.push_here(task);
        }
    }

    /// Spawns a task, if there is memory for it now.
    ///
    /// # Errors
    ///
    /// Hands the future back with the reason.
    pub(crate) fn try_spawn<F>(
        &self,
        name: &'static str,
        future: F,
    ) -> Result<JoinHandle<F::Output>, SpawnError<F>>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        if self.closed.get() {
            return Err(SpawnError { future, reason: SpawnFailure::ShutDown });
        }
        match self.heap().try_own_block(Task::<F>::LAYOUT) {
            // SAFETY: it is for this.
            Ok(block) => Ok(unsafe { self.start(block, name, future) }),
            Err(error) => Err(SpawnError { future, reason: SpawnFailure::Memory(error) }),
        }
    }

    /// Spawns a task when there is memory for it.
    ///
    /// # Errors
    ///
    /// When there can never be.
    pub(crate) async fn spawn<F>(
        &self,
        name: &'static str,
        future: F,
    ) -> Result<JoinHandle<F::Output>, SpawnError<F>>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        match self.heap().block(Task::<F>::LAYOUT).await {
            Ok(_) if self.closed.get() => Err(SpawnError { future, reason: SpawnFailure::ShutDown }),
            // SAFETY: it is for this.
            Ok(block) => Ok(unsafe { self.start(block.into_own(), name, future) }),
            Err(error) => Err(SpawnError { future, reason: SpawnFailure::Memory(error) }),
        }
    }

    /// Polls tasks until none is ready, but a limited number of times, and fires the timers that are due. Says whether none
    /// is ready.
    ///
    /// # Panics
    ///
    /// When a task calls it in its poll: it would be polled while it is being polled.
    #[inline]
    pub(crate) fn tick(&self) -> bool {
        let kinds = self.events().heard();
        if kinds != self.kinds.get() {
            self.follow(kinds);
        }
        let idle = self.turn();
        if self.remote.has_unreferenced() { self.free_unreferenced() } else { idle }
    }

    /// Frees the tasks that nobody references any more, on the kernel's thread. Says whether no task is ready then.
    #[cold]
    fn free_unreferenced(&self) -> bool {
        // SAFETY: the list hands out such tasks.
        self.remote.drain_unreferenced(false, |task| unsafe { task::free(task) });
        // Memory that is freed may have woken whoever waits for it.
        self.is_idle()
    }

    /// What was done since this was last called.
    #[inline]
    pub(crate) fn take_report(&self) -> Ticked {
        Ticked {
            polled: self.polled.take(),
            completed: self.completed.take(),
            spawned: self.spawned.take(),
            timers: self.fired.take(),
        }
    }

    /// Has the end of this tick, or of the next, look at more than ready tasks and timers.
    #[inline]
    pub(crate) fn look_closer(&self, closer: bool) {
        self.extraordinary.set(closer);
    }

    /// There is more to the end of a tick than ready tasks and timers.
    #[inline]
    pub(crate) fn is_extraordinary(&self) -> bool {
        self.extraordinary.get()
    }

    /// Has heap and executor tell of every allocation and every poll, if somebody listens to that: they ask nobody by
    /// themselves, to be fast.
    #[cold]
    fn follow(&self, kinds: Kinds) {
        self.kinds.set(kinds);
        self.heap().trace(kinds.contains(Kind::Allocate) || kinds.contains(Kind::Free));
        let mark = if kinds.contains(Kind::Poll) { MARK } else { 0 };
        self.mark.set(mark);
        // Of a poll that goes on, in a tick that this one is called from, the beginning stays known.
        self.start.set(self.start.get() & !MARK | mark);
    }

    /// Ends all tasks, and takes no new ones.
    pub(crate) fn shut_down(&self) {
        self.closed.set(true);
        while let Some(task) = self.tasks.oldest() {
            drop(Failing { executor: self, task, taken: false, failure: JoinError::Cancelled });
        }
        while self.done_but_queued.get() > 0 {
            let _ = self.remote.inbox.take(&self.remote.batch);
            while let Some(task) = self.remote.batch.pop() {
                self.done_but_queued.set(self.done_but_queued.get() - 1);
                // SAFETY: popped, and done: the executor's reference goes.
                unsafe { task::release(task) };
            }
            // Another thread has woken a task and is about to push it.
            hint::spin_loop();
        }
        // SAFETY: as in `tick`.
        self.remote.drain_unreferenced(true, |task| unsafe { task::free(task) });
        self.remote.set_doorbell(None);
    }

    /// Nothing is ready: the machine may sleep.
    pub(crate) fn is_idle(&self) -> bool {
        self.remote.batch.is_empty() && self.remote.inbox.is_empty()
    }

    /// Prepares for sleep: from now on `doorbell` is woken as soon as a task is. `false`: a task is ready already.
    pub(crate) fn fall_asleep(&self, doorbell: &Waker) -> bool {
        self.remote.set_doorbell(Some(doorbell.clone()));
        self.remote.batch.is_empty() && self.remote.inbox.fall_asleep()
    }

    /// The task that is being polled.
    #[inline]
    pub(crate) fn current(&self) -> Option<TaskId> {
        // SAFETY: the current account is alive, and so is its task.
        self.current_task().map(|task| TaskId(unsafe { task.as_ref() }.id))
    }

    /// Whose account is current: only the executor enters accounts, and any but the kernel's is that of the task which is
    /// being polled.
    #[inline]
    fn current_task(&self) -> Option<NonNull<Header>> {
        let heap = self.heap();
        if heap.is_in_kernel() { None } else { Some(heap.current().cast()) }
    }

    /// Aborts the task with this number; `false` when there is none.
    pub(crate) fn abort(&self, id: TaskId) -> bool {
        let task = self.tasks().find(|task| task.id == id.0);
        // SAFETY: a task on the list is referenced by the executor.
        task.map(|task| unsafe { join::abort(task.this()) }).is_some()
    }

    /// The task with the smallest number above `after`, for a listing that survives tasks coming and going.
    pub(crate) fn next_task(&self, after: TaskId) -> Option<TaskStats> {
        let task = self.tasks().filter(|task| task.id > after.0).min_by_key(|task| task.id)?;
        Some(self.stats(task))
    }

    /// The account of the task with the smallest number above `after`.
    pub(crate) fn next_account(&self, after: TaskId) -> Option<(TaskId, AccountStats)> {
        let task = self.tasks().filter(|task| task.id > after.0).min_by_key(|task| task.id)?;
        Some((TaskId(task.id), task.account.stats()))
    }

    /// Limits what may be charged to a task; `false` when there is none of this number.
    pub(crate) fn set_quota(&self, task: TaskId, quota: Option<usize>) -> bool {
        let task = self.tasks().find(|known| known.id == task.0);
        task.map(|task| task.account.set_quota(quota)).is_some()
    }

    /// The waker that the task is polled with which a waker wakes, if that is a task of this executor.
    fn own_waker(&self, waker: &Waker) -> Option<NonNull<Waker>> {
        let task = task::of_waker(waker)?;
        // SAFETY: the waker's reference keeps the header.
        unsafe { (task.as_ref().remote == NonNull::from(&self.remote)).then(|| task::own_waker(task)) }
    }

    fn stats(&self, header: &Header) -> TaskStats {
        let running = self.current_task() == Some(NonNull::from(header));
        TaskStats {
            id: TaskId(header.id),
            name: header.account.name(),
            state: match running {
                true => TaskState::Running,
                false if header.state.is_idle() => TaskState::Waiting,
                false => TaskState::Ready,
            },
            wakes: header.wakes.load(Ordering::Relaxed),
            polls: header.polls.get(),
            busy_us: header.busy_us.get(),
            longest_us: header.longest_us.get(),
            bytes: header.account.stats().bytes,
        }
    }
}
