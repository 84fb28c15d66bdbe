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

use core::{
    cell::{Cell, UnsafeCell},
    fmt,
    future::Future,
    ptr::NonNull,
    task::Waker,
};

use cordyceps::List;

mod join;
mod parked;
mod ready;
mod remote;
mod run;
mod state;
mod task;
#[cfg(test)]
mod tests;

pub use self::join::{JoinError, JoinHandle};
pub(crate) use self::parked::{Known, Parked};
pub(crate) use self::task::Header;
use self::{remote::Remote, run::Failing, state::State, task::Task};
use crate::{
    event::{Event, Events, Kind},
    heap::{Account, AccountStats, AllocError, Box, Heap},
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

/// What the executor needs of the rest of the kernel.
pub(crate) struct Surroundings {
    heap: NonNull<Heap>,
    events: NonNull<Events>,
    pub(crate) clock: Box<dyn Clock>,
    pub(crate) timers: Timers,
}

impl Surroundings {
    /// Writes surroundings where they are to be: the timers are too large for the stack of a chip.
    ///
    /// # Safety
    ///
    /// The place is valid for writes, aligned, and the caller's. The heap and the events outlive what is written.
    pub(crate) unsafe fn write(
        place: *mut Self,
        heap: NonNull<Heap>,
        events: NonNull<Events>,
        clock: Box<dyn Clock>,
    ) {
        // SAFETY: the fields of the caller's place. All are written, as the pattern has the compiler check.
        unsafe {
            (&raw mut (*place).heap).write(heap);
            (&raw mut (*place).events).write(events);
            (&raw mut (*place).clock).write(clock);
            Timers::write(&raw mut (*place).timers);
            let Self { heap: _, events: _, clock: _, timers: _ } = &*place;
        }
    }

    #[inline]
    pub(crate) fn heap(&self) -> &Heap {
        // SAFETY: the word of `new`'s caller.
        unsafe { self.heap.as_ref() }
    }

    #[inline]
    pub(crate) fn events(&self) -> &Events {
        // SAFETY: the word of `new`'s caller.
        unsafe { self.events.as_ref() }
    }
}

/// What one tick did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ticked {
    /// Polls made.
    pub(crate) polled: u32,
    /// Tasks that ended, whether by finishing, by being cancelled or by panicking.
    pub(crate) completed: u32,
    /// Tasks spawned since the last tick's report.
    pub(crate) spawned: u32,
    /// Timers that were due.
    pub(crate) timers: u32,
    /// Tasks are ready: tick again.
    pub(crate) more: bool,
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

/// The executor of one kernel.
pub(crate) struct Executor {
    remote: NonNull<Remote>,
    /// All tasks that are not done.
    tasks: UnsafeCell<List<Header>>,
    next_id: Cell<u32>,
    /// What the next report says, see [`Ticked`].
    polled: Cell<u32>,
    completed: Cell<u32>,
    spawned: Cell<u32>,
    fired: Cell<u32>,
    long_poll_us: u32,
    polls_per_tick: u32,
    /// All bits are set if somebody listens to each poll, none otherwise.
    each_poll: Cell<u32>,
    /// When the poll began that is in progress, [marked](Self::mark): the end of one is the beginning of the next. If the
    /// clock shows this after the poll, nothing has to be done about it.
    start: Cell<u64>,
    /// Tasks that shutting down ended on the ready queue: their reference goes when they are popped.
    done_but_queued: Cell<usize>,
    closed: Cell<bool>,
    ticking: Cell<bool>,
}

impl Executor {
    /// Makes an executor for the tasks of one heap.
    ///
    /// # Errors
    ///
    /// When the heap has no room for the part that wakers reach.
    pub(crate) fn new(heap: &Heap, settings: &Settings) -> Result<Self, AllocError> {
        let block = heap.try_block(core::alloc::Layout::new::<Remote>())?;
        let remote = block.into_permanent().cast::<Remote>();
        // SAFETY: the block is fresh, fits, and is never freed: `Remote` outlives the kernel on purpose.
        unsafe { remote.write(Remote::new(NonNull::from(heap))) };
        Ok(Self {
            remote,
            tasks: UnsafeCell::new(List::new()),
            next_id: Cell::new(1),
            polled: Cell::new(0),
            completed: Cell::new(0),
            spawned: Cell::new(0),
            fired: Cell::new(0),
            long_poll_us: settings.long_poll_us,
            polls_per_tick: settings.polls_per_tick.max(1),
            each_poll: Cell::new(0),
            start: Cell::new(0),
            done_but_queued: Cell::new(0),
            closed: Cell::new(false),
            ticking: Cell::new(false),
        })
    }

    fn remote(&self) -> &Remote {
        // SAFETY: `new` placed it for as long as the region exists, and the executor lives in the region.
        unsafe { self.remote.as_ref() }
    }

    /// Runs `with` on the list of tasks, which must not run user code.
    fn with_tasks<R>(&self, with: impl FnOnce(&mut List<Header>) -> R) -> R {
        // SAFETY: one thread, and no `with` of this module calls back into the executor.
        with(unsafe { &mut *self.tasks.get() })
    }

    /// Starts a task in a block of its own.
    ///
    /// # Safety
    ///
    /// The block came from [`Heap::try_own_block`] or [`into_own`](crate::heap::Block::into_own) for the layout of a
    /// `Task<F>`.
    #[inline]
    unsafe fn start<F>(
        &self,
        block: NonNull<u8>,
        heap: &Heap,
        events: &Events,
        name: &'static str,
        future: F,
    ) -> JoinHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        // SAFETY: the block is as the caller says. The handle is the one that `launch` counts.
        unsafe {
            Task::write_future(block.cast(), future);
            JoinHandle::new(self.launch(block.cast(), heap, events, name, Task::<F>::VTABLE))
        }
    }

    /// Does for a new task what does not depend on its future's type, which is nearly all.
    ///
    /// # Safety
    ///
    /// The block is as for [`start`](Self::start), with the future in it. The caller makes a join handle of what is returned.
    #[inline(never)]
    unsafe fn launch(
        &self,
        task: NonNull<Header>,
        heap: &Heap,
        events: &Events,
        name: &'static str,
        vtable: &'static task::Vtable,
    ) -> NonNull<Header> {
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
                remote: self.remote,
                id,
                joinable: Cell::new(true),
                done: Cell::new(false),
                joiner: Cell::new(None),
                wakes: AtomicU32::new(0),
                polls: Cell::new(0),
                busy_us: Cell::new(0),
                notable_us: Cell::new(task::notable_us(self.traces_polls(), 0)),
                longest_us: Cell::new(0),
                links: cordyceps::list::Links::new(),
                waker: task::borrowed_waker(task),
            });
        }
        heap.hold();
        self.with_tasks(|tasks| tasks.push_back(task));
        self.spawned.set(self.spawned.get().wrapping_add(1));
        // SAFETY: written above; nothing can free it yet.
        let account = unsafe { &task.as_ref().account };
        heap.observe_own(account);
        events.emit(Kind::Spawn, || Event::Spawn { task: id, name: account.name() });
        // SAFETY: `State::spawned` says that the task is woken.
        unsafe { self.remote().push_here(task) };
        task
    }

    /// Spawns a task, if there is memory for it now.
    ///
    /// # Errors
    ///
    /// Hands the future back with the reason.
    pub(crate) fn try_spawn<F>(
        &self,
        heap: &Heap,
        events: &Events,
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
        match heap.try_own_block(Task::<F>::LAYOUT) {
            // SAFETY: it is for this.
            Ok(block) => Ok(unsafe { self.start(block, heap, events, name, future) }),
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
        heap: &Heap,
        events: &Events,
        name: &'static str,
        future: F,
    ) -> Result<JoinHandle<F::Output>, SpawnError<F>>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        match heap.block(Task::<F>::LAYOUT).await {
            Ok(_) if self.closed.get() => Err(SpawnError { future, reason: SpawnFailure::ShutDown }),
            // SAFETY: it is for this.
            Ok(block) => Ok(unsafe { self.start(block.into_own(), heap, events, name, future) }),
            Err(error) => Err(SpawnError { future, reason: SpawnFailure::Memory(error) }),
        }
    }

    /// Polls tasks until none is ready, but a limited number of times, and fires the timers that are due.
    ///
    /// # Panics
    ///
    /// When it is called from within a tick: a task would be polled while it is being polled.
    #[inline]
    pub(crate) fn tick(&self, around: &Surroundings) -> Ticked {
        assert!(!self.ticking.replace(true), "a task must not drive the kernel that it runs on");
        let mut idle = self.turn(around);
        if self.remote().has_unreferenced() {
            // SAFETY: the list hands out tasks that nobody references any more, on the kernel's thread.
            self.remote().drain_unreferenced(false, |task| unsafe { task::free(task) });
            // Memory that is freed may have woken whoever waits for it.
            idle = self.is_idle();
        }
        Ticked {
            polled: self.polled.take(),
            completed: self.completed.take(),
            spawned: self.spawned.take(),
            timers: self.fired.take(),
            more: !idle,
        }
    }

    /// Has each poll reported as an event from now on, or only those that took long.
    pub(crate) fn trace_polls(&self, each: bool) {
        self.each_poll.set(if each { u32::MAX } else { 0 });
        self.with_tasks(|tasks| tasks.iter().for_each(|task| task.watch(each, self.long_poll_us)));
    }

    /// Somebody listens to each poll.
    fn traces_polls(&self) -> bool {
        self.each_poll.get() != 0
    }

    /// Ends all tasks, and takes no new ones.
    pub(crate) fn shut_down(&self, events: &Events) {
        self.closed.set(true);
        while let Some(task) = self.with_tasks(|tasks| tasks.iter_raw().next()) {
            drop(Failing { executor: self, events, task, taken: false, failure: JoinError::Cancelled });
        }
        while self.done_but_queued.get() > 0 {
            let _ = self.remote().inbox.take(&self.remote().batch);
            while let Some(task) = self.remote().batch.pop() {
                self.done_but_queued.set(self.done_but_queued.get() - 1);
                // SAFETY: popped, and done: the executor's reference goes.
                unsafe { task::release(task) };
            }
            // Another thread has woken a task and is about to push it.
            hint::spin_loop();
        }
        // SAFETY: as in `tick`.
        self.remote().drain_unreferenced(true, |task| unsafe { task::free(task) });
        self.remote().set_doorbell(None);
    }

    /// Nothing is ready: the machine may sleep.
    pub(crate) fn is_idle(&self) -> bool {
        self.remote().batch.is_empty() && self.remote().inbox.is_empty()
    }

    /// Prepares for sleep: from now on `doorbell` is woken as soon as a task is. `false`: a task is ready already.
    pub(crate) fn fall_asleep(&self, doorbell: &Waker) -> bool {
        self.remote().set_doorbell(Some(doorbell.clone()));
        self.remote().batch.is_empty() && self.remote().inbox.fall_asleep()
    }

    /// The task that is being polled.
    #[inline]
    pub(crate) fn current(&self, heap: &Heap) -> Option<TaskId> {
        // SAFETY: the current account is alive, and so is its task.
        self.current_task(heap).map(|task| TaskId(unsafe { task.as_ref() }.id))
    }

    /// Whose account is current: only the executor enters accounts, and any but the kernel's is that of the task which is
    /// being polled.
    #[inline]
    fn current_task(&self, heap: &Heap) -> Option<NonNull<Header>> {
        if heap.is_in_kernel() { None } else { Some(heap.current().cast()) }
    }

    /// Aborts the task with this number; `false` when there is none.
    pub(crate) fn abort(&self, id: TaskId) -> bool {
        // SAFETY: a task on the list is alive.
        let task = self.with_tasks(|tasks| tasks.iter_raw().find(|task| unsafe { task.as_ref() }.id == id.0));
        // SAFETY: a task on the list is referenced by the executor.
        task.map(|task| unsafe { join::abort(task) }).is_some()
    }

    /// The task with the smallest number above `after`, for a listing that survives tasks coming and going.
    pub(crate) fn next_task(&self, after: TaskId) -> Option<TaskStats> {
        self.with_tasks(|tasks| {
            tasks
                .iter()
                .filter(|task| task.id > after.0)
                .map(|task| self.stats(task))
                .min_by_key(|task| task.id)
        })
    }

    /// The account of the task with the smallest number above `after`.
    pub(crate) fn next_account(&self, after: TaskId) -> Option<(TaskId, AccountStats)> {
        self.with_tasks(|tasks| {
            let task = tasks.iter().filter(|task| task.id > after.0).min_by_key(|task| task.id)?;
            Some((TaskId(task.id), task.account.stats()))
        })
    }

    /// Limits what may be charged to a task; `false` when there is none of this number.
    pub(crate) fn set_quota(&self, task: TaskId, quota: Option<usize>) -> bool {
        self.with_tasks(|tasks| match tasks.iter().find(|known| known.id == task.0) {
            Some(task) => {
                task.account.set_quota(quota);
                true
            }
            None => false,
        })
    }

    /// The waker that the task is polled with which a waker wakes, if that is a task of this executor.
    fn own_waker(&self, waker: &Waker) -> Option<NonNull<Waker>> {
        let task = task::of_waker(waker)?;
        // SAFETY: the waker's reference keeps the header.
        unsafe { (task.as_ref().remote == self.remote).then(|| task::own_waker(task)) }
    }

    fn stats(&self, header: &Header) -> TaskStats {
        let running = self.current_task(header.account.heap()) == Some(NonNull::from(header));
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
