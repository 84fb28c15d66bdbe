//! When the machine sleeps, and what ends it: the timers, and the last look before.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::Arc,
    task::Poll,
};

use kernel::{
    platform::{Next, Stop},
    sync::Signal,
    time::Duration,
};
use loom::{
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    thread,
};
use mnemos_loom::{Machine, check, doorbell, spawn};

#[test]
fn a_machine_that_an_alarm_and_an_interrupt_wake_at_once_sees_both() {
    check(|| {
        let machine = Machine::new();
        let signal = Arc::new(Signal::new());
        let (handle, there) = (machine.kernel.handle(), signal.clone());
        let task = async move {
            let mut wait = pin!(there.wait());
            let mut sleep = pin!(handle.sleep(Duration::from_micros(10)));
            let (mut waited, mut slept) = (false, false);
            poll_fn(|context| {
                waited = waited || wait.as_mut().poll(context).is_ready();
                slept = slept || sleep.as_mut().poll(context).is_ready();
                if waited && slept { Poll::Ready(()) } else { Poll::Pending }
            })
            .await;
            handle.stop(Stop::PowerOff);
        };
        machine.kernel.handle().try_spawn("waits", task).expect("there is memory").detach();
        let time = machine.time();
        loom::explore();
        spawn(move || signal.raise());
        machine.run(|until| {
            // The alarm goes off on a thread of its own, at any time from now on.
            let (time, machine) = (time.clone(), thread::current());
            spawn(move || {
                time.set(until);
                machine.unpark();
            });
        });
    });
}

#[test]
fn the_last_look_before_a_sleep_sees_what_an_interrupt_has_woken() {
    check(|| {
        let machine = Machine::new();
        let signal = Arc::new(Signal::new());
        let (handle, there) = (machine.kernel.handle(), signal.clone());
        let task = async move {
            there.wait().await;
            handle.stop(Stop::PowerOff);
        };
        machine.kernel.handle().try_spawn("waits", task).expect("there is memory").detach();
        machine.settle();
        // As on a chip: the last look is taken with interrupts off, and an interrupt that comes later ends the sleep.
        let asleep = Arc::new(AtomicBool::new(false));
        let (sleeps, wakes) = (asleep.clone(), doorbell());
        loom::explore();
        spawn(move || {
            critical_section::with(|_| {
                signal.raise();
                if sleeps.load(Relaxed) {
                    wakes.wake_by_ref();
                }
            });
        });
        loop {
            match machine.settle() {
                Next::Stop(_) => break,
                _ => {
                    let sleep = critical_section::with(|_| {
                        let idle = machine.kernel.is_idle();
                        asleep.store(idle, Relaxed);
                        idle
                    });
                    if sleep {
                        thread::park();
                    }
                }
            }
        }
    });
}
