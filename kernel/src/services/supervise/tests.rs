//! The laws of supervision.

use core::{
    cell::{Cell, RefCell},
    convert::Infallible,
    fmt,
    future::{Future, pending},
};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
    string::{String, ToString},
    vec::Vec,
};

use super::{
    AddError, Backoff, DriverRow, DriverState, Error, Limit, NAME, Policy, Request, Response, Restart,
    Supervise, Supervisor, TASK, serve,
};
use crate::{
    Handle,
    event::Event,
    executor::TaskId,
    heap::{AllocError, SteadyState},
    inline::Text,
    platform::Next,
    registry::{CallError, Client, ConnectError, InstanceId},
    services::echo::{self, Echo},
    testing::Machine,
    time::{Duration, Instant},
};

mod clients;
mod control;
mod model;
mod restarts;

/// Waits 10 ms, then 20, up to 100; gives up at the fourth failure within a second.
const POLICY: Policy = Policy {
    restart: Restart::OnFailure,
    backoff: Backoff { first: Duration::from_millis(10), cap: Duration::from_millis(100) },
    limit: Limit { count: 3, window: Duration::from_secs(1) },
};

const ALWAYS: Policy = Policy { restart: Restart::Always, ..POLICY };

/// As many rounds of a test as asked for, or as Miri, which takes its time, can be asked for.
const fn rounds(many: u16) -> u16 {
    if cfg!(miri) && many > 2 { 2 } else { many }
}

/// How a driver of the tests ends.
#[derive(Debug)]
struct Broken;

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("broken")
    }
}

type Outcome = Result<Infallible, Broken>;

/// A machine with a supervisor.
struct Bench {
    machine: Machine,
    kernel: Handle,
    supervisor: Supervisor,
}

impl Bench {
    /// Its ticks poll once, so that orders can be given at every step.
    fn new() -> Self {
        let machine = Machine::stepping();
        let kernel = machine.kernel.handle();
        let supervisor = Supervisor::new(&kernel, 8).expect("there is memory");
        Self { machine, kernel, supervisor }
    }

    /// A bench whose one driver, `it`, is made by `factory` and has been started.
    fn with<D>(policy: Policy, factory: impl Fn(Handle) -> D + 'static) -> Self
    where
        D: Future<Output = Outcome> + 'static,
    {
        let bench = Self::new();
        bench.supervisor.add("it", policy, factory, true).expect("added");
        bench.machine.settle();
        bench
    }

    fn row(&self) -> DriverRow {
        self.supervisor.row(0).expect("there is a driver")
    }

    fn state(&self) -> DriverState {
        self.row().state
    }

    fn task(&self) -> TaskId {
        match self.state() {
            DriverState::Running { task } => TaskId(task),
            state => panic!("the driver does not run: {state:?}"),
        }
    }

    fn ending(&self) -> String {
        self.row().last_ending.to_string()
    }

    /// Lets this much time pass, looking at every timer on the way.
    fn pass(&self, time: Duration) {
        let end = self.kernel.now().saturating_add(time);
        loop {
            match self.machine.settle() {
                Next::SleepUntil(deadline) if deadline <= end => self.machine.clock.set(deadline.as_micros()),
                _ => break,
            }
        }
        self.machine.clock.set(end.as_micros());
        self.machine.settle();
    }

    /// Ticks until nothing is ready, as the simulator does: panics of tasks end at the tick.
    fn settle_through_panics(&self) -> usize {
        let mut panics = 0;
        for _ in 0..1_000 {
            match catch_unwind(AssertUnwindSafe(|| self.machine.kernel.tick().next)) {
                Ok(Next::RunAgain) => {}
                Ok(_) => return panics,
                Err(_panic) => panics += 1,
            }
        }
        panic!("the machine does not come to rest");
    }

    /// The events of supervision so far.
    fn events(&self) -> Vec<Event> {
        let mut cursor = self.kernel.events().last(u64::MAX);
        core::iter::from_fn(|| self.kernel.events().read(&mut cursor))
            .map(|entry| entry.record.event)
            .filter(|event| matches!(event, Event::Restart { .. } | Event::GiveUp { .. }))
            .collect()
    }

    fn log(&self) -> Vec<String> {
        let mut cursor = self.kernel.log().last(u64::MAX);
        core::iter::from_fn(|| self.kernel.log().read(&mut cursor))
            .map(|entry| entry.record.text.to_string())
            .collect()
    }

    fn connect(&self) -> Result<Client<Echo>, ConnectError<crate::services::Never>> {
        let kernel = self.kernel.clone();
        self.machine.ask(async move { kernel.services().try_connect::<Echo>((), 2).await })
    }
}

/// Fails as often as the count says, then runs for ever.
fn fails(times: u32) -> impl Fn(Handle) -> core::pin::Pin<std::boxed::Box<dyn Future<Output = Outcome>>> {
    let left = Cell::new(times);
    move |_kernel| {
        let fail = left.get() > 0;
        left.set(left.get().saturating_sub(1));
        std::boxed::Box::pin(async move { if fail { Err(Broken) } else { pending().await } })
    }
}

async fn fail(_kernel: Handle) -> Outcome {
    Err(Broken)
}

async fn run(_kernel: Handle) -> Outcome {
    pending().await
}
