//! Exploration: the same life many times, with interrupts and input landing elsewhere each time.
//!
//! A driver that works has worked with interrupts where they happened to come. Here they come everywhere else: at the ends of
//! critical sections, which are all the points at which a chip could take one and a task could tell; later than their
//! devices raise them; and once more than they were raised, which a handler has to bear. Input comes later, or in pieces. A
//! tick makes fewer polls, and takes time, so that timers become due between any two. All of that is a [`Schedule`]: a value, drawn
//! from a seed, and written as one word.
//!
//! Ready tasks are not reordered: the kernel promises to poll them in the order in which they were woken, and drivers may
//! rely on it. Neither are the bytes on a wire.
//!
//! A life *fails* if a task panics, if the machine comes to rest for ever or does not come to rest, if more commands fail
//! than in the base run (the life with no schedule), if more memory is in use or more requests wait for an answer at the end, or if
//! whoever runs it says so. With [faults](Explorer::faults) commands may fail, and the rest still holds. The schedule and the inputs of a failure are made as short as they go, and printed as one line, with
//! which it happens again.
//!
//! ```
//! use kernel::time::Instant;
//! use sim_host::{External, explore::Explorer};
//!
//! let presses = [(Instant::from_millis(1), "interrupt button"), (Instant::from_millis(3), "interrupt button")];
//! let explorer = Explorer::new(
//!     &presses,
//!     |machine| {
//!         machine
//!             .bare()
//!             .on_boot(|sim| {
//!                 let (_, mut button) = sim.interrupt_line("button")?;
//!                 sim.spawn("driver", async move { button.wait().await }).detach();
//!                 Ok(())
//!             })
//!             .build()
//!     },
//!     |sim, presses| {
//!         for (at, press) in presses {
//!             let press: External = press.parse().expect("an input");
//!             sim.schedule(*at, press).expect("there is a button");
//!         }
//!         sim.run_until_idle();
//!         match sim.kernel().next_task(kernel::executor::TaskId(0)) {
//!             Some(_) => Err("the driver sleeps on".into()),
//!             None => Ok(()),
//!         }
//!     },
//! );
//! let explored = explorer.explore(0..50)?;
//! assert!(explored.found.is_none(), "{explored:?}");
//! # Ok::<(), sim_host::explore::ExploreError>(())
//! ```
//!
//! Each life boots a machine of its own, for that is cheaper than a copy of one that has booted; see [`branch`](crate::branch).

pub mod console;
mod draw;
mod life;
mod schedule;
mod shrink;
mod workers;
mod wrong;

use std::{fmt, ops::Range};

use kernel::time::Duration;

use self::workers::Workers;
pub use self::{
    life::{Failure, Life},
    schedule::{Move, NotASchedule, Schedule},
    workers::cores,
    wrong::TROUBLE,
};
use crate::{Builder, Sim, SimError};

type Build<'a> = Box<dyn Fn(Builder) -> Result<Sim, SimError> + Sync + 'a>;
type Run<'a, T> = Box<dyn Fn(&mut Sim, &[&T]) -> Result<(), Failure> + Sync + 'a>;

/// Explores the lives of one kind of machine, with inputs of type `T`.
pub struct Explorer<'a, T> {
    inputs: &'a [T],
    build: Build<'a>,
    run: Run<'a, T>,
    workers: Workers,
    extra: Option<Vec<String>>,
    /// Faults are drawn: these tasks may be ended, and refused memory.
    faults: Option<Vec<String>>,
}

/// What an exploration came to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Explored {
    /// Seeds whose lives were lived to their end, those that failed among them.
    pub seeds: u64,
    /// Time that passed in these lives.
    pub lived: Duration,
    /// The failure with the lowest seed, if there is one.
    pub found: Option<Found>,
}

/// A failure, as short as it goes.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The seed that led to it, which is that of the machine, too.
    pub seed: u64,
    /// The schedule that this seed stands for.
    pub drawn: Schedule,
    /// What is left of it that still leads to the failure.
    pub schedule: Schedule,
    /// Which of the inputs are needed for it, counted from 0.
    pub inputs: Vec<usize>,
    /// What happens.
    pub failure: Failure,
    /// Lives that it took to make it short.
    pub tries: u32,
}

/// Why nothing was explored.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq)]
pub enum ExploreError {
    /// The machine does not boot.
    Boot(SimError),
    /// The life with no schedule fails already.
    Base(Failure),
    /// A life failed, and then did not: it depends on more than its seed and its schedule.
    NotRepeatable {
        /// Its seed.
        seed: u64,
    },
    /// A worker has died: how.
    Worker(String),
}

impl fmt::Display for ExploreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boot(error) => write!(f, "the machine does not boot: {error}"),
            Self::Base(failure) => write!(f, "there is nothing to explore, as it fails by itself: {failure}"),
            Self::NotRepeatable { seed } => {
                write!(
                    f,
                    "seed {seed} fails, and does not when it is tried again: find out what else it depends on"
                )
            }
            Self::Worker(how) => write!(f, "the exploration broke off: {how}"),
        }
    }
}

impl std::error::Error for ExploreError {}

impl<'a, T: Sync> Explorer<'a, T> {
    /// An explorer of machines that `build` makes of a description, and `run` gives the inputs and lets live. A description may be
    /// changed, but for its seed and its schedule. Between the inputs that are given in the same order, some may be missing.
    pub fn new(
        inputs: &'a [T],
        build: impl Fn(Builder) -> Result<Sim, SimError> + Sync + 'a,
        run: impl Fn(&mut Sim, &[&T]) -> Result<(), Failure> + Sync + 'a,
    ) -> Self {
        let workers = Workers::Threads(cores());
        Self { inputs, build: Box::new(build), run: Box::new(run), workers, extra: None, faults: None }
    }

    /// Lets so many threads work, instead of one for each core.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.workers = Workers::Threads(threads);
        self
    }

    /// Lets so many processes work, copies of this one, which must have a single thread: they are not in each other's way,
    /// as threads are. Tests, whose harness has threads, cannot do that.
    #[must_use]
    pub fn processes(mut self, processes: usize) -> Self {
        self.workers = Workers::Processes(processes);
        self
    }

    /// Lets only these lines become pending once more, instead of all: for handlers that take each interrupt for an event.
    #[must_use]
    pub fn extra_interrupts(mut self, lines: &[&str]) -> Self {
        self.extra = Some(lines.iter().map(|line| (*line).to_owned()).collect());
        self
    }

    /// Draws [faults](crate::fault) for each seed, too: bytes that are lost or wrong, stalled drivers, no memory, power cuts,
    /// and the end of tasks of these names; where the base run uses them, storage that fails or has wrong bits, and a bad I²C bus.
    /// All are over when the machine has lived for [`TROUBLE`], but for power cuts, ends of tasks and bits that go bad for good,
    /// which come with what the machine does. Then commands may fail, but nothing else may be worse than in the
    /// base run. What `run` does should bring the machine back to where it would have come without faults, as
    /// [`console::recover`] does.
    #[must_use]
    pub fn faults(mut self, tasks: &[&str]) -> Self {
        self.faults = Some(tasks.iter().map(|task| (*task).to_owned()).collect());
        self
    }

    /// Which inputs there are: all.
    pub fn all_inputs(&self) -> Vec<usize> {
        (0..self.inputs.len()).collect()
    }

    /// Lives the lives of these seeds until one fails, and makes the failure short. Which one is found does not depend on
    /// the number of threads.
    ///
    /// # Errors
    ///
    /// When the machine does not boot, or fails without a schedule.
    pub fn explore(&self, seeds: Range<u64>) -> Result<Explored, ExploreError> {
        self.explore_every(seeds, 1)
    }

    /// As [`explore`](Self::explore), of these seeds only the first and every so-many-th after it: a share of an exploration
    /// that several hosts divide.
    ///
    /// # Errors
    ///
    /// As for [`explore`](Self::explore).
    pub fn explore_every(&self, seeds: Range<u64>, stride: u64) -> Result<Explored, ExploreError> {
        let inputs = self.all_inputs();
        let base = self.base(&inputs)?;
        let lived = self.workers.live(seeds, stride, |seed| {
            let (life, failure) = self.live(seed, &self.draw(seed, &base), &inputs, Some(&base));
            (life.lived, failure.is_some())
        })?;
        let found = match lived.failed {
            None => None,
            Some(seed) => {
                let drawn = self.draw(seed, &base);
                let again = self.live(seed, &drawn, &inputs, Some(&base)).1;
                let failure = again.ok_or(ExploreError::NotRepeatable { seed })?;
                Some(self.shrink(seed, drawn, failure, &inputs))
            }
        };
        Ok(Explored { seeds: lived.seeds, lived: lived.time, found })
    }

    /// The schedule that a seed stands for.
    ///
    /// # Errors
    ///
    /// As for [`explore`](Self::explore): what there is to displace depends on the base run.
    pub fn schedule_of(&self, seed: u64, inputs: &[usize]) -> Result<Schedule, ExploreError> {
        Ok(self.draw(seed, &self.base(inputs)?))
    }

    /// Lives one life: what a printed line asks for.
    ///
    /// # Errors
    ///
    /// As for [`explore`](Self::explore).
    pub fn reproduce(
        &self,
        seed: u64,
        schedule: &Schedule,
        inputs: &[usize],
    ) -> Result<Option<Failure>, ExploreError> {
        let base = self.base(inputs)?;
        Ok(self.live(seed, schedule, inputs, Some(&base)).1)
    }
}

impl<T> fmt::Debug for Explorer<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Explorer").field("inputs", &self.inputs.len()).finish_non_exhaustive()
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\nreproduce: --seed {} --schedule {}", self.failure, self.seed, self.schedule)
    }
}
