//! Driving a machine: until it comes to rest, for a while, until something is true; by hand, or in an async runtime.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
    time::Duration as HostDuration,
};

use kernel::{
    executor::JoinError,
    platform::Stop,
    time::{Duration, Instant},
};

use crate::{Sim, Step, Wait};

/// Steps made before an async runtime gets its turn.
const STEPS_PER_POLL: u32 = 256;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing will ever happen again unless there is input.
    Idle,
    /// The machine has ended.
    Stopped(Stop),
    /// The machine has no power.
    PowerCut,
    /// The time has come.
    TimeReached,
    /// The predicate is true.
    Satisfied,
    /// The machine made more steps than [`Builder::step_limit`](crate::Builder::step_limit) allows.
    Limit,
}

/// What whoever drives a machine wants of it when it is at rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rest {
    /// To look again: there is something to do for it.
    Again,
    /// To wait for its next deadline.
    Pass,
    /// To wait for something from outside: virtual time stands still until then.
    Hold,
}

/// Wakes a thread that drives a machine in real time.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

impl Sim {
    /// Steps until nothing is ready. Virtual time stands still.
    pub fn settle(&mut self) -> Outcome {
        for _ in 0..self.config.step_limit {
            match self.step().wait {
                Wait::Nothing => {}
                Wait::Stopped(stop) => return Outcome::Stopped(stop),
                Wait::PowerCut => return Outcome::PowerCut,
                Wait::Until(_) | Wait::Forever => return Outcome::Idle,
            }
        }
        Outcome::Limit
    }

    /// Runs until nothing will ever happen again, letting time pass.
    pub fn run_until_idle(&mut self) -> Outcome {
        self.run(None, |_| false)
    }

    /// Runs for so long, even if nothing happens.
    pub fn run_for(&mut self, duration: Duration) -> Outcome {
        self.run_until(self.now().saturating_add(duration))
    }

    /// Runs until a point in time and does what is due then. If that is in the past, it does what is due now.
    pub fn run_until(&mut self, end: Instant) -> Outcome {
        self.run(Some(end), |_| false)
    }

    /// Runs until the predicate, which is asked after each step, is true, but no longer than `limit`.
    pub fn run_until_pred(&mut self, limit: Duration, predicate: impl FnMut(&Self) -> bool) -> Outcome {
        self.run(Some(self.now().saturating_add(limit)), predicate)
    }

    fn run(&mut self, end: Option<Instant>, mut satisfied: impl FnMut(&Self) -> bool) -> Outcome {
        let mut steps = 0;
        loop {
            if satisfied(self) {
                return Outcome::Satisfied;
            }
            if steps == self.config.step_limit {
                return Outcome::Limit;
            }
            steps += 1;
            let Step { wait, .. } = self.step();
            let over = end.is_some_and(|end| end <= self.now());
            let until = match wait {
                Wait::Stopped(stop) => return Outcome::Stopped(stop),
                Wait::PowerCut => return Outcome::PowerCut,
                // Time that passes by itself does not wait for a machine that is always busy.
                Wait::Nothing if over && !self.clock.is_virtual() => return Outcome::TimeReached,
                Wait::Nothing => continue,
                _ if satisfied(self) => return Outcome::Satisfied,
                _ if over => return Outcome::TimeReached,
                Wait::Until(at) => end.map_or(at, |end| at.min(end)),
                Wait::Forever => match end {
                    Some(end) => end,
                    None => return Outcome::Idle,
                },
            };
            if end.is_some() && self.clock.is_virtual() {
                // A run that has an end is bounded by it: what is limited is how often the clock may stand still.
                steps = 0;
            }
            self.wait_until(until);
        }
    }

    /// Lets time pass: at once when it is virtual, asleep when it is real, and then no longer than until a wake.
    pub(crate) fn wait_until(&self, until: Instant) {
        if self.clock.is_virtual() {
            self.clock.advance_to(until);
        } else {
            self.sleep(self.clock.host_time_until(until));
        }
    }

    /// Waits for a wake from another thread, for so long of the host's time; `true` when there is something to do.
    pub fn wait_for_wake(&self, limit: HostDuration) -> bool {
        let end = std::time::Instant::now() + limit;
        loop {
            let left = end.saturating_duration_since(std::time::Instant::now());
            if self.sleep(left) {
                return true;
            }
            if left.is_zero() {
                return false;
            }
        }
    }

    /// Sleeps once, perhaps shorter than asked; `true` when there was something to do at once.
    fn sleep(&self, limit: HostDuration) -> bool {
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        let awake = !self.falls_asleep(&waker);
        if !awake {
            thread::park_timeout(limit);
        }
        awake
    }

    /// Runs a task to its end and returns its output.
    ///
    /// # Panics
    ///
    /// When the task panics or is cancelled, when the machine ends or falls asleep for ever before it is over, when it
    /// makes too many steps, and when it has no memory for the task.
    pub fn block_on<F>(&mut self, future: F) -> F::Output
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        let mut task = pin!(self.spawn("block_on", future));
        let panics = self.panics();
        let outcome = self.run(None, |_| task.is_finished());
        let mut context = Context::from_waker(Waker::noop());
        match task.as_mut().poll(&mut context) {
            Poll::Ready(Ok(output)) => output,
            Poll::Ready(Err(JoinError::Panicked)) if self.panics() != panics => {
                panic!("the task panicked: {}", self.last_panic().unwrap_or_default())
            }
            Poll::Ready(Err(error)) => panic!("the task has no output: {error}"),
            Poll::Pending => panic!("the task never ends: {}", self.why_not(outcome)),
        }
    }

    fn why_not(&self, outcome: Outcome) -> String {
        let now = self.now();
        match outcome {
            Outcome::Idle => format!("at {now} the machine is asleep and nothing will wake it"),
            Outcome::Stopped(stop) => format!("at {now} the machine ended, {stop:?}"),
            Outcome::PowerCut => format!("at {now} the power failed"),
            Outcome::Limit => {
                format!("at {now} the machine had made {} steps", self.config.step_limit)
            }
            Outcome::TimeReached | Outcome::Satisfied => format!("the run ended at {now}"),
        }
    }

    /// Drives the machine from an async runtime with tokio's time: steps, and when there is nothing to do waits for the
    /// next deadline or for a wake. Ready when the machine has ended.
    ///
    /// In virtual time it does not wait for deadlines; the clock jumps there.
    pub fn poll_machine(&mut self, context: &mut Context<'_>) -> Poll<Outcome> {
        self.poll_machine_until(context, None, |_, _| Rest::Pass)
    }

    /// As [`poll_machine`](Self::poll_machine), but ready at a point in time at the latest. Whenever the machine is at
    /// rest, `at_rest` may give it something to do, or have it wait although there is a deadline.
    pub fn poll_machine_until(
        &mut self,
        context: &mut Context<'_>,
        end: Option<Instant>,
        mut at_rest: impl FnMut(&mut Self, Wait) -> Rest,
    ) -> Poll<Outcome> {
        for _ in 0..STEPS_PER_POLL {
            let wait = self.step().wait;
            let next = match wait {
                Wait::Stopped(stop) => return Poll::Ready(Outcome::Stopped(stop)),
                Wait::PowerCut => return Poll::Ready(Outcome::PowerCut),
                Wait::Nothing => {
                    // Time that passes by itself does not wait for a machine that is always busy.
                    if end.is_some_and(|end| end <= self.now()) && !self.clock.is_virtual() {
                        return Poll::Ready(Outcome::TimeReached);
                    }
                    continue;
                }
                Wait::Until(at) => Some(at),
                Wait::Forever => None,
            };
            let until = match at_rest(self, wait) {
                Rest::Again => continue,
                _ if end.is_some_and(|end| end <= self.now()) => return Poll::Ready(Outcome::TimeReached),
                Rest::Pass => next.into_iter().chain(end).min(),
                Rest::Hold if self.clock.is_virtual() => None,
                Rest::Hold => next.into_iter().chain(end).min(),
            };
            // What has come in meanwhile comes before what the clock brings.
            if !self.falls_asleep(context.waker()) {
                continue;
            }
            let Some(until) = until else { return Poll::Pending };
            if self.clock.is_virtual() {
                self.clock.advance_to(until);
                continue;
            }
            let alarm = tokio::time::sleep(self.clock.host_time_until(until));
            let alarm = self.alarm.insert(Box::pin(alarm));
            if alarm.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }

    /// Drives the machine until it ends, as [`poll_machine`](Self::poll_machine) does.
    ///
    /// # Cancellation
    ///
    /// The machine stops where it is, and can be driven on.
    pub async fn run_async(&mut self) -> Outcome {
        poll_fn(|context| self.poll_machine(context)).await
    }
}
