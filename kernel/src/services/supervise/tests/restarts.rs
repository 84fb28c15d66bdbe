//! When drivers are started again, and when not.

use super::*;

#[test]
fn a_driver_that_fails_is_started_again_after_a_delay_that_doubles() {
    let bench = Bench::with(POLICY, fails(3));
    let mut waits = Vec::new();
    while let DriverState::Waiting { until_us } = bench.state() {
        waits.push(until_us - bench.kernel.now().as_micros());
        bench.pass(Duration::from_micros(until_us - bench.kernel.now().as_micros()));
    }
    assert_eq!(waits, [10_000, 20_000, 40_000]);
    assert!(matches!(bench.state(), DriverState::Running { .. }));
    assert_eq!((bench.row().starts, bench.ending().as_str()), (4, "error: broken"));
    assert_eq!(bench.events(), [1, 2, 3].map(|restarts| Event::Restart { driver: "it", restarts }));
    let log = bench.log();
    assert_eq!(log[..2], ["it: error: broken; starting it again in 10 ms", "it: started again"]);
}

#[test]
fn a_driver_is_not_started_before_its_time() {
    let bench = Bench::with(POLICY, fails(1));
    bench.pass(Duration::from_micros(9_999));
    assert!(matches!(bench.state(), DriverState::Waiting { until_us: 10_000 }));
    bench.pass(Duration::from_micros(1));
    assert!(matches!(bench.state(), DriverState::Running { .. }));
}

#[test]
fn a_restart_storm_ends_in_giving_up_and_the_machine_rests() {
    let bench = Bench::with(POLICY, fail);
    assert_eq!(bench.machine.run(), Next::WaitForInterrupt);
    assert_eq!((bench.state(), bench.row().starts), (DriverState::GivenUp, 4));
    assert_eq!(bench.events().last(), Some(&Event::GiveUp { driver: "it" }));
    assert!(bench.log().last().is_some_and(|line| line.contains("given up")));
}

#[test]
fn the_delay_is_capped_and_never_overflows() {
    // 10 + 20 + 40 + 80 ms, then 100 each.
    let (count, expected) = if cfg!(miri) { (6, 350_000) } else { (300, 29_750_000) };
    let policy = Policy { limit: Limit { count, window: Duration::MAX }, ..POLICY };
    let bench = Bench::with(policy, fail);
    assert_eq!(bench.machine.run(), Next::WaitForInterrupt);
    assert_eq!((bench.state(), bench.row().starts), (DriverState::GivenUp, u32::from(count) + 1));
    assert_eq!(bench.kernel.now(), Instant::from_micros(expected));
}

#[test]
fn failures_that_are_far_apart_do_not_add_up() {
    let bench = Bench::with(POLICY, |kernel: Handle| async move {
        kernel.sleep(Duration::from_millis(400)).await;
        Err(Broken)
    });
    bench.pass(Duration::from_secs(rounds(60).into()));
    // Three in a second are allowed, and it fails but twice.
    assert!(bench.row().starts > 2 * u32::from(rounds(60)) - 2, "{:?}", bench.row());
    assert_ne!(bench.state(), DriverState::GivenUp);
}

#[test]
fn limits_of_none_and_many_are_kept_to() {
    for count in [0, 1, 2, rounds(255), rounds(256), rounds(257)] {
        let limit = Limit { count, window: Duration::MAX };
        let bench = Bench::with(Policy { limit, ..POLICY }, fail);
        bench.machine.run();
        assert_eq!((bench.state(), bench.row().starts), (DriverState::GivenUp, u32::from(count) + 1));
    }
}

#[test]
fn each_policy_decides_on_each_ending() {
    for (restart, after_error, after_abort) in
        [(Restart::Never, false, false), (Restart::OnFailure, true, false), (Restart::Always, true, true)]
    {
        let policy = Policy { restart, ..POLICY };
        let bench = Bench::with(policy, fail);
        assert_eq!(matches!(bench.state(), DriverState::Waiting { .. }), after_error, "{restart:?}");
        let bench = Bench::with(policy, run);
        assert!(bench.kernel.abort(bench.task()));
        bench.machine.settle();
        assert_eq!(matches!(bench.state(), DriverState::Waiting { .. }), after_abort, "{restart:?}");
        assert_eq!(bench.ending(), "aborted");
        bench.machine.run();
        assert_eq!(bench.row().starts, 1 + u32::from(after_abort));
    }
}

#[test]
fn a_driver_that_panics_is_started_again_and_harms_nobody() {
    let bench = Bench::new();
    let left = Cell::new(2);
    let factory = move |_kernel| {
        let panics = left.replace(left.get() - 1) > 0;
        async move {
            assert!(!panics, "a driver's mistake");
            run(_kernel).await
        }
    };
    bench.supervisor.add("it", POLICY, factory, true).expect("added");
    bench.supervisor.add("echo", POLICY, echo::serve, true).expect("added");
    assert_eq!(bench.settle_through_panics(), 1);
    assert!(matches!(bench.state(), DriverState::Waiting { .. }));
    assert_eq!(bench.ending(), "panicked");
    bench.machine.clock.set(10_000);
    assert_eq!(bench.settle_through_panics(), 1);
    bench.machine.clock.set(30_000);
    assert_eq!(bench.settle_through_panics(), 0);
    assert!(matches!(bench.state(), DriverState::Running { .. }));
    assert!(bench.connect().is_ok());
}

#[test]
fn a_factory_that_panics_is_the_drivers_panic() {
    let bench = Bench::new();
    let factory = |_kernel: Handle| {
        if true {
            panic!("a factory's mistake");
        }
        run(_kernel)
    };
    bench.supervisor.add("it", Policy { restart: Restart::Never, ..POLICY }, factory, true).expect("added");
    assert_eq!(bench.settle_through_panics(), 1);
    assert_eq!((bench.state(), bench.ending().as_str()), (DriverState::Stopped, "panicked"));
}

/// A bench with a driver that takes more memory than is left, and what fills that.
fn without_memory(policy: Policy) -> (Bench, Vec<crate::heap::Box<[u8; 8_000]>>) {
    let bench = Bench::new();
    let large = |_kernel| async move {
        let ballast = [1_u8; 20_000];
        pending::<()>().await;
        core::hint::black_box(&ballast);
        Err::<Infallible, _>(Broken)
    };
    bench.supervisor.add("it", policy, large, false).expect("added");
    bench.machine.settle();
    let mut hog = Vec::new();
    while let Ok(block) = bench.kernel.heap().try_box([0_u8; 8_000]) {
        hog.push(block);
    }
    bench.supervisor.start("it").expect("it does not run");
    bench.machine.settle();
    assert!(bench.ending().contains("no memory for the task"), "{}", bench.ending());
    (bench, hog)
}

#[test]
fn without_memory_a_driver_is_tried_again_and_starts_when_there_is_some() {
    let (bench, hog) = without_memory(POLICY);
    assert!(matches!(bench.state(), DriverState::Waiting { until_us: 10_000 }));
    assert_eq!(bench.row().starts, 0);
    drop(hog);
    bench.pass(Duration::from_millis(10));
    assert!(matches!(bench.state(), DriverState::Running { .. }));
}

#[test]
fn lack_of_memory_never_has_a_driver_given_up_and_is_told_once() {
    let (bench, hog) = without_memory(POLICY);
    bench.pass(Duration::from_secs(if cfg!(miri) { 10 } else { 3600 }));
    // 10 + 20 + 40 + 80 ms, then 100 each.
    let DriverState::Waiting { until_us } = bench.state() else { panic!("{:?}", bench.row()) };
    assert_eq!(until_us % 100_000, 50_000);
    assert!(until_us - bench.kernel.now().as_micros() <= 100_000);
    assert_eq!((bench.row().starts, bench.events().len()), (0, 0));
    assert_eq!(bench.log(), ["it: no memory to start it; trying until there is"]);
    drop(hog);
    bench.pass(Duration::from_millis(100));
    assert_eq!(bench.row().starts, 1);
}

#[test]
fn without_memory_a_driver_that_waits_can_be_killed_and_one_that_is_never_started_again_stops() {
    let (bench, hog) = without_memory(POLICY);
    bench.supervisor.kill("it").expect("it waits");
    drop(hog);
    assert_eq!(bench.machine.run(), Next::WaitForInterrupt);
    assert_eq!((bench.state(), bench.row().starts), (DriverState::Stopped, 0));
    let (bench, _hog) = without_memory(Policy::ONCE);
    assert_eq!(bench.state(), DriverState::Stopped);
}

#[test]
fn a_policy_without_any_wait_does_not_have_the_machine_try_for_memory_without_rest() {
    let backoff = Backoff { first: Duration::ZERO, cap: Duration::ZERO };
    let (bench, _hog) = without_memory(Policy { backoff, ..POLICY });
    assert_eq!(bench.machine.settle(), Next::SleepUntil(Instant::from_millis(10)));
}

#[test]
fn a_driver_that_no_memory_would_be_enough_for_is_given_up() {
    let bench = Bench::new();
    let larger_than_the_heap = |_kernel| async move {
        let ballast = [1_u8; 200_000];
        pending::<()>().await;
        core::hint::black_box(&ballast);
        Err::<Infallible, _>(Broken)
    };
    bench.supervisor.add("it", POLICY, larger_than_the_heap, true).expect("added");
    bench.machine.run();
    assert_eq!((bench.state(), bench.row().starts), (DriverState::GivenUp, 0));
}

#[test]
fn the_policy_for_steady_state_does_not_stand_in_the_way_of_a_restart() {
    let bench = Bench::new();
    bench.kernel.heap().set_policy(SteadyState::Deny);
    bench.supervisor.add("echo", ALWAYS, echo::serve, true).expect("added");
    bench.machine.settle();
    for starts in 2..4 {
        let (allocations, blocks) =
            (bench.kernel.heap().stats().allocations, bench.kernel.heap().stats().blocks);
        bench.kernel.abort(bench.task());
        bench.pass(Duration::from_millis(200));
        assert_eq!(bench.row().starts, starts);
        // The driver's task and its service. Nothing else.
        assert_eq!(bench.kernel.heap().stats().allocations - allocations, 2);
        assert_eq!(bench.kernel.heap().stats().blocks, blocks);
        let (_, account) =
            bench.kernel.next_account(TaskId(bench.task().0 - 1)).expect("the driver's account");
        assert!(account.ready && account.violations == 0 && account.name == "echo");
    }
}

#[test]
fn restarts_leak_nothing() {
    let policy = Policy { limit: Limit { count: u16::MAX / 64, window: Duration::from_secs(1) }, ..ALWAYS };
    let bench = Bench::new();
    bench.supervisor.add("echo", policy, echo::serve, true).expect("added");
    bench.pass(Duration::from_secs(1));
    let used = bench.kernel.heap().stats().used;
    for _ in 0..rounds(50) {
        bench.kernel.abort(bench.task());
        bench.pass(Duration::from_secs(1));
        assert_eq!(bench.kernel.heap().stats().used, used);
    }
    assert_eq!(bench.row().starts, u32::from(rounds(50)) + 1);
}

#[test]
fn the_same_failures_give_the_same_events() {
    let history = || {
        let bench = Bench::with(POLICY, fails(2));
        bench.supervisor.add("echo", ALWAYS, echo::serve, true).expect("added");
        bench.pass(Duration::from_millis(15));
        let _ = bench.supervisor.restart("echo");
        bench.machine.run();
        let mut cursor = bench.kernel.events().last(u64::MAX);
        core::iter::from_fn(|| bench.kernel.events().read(&mut cursor)).collect::<Vec<_>>()
    };
    assert_eq!(history(), history());
}
