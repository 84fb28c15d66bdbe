//! What lies under the registry: clock, events, log, interrupt lines, timers and executor of one kernel.
#![expect(
    unsafe_code,
    reason = "the clock and the event stream are lent to interrupts for the kernel's life"
)]

use core::{cell::Cell, ptr::NonNull};

use crate::{
    event::{Event, Events, Kind, Probed, Record},
    executor::{Executor, TaskId},
    heap::{AllocError, Box, Heap, Observation, Observer, Shared},
    interrupt::Interrupts,
    limits::Settings,
    log::{Line, Log},
    platform::{Clock, Stop},
    time::{Instant, Timers},
};

/// See the module.
pub(crate) struct System {
    heap: NonNull<Heap>,
    events: NonNull<Events>,
    log: NonNull<Log>,
    executor: NonNull<Executor>,
    /// Lent to the executor, the events and the log.
    _clock: Box<dyn Clock>,
    pub(crate) interrupts: Interrupts,
    /// Why the machine is to end.
    stop: Cell<Option<Stop>>,
    pub(crate) commands_failed: Cell<u32>,
    /// Consoles that wait for input.
    pub(crate) consoles_waiting: Cell<u32>,
}

impl System {
    /// Sets up everything under the registry.
    ///
    /// # Errors
    ///
    /// When the heap is too small for it.
    pub(crate) fn new(
        heap: &Heap,
        clock: impl Clock + 'static,
        settings: &Settings,
        probed: Option<Probed>,
    ) -> Result<Shared<Self>, AllocError> {
        let clock = heap.try_box(clock).map_err(|failed| failed.error)?;
        Self::of_clock(heap, Box::unsize(clock, |clock| clock as &mut dyn Clock), settings, probed)
    }

    fn of_clock(
        heap: &Heap,
        clock: Box<dyn Clock>,
        settings: &Settings,
        probed: Option<Probed>,
    ) -> Result<Shared<Self>, AllocError> {
        // SAFETY: the clock's box does not move its content. `shut_down` takes the clock back from events and log before the
        // box is dropped, as `drop` ensures, and the executor's clock is read through the system only.
        let lent = unsafe { NonNull::from(&*clock).as_ref() };
        let events = Events::new(heap.try_permanent_slots::<Record>(settings.events)?, lent, probed);
        let log = Log::new(heap.try_permanent_slots::<Line>(settings.log_lines)?, lent);
        let events = heap.try_permanent(events)?;
        let log = heap.try_permanent(log)?;
        // SAFETY: the event stream is placed for as long as the heap exists, and the clock is dropped with the system, through
        // which everybody uses the executor.
        let executor = unsafe { Executor::place(heap, events, NonNull::from(lent), settings) }?;
        // SAFETY: the event stream is placed for as long as the heap exists.
        unsafe { heap.set_observer(Some(Observer { notice, context: events.cast() })) };
        let system = Self {
            executor,
            _clock: clock,
            heap: NonNull::from(heap),
            events,
            log,
            interrupts: Interrupts::new(),
            stop: Cell::new(None),
            commands_failed: Cell::new(0),
            consoles_waiting: Cell::new(0),
        };
        heap.try_shared(system).map_err(|failed| failed.error)
    }

    #[inline]
    pub(crate) fn executor(&self) -> &Executor {
        // SAFETY: placed for as long as the region exists, and the system lives in it.
        unsafe { self.executor.as_ref() }
    }

    #[inline]
    pub(crate) fn heap(&self) -> &Heap {
        // SAFETY: the system lives in it.
        unsafe { self.heap.as_ref() }
    }

    #[inline]
    pub(crate) fn events(&self) -> &Events {
        // SAFETY: placed for as long as the region exists.
        unsafe { self.events.as_ref() }
    }

    pub(crate) fn events_for_interrupts(&self) -> NonNull<Events> {
        self.events
    }

    #[inline]
    pub(crate) fn log(&self) -> &Log {
        // SAFETY: placed for as long as the region exists.
        unsafe { self.log.as_ref() }
    }

    #[inline]
    pub(crate) fn timers(&self) -> &Timers {
        &self.executor().timers
    }

    pub(crate) fn now(&self) -> Instant {
        Instant::from_micros(self.executor().clock().now_us())
    }

    /// Asks the machine to end.
    pub(crate) fn stop(&self, stop: Stop) {
        self.stop.set(Some(stop));
        self.executor().look_closer(true);
    }

    /// Why the machine is to end, if it is.
    pub(crate) fn stop_reason(&self) -> Option<Stop> {
        self.stop.get()
    }

    /// Has the end of a tick look for a circle of waiting tasks, once the machine has nothing else to do.
    #[inline]
    pub(crate) fn suspect_cycle(&self) {
        self.executor().look_closer(true);
    }

    /// The number of the task that runs now; `None` outside of tasks.
    #[inline]
    pub(crate) fn current_task(&self) -> Option<TaskId> {
        self.executor().current()
    }

    /// Ends all tasks, and lets go of what interrupts were lent.
    pub(crate) fn shut_down(&self) {
        self.executor().shut_down();
        self.events().close();
        self.log().close();
    }
}

impl Drop for System {
    fn drop(&mut self) {
        // For a system that never became a kernel; closing twice does nothing.
        self.shut_down();
    }
}

/// Turns what the heap observes into events.
///
/// # Safety
///
/// `events` points to an event stream.
unsafe fn notice(events: NonNull<()>, what: Observation, owner: &'static str, bytes: usize) {
    // SAFETY: the caller's.
    let events: &Events = unsafe { events.cast().as_ref() };
    match what {
        Observation::Allocated => events.emit(Kind::Allocate, || Event::Allocate { owner, bytes }),
        Observation::Freed => events.emit(Kind::Free, || Event::Free { owner, bytes }),
        Observation::Refused => events.emit(Kind::OutOfMemory, || Event::OutOfMemory { owner, bytes }),
        Observation::Violation => events.emit(Kind::Violation, || Event::Violation { owner, bytes }),
    }
}
