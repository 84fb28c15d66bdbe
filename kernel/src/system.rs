//! What lies under the registry: clock, events, log, interrupt lines, timers and executor of one kernel.
#![expect(
    unsafe_code,
    reason = "the clock and the event stream are lent to interrupts for the kernel's life"
)]

use core::{cell::Cell, ptr::NonNull};

use crate::{
    event::{Event, Events, Kind, Kinds, Probed, Record},
    executor::{Executor, Surroundings, TaskId, Ticked},
    heap::{AllocError, Box, Heap, Observation, Observer, Shared},
    interrupt::Interrupts,
    limits::Settings,
    log::{Line, Log},
    platform::{Clock, Stop},
    time::{Instant, Timers},
};

/// See the module.
pub(crate) struct System {
    around: Surroundings,
    events: NonNull<Events>,
    log: NonNull<Log>,
    pub(crate) executor: Executor,
    pub(crate) interrupts: Interrupts,
    pub(crate) stop: Cell<Option<Stop>>,
    pub(crate) commands_failed: Cell<u32>,
    /// Consoles that wait for input.
    pub(crate) consoles_waiting: Cell<u32>,
    /// The kinds of events that somebody heard at the last tick.
    kinds: Cell<Kinds>,
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
        // SAFETY: the clock's box does not move its content. `shut_down` takes the clock back from both before the
        // box is dropped, as `drop` ensures.
        let lent = unsafe { NonNull::from(&*clock).as_ref() };
        let events = Events::new(heap.try_permanent_slots::<Record>(settings.events)?, lent, probed);
        let log = Log::new(heap.try_permanent_slots::<Line>(settings.log_lines)?, lent);
        let events = heap.try_permanent(events)?;
        let log = heap.try_permanent(log)?;
        let executor = Executor::new(heap, settings)?;
        let room = heap.try_room_for_shared::<Self>()?;
        // SAFETY: the event stream is placed for as long as the heap exists.
        unsafe { heap.set_observer(Some(Observer { notice, context: events.cast() })) };
        // SAFETY: the system lives in a block of this heap, where the event stream is placed for as long as it exists. All
        // fields of the room's value are written, as the pattern has the compiler check.
        let system = unsafe {
            room.fill_in_place(|place| {
                Surroundings::write(&raw mut (*place).around, NonNull::from(heap), events, clock);
                (&raw mut (*place).events).write(events);
                (&raw mut (*place).log).write(log);
                (&raw mut (*place).executor).write(executor);
                (&raw mut (*place).interrupts).write(Interrupts::new());
                (&raw mut (*place).stop).write(Cell::new(None));
                (&raw mut (*place).commands_failed).write(Cell::new(0));
                (&raw mut (*place).consoles_waiting).write(Cell::new(0));
                (&raw mut (*place).kinds).write(Cell::new(Kinds::NONE));
                let Self {
                    around: _,
                    events: _,
                    log: _,
                    executor: _,
                    interrupts: _,
                    stop: _,
                    commands_failed: _,
                    consoles_waiting: _,
                    kinds: _,
                } = &*place;
            })
        };
        Ok(system)
    }

    #[inline]
    pub(crate) fn heap(&self) -> &Heap {
        self.around.heap()
    }

    #[inline]
    pub(crate) fn events(&self) -> &Events {
        self.around.events()
    }

    pub(crate) fn events_for_interrupts(&self) -> NonNull<Events> {
        self.events
    }

    #[inline]
    pub(crate) fn log(&self) -> &Log {
        // SAFETY: placed for as long as the region exists.
        unsafe { self.log.as_ref() }
    }

    pub(crate) fn timers(&self) -> &Timers {
        &self.around.timers
    }

    pub(crate) fn now(&self) -> Instant {
        Instant::from_micros(self.around.clock.now_us())
    }

    /// One tick of the executor.
    #[inline]
    pub(crate) fn tick(&self) -> Ticked {
        let kinds = self.events().heard();
        if kinds != self.kinds.get() {
            self.trace(kinds);
        }
        self.executor.tick(&self.around)
    }

    /// Has heap and executor tell of every allocation and every poll, if somebody listens to that: they ask nobody by
    /// themselves, to be fast.
    #[cold]
    fn trace(&self, kinds: Kinds) {
        self.kinds.set(kinds);
        self.heap().trace(kinds.contains(Kind::Allocate) || kinds.contains(Kind::Free));
        self.executor.trace_polls(kinds.contains(Kind::Poll));
    }

    /// The number of the task that runs now; `None` outside of tasks.
    #[inline]
    pub(crate) fn current_task(&self) -> Option<TaskId> {
        self.executor.current(self.heap())
    }

    /// Ends all tasks, and lets go of what interrupts were lent.
    pub(crate) fn shut_down(&self) {
        self.executor.shut_down(self.events());
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
