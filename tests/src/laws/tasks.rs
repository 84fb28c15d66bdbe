//! Laws 6, 7 and 15: tasks end once, and wakes are neither lost nor harmful.

use core::{
    cell::RefCell,
    future::{pending, poll_fn},
    task::{Poll, Waker},
};

use kernel::{executor::JoinError, limits::Settings, time::Duration};

use super::fixtures::{Dropped, count, counter};
use crate::{HEAP, Home, Machine};

pub(super) fn cancelling_drops_the_future_and_wakes_the_joiner_once<H: Home>(home: &mut H) {
    let mut machine = home.boot(HEAP, &Settings::DEFAULT);
    let kernel = machine.kernel();
    let drops = counter(&kernel);
    let joins = counter(&kernel);

    // Parked, queued and never polled yet, and running: the last aborts itself.
    let held = Dropped(drops.clone());
    let parked = kernel.try_spawn("parked", async move {
        let _held = held;
        pending::<()>().await;
    });
    machine.settle();
    let held = Dropped(drops.clone());
    let queued = kernel.try_spawn("queued", async move {
        let _held = held;
    });
    let held = Dropped(drops.clone());
    let handle = kernel.clone();
    let running = kernel.try_spawn("running", async move {
        let _held = held;
        handle.abort(handle.current_task().expect("inside of a task"));
        pending::<()>().await;
    });
    for task in [parked.expect("spawned"), queued.expect("spawned"), running.expect("spawned")] {
        let joins = joins.clone();
        task.abort();
        task.abort();
        machine.start("joiner", async move {
            assert_eq!(task.await, Err(JoinError::Cancelled));
            count(&joins);
        });
    }
    machine.settle();
    assert_eq!(drops.get(), 3);
    assert_eq!(joins.get(), 3);
}

pub(super) fn dropping_a_join_handle_leaves_the_task_alone<H: Home>(home: &mut H) {
    let mut machine = home.boot(HEAP, &Settings::DEFAULT);
    let kernel = machine.kernel();
    let ran = counter(&kernel);
    for _ in 0..3 {
        let (ran, handle) = (ran.clone(), kernel.clone());
        let task = kernel.try_spawn("task", async move {
            handle.sleep(Duration::from_micros(5)).await;
            count(&ran);
        });
        drop(task.expect("spawned"));
        machine.settle();
    }
    machine.pass(Duration::from_millis(1));
    assert_eq!(ran.get(), 3);
}

pub(super) fn a_wake_from_an_interrupt_is_never_lost<H: Home>(home: &mut H) {
    const TIMES: u32 = 50;
    let mut machine = home.boot(HEAP, &Settings::DEFAULT);
    let kernel = machine.kernel();
    let mut line = kernel.interrupt_line("law").expect("there is memory for a line");
    let trigger = line.trigger();
    let seen = counter(&kernel);
    let counted = seen.clone();
    // Raised before anybody waits: not lost.
    machine.interrupt(&trigger);
    machine.start("driver", async move {
        loop {
            line.wait().await;
            count(&counted);
        }
    });
    machine.settle();
    assert_eq!(seen.get(), 1);
    for times in 0..TIMES {
        machine.interrupt(&trigger);
        machine.settle();
        assert_eq!(seen.get(), times + 2);
    }
    // Twice before the task looks is once.
    machine.interrupt(&trigger);
    machine.interrupt(&trigger);
    machine.settle();
    assert!((TIMES + 2..=TIMES + 3).contains(&seen.get()));
    assert!(kernel.nth_interrupt_line(0).is_some());
}

/// An interrupt or an alarm that is so near comes before a machine sleeps, after that, or in between.
const NEAR_US: u64 = 32;

/// On a chip, where time passes, the machine gets about that much further from one trial to the next: as if it came at any
/// instruction. An alarm comes at the beginning of a microsecond, so it would otherwise meet the same few.
const SPINS: u32 = if cfg!(target_os = "none") { 40 } else { 1 };

fn spin(times: u32) {
    for _ in 0..times {
        core::hint::spin_loop();
    }
}

pub(super) fn an_interrupt_on_the_way_to_sleep_ends_the_sleep<H: Home>(home: &mut H) {
    const LATE: Duration = Duration::from_millis(20);
    let mut machine = home.boot(HEAP, &Settings::DEFAULT);
    let kernel = machine.kernel();
    let mut line = kernel.interrupt_line("law").expect("there is memory for a line");
    let trigger = line.trigger();
    let seen = counter(&kernel);
    let counted = seen.clone();
    machine.start("driver", async move {
        loop {
            line.wait().await;
            count(&counted);
        }
    });
    machine.settle();
    for spins in 0..SPINS {
        for us in 1..NEAR_US {
            let before = seen.get();
            let start = kernel.now();
            machine.interrupt_at(&trigger, start.saturating_add(Duration::from_micros(us)));
            spin(spins);
            machine.settle();
            while seen.get() == before {
                machine.sleep(start.saturating_add(LATE));
                assert!(kernel.now().since(start) < LATE, "the machine slept on");
                machine.settle();
            }
        }
    }
}

pub(super) fn an_alarm_on_the_way_to_sleep_ends_the_sleep<H: Home>(home: &mut H) {
    let mut machine = home.boot(HEAP, &Settings::DEFAULT);
    let kernel = machine.kernel();
    machine.run(async move {
        for spins in 0..SPINS {
            for us in 0..NEAR_US {
                spin(spins);
                kernel.sleep(Duration::from_micros(us)).await;
            }
        }
    });
}

pub(super) fn a_wake_of_a_finished_task_is_harmless<H: Home>(home: &mut H) {
    let mut machine = home.boot(HEAP, &Settings::DEFAULT);
    let kernel = machine.kernel();
    let kept = kernel.heap().try_shared(RefCell::new(None::<Waker>)).expect("there is memory");
    let shared = kept.clone();
    let task = kernel.try_spawn(
        "task",
        poll_fn(move |context| {
            *shared.borrow_mut() = Some(context.waker().clone());
            // Wakes itself in its last poll, too.
            context.waker().wake_by_ref();
            Poll::Ready(7)
        }),
    );
    assert_eq!(machine.finish(task.expect("spawned")), 7);
    let waker = kept.borrow_mut().take().expect("the task left its waker");
    for _ in 0..3 {
        waker.wake_by_ref();
        let other = machine.run(async { 8 });
        assert_eq!(other, 8);
    }
    drop(machine);
    waker.wake_by_ref();
    drop(waker.clone());
    drop(waker);
}
