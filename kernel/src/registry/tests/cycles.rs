//! Tasks that wait for each other in a circle, and tasks that only seem to.

use super::*;
use crate::event::{Cursor, Event};

/// A service for each place in a circle.
enum Node<const N: u128> {}

impl<const N: u128> Service for Node<N> {
    type Request = u32;
    type Response = u32;
    type Error = Infallible;
    type Hello = ();
    type ConnectError = Infallible;

    const UUID: Uuid = Uuid::from_u128(100 + N);
    const NAME: &'static str = "node";
    const VERSION: Version = Version::new(1, 0);
}

type Outcomes = Rc<RefCell<Vec<Result<u32, CallError<Infallible>>>>>;

/// Serves `N` by asking `M` first, and notes what came of that.
fn relay<const N: u128, const M: u128>(kernel: &Handle, outcomes: &Outcomes) {
    let (handle, outcomes) = (kernel.clone(), outcomes.clone());
    let task = async move {
        let mut server = handle.services().bind::<Node<N>>("").await.expect("bound");
        loop {
            let call = server.next_call().await;
            let answer = if *call.request() == 0 {
                Ok(0)
            } else {
                // The other one cannot shake hands while it waits, so the connection is made before the question.
                let next = handle.services().connect::<Node<M>>((), 1).await.expect("connected");
                let answer = next.call(*call.request() - 1).await;
                outcomes.borrow_mut().push(answer);
                answer
            };
            let _ = call.answer(answer.unwrap_or(77));
        }
    };
    kernel.try_spawn("relay", task).expect("spawned").detach();
}

/// Serves `N`, asking `M` over a connection that it has from the start.
fn linked<const N: u128, const M: u128>(kernel: &Handle, outcomes: &Outcomes) {
    let (handle, outcomes) = (kernel.clone(), outcomes.clone());
    let task = async move {
        let mut server = handle.services().bind::<Node<N>>("").await.expect("bound");
        let mut connecting =
            pin!(async { handle.services().connect::<Node<M>>((), 1).await.expect("connected") });
        let mut next = None;
        let mut first = None;
        // Shakes hands and connects at the same time.
        while next.is_none() {
            let mut incoming = pin!(server.next());
            let accepted = poll_fn(|context| {
                if let Poll::Ready(client) = connecting.as_mut().poll(context) {
                    next = Some(client);
                    return Poll::Ready(None);
                }
                incoming.as_mut().poll(context).map(Some)
            });
            match accepted.await {
                Some(Incoming::Hello(hello)) => drop(hello.accept().ok()),
                Some(Incoming::Call(call)) => first = Some(call),
                None => {}
            }
        }
        let next = next.expect("connected");
        loop {
            let call = match first.take() {
                Some(call) => call,
                None => server.next_call().await,
            };
            let answer = if *call.request() == 0 { Ok(0) } else { next.call(*call.request() - 1).await };
            outcomes.borrow_mut().push(answer);
            let _ = call.answer(answer.unwrap_or(77));
        }
    };
    kernel.try_spawn("linked", task).expect("spawned").detach();
}

fn ask<const N: u128>(kernel: &Handle, hops: u32) -> crate::executor::JoinHandle<u32> {
    let handle = kernel.clone();
    let client = async move {
        let node = handle.services().connect::<Node<N>>((), 1).await.expect("connected");
        node.call(hops).await.expect("answered")
    };
    kernel.try_spawn("client", client).expect("spawned")
}

fn cycle_events(kernel: &Handle) -> Vec<u32> {
    let mut cursor = Cursor::default();
    let mut tasks = Vec::new();
    while let Some(entry) = kernel.events().read(&mut cursor) {
        if let Event::WaitCycle { task, .. } = entry.record.event {
            tasks.push(task);
        }
    }
    tasks
}

fn answer(machine: &Machine, mut asked: crate::executor::JoinHandle<u32>) -> u32 {
    machine.run();
    match poll(&mut asked) {
        Poll::Ready(answer) => answer.expect("not aborted"),
        Poll::Pending => panic!("nobody has answered"),
    }
}

#[test]
fn two_that_wait_for_each_other_are_parted_and_everybody_is_answered() {
    let machine = Machine::new();
    let kernel = machine.kernel.handle();
    let outcomes = Outcomes::default();
    linked::<0, 1>(&kernel, &outcomes);
    linked::<1, 0>(&kernel, &outcomes);
    machine.run();
    assert_eq!(answer(&machine, ask::<0>(&kernel, 2)), 77);
    // The request that closed the circle failed, the other was answered.
    assert_eq!(*outcomes.borrow(), [Err(CallError::WaitCycle), Ok(77)]);
    assert_eq!(cycle_events(&kernel).len(), 2);
    assert_eq!(answer(&machine, ask::<0>(&kernel, 1)), 0, "and they go on");
}

#[test]
fn one_that_asks_itself_is_told() {
    let machine = Machine::new();
    let kernel = machine.kernel.handle();
    let outcomes = Outcomes::default();
    linked::<0, 0>(&kernel, &outcomes);
    machine.run();
    assert_eq!(answer(&machine, ask::<0>(&kernel, 1)), 77);
    assert_eq!(*outcomes.borrow(), [Err(CallError::WaitCycle)]);
    assert_eq!(cycle_events(&kernel).len(), 1);
}

#[test]
fn a_circle_of_three_is_broken_at_its_youngest_request() {
    let machine = Machine::new();
    let kernel = machine.kernel.handle();
    let outcomes = Outcomes::default();
    linked::<0, 1>(&kernel, &outcomes);
    linked::<1, 2>(&kernel, &outcomes);
    linked::<2, 0>(&kernel, &outcomes);
    machine.run();
    assert_eq!(answer(&machine, ask::<1>(&kernel, 9)), 77);
    assert_eq!(*outcomes.borrow(), [Err(CallError::WaitCycle), Ok(77), Ok(77)]);
    let mut tasks = cycle_events(&kernel);
    tasks.sort_unstable();
    assert_eq!(tasks, [1, 2, 3]);
}

#[test]
fn two_circles_are_both_broken() {
    let machine = Machine::new();
    let kernel = machine.kernel.handle();
    let outcomes = Outcomes::default();
    linked::<0, 1>(&kernel, &outcomes);
    linked::<1, 0>(&kernel, &outcomes);
    linked::<2, 3>(&kernel, &outcomes);
    linked::<3, 2>(&kernel, &outcomes);
    machine.run();
    let (one, two) = (ask::<0>(&kernel, 5), ask::<2>(&kernel, 5));
    assert_eq!((answer(&machine, one), answer(&machine, two)), (77, 77));
    assert_eq!(outcomes.borrow().iter().filter(|end| end.is_err()).count(), 2);
}

#[test]
fn a_chain_is_no_circle() {
    let machine = Machine::new();
    let kernel = machine.kernel.handle();
    let outcomes = Outcomes::default();
    relay::<0, 1>(&kernel, &outcomes);
    relay::<1, 2>(&kernel, &outcomes);
    relay::<2, 3>(&kernel, &outcomes);
    relay::<3, 3>(&kernel, &outcomes);
    machine.run();
    assert_eq!(answer(&machine, ask::<0>(&kernel, 3)), 0);
    assert_eq!(*outcomes.borrow(), [Ok(0), Ok(0), Ok(0)]);
    assert_eq!(cycle_events(&kernel), []);
}

#[test]
fn a_circle_is_found_when_request_numbers_wrap() {
    let settings = crate::limits::Settings { first_id: u32::MAX - 2, ..crate::limits::Settings::DEFAULT };
    let machine = Machine::with(128 * 1024, &settings);
    let kernel = machine.kernel.handle();
    let outcomes = Outcomes::default();
    linked::<0, 1>(&kernel, &outcomes);
    linked::<1, 2>(&kernel, &outcomes);
    linked::<2, 0>(&kernel, &outcomes);
    machine.run();
    assert_eq!(answer(&machine, ask::<0>(&kernel, 9)), 77);
    assert_eq!(*outcomes.borrow(), [Err(CallError::WaitCycle), Ok(77), Ok(77)]);
    assert_eq!(answer(&machine, ask::<1>(&kernel, 1)), 0);
}

/// Binds the first place of a circle, and opens the ways from and to the second before anybody asks.
async fn both_ways(handle: &Handle) -> (Server<Node<0>>, Client<Node<1>>) {
    let mut server = handle.services().bind::<Node<0>>("").await.expect("bound");
    let services = handle.services();
    let mut connecting = pin!(services.connect::<Node<1>>((), 1));
    let (mut next, mut accepted) = (None, false);
    while next.is_none() || !accepted {
        let mut incoming = pin!(server.next());
        let step = poll_fn(|context| {
            if next.is_none()
                && let Poll::Ready(client) = connecting.as_mut().poll(context)
            {
                next = client.ok();
                return Poll::Ready(None);
            }
            incoming.as_mut().poll(context).map(Some)
        });
        if let Some(Incoming::Hello(hello)) = step.await {
            accepted = hello.accept().is_ok();
        }
    }
    (server, next.expect("connected"))
}

#[test]
fn a_request_that_was_sent_and_is_not_waited_for_closes_no_circle() {
    let machine = Machine::new();
    let kernel = machine.kernel.handle();
    let outcomes = Outcomes::default();
    linked::<1, 0>(&kernel, &outcomes);
    let handle = kernel.clone();
    // Asks its neighbour, which asks back; answers that after a while, and looks at the answer only then.
    let patient = async move {
        let (mut server, next) = both_ways(&handle).await;
        // The slot has been waited for before, by this very task.
        assert_eq!(next.call(0).await, Ok(0));
        let asked = next.try_send(1).expect("sent");
        handle.sleep(Duration::from_micros(5)).await;
        let call = server.next_call().await;
        handle.sleep(Duration::from_micros(5)).await;
        let _ = call.answer(3);
        asked.await
    };
    let mut patient = kernel.try_spawn("patient", patient).expect("spawned");
    machine.run();
    assert!(matches!(poll(&mut patient), Poll::Ready(Ok(Ok(3)))));
    assert_eq!(cycle_events(&kernel), []);
}

#[test]
fn who_waits_for_requests_as_well_as_for_an_answer_closes_no_circle() {
    let machine = Machine::new();
    let kernel = machine.kernel.handle();
    let outcomes = Outcomes::default();
    linked::<1, 0>(&kernel, &outcomes);
    let handle = kernel.clone();
    // Keeps the question that comes back, and would take others; answers it after a while.
    let versatile = async move {
        let (mut server, next) = both_ways(&handle).await;
        let mut asked = pin!(next.call(1));
        let mut pause = pin!(handle.sleep(Duration::from_micros(50)));
        let mut kept = None;
        loop {
            let mut incoming = pin!(server.next());
            let step = poll_fn(|context| {
                if let Poll::Ready(answer) = asked.as_mut().poll(context) {
                    return Poll::Ready(Err(answer));
                }
                if kept.is_some() && pause.as_mut().poll(context).is_ready() {
                    return Poll::Ready(Ok(None));
                }
                incoming.as_mut().poll(context).map(|incoming| Ok(Some(incoming)))
            });
            match step.await {
                Ok(Some(Incoming::Call(call))) => kept = Some(call),
                Ok(Some(Incoming::Hello(hello))) => drop(hello.accept().ok()),
                Ok(None) => drop(kept.take().map(|call| call.answer(3))),
                Err(answer) => return answer,
            }
        }
    };
    let mut versatile = kernel.try_spawn("versatile", versatile).expect("spawned");
    // A question for somebody who is busy has circles looked for.
    let handle = kernel.clone();
    let late = async move {
        let node = handle.services().connect::<Node<1>>((), 1).await.expect("connected");
        handle.sleep(Duration::from_micros(10)).await;
        node.call(0).await
    };
    let mut late = kernel.try_spawn("late", late).expect("spawned");
    machine.run();
    assert!(matches!(poll(&mut versatile), Poll::Ready(Ok(Ok(3)))));
    assert!(matches!(poll(&mut late), Poll::Ready(Ok(Ok(0)))));
    assert_eq!(cycle_events(&kernel), []);
}

#[test]
fn a_server_that_has_turned_away_from_its_queue_may_close_a_circle() {
    let machine = Machine::new();
    let kernel = machine.kernel.handle();
    let handle = kernel.clone();
    let task = async move {
        let services = handle.services();
        let mut server = services.bind::<Node<0>>("").await.expect("bound");
        let mut connecting = pin!(services.connect::<Node<0>>((), 1));
        assert!(poll_fn(|context| Poll::Ready(connecting.as_mut().poll(context))).await.is_pending());
        let Some(Incoming::Hello(hello)) = server.try_next() else { panic!("it has asked") };
        hello.accept().expect("it waits");
        let own = connecting.await.expect("connected");
        {
            let mut next = pin!(server.next());
            assert!(poll_fn(|context| Poll::Ready(next.as_mut().poll(context))).await.is_pending());
        }
        own.call(0).await
    };
    let mut task = kernel.try_spawn("task", task).expect("spawned");
    machine.run();
    assert!(matches!(poll(&mut task), Poll::Ready(Ok(Err(CallError::WaitCycle)))));
}

/// Connects to `N`, and asks it later, though before the machine has nothing to do.
fn ask_later<const N: u128>(kernel: &Handle) -> crate::executor::JoinHandle<u32> {
    let handle = kernel.clone();
    let client = async move {
        let node = handle.services().connect::<Node<N>>((), 1).await.expect("connected");
        // Woken as soon as the other questions begin.
        handle.sleep(Duration::from_micros(10)).await;
        for _ in 0..50 {
            let mut polled = false;
            poll_fn(|context| {
                context.waker().wake_by_ref();
                if core::mem::replace(&mut polled, true) { Poll::Ready(()) } else { Poll::Pending }
            })
            .await;
        }
        node.call(0).await.expect("answered")
    };
    kernel.try_spawn("later", client).expect("spawned")
}

#[test]
fn a_circle_is_found_behind_any_requests_that_lead_to_it() {
    let machine = Machine::new();
    let kernel = machine.kernel.handle();
    let outcomes = Outcomes::default();
    linked::<0, 1>(&kernel, &outcomes);
    // One has been connected before all others, and one after them.
    let mut first = ask_later::<0>(&kernel);
    machine.settle();
    linked::<1, 0>(&kernel, &outcomes);
    machine.settle();
    let mut last = ask_later::<0>(&kernel);
    machine.settle();
    machine.clock.set(10);
    let asked = ask::<0>(&kernel, 2);
    assert_eq!(answer(&machine, asked), 77);
    assert!(matches!(poll(&mut first), Poll::Ready(Ok(0))));
    assert!(matches!(poll(&mut last), Poll::Ready(Ok(0))));
    assert_eq!(cycle_events(&kernel).len(), 2, "of the two in the circle");
}
