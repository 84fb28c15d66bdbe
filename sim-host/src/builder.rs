//! Builds machines.

use std::{fmt, io::Write, rc::Rc};

use kernel::{
    BootError,
    event::Kinds,
    heap::{AllocError, SteadyState},
    limits::Settings,
    log::Level,
    services::{
        console::Config, gpio::driver::GpioError, serial::driver::SerialError, standard::StartError,
        storage::driver::StorageError,
    },
    time::Duration,
};

use crate::{Fault, NoSuchDevice, Pace, Sim, Time, explore::Schedule, onlooker::Output, storage::Image};

/// What is called at the end of each boot.
pub(crate) type OnBoot = Rc<dyn Fn(&Sim) -> Result<(), SimError>>;

/// Describes a machine. [`Sim::builder`] makes one.
#[derive(Clone)]
pub struct Builder {
    pub(crate) heap: usize,
    pub(crate) seed: u64,
    pub(crate) time: Time,
    pub(crate) alloc_policy: SteadyState,
    pub(crate) settings: Settings,
    pub(crate) uarts: Vec<(&'static str, Pace)>,
    pub(crate) pins: u8,
    pub(crate) storage: Option<Image>,
    pub(crate) standard: bool,
    pub(crate) console: Option<Config>,
    pub(crate) kinds: Option<Kinds>,
    pub(crate) log_level: Level,
    pub(crate) tick_cost: Duration,
    pub(crate) step_limit: u64,
    pub(crate) on_boot: Vec<OnBoot>,
    pub(crate) schedule: Option<Schedule>,
    pub(crate) without_digest: bool,
    pub(crate) faults: Vec<Fault>,
    pub(crate) timeline: Option<Output>,
}

impl Builder {
    /// A standard machine: 256 KiB of heap, seed 0, virtual time, one UART, 30 pins, 64 KiB of erased storage.
    pub(crate) fn new() -> Self {
        Self {
            heap: 256 * 1024,
            seed: 0,
            time: Time::Virtual,
            alloc_policy: SteadyState::default(),
            settings: Settings::DEFAULT,
            uarts: vec![("uart0", Pace::Unlimited)],
            pins: 30,
            storage: Some(Image::new()),
            standard: true,
            console: None,
            kinds: None,
            log_level: Level::Info,
            tick_cost: Duration::ZERO,
            step_limit: 10_000_000,
            on_boot: Vec::new(),
            schedule: None,
            without_digest: false,
            faults: Vec::new(),
            timeline: None,
        }
    }

    /// Gives the machine so many bytes of memory.
    #[must_use]
    pub fn heap(mut self, bytes: usize) -> Self {
        self.heap = bytes;
        self
    }

    /// Chooses the machine's randomness.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Chooses how time passes.
    #[must_use]
    pub fn time(mut self, time: Time) -> Self {
        self.time = time;
        self
    }

    /// Chooses what happens when a driver allocates after it has declared itself ready.
    #[must_use]
    pub fn alloc_policy(mut self, policy: SteadyState) -> Self {
        self.alloc_policy = policy;
        self
    }

    /// Chooses the kernel's settings.
    #[must_use]
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// Gives the machine so many pins; 32 at most if it is a standard one.
    #[must_use]
    pub fn pins(mut self, pins: u8) -> Self {
        self.pins = pins;
        self
    }

    /// Gives the machine a storage that holds this. By default it has an erased one of [`Image::GEOMETRY`].
    #[must_use]
    pub fn storage(mut self, image: Image) -> Self {
        self.storage = Some(image);
        self
    }

    /// Gives the machine no storage.
    #[must_use]
    pub fn without_storage(mut self) -> Self {
        self.storage = None;
        self
    }

    /// Adds a UART, or chooses the pace of one that is there. `uart0` always is.
    #[must_use]
    pub fn uart(mut self, name: &'static str, pace: Pace) -> Self {
        match self.uarts.iter_mut().find(|(known, _)| *known == name) {
            Some(uart) => uart.1 = pace,
            None => self.uarts.push((name, pace)),
        }
        self
    }

    /// Chooses the kinds of events that are recorded from boot on; those of the kernel's choice otherwise.
    #[must_use]
    pub fn events(mut self, kinds: Kinds) -> Self {
        self.kinds = Some(kinds);
        self
    }

    /// Chooses the level of log lines that are kept.
    #[must_use]
    pub fn log_level(mut self, level: Level) -> Self {
        self.log_level = level;
        self
    }

    /// Lets virtual time pass with each tick that polls something; none does otherwise. With a cost, a task that is
    /// always ready does not stop the clock.
    #[must_use]
    pub fn tick_cost(mut self, cost: Duration) -> Self {
        self.tick_cost = cost;
        self
    }

    /// Bounds the steps of one run, so that a machine that never comes to rest ends with
    /// [`Outcome::Limit`](crate::Outcome::Limit).
    #[must_use]
    pub fn step_limit(mut self, steps: u64) -> Self {
        self.step_limit = steps;
        self
    }

    /// Starts the standard services at boot: this is the default.
    #[must_use]
    pub fn standard(mut self) -> Self {
        self.standard = true;
        self
    }

    /// Starts nothing at boot. The devices are there, their drivers are not.
    #[must_use]
    pub fn bare(mut self) -> Self {
        self.standard = false;
        self
    }

    /// Starts a console on one of the UARTs, beside the standard services.
    #[must_use]
    pub fn console(mut self, config: Config) -> Self {
        self.console = Some(config);
        self
    }

    /// Calls `hook` at the end of each boot, the first one and every reboot's.
    #[must_use]
    pub fn on_boot(mut self, hook: impl Fn(&Sim) -> Result<(), SimError> + 'static) -> Self {
        self.on_boot.push(Rc::new(hook));
        self
    }

    /// Has interrupts and what happens from outside land elsewhere; see [`explore`](crate::explore).
    #[must_use]
    pub fn schedule(mut self, schedule: Schedule) -> Self {
        self.schedule = Some(schedule);
        self
    }

    /// Sums nothing up: a machine whose [digest](Sim::digest) nobody wants is a quarter faster.
    #[must_use]
    pub fn without_digest(mut self) -> Self {
        self.without_digest = true;
        self
    }

    /// The settings, as the schedule wants them.
    pub(crate) fn settings_of_a_boot(&self) -> Settings {
        let polls = self.schedule.as_ref().and_then(Schedule::polls);
        Settings { polls_per_tick: polls.unwrap_or(self.settings.polls_per_tick), ..self.settings }
    }

    /// What a tick that polls something costs, as the schedule wants it.
    pub(crate) fn cost_of_a_tick(&self) -> Duration {
        let cost_us = self.schedule.as_ref().and_then(Schedule::cost_us);
        cost_us.map_or(self.tick_cost, Duration::from_micros)
    }

    /// Lets something go wrong. Chance comes from the machine's seed.
    #[must_use]
    pub fn fault(mut self, fault: Fault) -> Self {
        self.faults.push(fault);
        self
    }

    /// Has the machine write a trace of its life that [Perfetto](https://ui.perfetto.dev) shows, which is whole after
    /// [`Sim::end_timeline`]; see [`timeline`]. The machine behaves as it would without. Of several machines that are built
    /// like this, the first writes.
    ///
    /// ```
    /// use sim_host::Sim;
    ///
    /// let path = std::env::temp_dir().join("day.pftrace");
    /// let mut sim = Sim::builder().timeline(std::fs::File::create(path)?).build()?;
    /// sim.run_until_idle();
    /// sim.end_timeline()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn timeline(mut self, writer: impl Write + 'static) -> Self {
        self.timeline = Some(Output::new(Box::new(writer)));
        self
    }

    /// Builds the machine and boots it.
    ///
    /// # Errors
    ///
    /// When time cannot pass as chosen, the host has no memory for the machine, or the machine too little for its
    /// kernel and services.
    pub fn build(self) -> Result<Sim, SimError> {
        Sim::new(self)
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("heap", &self.heap)
            .field("seed", &self.seed)
            .field("time", &self.time)
            .field("standard", &self.standard)
            .finish_non_exhaustive()
    }
}

/// Why a machine was not built, or did not boot.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq)]
pub enum SimError {
    /// Time cannot pass like that.
    Time(Time),
    /// The host has no memory for the machine's.
    HostMemory {
        /// Bytes asked for.
        bytes: usize,
    },
    /// The kernel did not boot.
    Boot(BootError),
    /// The machine has no memory for one of its parts.
    Memory(AllocError),
    /// A serial port was not set up.
    Serial(SerialError),
    /// GPIO was not set up.
    Gpio(GpioError),
    /// Storage was not set up.
    Storage(StorageError),
    /// A standard service was not started.
    Start(StartError),
    /// A fault is about a device that the machine has not.
    Fault(NoSuchDevice),
}

impl fmt::Display for SimError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Time(Time::Scaled(rate)) => {
                write!(f, "time cannot pass {rate} times as fast; the factor is a number above 0")
            }
            Self::Time(time) => write!(f, "time cannot pass like this: {time:?}"),
            Self::HostMemory { bytes } => {
                write!(f, "the host has no {bytes} bytes for the machine's memory")
            }
            Self::Boot(error) => error.fmt(f),
            Self::Memory(error) => write!(f, "the machine's memory is too small: {error}"),
            Self::Serial(error) => write!(f, "a serial port was not set up: {error}"),
            Self::Gpio(error) => write!(f, "GPIO was not set up: {error}"),
            Self::Storage(error) => write!(f, "storage was not set up: {error}"),
            Self::Fault(missing) => write!(f, "a fault is about nothing: {missing}"),
            Self::Start(error) => write!(f, "a standard service was not started: {error}"),
        }
    }
}

impl std::error::Error for SimError {}
