//! How time passes.

use std::time::{Duration as HostDuration, Instant as HostInstant};

use kernel::{
    executor::TaskState,
    platform::Stop,
    time::{Duration, Instant},
};
use sim_host::{External, Outcome, Sim, SimError, Time, Wait};

fn bare() -> Sim {
    Sim::builder().bare().build().expect("a machine")
}

#[test]
fn a_day_of_a_task_that_works_each_second_takes_no_time_at_all() {
    const DAY_S: u64 = 86_400;
    let mut sim = bare();
    let kernel = sim.kernel();
    let began = HostInstant::now();
    let ticks = sim.block_on(async move {
        let mut interval = kernel.interval(Duration::from_secs(1)).expect("a period");
        let mut ticks = 0;
        while ticks < DAY_S {
            interval.tick().await;
            ticks += 1;
        }
        ticks
    });
    assert_eq!((ticks, sim.now()), (DAY_S, Instant::from_secs(DAY_S)));
    let took = began.elapsed();
    assert!(took < HostDuration::from_secs(5), "a day took {took:?}");
}

#[test]
fn time_stands_still_while_something_is_ready_and_jumps_to_the_next_deadline() {
    let mut sim = bare();
    let kernel = sim.kernel();
    sim.spawn("sleeper", async move { kernel.sleep(Duration::from_micros(1_234_567)).await }).detach();
    assert_eq!(sim.step().wait, Wait::Until(Instant::from_micros(1_234_567)));
    assert_eq!(sim.now(), Instant::from_micros(0));
    assert_eq!(sim.run_until_idle(), Outcome::Idle);
    assert_eq!(sim.now(), Instant::from_micros(1_234_567));
}

#[test]
fn a_run_for_a_while_ends_on_time_and_does_what_is_due_then() {
    let mut sim = bare();
    let kernel = sim.kernel();
    let due = sim.spawn("due", async move { kernel.sleep(Duration::from_secs(2)).await });
    assert_eq!(sim.run_for(Duration::from_secs(1)), Outcome::TimeReached);
    assert!(!due.is_finished());
    assert_eq!(sim.run_for(Duration::from_secs(1)), Outcome::TimeReached);
    assert!(due.is_finished());
    assert_eq!(sim.run_for(Duration::from_secs(60)), Outcome::TimeReached);
    assert_eq!(sim.now(), Instant::from_secs(62));
}

#[test]
fn a_sleep_of_years_is_one_step() {
    let mut sim = bare();
    let kernel = sim.kernel();
    sim.block_on(
        async move { kernel.sleep_until(Instant::MAX.saturating_sub(Duration::from_secs(1))).await },
    );
    assert_eq!(sim.now(), Instant::MAX.saturating_sub(Duration::from_secs(1)));
}

#[test]
fn a_predicate_ends_a_run_as_soon_as_it_is_true() {
    let mut sim = bare();
    let kernel = sim.kernel();
    let work = async move {
        for _ in 0..10 {
            kernel.sleep(Duration::from_secs(1)).await;
        }
    };
    sim.spawn("work", work).detach();
    let three = |sim: &Sim| sim.now() >= Instant::from_secs(3);
    assert_eq!(sim.run_until_pred(Duration::from_secs(100), three), Outcome::Satisfied);
    assert_eq!(sim.now(), Instant::from_secs(3));
    assert_eq!(sim.run_until_pred(Duration::from_secs(100), |_| false), Outcome::TimeReached);
}

#[test]
fn a_task_that_is_always_ready_ends_a_run_at_its_limit() {
    let mut sim = Sim::builder().bare().step_limit(1000).build().expect("a machine");
    sim.spawn(
        "hog",
        std::future::poll_fn::<(), _>(|context| {
            context.waker().wake_by_ref();
            std::task::Poll::Pending
        }),
    )
    .detach();
    assert_eq!(sim.run_for(Duration::from_secs(1)), Outcome::Limit);
    assert_eq!(sim.run_until_idle(), Outcome::Limit);
}

#[test]
fn with_a_cost_per_tick_a_busy_machine_does_not_stop_the_clock() {
    let cost = Duration::from_micros(10);
    let mut sim = Sim::builder().bare().tick_cost(cost).build().expect("a machine");
    sim.spawn(
        "hog",
        std::future::poll_fn::<(), _>(|context| {
            context.waker().wake_by_ref();
            std::task::Poll::Pending
        }),
    )
    .detach();
    let kernel = sim.kernel();
    let sleeper = sim.spawn("sleeper", async move { kernel.sleep(Duration::from_millis(1)).await });
    assert_eq!(sim.run_until_pred(Duration::from_secs(1), |_| sleeper.is_finished()), Outcome::Satisfied);
    assert!(sim.now() < Instant::from_millis(2));
}

#[test]
fn time_passes_as_on_the_host_or_faster_by_a_factor() {
    let mut sim = Sim::builder().bare().time(Time::Scaled(20.0)).build().expect("a machine");
    let kernel = sim.kernel();
    let began = HostInstant::now();
    sim.block_on(async move { kernel.sleep(Duration::from_secs(1)).await });
    let took = began.elapsed();
    assert!(took >= HostDuration::from_millis(49), "a second at 20 times the speed took {took:?}");
    assert!(sim.now() >= Instant::from_secs(1));
}

#[test]
fn time_that_cannot_pass_is_refused() {
    for rate in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let error = Sim::builder().time(Time::Scaled(rate)).build().err();
        assert!(matches!(error, Some(SimError::Time(_))), "{rate}: {error:?}");
    }
}

#[test]
fn a_machine_with_too_little_memory_is_refused_with_a_reason() {
    for bytes in [0, 1, 1000, 10_000] {
        let error = Sim::builder().heap(bytes).build().expect_err("too small");
        assert!(!error.to_string().is_empty());
    }
    let error = Sim::builder().heap(usize::MAX - 4096).build().err();
    assert!(matches!(error, Some(SimError::HostMemory { .. })), "{error:?}");
}

#[test]
fn a_machine_that_is_switched_off_says_so_and_comes_back_if_it_wanted_a_reboot() {
    for stop in [Stop::PowerOff, Stop::BootLoader, Stop::Reboot, Stop::Panic] {
        let mut sim = bare();
        let kernel = sim.kernel();
        sim.spawn("switch", async move { kernel.stop(stop) }).detach();
        assert_eq!(sim.come_back(), Ok(false), "it lives");
        assert_eq!(sim.run_until_idle(), Outcome::Stopped(stop));
        let reboots = stop == Stop::Reboot;
        assert_eq!((sim.is_off(), sim.come_back()), (!reboots, Ok(reboots)), "{stop:?}");
        assert_eq!((sim.is_off(), sim.reboots()), (!reboots, u32::from(reboots)), "{stop:?}");
    }
}

#[test]
fn power_that_somebody_cuts_stays_away() {
    let mut sim = bare();
    sim.schedule(Instant::from_secs(1), External::PowerCut).expect("scheduled");
    assert_eq!(sim.run_until_idle(), Outcome::PowerCut);
    assert_eq!((sim.is_off(), sim.come_back()), (true, Ok(false)));
}

#[test]
fn the_timer_interrupt_fires_when_a_deadline_is_reached() {
    let mut sim = bare();
    let fired = |sim: &Sim| {
        let lines: Vec<_> = (0..).map_while(|after| sim.kernel().nth_interrupt_line(after)).collect();
        lines.iter().find(|line| line.name == "timer").map(|line| line.fired)
    };
    let kernel = sim.kernel();
    sim.block_on(async move {
        for _ in 0..3 {
            kernel.sleep(Duration::from_millis(1)).await;
        }
    });
    assert_eq!(fired(&sim), Some(3));
}

#[test]
fn tasks_of_the_standard_machine_come_to_rest() {
    let mut sim = Sim::builder().build().expect("a machine");
    assert_eq!(sim.settle(), Outcome::Idle);
    let mut tasks = Vec::new();
    let mut after = kernel::executor::TaskId(0);
    while let Some(task) = sim.kernel().next_task(after) {
        after = task.id;
        tasks.push((task.name, task.state));
    }
    assert!(tasks.iter().all(|(_, state)| *state == TaskState::Waiting), "{tasks:?}");
    for name in ["echo", "log", "inspect", "supervise", "uart0"] {
        assert!(tasks.iter().any(|(task, _)| *task == name), "no {name} in {tasks:?}");
    }
}
