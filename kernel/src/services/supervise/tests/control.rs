//! Orders: start, kill, restart, from code and through the service.

use super::*;

#[test]
fn a_killed_driver_stays_dead_under_every_policy_until_it_is_started() {
    for restart in [Restart::Never, Restart::OnFailure, Restart::Always] {
        let bench = Bench::with(Policy { restart, ..POLICY }, run);
        bench.supervisor.kill("it").expect("it runs");
        assert_eq!(bench.machine.run(), Next::WaitForInterrupt);
        assert_eq!((bench.state(), bench.ending().as_str()), (DriverState::Stopped, "killed"));
        assert_eq!(bench.supervisor.kill("it"), Err(Error::NotRunning));
        bench.supervisor.start("it").expect("it does not run");
        bench.machine.settle();
        assert_eq!(bench.supervisor.start("it"), Err(Error::AlreadyRunning));
        assert_eq!(bench.row().starts, 2);
        assert_eq!(bench.events(), []);
    }
}

#[test]
fn a_restart_does_not_wait_and_does_not_count_as_a_failure() {
    let bench = Bench::with(POLICY, run);
    for restarts in 1..=10 {
        let before = bench.task();
        bench.supervisor.restart("it").expect("there is one");
        assert_eq!(bench.machine.settle(), Next::WaitForInterrupt);
        assert_ne!(bench.task(), before);
        assert_eq!(bench.events().last(), Some(&Event::Restart { driver: "it", restarts }));
    }
    assert_eq!(bench.row().starts, 11);
}

#[test]
fn a_restart_starts_what_does_not_run() {
    let bench = Bench::new();
    bench.supervisor.add("it", POLICY, run, false).expect("added");
    bench.machine.settle();
    assert_eq!((bench.state(), bench.row().starts), (DriverState::Stopped, 0));
    bench.supervisor.restart("it").expect("there is one");
    bench.machine.settle();
    assert_eq!(bench.row().starts, 1);
}

#[test]
fn killing_a_driver_while_it_waits_ends_the_waiting() {
    let bench = Bench::with(POLICY, fail);
    assert!(matches!(bench.state(), DriverState::Waiting { .. }));
    bench.supervisor.kill("it").expect("it waits for its next start");
    assert_eq!(bench.machine.run(), Next::WaitForInterrupt);
    assert_eq!((bench.state(), bench.row().starts), (DriverState::Stopped, 1));
}

#[test]
fn starting_a_driver_while_it_waits_starts_it_at_once() {
    let bench = Bench::with(POLICY, fails(1));
    bench.supervisor.start("it").expect("it does not run");
    bench.machine.settle();
    assert!(matches!(bench.state(), DriverState::Running { .. }));
    assert_eq!(bench.machine.run(), Next::WaitForInterrupt);
    assert_eq!(bench.row().starts, 2);
}

#[test]
fn who_was_given_up_gets_a_new_chance_by_hand() {
    let bench = Bench::with(POLICY, fails(5));
    bench.machine.run();
    assert_eq!(bench.state(), DriverState::GivenUp);
    assert_eq!(bench.supervisor.kill("it"), Err(Error::NotRunning));
    bench.supervisor.start("it").expect("it does not run");
    bench.machine.run();
    assert!(matches!(bench.state(), DriverState::Running { .. }));
    assert_eq!(bench.row().starts, 6);
}

#[test]
fn a_driver_that_is_killed_before_its_first_poll_is_never_polled() {
    let kill_task = |bench: &Bench| assert!(bench.kernel.abort(bench.task()));
    let kill_driver = |bench: &Bench| bench.supervisor.kill("it").expect("it runs");
    for kill in [kill_task, kill_driver] {
        let (bench, called) = (Bench::new(), Rc::new(Cell::new(false)));
        let note = called.clone();
        let factory = move |kernel| {
            note.set(true);
            run(kernel)
        };
        bench.supervisor.add("it", POLICY, factory, true).expect("added");
        // Its task is spawned in this tick, and would be polled in the next one.
        bench.machine.kernel.tick();
        kill(&bench);
        assert_eq!(bench.machine.run(), Next::WaitForInterrupt);
        assert_eq!((bench.state(), bench.row().starts), (DriverState::Stopped, 1));
        assert!(!called.get());
    }
}

#[test]
fn orders_at_every_step_leave_the_driver_where_the_last_one_says() {
    // Two orders, each after so many ticks, against a driver that fails, restarts or runs meanwhile.
    type Give = fn(&Supervisor, &str) -> Result<(), Error>;
    let orders: [Give; 3] = [Supervisor::start, Supervisor::kill, Supervisor::restart];
    for (first, second) in (0..3).flat_map(|first| (0..3).map(move |second| (first, second))) {
        for (before, between) in
            (0..rounds(10)).flat_map(|before| (0..rounds(8)).map(move |between| (before, between)))
        {
            let bench = Bench::new();
            bench.supervisor.add("it", POLICY, fails(1), true).expect("added");
            bench.supervisor.add("echo", POLICY, echo::serve, true).expect("added");
            let tick = |times| {
                for _ in 0..times {
                    bench.machine.kernel.tick();
                }
            };
            for name in ["it", "echo"] {
                tick(before);
                let _ = orders[first](&bench.supervisor, name);
                tick(between);
                let _ = orders[second](&bench.supervisor, name);
                assert_eq!(bench.machine.run(), Next::WaitForInterrupt);
                let row = bench.supervisor.rows().find(|row| row.name == name).expect("listed");
                let runs = matches!(row.state, DriverState::Running { .. });
                assert_eq!(runs, second != 1, "{name}: {first} {second} {before} {between}: {row:?}");
            }
            assert!(bench.connect().is_ok() == (second != 1));
        }
    }
}

#[test]
fn a_start_right_after_a_kill_is_a_restart_and_a_kill_right_after_a_start_undoes_it() {
    let bench = Bench::with(POLICY, run);
    bench.supervisor.kill("it").expect("it runs");
    bench.supervisor.start("it").expect("it is about to be killed");
    bench.machine.settle();
    assert_eq!(bench.row().starts, 2);
    bench.supervisor.kill("it").expect("it runs");
    bench.machine.settle();
    bench.supervisor.start("it").expect("it does not run");
    bench.supervisor.kill("it").expect("it is about to be started");
    bench.machine.settle();
    assert_eq!((bench.state(), bench.row().starts), (DriverState::Stopped, 2));
}

#[test]
fn a_driver_may_give_orders_about_itself() {
    let bench = Bench::new();
    let supervisor = bench.supervisor.clone();
    let suicide = move |_kernel| {
        let supervisor = supervisor.clone();
        async move {
            supervisor.kill("it").expect("it runs");
            supervisor.settled("it").await;
            Err::<Infallible, _>(Broken)
        }
    };
    bench.supervisor.add("it", ALWAYS, suicide, true).expect("added");
    assert_eq!(bench.machine.run(), Next::WaitForInterrupt);
    assert_eq!((bench.state(), bench.ending().as_str()), (DriverState::Stopped, "killed"));
}

#[test]
fn drivers_are_added_within_the_limits_only() {
    let machine = Machine::new();
    let kernel = machine.kernel.handle();
    let supervisor = Supervisor::new(&kernel, 2).expect("memory");
    let used = || kernel.heap().stats().used;
    let empty = used();
    assert_eq!(supervisor.add("a name of 25 bytes or more", POLICY, run, true), Err(AddError::NameTooLong));
    assert_eq!(used(), empty);
    let many = Policy { limit: Limit { count: u16::MAX, window: Duration::MAX }, ..POLICY };
    let refused = supervisor.add("it", many, run, true);
    assert!(matches!(refused, Err(AddError::Memory(AllocError::TooLarge { .. }))), "{refused:?}");
    assert_eq!(used(), empty);
    supervisor.add("it", POLICY, run, true).expect("added");
    let one = used();
    assert_eq!(supervisor.add("it", POLICY, run, true), Err(AddError::NameTaken));
    assert_eq!(used(), one);
    supervisor.add("other", POLICY, run, true).expect("added");
    let two = used();
    assert_eq!(supervisor.add("third", POLICY, run, true), Err(AddError::Full { drivers: 2 }));
    assert_eq!(used(), two);
}

#[test]
fn whichever_allocation_fails_adding_a_driver_changes_nothing() {
    let machine = Machine::new();
    let kernel = machine.kernel.handle();
    let supervisor = Supervisor::new(&kernel, 2).expect("memory");
    let used = kernel.heap().stats().used;
    // A factory that needs memory, as most do.
    let added = |n: u32| {
        kernel.heap().fail_after(n);
        supervisor.add("it", POLICY, move |kernel| run(kernel).into_with(n), true)
    };
    let mut failed = 0;
    while let Err(error) = added(failed) {
        assert!(matches!(error, AddError::Memory(_) | AddError::Spawn(_)), "{error:?}");
        assert_eq!((kernel.heap().stats().used, supervisor.rows().count()), (used, 0));
        failed += 1;
    }
    assert_eq!(failed, 5);
    assert_eq!(supervisor.rows().count(), 1);
}

trait With: Sized {
    /// The same future, and a factory that captured something.
    fn into_with(self, _captured: u32) -> Self {
        self
    }
}

impl<F: Future> With for F {}

#[test]
fn when_a_supervising_task_is_aborted_its_driver_ends_and_its_name_is_free() {
    let bench = Bench::with(POLICY, run);
    let (driver, supervising) = (bench.task(), TaskId(bench.task().0 - 1));
    assert_eq!(bench.row().supervisor, supervising.0);
    assert_eq!(bench.kernel.next_task(TaskId(supervising.0 - 1)).map(|task| task.name), Some(TASK));
    assert!(bench.kernel.abort(supervising));
    bench.supervisor.kill("it").expect("it runs still");
    let (supervisor, settled) = (bench.supervisor.clone(), Rc::new(Cell::new(false)));
    let done = settled.clone();
    let wait = async move {
        supervisor.settled("it").await;
        done.set(true);
    };
    bench.kernel.try_spawn("waits", wait).expect("spawned").detach();
    bench.machine.settle();
    assert!(settled.get(), "nobody waits for an order that nobody carries out");
    assert!(!bench.kernel.abort(driver));
    assert_eq!(bench.supervisor.rows().count(), 0);
    assert_eq!(bench.supervisor.kill("it"), Err(Error::NoSuchDriver));
    bench.supervisor.add("it", POLICY, run, true).expect("the name is free");
}

#[test]
fn the_service_lists_drivers_and_carries_out_orders_before_it_answers() {
    let bench = Bench::with(POLICY, run);
    let control = bench.supervisor.clone();
    let service = move |kernel| serve(kernel, control.clone());
    bench.supervisor.add("supervise", POLICY, service, true).expect("added");
    let kernel = bench.kernel.clone();
    bench.machine.ask(async move {
        let client = kernel.services().connect::<Supervise>((), 1).await.expect("running");
        let it = Text::<NAME>::cut("it");
        let state = async |index| match client.call(Request::Driver(index)).await {
            Ok(Response::Driver(row)) => row.map(|row| row.state),
            other => panic!("{other:?}"),
        };
        assert!(matches!(state(0).await, Some(DriverState::Running { .. })));
        assert!(matches!(state(1).await, Some(DriverState::Running { .. })));
        assert_eq!((state(2).await, state(u16::MAX).await), (None, None));
        assert_eq!(client.call(Request::Kill(it)).await, Ok(Response::Done));
        assert_eq!(state(0).await, Some(DriverState::Stopped));
        assert_eq!(client.call(Request::Kill(it)).await, Err(CallError::Service(Error::NotRunning)));
        assert_eq!(client.call(Request::Start(it)).await, Ok(Response::Done));
        assert!(matches!(state(0).await, Some(DriverState::Running { .. })));
        assert_eq!(client.call(Request::Start(it)).await, Err(CallError::Service(Error::AlreadyRunning)));
        assert_eq!(client.call(Request::Restart(it)).await, Ok(Response::Done));
        let nobody = Request::Kill(Text::cut("nobody"));
        assert_eq!(client.call(nobody).await, Err(CallError::Service(Error::NoSuchDriver)));
        // The service may be restarted through itself; who asked is told that nobody is left to answer.
        let itself = Request::Restart(Text::cut("supervise"));
        assert_eq!(client.call(itself).await, Err(CallError::Unanswered));
        let client = kernel.services().connect::<Supervise>((), 1).await.expect("running again");
        assert!(client.call(Request::Driver(0)).await.is_ok());
    });
}
