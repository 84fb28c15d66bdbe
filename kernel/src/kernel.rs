//! The kernel as a value, and the handle that tasks know it by.

use core::{cell::Cell, future::Future, task::Waker};

use crate::{
    event::{Events, Probed},
    executor::{Executor, JoinHandle, SpawnError, TaskId, TaskStats, Ticked},
    heap::{AccountStats, AllocError, Heap, HeapRoot, Region, RegionError, Shared},
    interrupt::{Line, LineStats},
    limits::Settings,
    log::Log,
    platform::{Clock, Next, Stop},
    registry::{Registry, Services},
    system::System,
    time::{Duration, Instant, Interval, IntervalError, Sleep, Timeout, Timers},
};

/// A kernel, owned by the machine that drives it.
///
/// Kernels share nothing: any number of them may live in one process. Dropping one ends all of its tasks.
///
/// ```
/// # use host_critical_section as _;
/// use core::mem::MaybeUninit;
/// use kernel::{Kernel, heap::Region, limits::Settings, platform::{Clock, Next}};
///
/// struct Stopped;
///
/// impl Clock for Stopped {
///     fn now_us(&self) -> u64 {
///         0
///     }
/// }
///
/// // A board takes its region from the linker.
/// let memory: &'static mut [MaybeUninit<u8>] = Box::leak(Box::new_uninit_slice(64 * 1024));
/// let kernel = Kernel::new(Region::from_static(memory), Stopped, &Settings::DEFAULT)?;
/// let answer = kernel.handle().try_spawn("answer", async { 42 }).expect("there is memory for one task");
/// let report = kernel.tick();
/// assert_eq!((report.polled, report.next), (1, Next::WaitForInterrupt));
/// assert!(answer.is_finished());
/// # Ok::<(), kernel::BootError>(())
/// ```
pub struct Kernel {
    handle: Handle,
    /// Lets the region go, once nothing in it is used. Declared, and so dropped, after the handle.
    _heap: HeapRoot,
}

/// What tasks, drivers and services know the kernel by. Cheap to clone; it keeps the kernel's memory, not its tasks.
#[derive(Clone)]
pub struct Handle {
    core: Shared<Core>,
}

struct Core {
    // Declared before the system: services are dropped first.
    registry: Shared<Registry>,
    system: Shared<System>,
}

/// Why a kernel did not boot.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BootError {
    /// The region cannot be a heap.
    Region(RegionError),
    /// The region is too small for the kernel's own tables; give it more, or choose smaller [`Settings`].
    Memory(AllocError),
}

impl core::fmt::Display for BootError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Region(error) => write!(f, "the memory region cannot be a heap: {error}"),
            Self::Memory(error) => write!(f, "the memory region is too small for the kernel: {error}"),
        }
    }
}

impl core::error::Error for BootError {}

/// What a tick did, and what the machine does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tick {
    /// Polls made.
    pub polled: u32,
    /// Tasks that ended.
    pub completed: u32,
    /// Tasks spawned since the tick before.
    pub spawned: u32,
    /// Timers that were due.
    pub timers: u32,
    /// What the machine does next.
    pub next: Next,
}

impl Kernel {
    /// Boots a kernel on a region, which becomes its heap and holds all of its state.
    ///
    /// # Errors
    ///
    /// When the region is too small. It is given back then.
    pub fn new(region: Region, clock: impl Clock + 'static, settings: &Settings) -> Result<Self, BootError> {
        Self::with_probe(region, clock, settings, None)
    }

    /// As [`new`](Self::new), with somebody who looks on from outside.
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new).
    pub fn with_probe(
        region: Region,
        clock: impl Clock + 'static,
        settings: &Settings,
        probed: Option<Probed>,
    ) -> Result<Self, BootError> {
        let heap = Heap::create(region).map_err(BootError::Region)?;
        let core = Self::core(&heap, clock, settings, probed).map_err(BootError::Memory)?;
        Ok(Self { handle: Handle { core }, _heap: heap })
    }

    // What is built here is moved to the heap in large pieces: not inlined, the stack is free again when it is done.
    #[inline(never)]
    fn core(
        heap: &Heap,
        clock: impl Clock + 'static,
        settings: &Settings,
        probed: Option<Probed>,
    ) -> Result<Shared<Core>, AllocError> {
        let system = System::new(heap, clock, settings, probed)?;
        let registry = Registry::new(system.clone(), settings.services, settings.first_id)?;
        let registry = heap.try_shared(registry).map_err(|failed| failed.error)?;
        heap.try_shared(Core { registry, system }).map_err(|failed| failed.error)
    }

    /// A handle to give to tasks.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Polls tasks until none is ready, and fires the timers that are due meanwhile; says what is next.
    ///
    /// Does a bounded amount of work, [`Settings::polls_per_tick`] polls at most, and never waits.
    ///
    /// # Panics
    ///
    /// When a task calls it on the kernel that it runs on. A panic of a task also comes out here, on hosts that unwind:
    /// the task is over then, and the next tick goes on with the others.
    pub fn tick(&self) -> Tick {
        let core = &*self.handle.core;
        let executor = core.system.executor();
        let idle = executor.tick();
        // What is rare stands apart, and builds the whole of its report.
        if executor.is_extraordinary() {
            return core.end_extraordinary_tick(idle);
        }
        if !idle {
            return Tick::of(executor, Next::RunAgain);
        }
        if !executor.timers.is_empty() {
            return Tick::until_alarm(executor);
        }
        Tick::of(executor, Next::WaitForInterrupt)
    }

    /// Commands that consoles could not carry out since boot.
    pub fn commands_failed(&self) -> u32 {
        self.handle.core.system.commands_failed.get()
    }

    /// A console has read all that has come in, and waits for more: for machines that type lines at it.
    pub fn awaits_input(&self) -> bool {
        self.handle.core.system.consoles_waiting.get() > 0
    }

    /// No task is ready. With interrupts off this is the last look before a machine sleeps: what an interrupt has woken
    /// since the tick is seen here.
    pub fn is_idle(&self) -> bool {
        self.handle.core.system.executor().is_idle()
    }

    /// Prepares a machine that other threads wake for sleep: `doorbell` is woken as soon as a task is. `false` means
    /// that a task is ready already and the machine must not sleep.
    pub fn fall_asleep(&self, doorbell: &Waker) -> bool {
        self.handle.core.system.executor().fall_asleep(doorbell)
    }
}

impl Core {
    /// The report of a tick when there is more to it than ready tasks and timers.
    #[cold]
    fn end_extraordinary_tick(&self, idle: bool) -> Tick {
        let executor = self.system.executor();
        if let Some(stop) = self.system.stop_reason() {
            return Tick::of(executor, Next::Stop(stop));
        }
        if !idle {
            return Tick::of(executor, Next::RunAgain);
        }
        executor.look_closer(false);
        match self.registry.break_cycle() {
            true => Tick::of(executor, Next::RunAgain),
            false => Tick::until_alarm(executor),
        }
    }
}

impl Tick {
    #[inline]
    fn of(executor: &Executor, next: Next) -> Self {
        let Ticked { polled, completed, spawned, timers } = executor.take_report();
        Self { polled, completed, spawned, timers, next }
    }

    #[inline(never)]
    fn until_alarm(executor: &Executor) -> Self {
        let deadline = executor.timers.next_deadline();
        Self::of(executor, deadline.map_or(Next::WaitForInterrupt, Next::SleepUntil))
    }
}

impl Drop for Kernel {
    fn drop(&mut self) {
        self.handle.core.system.shut_down();
    }
}

impl Handle {
    fn system(&self) -> &System {
        &self.core.system
    }

    /// The heap.
    pub fn heap(&self) -> &Heap {
        self.system().heap()
    }

    /// The registry.
    pub fn services(&self) -> Services {
        Services::new(self.core.registry.clone())
    }

    /// The event stream.
    pub fn events(&self) -> &Events {
        self.system().events()
    }

    /// The log.
    pub fn log(&self) -> &Log {
        self.system().log()
    }

    /// The time since boot.
    pub fn now(&self) -> Instant {
        self.system().now()
    }

    /// The timers, for futures that set several.
    pub fn timers(&self) -> &Timers {
        self.system().timers()
    }

    /// Sleeps for a while, counted from now.
    ///
    /// # Cancellation
    ///
    /// Dropping the future cancels the timer.
    pub fn sleep(&self, duration: Duration) -> Sleep<'_> {
        self.sleep_until(self.now().saturating_add(duration))
    }

    /// Sleeps until a point in time.
    ///
    /// # Cancellation
    ///
    /// As for [`sleep`](Self::sleep).
    pub fn sleep_until(&self, deadline: Instant) -> Sleep<'_> {
        self.timers().sleep_until(deadline)
    }

    /// Gives a future so long to be ready.
    ///
    /// # Cancellation
    ///
    /// When time is up the future is dropped with the timeout.
    pub fn timeout<F: Future>(&self, limit: Duration, future: F) -> Timeout<'_, F> {
        self.timers().timeout_at(self.now().saturating_add(limit), future)
    }

    /// Ticks at a fixed period, counted from now.
    ///
    /// # Errors
    ///
    /// When the period is zero.
    pub fn interval(&self, period: Duration) -> Result<Interval<'_>, IntervalError> {
        self.timers().interval_at(self.now().saturating_add(period), period)
    }

    /// Spawns a task when there is memory for it.
    ///
    /// # Errors
    ///
    /// Hands the future back when there can never be memory for it, or the kernel is shutting down.
    ///
    /// # Cancellation
    ///
    /// Nothing is spawned until the future is ready.
    pub async fn spawn<F>(
        &self,
        name: &'static str,
        future: F,
    ) -> Result<JoinHandle<F::Output>, SpawnError<F>>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        self.system().executor().spawn(name, future).await
    }

    /// Spawns a task, if there is memory for it now.
    ///
    /// # Errors
    ///
    /// Hands the future back when there is no memory for it, or the kernel is shutting down.
    pub fn try_spawn<F>(&self, name: &'static str, future: F) -> Result<JoinHandle<F::Output>, SpawnError<F>>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        self.system().executor().try_spawn(name, future)
    }

    /// Ends a task by its number; `false` when there is none.
    pub fn abort(&self, task: TaskId) -> bool {
        self.system().executor().abort(task)
    }

    /// The task that runs now; `None` outside of tasks.
    pub fn current_task(&self) -> Option<TaskId> {
        self.system().current_task()
    }

    /// The task with the smallest number above `after`: start with 0 to list them all.
    pub fn next_task(&self, after: TaskId) -> Option<TaskStats> {
        self.system().executor().next_task(after)
    }

    /// Registers an interrupt line. For set-up: lines live as long as the machine.
    ///
    /// # Errors
    ///
    /// When there is no memory for it.
    pub fn interrupt_line(&self, name: &'static str) -> Result<Line, AllocError> {
        let system = self.system();
        system.interrupts.line(system.heap(), system.events_for_interrupts(), name)
    }

    /// The interrupt line that was registered after `after` others.
    pub fn nth_interrupt_line(&self, after: usize) -> Option<LineStats> {
        self.system().interrupts.nth(after)
    }

    /// Declares the running task ready: set-up is over, and from now on it should not allocate. What happens if it does
    /// is its account's [`SteadyState`](crate::heap::SteadyState) policy.
    pub fn ready(&self) {
        self.heap().account().declare_ready();
    }

    /// The account of the task with the smallest number above `after`; that of the kernel itself is
    /// [`Heap::kernel_account`].
    pub fn next_account(&self, after: TaskId) -> Option<(TaskId, AccountStats)> {
        self.system().executor().next_account(after)
    }

    /// Limits how many bytes of memory a task may have, from its next allocation on; `false` when there is no such task.
    pub fn set_quota(&self, task: TaskId, bytes: Option<usize>) -> bool {
        self.system().executor().set_quota(task, bytes)
    }

    /// Counts a command that a console could not carry out, for machines that end with an exit code.
    pub fn note_command_failed(&self) {
        let failed = &self.system().commands_failed;
        failed.set(failed.get().saturating_add(1));
    }

    /// Counts a console as waiting for input, until the guard is dropped.
    pub fn await_input(&self) -> AwaitsInput<'_> {
        let waiting = &self.system().consoles_waiting;
        waiting.set(waiting.get().saturating_add(1));
        AwaitsInput { waiting }
    }

    /// Asks the machine to end; the tick that is under way is its last.
    pub fn stop(&self, stop: Stop) {
        self.system().stop(stop);
    }
}

/// A console that waits for input.
#[must_use = "dropped, it waits no longer"]
pub struct AwaitsInput<'k> {
    waiting: &'k Cell<u32>,
}

impl Drop for AwaitsInput<'_> {
    fn drop(&mut self) {
        self.waiting.set(self.waiting.get().saturating_sub(1));
    }
}
