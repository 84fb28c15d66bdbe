//! The supervising task of one driver.

use core::{
    convert::Infallible,
    fmt::{self, Write as _},
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
};

use super::{
    DriverState, ENDING,
    policy::{History, Restart},
    supervisor::{Driver, Order, Supervisor},
};
use crate::{
    Handle,
    event::{Event, Kind},
    executor::{JoinError, JoinHandle, SpawnFailure},
    heap::{AllocError, Box, Shared},
    inline::Text,
    time::{Duration, Instant},
};

/// The target of the supervisor's log lines.
const TARGET: &str = "supervisor";

/// What a driver says when it ends.
type Reason = Text<ENDING>;

/// Makes a driver's task, whatever the driver's types.
pub(super) trait Recipe {
    /// Spawns the driver.
    fn spawn(&self, kernel: &Handle, name: &'static str) -> Result<JoinHandle<Reason>, SpawnFailure>;
}

impl<F, D, E> Recipe for Shared<F>
where
    F: Fn(Handle) -> D + 'static,
    D: Future<Output = Result<Infallible, E>> + 'static,
    E: fmt::Display + 'static,
{
    fn spawn(&self, kernel: &Handle, name: &'static str) -> Result<JoinHandle<Reason>, SpawnFailure> {
        let spawned = kernel.try_spawn(name, drive(self.clone(), kernel.clone()));
        spawned.map_err(|failed| failed.reason)
    }
}

/// A driver's task. The factory is called here, so that what it does is the driver's doing.
async fn drive<F, D, E>(factory: Shared<F>, kernel: Handle) -> Reason
where
    F: Fn(Handle) -> D,
    D: Future<Output = Result<Infallible, E>>,
    E: fmt::Display + 'static,
{
    let Err(error) = factory(kernel).await;
    reason(format_args!("{error}"))
}

fn reason(why: fmt::Arguments<'_>) -> Reason {
    let mut reason = Reason::new();
    // A reason that is too long keeps what fits.
    let _cut = reason.write_fmt(why);
    reason
}

/// How a driver ended.
enum Ending {
    Failed(Reason),
    Panicked,
    /// Somebody aborted its task.
    Aborted,
    /// The supervisor was told to end it.
    Killed,
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(reason) => write!(f, "error: {reason}"),
            Self::Panicked => f.write_str("panicked"),
            Self::Aborted => f.write_str("aborted"),
            Self::Killed => f.write_str("killed"),
        }
    }
}

/// What the supervising task does next.
enum Step {
    /// Start the driver.
    Start {
        /// It has run before.
        again: bool,
    },
    /// Watch it run.
    Watch(JoinHandle<Reason>),
    /// Wait before it is started.
    Wait(Instant),
    /// Wait until somebody starts it.
    Rest,
}

/// A driver's supervision. Dropping it ends the driver, and takes it off the supervisor's list.
pub(super) struct Watch {
    supervisor: Supervisor,
    driver: Shared<Driver>,
    recipe: Box<dyn Recipe>,
    history: History,
}

/// Ends the driver with its supervision: one that nobody watches would go unnoticed when it fails.
struct Watched(JoinHandle<Reason>);

impl Drop for Watched {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Watch {
    pub(super) fn new(
        supervisor: Supervisor,
        driver: Shared<Driver>,
        recipe: Box<dyn Recipe>,
        history: History,
    ) -> Self {
        Self { supervisor, driver, recipe, history }
    }

    /// Supervises for ever.
    pub(super) async fn run(mut self) -> Infallible {
        let mut step = match self.driver.state.get() {
            DriverState::Waiting { .. } => Step::Start { again: false },
            _ => Step::Rest,
        };
        loop {
            step = match step {
                Step::Start { again } => self.start(again),
                Step::Watch(task) => self.watch(task).await,
                Step::Wait(until) => self.wait(until).await,
                Step::Rest => self.rest().await,
            };
        }
    }

    fn start(&mut self, again: bool) -> Step {
        if self.driver.take_order() == Some(Order::Kill) {
            return self.stop();
        }
        let kernel = self.supervisor.kernel();
        let task = match self.recipe.spawn(kernel, self.driver.name) {
            Ok(task) => task,
            Err(failure) => return self.not_started(failure),
        };
        self.history.started();
        let Driver { name, starts, state, .. } = &*self.driver;
        let before = starts.get();
        starts.set(before.wrapping_add(1));
        state.set(DriverState::Running { task: task.id().0 });
        if again {
            kernel.events().emit(Kind::Restart, || Event::Restart { driver: name, restarts: before });
            kernel.log().info(TARGET, format_args!("{name}: started again"));
        }
        Step::Watch(task)
    }

    async fn watch(&mut self, task: JoinHandle<Reason>) -> Step {
        let mut watched = Watched(task);
        let task = &mut watched.0;
        let outcome = match first(&mut *task, self.driver.next_order()).await {
            First::Left(outcome) => outcome,
            // Whoever gave the order has aborted the task.
            First::Right(_order) => task.await,
        };
        // The order may have changed since, so it is looked at only now.
        let order = self.driver.current_order();
        let ending = match (outcome, order) {
            (Ok(reason), _) => Ending::Failed(reason),
            (Err(JoinError::Panicked), _) => Ending::Panicked,
            (Err(JoinError::Cancelled), None) => Ending::Aborted,
            (Err(JoinError::Cancelled), Some(_)) => Ending::Killed,
        };
        match order {
            None => self.ended(&ending),
            Some(order) => {
                self.remember(&ending);
                match order {
                    Order::Kill => self.stop(),
                    Order::Start => Step::Start { again: true },
                }
            }
        }
    }

    fn remember(&self, ending: &Ending) {
        self.driver.last_ending.set(reason(format_args!("{ending}")));
    }

    /// The driver has ended, and not because somebody wanted it to.
    fn ended(&mut self, ending: &Ending) -> Step {
        self.remember(ending);
        let kernel = self.supervisor.kernel();
        let Driver { name, policy, state, .. } = &*self.driver;
        let again = match policy.restart {
            Restart::Never => false,
            Restart::OnFailure => !matches!(ending, Ending::Aborted),
            Restart::Always => true,
        };
        if !again {
            kernel.log().warn(TARGET, format_args!("{name}: {ending}; not started again"));
            state.set(DriverState::Stopped);
            return Step::Rest;
        }
        let Some(delay) = self.history.failed(kernel.now()) else {
            kernel.log().error(TARGET, format_args!("{name}: {ending}; given up, it fails too often"));
            kernel.events().emit(Kind::GiveUp, || Event::GiveUp { driver: name });
            state.set(DriverState::GivenUp);
            return Step::Rest;
        };
        kernel.log().warn(TARGET, format_args!("{name}: {ending}; starting it again in {delay}"));
        self.start_in(delay)
    }

    /// The driver's task could not be spawned.
    fn not_started(&mut self, failure: SpawnFailure) -> Step {
        let ending = Ending::Failed(reason(format_args!("{failure}")));
        let passes =
            matches!(failure, SpawnFailure::Memory(AllocError::OutOfMemory { .. } | AllocError::Contended));
        if !passes || self.driver.policy.restart == Restart::Never {
            return self.ended(&ending);
        }
        self.remember(&ending);
        let (delay, before) = self.history.refused();
        if before == 0 {
            // Once: the log has more to tell than this, again and again.
            let (kernel, name) = (self.supervisor.kernel(), self.driver.name);
            kernel.log().warn(TARGET, format_args!("{name}: no memory to start it; trying until there is"));
        }
        self.start_in(delay)
    }

    fn start_in(&self, delay: Duration) -> Step {
        let until = self.supervisor.kernel().now().saturating_add(delay);
        self.driver.state.set(DriverState::Waiting { until_us: until.as_micros() });
        Step::Wait(until)
    }

    async fn wait(&mut self, until: Instant) -> Step {
        let sleep = self.supervisor.kernel().sleep_until(until);
        // What was ordered is looked at by `start`.
        let _ = first(sleep, self.driver.next_order()).await;
        Step::Start { again: self.driver.starts.get() > 0 }
    }

    async fn rest(&mut self) -> Step {
        // Nobody can kill what rests, so this is an order to start.
        let _start = self.driver.next_order().await;
        self.history.forget();
        Step::Start { again: false }
    }

    fn stop(&mut self) -> Step {
        self.driver.state.set(DriverState::Stopped);
        let (kernel, name) = (self.supervisor.kernel(), self.driver.name);
        kernel.log().info(TARGET, format_args!("{name}: stopped"));
        let _kill = self.driver.take_order();
        Step::Rest
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.supervisor.forget(&self.driver);
    }
}

/// What was ready first.
enum First<A, B> {
    Left(A),
    Right(B),
}

/// Waits for the first of two futures, and drops the other.
async fn first<A: Future, B: Future>(left: A, right: B) -> First<A::Output, B::Output> {
    let (mut left, mut right) = (pin!(left), pin!(right));
    poll_fn(|context| {
        if let Poll::Ready(output) = left.as_mut().poll(context) {
            return Poll::Ready(First::Left(output));
        }
        right.as_mut().poll(context).map(First::Right)
    })
    .await
}
