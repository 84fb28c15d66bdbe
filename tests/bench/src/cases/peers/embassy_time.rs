//! embassy's timers: a queue that runs through the tasks that wait, and a driver as that of a chip, but for the chip.

use std::{
    cell::RefCell,
    hint::black_box,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    task::Waker,
};

use critical_section::Mutex;
use embassy_time::Timer;
use embassy_time_driver::Driver;
use embassy_time_queue_utils::Queue;

use super::{Executor, embassy::Embassy};
use crate::cases::timers::scatter;

struct Manual {
    now: AtomicU64,
    alarm: AtomicU64,
    /// While many timers are set nobody looks which is the first, or it would take for ever.
    filling: AtomicBool,
    queue: Mutex<RefCell<Queue>>,
}

embassy_time_driver::time_driver_impl!(static DRIVER: Manual = Manual {
    now: AtomicU64::new(0),
    alarm: AtomicU64::new(0),
    filling: AtomicBool::new(false),
    queue: Mutex::new(RefCell::new(Queue::new())),
});

impl Manual {
    /// What a chip's driver does when its alarm goes off.
    fn look(&self) {
        critical_section::with(|section| {
            let next = self.queue.borrow_ref_mut(section).next_expiration(self.now());
            self.alarm.store(next, Ordering::Relaxed);
        });
    }
}

impl Driver for Manual {
    fn now(&self) -> u64 {
        self.now.load(Ordering::Relaxed)
    }

    fn schedule_wake(&self, at: u64, waker: &Waker) {
        let first =
            critical_section::with(|section| self.queue.borrow_ref_mut(section).schedule_wake(at, waker));
        if first && !self.filling.load(Ordering::Relaxed) {
            self.look();
        }
    }
}

/// Has so many tasks wait, as `cases::timers` does.
fn fill(executor: &mut Embassy, pending: u64) {
    DRIVER.filling.store(true, Ordering::Relaxed);
    for number in 0..pending {
        executor.start(async move { Timer::after_micros(1_000_000 + scatter(number, 37)).await });
    }
    executor.settle();
    DRIVER.filling.store(false, Ordering::Relaxed);
}

/// A task sets a timer, which fires, and the task sees that it has fired.
pub(in crate::cases) fn insert_fire<const PENDING: u64>(times: u64) {
    let mut executor = Embassy::new();
    fill(&mut executor, PENDING);
    executor.start(async move {
        for number in 0..times {
            Timer::after_micros(1 + scatter(number, 13)).await;
        }
    });
    executor.settle();
    for _ in 0..times {
        DRIVER.now.store(DRIVER.alarm.load(Ordering::Relaxed), Ordering::Relaxed);
        DRIVER.look();
        executor.settle();
    }
}

/// Time passes, and nothing is due.
pub(in crate::cases) fn empty_tick<const PENDING: u64>(times: u64) {
    let mut executor = Embassy::new();
    fill(&mut executor, PENDING);
    for number in 0..times {
        DRIVER.now.store(number, Ordering::Relaxed);
        black_box(&DRIVER).look();
    }
}
