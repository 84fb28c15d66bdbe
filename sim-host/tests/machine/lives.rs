//! Lives of machines: panics, reboots, ends, and lives that are the same twice.

use std::{cell::Cell, rc::Rc};

use kernel::{
    event::Kinds,
    services::echo::{Echo, Request},
    time::{Duration, Instant},
};
use sim_host::{Digest, Outcome, Sim};

#[test]
fn a_panic_ends_its_task_and_nothing_else() {
    let mut sim = Sim::builder().bare().build().expect("a machine");
    let kernel = sim.kernel();
    let worker = sim.spawn("worker", async move {
        kernel.sleep(Duration::from_secs(1)).await;
        7
    });
    let broken = sim.spawn("broken", async { panic!("out of luck") });
    assert_eq!(sim.run_until_idle(), Outcome::Idle);
    assert!(broken.is_finished() && worker.is_finished());
    assert_eq!(sim.panics(), 1);
    assert!(
        sim.last_panic().is_some_and(|message| message.starts_with("out of luck (")),
        "{:?}",
        sim.last_panic()
    );
    assert_eq!(sim.block_on(worker).expect("the worker's output"), 7);
    assert!(sim.block_on(broken).is_err());
}

#[test]
#[should_panic(expected = "the task panicked: out of luck")]
fn the_panic_of_a_task_that_is_waited_for_is_passed_on() {
    let mut sim = Sim::builder().bare().build().expect("a machine");
    sim.block_on(async { panic!("out of luck") })
}

#[test]
#[should_panic(expected = "the machine is asleep and nothing will wake it")]
fn waiting_for_a_task_that_waits_for_ever_fails() {
    let mut sim = Sim::builder().bare().build().expect("a machine");
    sim.block_on(std::future::pending::<()>());
}

#[test]
fn services_of_the_standard_machine_answer() {
    let mut sim = Sim::builder().build().expect("a machine");
    let kernel = sim.kernel();
    let answer = sim.block_on(async move {
        let echo = kernel.services().connect::<Echo>((), 1).await.expect("connected");
        echo.call(Request::Number(42)).await.expect("an answer")
    });
    assert_eq!(answer, Request::Number(42));
}

#[test]
fn after_a_reboot_everything_is_new_and_time_starts_at_zero() {
    let boots = Rc::new(Cell::new(0));
    let counter = boots.clone();
    let count = move |sim: &Sim| {
        counter.set(counter.get() + 1);
        let kernel = sim.kernel();
        sim.spawn("boot", async move { kernel.log().info("boot", format_args!("hello")) }).detach();
        Ok(())
    };
    let mut sim = Sim::builder().on_boot(count).build().expect("a machine");
    let old = sim.region_watch();
    sim.spawn("sleeper", std::future::pending::<()>()).detach();
    sim.run_for(Duration::from_secs(5));
    let spawned = sim.kernel().next_task(kernel::executor::TaskId(0)).is_some();
    sim.send_at(Instant::from_secs(6), 0, *b"x");
    sim.reboot().expect("rebooted");
    assert!(spawned && old.is_released(), "the old machine's memory is given back");
    assert_eq!((boots.get(), sim.reboots(), sim.now()), (2, 1, Instant::from_micros(0)));
    // What was to happen a second later happens a second after the boot.
    let kernel = sim.kernel();
    let received = sim.block_on(async move {
        use kernel::services::serial::{Request, Response, Serial};
        let port = kernel.services().connect::<Serial>((), 1).await.expect("connected");
        match port.call(Request::Read).await {
            Ok(Response::Data(chunk)) => (chunk.to_vec(), kernel.now()),
            other => panic!("{other:?}"),
        }
    });
    assert_eq!(received, (b"x".to_vec(), Instant::from_secs(1)));
}

#[test]
fn a_machine_that_is_dropped_gives_its_memory_back() {
    for standard in [false, true] {
        let builder = Sim::builder();
        let mut sim = if standard { builder } else { builder.bare() }.build().expect("a machine");
        let watch = sim.region_watch();
        let kernel = sim.kernel();
        sim.spawn("sleeper", async move { kernel.sleep(Duration::from_secs(1)).await }).detach();
        sim.uart(0).send(b"never read");
        sim.settle();
        assert!(!watch.is_released());
        drop(sim);
        assert!(watch.is_released(), "standard: {standard}");
    }
}

#[test]
fn a_waker_on_another_thread_keeps_the_memory_until_it_is_gone() {
    let mut sim = Sim::builder().bare().build().expect("a machine");
    let watch = sim.region_watch();
    let (sender, receiver) = std::sync::mpsc::channel();
    sim.spawn(
        "sleeper",
        std::future::poll_fn::<(), _>(move |context| {
            sender.send(context.waker().clone()).expect("the test listens");
            std::task::Poll::Pending
        }),
    )
    .detach();
    sim.settle();
    let waker = receiver.recv().expect("a waker");
    drop(sim);
    assert!(!watch.is_released());
    std::thread::spawn(move || waker.wake()).join().expect("a wake harms nobody");
    assert!(watch.is_released());
}

/// A busy life, chosen by the seed: messages, sleeps, input, and the events of all that.
fn life(seed: u64) -> (Digest, Vec<u8>) {
    let mut sim = Sim::builder().seed(seed).events(Kinds::ALL).build().expect("a machine");
    for _ in 0..3 {
        let naps: Vec<u64> = (0..20).map(|_| sim.rng().below(100_000)).collect();
        let kernel = sim.kernel();
        let client = async move {
            let echo = kernel.services().connect::<Echo>((), 1).await.expect("connected");
            for nap in naps {
                kernel.sleep(Duration::from_micros(nap)).await;
                echo.call(Request::Number(nap)).await.expect("an answer");
            }
        };
        sim.spawn("client", client).detach();
    }
    for _ in 0..20 {
        let at = Instant::from_micros(sim.rng().below(1_000_000));
        let byte = sim.rng().below(256) as u8;
        sim.send_at(at, 0, [byte]);
    }
    let kernel = sim.kernel();
    sim.spawn("reader", async move {
        use kernel::services::serial::{Request, Response, Serial};
        let port = kernel.services().connect::<Serial>((), 1).await.expect("connected");
        while let Ok(Response::Data(chunk)) = port.call(Request::Read).await {
            port.call(Request::Write(chunk)).await.expect("written");
        }
    })
    .detach();
    assert_eq!(sim.run_for(Duration::from_secs(10)), Outcome::TimeReached);
    assert_eq!(sim.events_missed(), 0);
    (sim.digest(), sim.uart(0).take_output())
}

#[test]
fn the_same_seed_gives_the_same_events_and_another_one_does_not() {
    let first = life(1);
    assert_eq!(first.1.len(), 20);
    // On another thread beside a third machine: nothing of one machine shows in another.
    let again = std::thread::spawn(|| life(1));
    let other = life(2);
    assert_eq!(again.join().expect("no panic"), first);
    assert_ne!(other.0, first.0);
}
