//! What a driver's clients see when it ends and comes back.

use super::*;
use crate::services::Never;

/// An echo whose driver fails when it is asked for this number, with the request in hand.
const POISON: u64 = 13;

async fn fragile(kernel: Handle) -> Result<Infallible, Broken> {
    let mut server = kernel.services().bind::<Echo>("").await.map_err(|_| Broken)?;
    kernel.ready();
    loop {
        let call = server.next_call().await;
        if *call.request() == echo::Request::Number(POISON) {
            return Err(Broken);
        }
        let answer = *call.request();
        let _ = call.answer(answer);
    }
}

/// Never answers, and keeps what it is asked until its server is gone.
async fn deaf(kernel: Handle) -> Result<Infallible, Broken> {
    let mut kept = Vec::new();
    let mut server = kernel.services().bind::<Echo>("").await.map_err(|_| Broken)?;
    loop {
        kept.push(server.next_call().await);
    }
}

/// How the requests of one client ended.
type Outcomes = Rc<RefCell<Vec<Result<echo::Response, CallError<Never>>>>>;

fn spawn_waiting(bench: &Bench, client: Rc<Client<Echo>>) -> Outcomes {
    let outcomes = Outcomes::default();
    let seen = outcomes.clone();
    let ask = async move {
        let outcome = client.call(echo::Request::Number(1)).await;
        seen.borrow_mut().push(outcome);
    };
    bench.kernel.try_spawn("client", ask).expect("spawned").detach();
    outcomes
}

#[test]
fn when_a_driver_ends_each_waiting_client_has_one_prompt_error_and_the_next_instance_serves() {
    let bench = Bench::with(ALWAYS, deaf);
    let client = Rc::new(bench.connect().expect("running"));
    // One request in hand, one in hand too, one that waits for a slot.
    let waiting: Vec<_> = (0..3).map(|_| spawn_waiting(&bench, client.clone())).collect();
    bench.machine.settle();
    assert!(waiting.iter().all(|outcomes| outcomes.borrow().is_empty()));
    bench.kernel.abort(bench.task());
    bench.machine.settle();
    for outcomes in &waiting {
        assert_eq!(*outcomes.borrow(), [Err(CallError::ServerGone)]);
    }
    assert_eq!(bench.connect().map(drop), Err(ConnectError::NotFound));
    // Later requests on the dead connection fail, before and after the restart.
    let late = spawn_waiting(&bench, client.clone());
    bench.pass(Duration::from_millis(10));
    assert_eq!(*late.borrow(), [Err(CallError::ServerGone)]);
    let next = bench.connect().expect("the next instance is bound under the same label");
    assert!(next.instance() > client.instance());
    assert!(!client.is_connected());
    assert_eq!(*spawn_waiting(&bench, client).borrow(), []);
}

#[test]
fn who_waits_for_the_service_gets_the_next_instance() {
    let bench = Bench::with(POLICY, fragile);
    let client = bench.connect().expect("running");
    let kernel = bench.kernel.clone();
    let answered = Rc::new(Cell::new(false));
    let done = answered.clone();
    let patient = async move {
        let poisoned = client.call(echo::Request::Number(POISON)).await;
        assert_eq!(poisoned, Err(CallError::Unanswered));
        assert_eq!(client.call(echo::Request::Number(1)).await, Err(CallError::ServerGone));
        let client = kernel.services().connect::<Echo>((), 1).await.expect("running again");
        assert_eq!(client.call(echo::Request::Number(1)).await, Ok(echo::Request::Number(1)));
        done.set(true);
    };
    bench.kernel.try_spawn("patient", patient).expect("spawned").detach();
    bench.machine.settle();
    assert!(!answered.get());
    bench.pass(Duration::from_millis(10));
    assert!(answered.get());
}

#[test]
fn between_two_instances_nothing_is_bound() {
    let bench = Bench::with(ALWAYS, deaf);
    for _ in 0..3 {
        assert!(bench.kernel.services().next_service(InstanceId(0)).is_some());
        bench.kernel.abort(bench.task());
        bench.machine.settle();
        assert!(bench.kernel.services().next_service(InstanceId(0)).is_none());
        bench.pass(Duration::from_millis(100));
    }
}

#[test]
fn a_restart_at_every_step_of_a_request_leaves_one_outcome() {
    for step in 0..24 {
        let bench = Bench::new();
        bench.supervisor.add("it", POLICY, fragile, true).expect("added");
        let kernel = bench.kernel.clone();
        let outcomes = Rc::new(Cell::new(0));
        let count = outcomes.clone();
        let ask = async move {
            let Ok(client) = kernel.services().connect::<Echo>((), 1).await else {
                // It went away during the handshake.
                return count.set(count.get() + 1);
            };
            let _ = client.call(echo::Request::Number(1)).await;
            count.set(count.get() + 1);
        };
        let asking = bench.kernel.try_spawn("client", ask).expect("spawned");
        for _ in 0..step {
            bench.machine.kernel.tick();
        }
        bench.supervisor.restart("it").expect("there is one");
        assert_eq!(bench.machine.run(), Next::WaitForInterrupt);
        assert!(asking.is_finished());
        assert_eq!(outcomes.get(), 1, "after {step} ticks");
        assert!(bench.connect().is_ok());
    }
}

#[test]
fn dropping_a_request_while_its_driver_ends_harms_neither_side() {
    for ticks in 0..12 {
        let bench = Bench::with(ALWAYS, deaf);
        let client = Rc::new(bench.connect().expect("running"));
        let asking = client.clone();
        let ask = async move { asking.call(echo::Request::Number(1)).await };
        let asking = bench.kernel.try_spawn("client", ask).expect("spawned");
        bench.machine.settle();
        bench.kernel.abort(bench.task());
        for _ in 0..ticks {
            bench.machine.kernel.tick();
        }
        asking.abort();
        bench.machine.run();
        assert!(asking.is_finished());
        assert!(bench.connect().is_ok());
        drop(client);
        assert_eq!(bench.connect().map(|client| client.depth()), Ok(2));
    }
}

#[test]
fn a_kernel_that_ends_with_drivers_in_all_states_gives_its_memory_back() {
    let bench = Bench::with(POLICY, run);
    bench.supervisor.add("fails", POLICY, fail, true).expect("added");
    bench.supervisor.add("stopped", POLICY, run, false).expect("added");
    bench.supervisor.add("echo", POLICY, echo::serve, true).expect("added");
    bench.machine.settle();
    let client = bench.connect().expect("running");
    bench.supervisor.add("unpolled", POLICY, run, true).expect("added");
    let Bench { machine, kernel, supervisor } = bench;
    // Miri and the region's owner see to it that nothing is left.
    drop(machine);
    assert_eq!(supervisor.rows().count(), 0);
    assert!(!client.is_connected());
    drop((supervisor, kernel, client));
}
