//! One machine: its parts, and one step of its life.

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
    interrupt::{Line, Trigger},
    platform::{Next, Stop},
    registry::{ConnectionId, Service as _},
    services::serial::Serial,
    time::{Duration, Instant},
};

use crate::{
    Builder, Digest, Entry, External, Fault, FaultCount, Gpio, IrqLine, NoSuchDevice, Observed, Pin,
    RegionWatch, Rng, SimClock, SimError, TimelineError, Uart,
    bridge::Bridge,
    entropy::Noise,
    external::{Cause, Inbox, Queue},
    fault::{Begins, Faults},
    interrupts::{self, Handler, Interrupts},
    journal::Journal,
    mailbox::Doorbell,
    observed::Outbox,
    onlooker::{Onlooker, Output},
    panics, region, standard,
    tap::Tap,
    tape::{NotFresh, Recorder},
    uart::{END_OF_INPUT, Signal},
};

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
    interrupts: Rc<Interrupts>,
    inbox: Inbox,
    outbox: Outbox,
    external: Queue,
    faults: Faults,
    /// Tasks of these names are refused memory.
    refused: Vec<String>,
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
        let writer = config.timeline.as_ref().and_then(Output::take);
        let onlooker = writer.map(|writer| Onlooker::new(writer, clock.clone()));
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
            interrupts,
            inbox,
            outbox,
            external: Queue::displaced_by(config.schedule.as_ref()),
            faults: Faults::new(config.seed),
            refused: Vec::new(),
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
        // The timer's line, one for each UART, and that of the pins.
        self.interrupts.reset(1 + self.uarts.len() + 1);
        self.kernel = kernel;
        self.bridge.restart(self.handle.clone(), self.clock.now());
        self.region = region;
        self.external.restart_at(self.clock.now());
        self.lived = self.uptime_of_all_boots();
        self.last = (Next::RunAgain, Wait::Nothing);
        self.clock.restart();
        self.uarts.iter().for_each(|uart| uart.reset(self.lived));
        self.gpio.reset();
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
        self.clock.begin_step(self.exact);
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
            self.note_fault(*cause, external, hits);
        }
        if inputs.iter().any(|(external, _)| *external == External::PowerCut) {
            self.last.1 = Wait::PowerCut;
            self.journal.add(now, format_args!("{}", External::PowerCut));
            self.journal.step_ends(now);
            return self.idle_step();
        }
        self.refuse_memory();
        self.uarts.iter().for_each(Uart::advance);
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
            _ => {
                self.timer_at.get().is_some_and(due)
                    || self.uarts.iter().filter_map(Uart::next_event).any(due)
                    || self.is_due()
            }
        }
    }

    /// When the next step will be if nothing happens from outside.
    pub(crate) fn expected(&self) -> Option<Instant> {
        match self.last.1 {
            Wait::Nothing => Some(self.clock.now()),
            Wait::Until(at) => Some(at.max(self.clock.now())),
            Wait::Forever | Wait::Stopped(_) | Wait::PowerCut => None,
        }
    }

    /// Takes what happens from outside now, as faults let it through.
    fn take_inputs(&mut self, now: Instant) -> Vec<(External, Cause)> {
        let lived = self.uptime_of_all_boots();
        let mut inputs = Vec::new();
        while let Some((external, cause)) = self.external.take_due(now) {
            let Self { faults, external: queue, .. } = self;
            match cause {
                Cause::Fault(_) => inputs.push((external, cause)),
                Cause::Outside => faults.pass(lived, external, |late, external| match late.is_zero() {
                    true => inputs.push((external, cause)),
                    false => queue.schedule(now.saturating_add(late), external, Cause::Late),
                }),
                Cause::Late => inputs.push((external, cause)),
            }
        }
        inputs
    }

    /// Something has happened, perhaps by a fault; so many hits.
    fn note_fault(&mut self, cause: Cause, external: &External, hits: u64) {
        let Cause::Fault(number) = cause else { return };
        self.power_returns |= *external == External::PowerCut;
        let lived = self.uptime_of_all_boots();
        if let Some(next) = self.faults.happened(number, external, hits, lived) {
            self.external.schedule(self.in_this_boot(next), external.clone(), cause);
        }
    }

    /// When it is so long since the machine was switched on first; in the past that is now.
    fn in_this_boot(&self, lived: Duration) -> Instant {
        Instant::BOOT.saturating_add(lived.saturating_sub(self.lived)).max(self.clock.now())
    }

    /// Lets something happen now; returns on how many things it had an effect.
    fn happen(&mut self, external: &External) -> u64 {
        let wire = |uart: usize, signals: &mut dyn Iterator<Item = Signal>| match self.uarts.get(uart) {
            Some(uart) => {
                uart.arrive(signals);
                1
            }
            None => 0,
        };
        match external {
            External::Bytes { uart, bytes } => wire(*uart, &mut bytes.iter().copied().map(Signal::Byte)),
            External::Garbled { uart } => wire(*uart, &mut [Signal::Garbled].into_iter()),
            External::Break { uart } => wire(*uart, &mut [Signal::Break].into_iter()),
            External::Overrun { uart, byte } => wire(*uart, &mut [Signal::AfterOverrun(*byte)].into_iter()),
            External::EndOfInput { uart } => wire(*uart, &mut [Signal::Byte(END_OF_INPUT)].into_iter()),
            External::Pin { pin, drive } => {
                self.gpio.drive(*pin, *drive);
                1
            }
            External::Interrupt { line } => self.with_line(line, IrqLine::pend),
            External::Mask { line } => self.with_line(line, |line| line.enable(false)),
            External::Unmask { line } => self.with_line(line, |line| line.enable(true)),
            External::Kill { task } => {
                self.tasks_named(task).into_iter().filter(|task| self.handle.abort(*task)).count() as u64
            }
            External::Refuse { task } => {
                if !self.refused.contains(task) {
                    self.refused.push(task.clone());
                }
                self.tasks_named(task).len() as u64
            }
            External::Allow { task } => {
                self.refused.retain(|refused| refused != task);
                self.tasks_named(task).into_iter().filter(|task| self.handle.set_quota(*task, None)).count()
                    as u64
            }
            External::Exhaust => self.take_memory(1),
            External::Fragment => self.take_memory(2),
            External::Relieve => std::mem::take(&mut self.taken).len() as u64,
            External::PowerCut => 1,
        }
    }

    fn with_line(&self, name: &str, with: impl FnOnce(&IrqLine)) -> u64 {
        let line = self.interrupts.named(name);
        line.as_ref().map(with).map_or(0, |()| 1)
    }

    fn tasks_named(&self, name: &str) -> Vec<TaskId> {
        let mut last = TaskId(0);
        let tasks = std::iter::from_fn(|| {
            let task = self.handle.next_task(last)?;
            last = task.id;
            Some(task)
        });
        tasks.filter(|task| task.name == name).map(|task| task.id).collect()
    }

    /// Takes the free memory away, or every other piece of it; returns how many pieces.
    fn take_memory(&mut self, every: usize) -> u64 {
        /// What the heap is cut into when it is fragmented.
        const PIECE: usize = 64;
        let before = self.taken.len();
        let mut size = if every == 1 { self.config.heap } else { PIECE };
        while size > 0 {
            match self.handle.heap().try_buffer(size) {
                Ok(buffer) => self.taken.push(buffer),
                Err(_) if every == 1 => size /= 2,
                Err(_) => break,
            }
        }
        let mut number = 0;
        let kept = self.taken.split_off(before).into_iter().filter(|_| {
            number += 1;
            number % every == 0
        });
        self.taken.extend(kept);
        (self.taken.len() - before) as u64
    }

    /// Tasks may have come since.
    fn refuse_memory(&self) {
        for name in &self.refused {
            for task in self.tasks_named(name) {
                self.handle.set_quota(task, Some(0));
            }
        }
    }

    /// What the machine has waited for since its last step.
    pub fn waits(&self) -> Wait {
        self.last.1
    }

    /// Writes down what has shown outside in this step.
    fn observe(&mut self, now: Instant) {
        for observed in self.outbox.take() {
            self.journal.observe(now, observed);
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
        let devices = self.uarts.iter().filter_map(Uart::next_event);
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
            && !self.uarts.iter().filter_map(Uart::next_event).any(due)
    }

    /// The kernel.
    pub fn kernel(&self) -> Handle {
        self.handle.clone()
    }

    /// The kernel itself, for what only a machine may ask.
    pub fn raw_kernel(&self) -> &Kernel {
        &self.kernel
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

    /// The machine's time.
    pub fn now(&self) -> Instant {
        self.clock.now()
    }

    /// The machine's clock, for other threads too.
    pub fn clock(&self) -> &SimClock {
        &self.clock
    }

    /// Lets virtual time pass until then, without doing anything. In real time this does nothing.
    pub fn pass_until(&self, then: Instant) {
        self.clock.advance_to(then);
    }

    /// Lets something happen at a time, before the machine's tick at that time; in the past means at once. Of several
    /// things at the same time, what was scheduled first happens first.
    ///
    /// ```
    /// use kernel::time::Instant;
    /// use sim_host::{Drive, External, Sim};
    ///
    /// let mut sim = Sim::builder().build()?;
    /// sim.schedule(Instant::from_secs(1), External::Pin { pin: 3, drive: Drive::High })?;
    /// sim.schedule(Instant::from_secs(2), "pin 3 low".parse()?)?;
    /// sim.run_until(Instant::from_millis(1500));
    /// assert!(sim.pin(3).level());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When the machine has no such device.
    pub fn schedule(&mut self, at: Instant, external: External) -> Result<(), NoSuchDevice> {
        self.check(&external)?;
        // What waits without a time came first.
        for waiting in self.inbox.take() {
            self.external.schedule(self.clock.now(), waiting, Cause::Outside);
        }
        self.external.schedule(at.max(self.clock.now()), external, Cause::Outside);
        self.doorbell.ring();
        Ok(())
    }

    fn check(&self, external: &External) -> Result<(), NoSuchDevice> {
        match external {
            External::Bytes { uart, .. }
            | External::Garbled { uart }
            | External::Break { uart }
            | External::Overrun { uart, .. }
            | External::EndOfInput { uart } => match self.uarts.len() {
                count if *uart >= count => Err(NoSuchDevice::Uart { uart: *uart, count }),
                _ => Ok(()),
            },
            External::Pin { pin, .. } => match self.config.pins {
                count if *pin >= count => Err(NoSuchDevice::Pin { pin: *pin, count }),
                _ => Ok(()),
            },
            External::Interrupt { line } | External::Mask { line } | External::Unmask { line } => {
                match self.interrupts.named(line) {
                    None => Err(NoSuchDevice::Interrupt { line: line.clone() }),
                    Some(_) => Ok(()),
                }
            }
            External::Kill { .. }
            | External::Refuse { .. }
            | External::Allow { .. }
            | External::Exhaust
            | External::Fragment
            | External::Relieve
            | External::PowerCut => Ok(()),
        }
    }

    /// Adds a fault, whose times are counted from when the machine was switched on first, like those of
    /// [`Builder::fault`].
    ///
    /// # Errors
    ///
    /// When the machine has no such serial port.
    pub fn add_fault(&mut self, fault: Fault) -> Result<(), NoSuchDevice> {
        if let Some(uart) = fault.uart() {
            self.check(&External::Break { uart })?;
        }
        let (number, begins) = self.faults.add(fault);
        match begins {
            Begins::Outgoing(uart, rule) => self.uart(uart).add_fault(rule),
            Begins::Happens(all) => {
                for (at, external) in all {
                    self.external.schedule(self.in_this_boot(at), external, Cause::Fault(number));
                }
                self.doorbell.ring();
            }
            Begins::Later => {}
        }
        Ok(())
    }

    /// The machine's faults, and how often each has had an effect: one that never had is worth a look.
    pub fn faults(&self) -> Vec<FaultCount> {
        self.faults.counts()
    }

    /// The power was cut by a [`Fault`], after which it comes back: the machine is to be [rebooted](Self::reboot).
    pub fn power_returns(&self) -> bool {
        self.power_returns && self.last.1 == Wait::PowerCut
    }

    /// Sends bytes to a UART at a time.
    ///
    /// # Panics
    ///
    /// When there is no such UART.
    pub fn send_at(&mut self, at: Instant, uart: usize, bytes: impl Into<Vec<u8>>) {
        if let Err(error) = self.schedule(at, External::Bytes { uart, bytes: bytes.into() }) {
            panic!("{error}");
        }
    }

    /// A UART, by its number.
    ///
    /// # Panics
    ///
    /// When the machine has none of this number.
    pub fn uart(&self, number: usize) -> &Uart {
        match self.uarts.get(number) {
            Some(uart) => uart,
            None => panic!("the machine has {} UARTs, and none of number {number}", self.uarts.len()),
        }
    }

    pub(crate) fn uarts(&self) -> impl Iterator<Item = (&'static str, &Uart)> {
        self.config.uarts.iter().map(|(name, _)| *name).zip(&self.uarts)
    }

    /// The host's end of a UART that another thread may hold: to send from there.
    ///
    /// # Panics
    ///
    /// As for [`uart`](Self::uart).
    pub fn uart_input_handle(&self, number: usize) -> Uart {
        self.uart(number).clone()
    }

    /// The host's end of a pin.
    ///
    /// # Panics
    ///
    /// When the machine has no pin of this number.
    pub fn pin(&self, number: u8) -> Pin {
        match self.gpio.pin(number) {
            Some(pin) => pin,
            None => panic!("the machine has {} pins, and none of number {number}", self.config.pins),
        }
    }

    /// The bank of pins.
    pub fn gpio(&self) -> &Gpio {
        &self.gpio
    }

    /// Adds an interrupt line with a handler that tells the kernel's line of the same name. It is gone after a reboot.
    ///
    /// # Errors
    ///
    /// When the machine has no memory for it.
    pub fn interrupt_line(&self, name: &'static str) -> Result<(IrqLine, Line), SimError> {
        let line = self.handle.interrupt_line(name).map_err(SimError::Memory)?;
        let irq = self.interrupts.line(name);
        let trigger = line.trigger();
        self.attach(&irq, move || trigger.fire());
        Ok((irq, line))
    }

    /// Sets what is called when a line is taken.
    ///
    /// # Panics
    ///
    /// In debug builds, when the line is another machine's.
    pub fn attach(&self, line: &IrqLine, handler: impl FnMut() + 'static) {
        let handler: Handler = Box::new(handler);
        self.interrupts.attach(line, handler);
    }

    /// How many critical sections have ended while the kernel ran: the points at which it can be interrupted.
    pub fn critical_sections(&self) -> u64 {
        self.interrupts.sections()
    }

    /// Makes a line pending when the kernel has left so many more critical sections, counted from 1, to try an
    /// interrupt at each point where one can land. A reboot forgets it.
    ///
    /// ```
    /// use sim_host::Sim;
    ///
    /// let mut sim = Sim::builder().bare().build()?;
    /// let (irq, _line) = sim.interrupt_line("button")?;
    /// let kernel = sim.kernel();
    /// sim.pend_after(&irq, 1);
    /// let taken = irq.clone();
    /// let seen = sim.block_on(async move {
    ///     let before = taken.taken();
    ///     kernel.log().info("task", format_args!("a critical section guards the log"));
    ///     (before, taken.taken())
    /// });
    /// assert_eq!(seen.1, 1);
    /// # Ok::<(), sim_host::SimError>(())
    /// ```
    pub fn pend_after(&self, line: &IrqLine, critical_sections: u64) {
        self.interrupts.pend_after(line, critical_sections);
    }

    /// Fires a trigger now, as an interrupt handler would.
    pub fn interrupt(&self, trigger: &Trigger) {
        interrupts::handle(|| trigger.fire());
    }

    /// How often a storm of interrupts was cut off, so that tasks got their turn.
    pub fn interrupt_storms(&self) -> u32 {
        self.interrupts.storms()
    }

    /// The machine's randomness.
    pub fn rng(&self) -> std::cell::RefMut<'_, Rng> {
        self.rng.borrow_mut()
    }

    /// The seed that the machine was built with.
    pub fn seed(&self) -> u64 {
        self.config.seed
    }

    /// How many tasks have panicked.
    pub fn panics(&self) -> u32 {
        self.panics
    }

    /// What the last panic of a task said, and where.
    pub fn last_panic(&self) -> Option<&str> {
        self.last_panic.as_deref()
    }

    /// How often the machine was rebooted.
    pub fn reboots(&self) -> u32 {
        self.reboots
    }

    /// Commands that consoles could not carry out since boot.
    pub fn commands_failed(&self) -> u32 {
        self.kernel.commands_failed()
    }

    /// Commands that consoles could not carry out, in all boots.
    pub(crate) fn commands_failed_in_all_boots(&self) -> u32 {
        self.failed_before.saturating_add(self.commands_failed())
    }

    /// The machine's task has read all that a UART was sent, and waits for more. To be asked while the machine is at
    /// rest: then a request that the port has not answered is one that waits for bytes.
    pub fn awaits_bytes(&self, uart: usize) -> bool {
        if self.uart(uart).on_wire() > 0 || self.external.has_bytes_for(uart) {
            return false;
        }
        let services = self.handle.services();
        let mut after = ConnectionId(0);
        while let Some(connection) = services.next_connection(after) {
            if connection.service == Serial::NAME && connection.busy > 0 {
                return true;
            }
            after = connection.id;
        }
        false
    }

    /// The names of the interrupt lines, lowest first.
    pub fn interrupt_lines(&self) -> Vec<&'static str> {
        self.interrupts.names()
    }

    /// Interrupts that a schedule can displace.
    pub(crate) fn interrupts_arrived(&self) -> u64 {
        self.interrupts.arrived()
    }

    /// The bytes of each input that a schedule can displace.
    pub(crate) fn input_lens(&self) -> &[usize] {
        self.external.input_lens()
    }

    /// Stands for all that the machine has done: the events that its kernel recorded and what showed outside, in their
    /// order, with their times. Two lives that are the same have the same, on any host. Events that were overwritten
    /// unread are in it as a count. A machine [without a digest](Builder::without_digest) has the same all its life.
    pub fn digest(&self) -> Digest {
        self.journal.digest()
    }

    /// Calls `listener` with each entry of the machine's journal from now on: what [`digest`](Self::digest) stands for.
    pub fn on_entry(&mut self, listener: impl FnMut(Entry<'_>) + 'static) {
        self.journal.listen(Box::new(listener));
    }

    /// Keeps what shows outside from now on, until it is taken.
    pub fn keep_observed(&mut self) {
        self.journal.keep();
    }

    /// Takes what has shown outside since it was taken last, with its times; nothing unless it is
    /// [kept](Self::keep_observed).
    pub fn take_observed(&mut self) -> Vec<(Instant, Observed)> {
        self.journal.take_kept()
    }

    /// Records a tape of the machine's life from now on. In real time the machine's clock moves between its steps only
    /// then.
    ///
    /// # Errors
    ///
    /// When the machine has made steps already.
    pub fn record(&mut self, recorder: Recorder) -> Result<(), NotFresh> {
        if self.steps() > 0 {
            return Err(NotFresh);
        }
        self.be_exact();
        self.journal.tape = Some(recorder);
        Ok(())
    }

    /// Ends the tape that is recorded, if there is one.
    ///
    /// # Errors
    ///
    /// When the tape, or anything before on it, could not be written.
    pub fn end_recording(&mut self) -> std::io::Result<()> {
        match self.journal.tape.take() {
            Some(tape) => tape.finish(self.journal.steps(), self.clock.now(), self.digest()),
            None => Ok(()),
        }
    }

    /// Ends the machine's [timeline](Builder::timeline), if it has one.
    ///
    /// # Errors
    ///
    /// When any of it could not be written.
    pub fn end_timeline(&mut self) -> Result<(), TimelineError> {
        self.bridge.onlooker.as_mut().map_or(Ok(()), Onlooker::end)
    }

    /// From now on, steps without a cause are not made.
    pub(crate) fn be_exact(&mut self) {
        self.exact = true;
    }

    /// Steps since the machine was built. Steps in which nothing happened may be among them.
    pub fn steps(&self) -> u64 {
        self.journal.steps()
    }

    /// How long the machine has lived: the time since boot, and that of the boots before.
    pub fn uptime_of_all_boots(&self) -> Duration {
        self.lived.saturating_add(self.now().since(Instant::from_micros(0)))
    }

    /// Events that were overwritten before the machine read them: more happened in a step than
    /// [`Settings::events`](kernel::limits::Settings::events) remembers.
    pub fn events_missed(&self) -> u64 {
        self.bridge.missed()
    }

    /// Tells when the memory of the kernel that runs now is given back to the host.
    pub fn region_watch(&self) -> RegionWatch {
        self.region.clone()
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
