//! One machine: its parts, and one step of its life.

mod effect;
mod ended;
mod faulty;
mod idle;
mod interrupt;
mod outside;
mod record;
mod state;
mod storage;

use std::{
    cell::{Cell, RefCell},
    fmt,
    future::Future,
    rc::Rc,
};

use kernel::{
    Handle, Kernel, Tick,
    executor::{JoinHandle, TaskId},
    heap::Buffer,
    platform::{Next, Stop},
    time::{Duration, Instant},
};

use crate::{
    Builder, External, Gpio, I2c, IrqLine, RegionWatch, Rng, SimClock, SimError, Uart,
    bridge::Bridge,
    entropy::Noise,
    explore::Schedule,
    external::{Cause, Inbox, Queue},
    fault::Faults,
    interrupts::{self, Interrupts},
    journal::Journal,
    mailbox::Doorbell,
    observed::Outbox,
    onlooker::{Onlooker, Output},
    panics, region, standard,
    storage::{Flash, Image},
    tap::Tap,
};

pub use self::idle::{IdleFault, MissedKill};

/// A virtual machine. Dropping it switches it off.
pub struct Sim {
    // Dropped from top to bottom: the kernel ends its tasks while everything that they use is there.
    /// Memory that was taken away.
    taken: Vec<Buffer>,
    kernel: Kernel,
    handle: Handle,
    timer: IrqLine,
    /// When the timer interrupt is due.
    timer_at: Cell<Option<Instant>>,
    uarts: Vec<Uart>,
    gpio: Gpio,
    i2c: I2c,
    flash: Option<Flash>,
    interrupts: Rc<Interrupts>,
    inbox: Inbox,
    outbox: Outbox,
    external: Queue,
    faults: Faults,
    /// Tasks of these names are refused memory; the youngest task that each name has found so far.
    refused: Vec<(String, TaskId)>,
    missed_kills: Vec<MissedKill>,
    /// The power that has failed comes back: it was a fault's doing.
    power_returns: bool,
    /// What the last step left: what the kernel wants next, and what the machine waits for.
    last: (Next, Wait),
    /// Steps are counted, and those without a cause not made: what a tape needs.
    exact: bool,
    journal: Journal,
    pub(crate) doorbell: Doorbell,
    pub(crate) clock: SimClock,
    /// Wakes an async runtime at the next deadline.
    pub(crate) alarm: Option<std::pin::Pin<Box<tokio::time::Sleep>>>,
    bridge: Bridge,
    rng: RefCell<Rng>,
    pub(crate) noise: Noise,
    panics: u32,
    last_panic: Option<String>,
    reboots: u32,
    /// Commands that failed before the last boot.
    failed_before: u32,
    /// Time before the last boot.
    lived: Duration,
    region: RegionWatch,
    pub(crate) config: Builder,
}

/// What a step did, and what is next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// Interrupt handlers called.
    pub interrupts: u32,
    /// What the kernel's tick reports.
    pub tick: Tick,
    /// What the machine waits for.
    pub wait: Wait,
}

/// What a machine waits for after a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// Nothing: there is more to do now.
    Nothing,
    /// A point in time, when a task, a device or the outside world goes on.
    Until(Instant),
    /// Input: nothing happens by itself any more.
    Forever,
    /// Being switched off: the machine has ended.
    Stopped(Stop),
    /// Power.
    PowerCut,
}

impl Sim {
    /// Describes a machine, to build it then.
    pub fn builder() -> Builder {
        Builder::new()
    }

    pub(crate) fn new(config: Builder) -> Result<Self, SimError> {
        let clock = SimClock::new(config.time).ok_or(SimError::Time(config.time))?;
        let doorbell = Doorbell::default();
        let interrupts = Rc::new(Interrupts::new(doorbell.clone(), config.schedule.as_ref()));
        let timer = interrupts.line("timer");
        let (inbox, outbox) = (Inbox::new(doorbell.clone()), Outbox::default());
        let uart = |(number, (name, pace)): (usize, &(&'static str, _))| {
            Uart::new(number, *pace, interrupts.line(name), inbox.clone(), outbox.clone(), clock.clone())
        };
        let uarts = config.uarts.iter().enumerate().map(uart).collect();
        let gpio = Gpio::new(config.pins, interrupts.line("gpio"), inbox.clone(), outbox.clone());
        let flash =
            |image: &Image| Flash::new(image.clone(), config.seed, interrupts.line("storage"), clock.clone());
        let flash = config.storage.as_ref().map(flash);
        let i2c = I2c::new(&config.targets, interrupts.line("i2c"), clock.clone());
        interrupts.devices_are_wired();
        let timeline = config.timeline.as_ref().and_then(Output::take);
        let onlooker = timeline.map(|begin| Onlooker::new(begin, clock.clone()));
        let (kernel, region) = boot(&config, &clock, onlooker.as_ref())?;
        let tap = Rc::new(Tap::new(kernel.handle()));
        interrupts.set_tap(tap.clone());
        let mut sim = Self {
            taken: Vec::new(),
            handle: kernel.handle(),
            kernel,
            timer,
            timer_at: Cell::new(None),
            uarts,
            gpio,
            i2c,
            flash,
            interrupts,
            inbox,
            outbox,
            external: Queue::displaced_by(config.schedule.as_ref()),
            faults: Faults::new(config.seed),
            refused: Vec::new(),
            missed_kills: Vec::new(),
            power_returns: false,
            last: (Next::RunAgain, Wait::Nothing),
            exact: false,
            journal: Journal::new(config.without_digest),
            doorbell,
            clock,
            alarm: None,
            bridge: Bridge::new(tap, onlooker),
            rng: RefCell::new(Rng::new(config.seed)),
            noise: Noise::new(config.seed),
            panics: 0,
            last_panic: None,
            reboots: 0,
            failed_before: 0,
            lived: Duration::ZERO,
            region,
            config,
        };
        sim.assemble()?;
        for fault in sim.config.faults.clone() {
            sim.add_fault(fault).map_err(SimError::Fault)?;
        }
        let drawn: Vec<_> = sim.config.schedule.iter().flat_map(Schedule::faults).cloned().collect();
        for fault in drawn {
            sim.add_drawn_fault(fault).map_err(SimError::Fault)?;
        }
        Ok(sim)
    }

    /// Wires the devices to a kernel that has just booted, and starts what is to run on it.
    fn assemble(&self) -> Result<(), SimError> {
        let line = self.handle.interrupt_line("timer").map_err(SimError::Memory)?;
        let trigger = line.trigger();
        self.interrupts.attach(&self.timer, Box::new(move || trigger.fire()));
        if self.config.standard {
            standard::start(self)?;
        }
        self.config.on_boot.iter().try_for_each(|hook| hook(self))
    }

    /// Switches the machine off and on, or on again after a power cut: a fresh kernel with empty memory, devices after
    /// reset, time from 0. What is scheduled to happen from outside still happens, after as much time as was left.
    ///
    /// # Errors
    ///
    /// As for [`Builder::build`]. The machine may be without some of its services then.
    pub fn reboot(&mut self) -> Result<(), SimError> {
        let (kernel, region) = boot(&self.config, &self.clock, self.bridge.onlooker.as_ref())?;
        self.failed_before = self.failed_before.saturating_add(self.commands_failed());
        self.bridge.drain(&self.handle, &mut self.journal);
        self.journal.reboot(self.clock.now());
        // Before the kernel whose memory it is.
        self.taken.clear();
        self.refused.clear();
        self.power_returns = false;
        self.handle = kernel.handle();
        self.interrupts.reset();
        self.kernel = kernel;
        self.bridge.restart(self.handle.clone(), self.clock.now());
        self.region = region;
        self.external.restart_at(self.clock.now());
        self.lived = self.uptime_of_all_boots();
        self.last = (Next::RunAgain, Wait::Nothing);
        self.clock.restart();
        self.uarts.iter().for_each(|uart| uart.reset(self.lived));
        self.gpio.reset();
        self.i2c.reset();
        self.flash.iter().for_each(Flash::lose_power);
        self.timer_at.set(None);
        self.alarm = None;
        self.reboots += 1;
        self.assemble()
    }

    /// Lets happen what is due, takes pending interrupts, and ticks the kernel once. A machine that has no power does
    /// nothing.
    pub fn step(&mut self) -> Step {
        if self.last.1 == Wait::PowerCut {
            return self.idle_step();
        }
        let expected = self.expected();
        self.clock.begin_step(self.exact, self.i2c.next_event());
        let now = self.clock.now();
        for external in self.inbox.take() {
            self.external.schedule(now, external, Cause::Outside);
        }
        let inputs = self.take_inputs(now);
        if self.exact && inputs.is_empty() && !self.has_cause(now) {
            return self.idle_step();
        }
        self.journal.step_begins(now, expected, inputs.iter().map(|(external, _)| external));
        let events = self.journal.entries();
        for (external, cause) in &inputs {
            let hits = self.happen(external);
            self.note_hits(*cause, external, hits);
        }
        if inputs.iter().any(|(external, _)| *external == External::PowerCut) {
            self.last.1 = Wait::PowerCut;
            if let Some(flash) = &self.flash {
                // What has ended by now is done.
                flash.advance();
                flash.lose_power();
            }
            self.journal.add(now, format_args!("{}", External::PowerCut));
            self.journal.step_ends(now);
            return self.idle_step();
        }
        self.refuse_memory();
        self.uarts.iter().for_each(Uart::advance);
        self.carry_bus();
        self.flash.iter().for_each(Flash::advance);
        if self.timer_at.get().is_some_and(|at| at <= now) {
            self.timer_at.set(None);
            self.timer.pend();
        }
        self.bridge.step_begins(&self.handle);
        let before = self.interrupts.deliver();
        let (ticked, within) = interrupts::run(&self.interrupts, || panics::catch(|| self.kernel.tick()));
        let tick = match ticked {
            Ok(tick) => tick,
            Err(message) => self.note_panic(message),
        };
        let cost = self.config.cost_of_a_tick();
        if tick.polled > 0 && !cost.is_zero() {
            self.clock.advance_to(self.clock.now().saturating_add(cost));
        }
        self.bridge.drain(&self.handle, &mut self.journal);
        self.observe(now);
        self.journal.step_ends(now);
        self.uarts.iter().for_each(Uart::flush_output);
        self.let_storage_fail();
        for (number, external) in self.faults.at_events(events, self.journal.entries()) {
            self.external.schedule(self.clock.now(), external, Cause::Fault(number));
        }
        self.last = (tick.next, self.wait_after(tick.next));
        Step { interrupts: before + within, tick, wait: self.last.1 }
    }

    /// A step in which nothing happens.
    fn idle_step(&mut self) -> Step {
        self.uarts.iter().for_each(Uart::flush_output);
        if !matches!(self.last.1, Wait::PowerCut | Wait::Stopped(_)) {
            self.last.1 = self.wait_after(self.last.0);
        }
        let (next, wait) = self.last;
        Step { interrupts: 0, tick: Tick { polled: 0, completed: 0, spawned: 0, timers: 0, next }, wait }
    }

    /// A step would do something, although nothing happens from outside.
    fn has_cause(&self, now: Instant) -> bool {
        let due = |at: Instant| at <= now;
        match self.last {
            (_, Wait::Stopped(_) | Wait::PowerCut) => false,
            (Next::RunAgain, _) => true,
            _ => self.timer_at.get().is_some_and(due) || self.device_events().any(due) || self.is_due(),
        }
    }

    /// When devices have something to do by themselves.
    fn device_events(&self) -> impl Iterator<Item = Instant> {
        let storage = self.flash.iter().filter_map(Flash::next_event);
        self.uarts.iter().filter_map(Uart::next_event).chain(storage).chain(self.i2c.next_event())
    }

    /// When the next step will be if nothing happens from outside.
    pub(crate) fn expected(&self) -> Option<Instant> {
        match self.last.1 {
            Wait::Nothing => Some(self.clock.now()),
            Wait::Until(at) => Some(at.max(self.clock.now())),
            Wait::Forever | Wait::Stopped(_) | Wait::PowerCut => None,
        }
    }

    /// A task panicked: it is over, all others go on.
    fn note_panic(&mut self, message: String) -> Tick {
        self.panics = self.panics.saturating_add(1);
        self.handle.log().error("sim", format_args!("a task panicked: {message}"));
        tracing::error!(target: "mnemos", "a task panicked: {message}");
        self.last_panic = Some(message);
        Tick { polled: 1, completed: 1, spawned: 0, timers: 0, next: Next::RunAgain }
    }

    /// What the machine waits for, of all that the kernel and the devices do.
    fn wait_after(&self, next: Next) -> Wait {
        let kernel = match next {
            Next::Stop(stop) => return Wait::Stopped(stop),
            Next::RunAgain => return Wait::Nothing,
            Next::SleepUntil(at) => Some(at),
            Next::WaitForInterrupt => None,
        };
        self.timer_at.set(kernel);
        if self.is_due() {
            return Wait::Nothing;
        }
        let devices = self.device_events();
        let posted = (!self.inbox.is_empty()).then(|| self.clock.now());
        let late = self.uarts.iter().filter_map(Uart::next_late_output);
        let at =
            kernel.into_iter().chain(self.external.next_at()).chain(posted).chain(devices).chain(late).min();
        match at {
            Some(at) if at <= self.clock.now() => Wait::Nothing,
            Some(at) => Wait::Until(at),
            None => Wait::Forever,
        }
    }

    /// An interrupt waits, or a task is ready.
    fn is_due(&self) -> bool {
        self.interrupts.any_due() || !self.kernel.is_idle()
    }

    /// Nothing has happened since the last step that the machine would have to look at. To be asked after the doorbells
    /// have been set, so that nothing is missed in between.
    pub(crate) fn falls_asleep(&self, waker: &std::task::Waker) -> bool {
        self.doorbell.set(waker);
        let due = |at: Instant| at <= self.clock.now();
        self.kernel.fall_asleep(waker)
            && !self.is_due()
            && self.inbox.is_empty()
            && !self.external.next_at().is_some_and(due)
            && !self.device_events().any(due)
    }

    /// Spawns a task.
    ///
    /// # Panics
    ///
    /// When the machine has no memory for it.
    pub fn spawn<F>(&self, name: &'static str, future: F) -> JoinHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        match self.handle.try_spawn(name, future) {
            Ok(task) => task,
            Err(error) => panic!("the task {name} cannot be spawned: {error}"),
        }
    }

    /// Lets virtual time pass until then, without doing anything. In real time this does nothing.
    pub fn pass_until(&self, then: Instant) {
        self.clock.advance_to(then);
    }
}

impl fmt::Debug for Sim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sim").field("now", &self.now()).field("config", &self.config).finish_non_exhaustive()
    }
}

/// Boots a kernel on memory of its own.
fn boot(
    config: &Builder,
    clock: &SimClock,
    onlooker: Option<&Onlooker>,
) -> Result<(Kernel, RegionWatch), SimError> {
    let (region, watch) = region::allocate(config.heap).ok_or(SimError::HostMemory { bytes: config.heap })?;
    let probed = onlooker.map(Onlooker::probed);
    let kernel = Kernel::with_probe(region, clock.clone(), &config.settings_of_a_boot(), probed)
        .map_err(SimError::Boot)?;
    let handle = kernel.handle();
    handle.heap().set_policy(config.alloc_policy);
    handle.log().set_level(config.log_level);
    if let Some(kinds) = config.kinds {
        handle.events().listen(kinds);
    }
    Ok((kernel, watch))
}
