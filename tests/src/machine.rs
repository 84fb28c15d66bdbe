//! What a law needs of the machine that it runs on.

use core::{
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
};

use kernel::{
    Handle, Tick,
    executor::JoinHandle,
    interrupt::Trigger,
    limits::Settings,
    platform::Next,
    time::{Duration, Instant},
};

/// Ticks after which a machine that does not come to rest has failed.
const TICKS: u32 = 100_000;

/// Boots machines.
pub trait Home {
    /// What it boots.
    type Machine: Machine;

    /// Boots a machine with a heap of so many bytes, and nothing running. Several may exist at a time.
    fn boot(&mut self, heap: usize, settings: &Settings) -> Self::Machine;
}

/// A machine, driven by hand. Dropping it shuts its kernel down.
pub trait Machine {
    /// Its kernel.
    fn kernel(&self) -> Handle;

    /// One tick of the kernel, with the interrupts that are pending before it.
    fn tick(&mut self) -> Tick;

    /// Lets time pass until then, without a tick.
    fn pass_until(&mut self, then: Instant);

    /// Fires a line from an interrupt handler, before the next tick at the latest.
    fn interrupt(&mut self, trigger: &Trigger);

    /// Fires a line from an interrupt handler at that time, whatever the machine does then. One that takes interrupts only
    /// between ticks fires it at once.
    fn interrupt_at(&mut self, trigger: &Trigger, at: Instant) {
        let _ = at;
        self.interrupt(trigger);
    }

    /// Sleeps as a machine does after a tick that left nothing to do: until an interrupt comes, or until then, or less; and
    /// not at all if a task has become ready meanwhile.
    fn sleep(&mut self, until: Instant) {
        self.pass_until(until);
    }

    /// Ticks until nothing is ready. Time does not pass, as far as the machine can help it.
    ///
    /// # Panics
    ///
    /// When it never comes to rest.
    fn settle(&mut self) -> Next {
        for _ in 0..TICKS {
            match self.tick().next {
                Next::RunAgain => {}
                next => return next,
            }
        }
        panic!("the machine does not come to rest");
    }

    /// Ticks until a task is over, letting time pass when nothing is ready, and returns its output.
    ///
    /// # Panics
    ///
    /// When the task can never end, or was cancelled.
    fn finish<T: 'static>(&mut self, task: JoinHandle<T>) -> T {
        let mut task = pin!(task);
        for _ in 0..TICKS {
            if let Poll::Ready(output) = task.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                return output.expect("the task has an output");
            }
            match self.tick().next {
                Next::RunAgain => {}
                _ if task.is_finished() => {}
                Next::SleepUntil(deadline) => self.pass_until(deadline),
                next => panic!("the task hangs: the machine does {next:?}"),
            }
        }
        panic!("the task does not come to its end");
    }

    /// Spawns a task, runs it to its end and returns its output.
    ///
    /// # Panics
    ///
    /// As for [`finish`](Self::finish).
    fn run<F: Future<Output: 'static> + 'static>(&mut self, future: F) -> F::Output {
        let task = self.kernel().try_spawn("law", future).expect("there is memory for the law's task");
        self.finish(task)
    }

    /// Spawns a task and detaches it.
    ///
    /// # Panics
    ///
    /// When there is no memory for it.
    fn start<F: Future<Output: 'static> + 'static>(&mut self, name: &'static str, future: F) {
        self.kernel().try_spawn(name, future).expect("there is memory for the task").detach();
    }

    /// Lets a while pass, with a tick at its end.
    fn pass(&mut self, duration: Duration) {
        let then = self.kernel().now().saturating_add(duration);
        self.pass_until(then);
        self.settle();
    }
}
