//! Interrupts, and wakes from other threads.

use std::{cell::Cell, rc::Rc, sync::mpsc, thread, time::Duration as HostDuration};

use kernel::{
    event::Kinds,
    services::echo::{Echo, Request},
    time::{Duration, Instant},
};
use sim_host::{External, Outcome, Sim, Time, interrupts};

fn bare() -> Sim {
    Sim::builder().bare().build().expect("a machine")
}

#[test]
fn an_interrupt_wakes_the_task_that_waits_for_its_line() {
    let mut sim = bare();
    let (irq, mut line) = sim.interrupt_line("button").expect("a line");
    let kernel = sim.kernel();
    let task = sim.spawn("driver", async move {
        line.wait().await;
        kernel.now()
    });
    let button = External::Interrupt { line: irq.name().to_owned() };
    sim.schedule(Instant::from_millis(3), button).expect("there is a button");
    assert_eq!(sim.run_until_idle(), Outcome::Idle);
    assert_eq!(sim.block_on(task).expect("an output"), Instant::from_millis(3));
}

#[test]
fn a_handler_knows_that_it_is_one() {
    let mut sim = bare();
    let (irq, _line) = sim.interrupt_line("button").expect("a line");
    let seen = Rc::new(Cell::new(false));
    let note = seen.clone();
    sim.attach(&irq, move || note.set(interrupts::in_handler()));
    irq.pend();
    sim.settle();
    assert!(seen.get() && !interrupts::in_handler());
    assert_eq!((irq.taken(), irq.is_pending()), (1, false));
}

#[test]
fn a_line_that_is_asserted_stays_pending_until_its_device_is_quiet() {
    let mut sim = bare();
    let (irq, _line) = sim.interrupt_line("device").expect("a line");
    let (device, left) = (irq.clone(), Cell::new(3));
    sim.attach(&irq, move || {
        left.set(left.get() - 1);
        device.assert_level(left.get() > 0);
    });
    irq.assert_level(true);
    assert_eq!(sim.settle(), Outcome::Idle);
    assert_eq!(irq.taken(), 3);
}

#[test]
fn a_storm_of_interrupts_does_not_stop_the_tasks() {
    let mut sim = bare();
    let (irq, _line) = sim.interrupt_line("broken").expect("a line");
    sim.attach(&irq, || {});
    irq.assert_level(true);
    let task = sim.spawn("task", async { 5 });
    assert_eq!(sim.run_until_pred(Duration::from_secs(1), |_| task.is_finished()), Outcome::Satisfied);
    assert!(sim.interrupt_storms() > 0);
    irq.assert_level(false);
    assert_eq!(sim.block_on(task).expect("an output"), 5);
}

#[test]
fn an_interrupt_is_taken_where_a_critical_section_ends() {
    let mut sim = bare();
    let (irq, _line) = sim.interrupt_line("button").expect("a line");
    let kernel = sim.kernel();
    let taken = sim.block_on(async move {
        irq.pend();
        let before = irq.taken();
        kernel.log().info("task", format_args!("the log is written in a critical section"));
        (before, irq.taken())
    });
    assert_eq!(taken, (0, 1));
}

/// Two tasks that hand a number to and fro, and a driver that waits for its line; `true` when the driver heard of it.
fn hears_an_interrupt_after(sections: u64) -> (bool, u64) {
    let mut sim = bare();
    let (irq, mut line) = sim.interrupt_line("button").expect("a line");
    let kernel = sim.kernel();
    // Each event is written in a critical section: the more of them, the more places to land.
    kernel.events().listen(Kinds::ALL);
    sim.spawn("echo", kernel::services::echo::serve(kernel.clone())).detach();
    let driver = sim.spawn("driver", async move { line.wait().await });
    let client = sim.spawn("client", async move {
        let echo = kernel.services().connect::<Echo>((), 1).await.expect("connected");
        for number in 0..3 {
            assert_eq!(echo.call(Request::Number(number)).await, Ok(Request::Number(number)));
            kernel.log().info("client", format_args!("{number}"));
            kernel.sleep(Duration::from_millis(1)).await;
        }
    });
    sim.pend_after(&irq, sections);
    assert_eq!(sim.run_until_idle(), Outcome::Idle);
    assert!(client.is_finished());
    assert_eq!(u64::from(irq.taken()), u64::from(sections <= sim.critical_sections()));
    (driver.is_finished(), sim.critical_sections())
}

#[test]
fn an_interrupt_is_heard_wherever_it_lands() {
    let (heard, sections) = hears_an_interrupt_after(u64::MAX);
    assert!(!heard);
    assert!(sections > 20, "{sections} critical sections");
    for section in 1..=sections {
        assert!(hears_an_interrupt_after(section).0, "lost after section {section} of {sections}");
    }
}

#[test]
fn a_line_that_is_switched_off_is_taken_when_it_is_switched_on() {
    let mut sim = bare();
    let (irq, _line) = sim.interrupt_line("button").expect("a line");
    irq.enable(false);
    irq.pend();
    assert_eq!(sim.settle(), Outcome::Idle);
    assert_eq!((irq.taken(), irq.is_pending()), (0, true));
    irq.enable(true);
    sim.settle();
    assert_eq!((irq.taken(), irq.is_pending()), (1, false));
}

/// A task that waits for a byte from another thread.
fn wait_for_thread(sim: &Sim, delay: HostDuration) -> kernel::executor::JoinHandle<u8> {
    let (ask, asked) = mpsc::channel::<std::task::Waker>();
    let (answer, answers) = mpsc::channel();
    thread::spawn(move || {
        let waker = asked.recv().expect("the task asks");
        thread::sleep(delay);
        answer.send(9).expect("the task is there");
        waker.wake();
    });
    sim.spawn(
        "foreign",
        std::future::poll_fn(move |context| match answers.try_recv() {
            Ok(answer) => std::task::Poll::Ready(answer),
            Err(_) => {
                let _ = ask.send(context.waker().clone());
                std::task::Poll::Pending
            }
        }),
    )
}

#[test]
fn a_wake_from_another_thread_ends_the_machines_sleep() {
    for delay_ms in [0, 1, 20] {
        let mut sim = bare();
        let task = wait_for_thread(&sim, HostDuration::from_millis(delay_ms));
        while !task.is_finished() {
            assert_eq!(sim.settle(), Outcome::Idle);
            assert!(task.is_finished() || sim.wait_for_wake(HostDuration::from_secs(10)), "a wake was lost");
        }
        assert_eq!(sim.block_on(task).expect("an output"), 9);
    }
}

#[test]
fn in_real_time_a_run_ends_its_sleep_with_a_wake() {
    let mut sim = Sim::builder().bare().time(Time::Real).build().expect("a machine");
    let task = wait_for_thread(&sim, HostDuration::from_millis(20));
    assert_eq!(sim.run_until_pred(Duration::from_secs(10), |_| task.is_finished()), Outcome::Satisfied);
    assert!(sim.now() < Instant::from_secs(5));
}

#[test]
fn nobody_wakes_a_machine_that_nobody_uses() {
    let mut sim = bare();
    sim.settle();
    assert!(!sim.wait_for_wake(HostDuration::from_millis(5)));
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime")
}

#[test]
fn an_async_runtime_drives_a_machine_in_scaled_time() {
    let mut sim = Sim::builder().bare().time(Time::Scaled(50.0)).build().expect("a machine");
    let kernel = sim.kernel();
    sim.spawn("switch", async move {
        kernel.sleep(Duration::from_secs(1)).await;
        kernel.stop(kernel::platform::Stop::PowerOff);
    })
    .detach();
    let outcome = runtime().block_on(sim.run_async());
    assert_eq!(outcome, Outcome::Stopped(kernel::platform::Stop::PowerOff));
    assert!(sim.now() >= Instant::from_secs(1));
}

#[test]
fn input_from_another_thread_reaches_a_machine_in_an_async_runtime() {
    use kernel::services::serial::{Request, Response, Serial};
    for time in [Time::Real, Time::Virtual] {
        let mut sim = Sim::builder().time(time).build().expect("a machine");
        let kernel = sim.kernel();
        sim.spawn("reader", async move {
            let port = kernel.services().connect::<Serial>((), 1).await.expect("connected");
            let Ok(Response::Data(chunk)) = port.call(Request::Read).await else { panic!("no data") };
            assert_eq!(chunk.as_slice(), b"off");
            kernel.stop(kernel::platform::Stop::PowerOff);
        })
        .detach();
        let input = sim.uart_input_handle(0);
        let sender = thread::spawn(move || {
            thread::sleep(HostDuration::from_millis(10));
            input.send(b"off");
        });
        let outcome = runtime()
            .block_on(async { tokio::time::timeout(HostDuration::from_secs(10), sim.run_async()).await });
        assert_eq!(outcome.ok(), Some(Outcome::Stopped(kernel::platform::Stop::PowerOff)), "{time:?}");
        sender.join().expect("no panic");
    }
}
