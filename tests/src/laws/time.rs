//! Law 8: the timer covers its whole range.

use core::cell::RefCell;

use kernel::{
    limits::Settings,
    platform::Next,
    time::{Duration, Instant},
};

use crate::{HEAP, Home, Machine};

pub(super) fn a_sleep_may_last_for_years<H: Home>(home: &mut H) {
    let mut machine = home.boot(HEAP, &Settings::DEFAULT);
    let kernel = machine.kernel();
    // Just above 32 and 42 bits: what is cut short there ends at once.
    let (hours, months) = (Duration::from_micros((1 << 32) + 10), Duration::from_micros((5 << 40) + 20));
    let sleeps = [Duration::MAX, months, hours].map(|duration| {
        let handle = kernel.clone();
        let sleep = kernel.try_spawn("sleeper", async move { handle.sleep(duration).await });
        sleep.expect("spawned")
    });
    let next = machine.settle();
    assert!(matches!(next, Next::SleepUntil(deadline) if deadline > kernel.now()), "{next:?}");
    machine.pass(Duration::from_millis(5));
    assert!(sleeps.iter().all(|sleep| !sleep.is_finished()), "no sleep ends early");
    // A sleep that is over at once lets the others run, once.
    let handle = kernel.clone();
    machine.run(async move {
        handle.sleep(Duration::ZERO).await;
        handle.sleep_until(Instant::BOOT).await;
    });
    for sleep in &sleeps {
        sleep.abort();
    }
    assert_eq!(machine.settle(), Next::WaitForInterrupt, "cancelled sleeps leave no timer behind");
}

pub(super) fn timers_fire_in_the_order_of_their_deadlines<H: Home>(home: &mut H) {
    const COUNT: usize = 24;
    let mut machine = home.boot(HEAP, &Settings::DEFAULT);
    let kernel = machine.kernel();
    let order = kernel.heap().try_vec::<u32>(COUNT).expect("there is memory");
    let order = kernel.heap().try_shared(RefCell::new(order)).expect("there is memory");
    // By then all are asleep, also on a slow chip.
    let start = kernel.now().saturating_add(Duration::from_millis(20));
    for number in 0..COUNT as u32 {
        let (handle, order) = (kernel.clone(), order.clone());
        // Scattered over the wheel's levels, with some deadlines equal.
        let deadline = start.saturating_add(Duration::from_micros(u64::from(number * 7919 % 12) * 137));
        machine.start("sleeper", async move {
            handle.sleep_until(deadline).await;
            order.borrow_mut().push(number).expect("there is room for all");
        });
    }
    machine.settle();
    machine.pass_until(start.saturating_add(Duration::from_millis(10)));
    machine.settle();
    let order = order.borrow();
    assert_eq!(order.len(), COUNT);
    let key = |number: u32| (number * 7919 % 12, number);
    assert!(order.is_sorted_by_key(|number| key(*number)), "{order:?}");
}
