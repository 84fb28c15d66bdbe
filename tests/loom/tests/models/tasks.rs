//! Tasks, their wakers and the ready queue: `executor::{state, ready, remote, task}`.

use std::{
    cell::Cell,
    future::poll_fn,
    rc::Rc,
    sync::Arc,
    task::{Poll, Waker},
};

use kernel::platform::Stop;
use loom::sync::atomic::{AtomicU32, Ordering::Relaxed};
use mnemos_loom::{Machine, Mail, check, join_all, regions, spawn};

/// Spawns a task that hands out its waker in its first poll and is polled with `look` later, until that says that all is there.
fn waiting_task(machine: &Machine, mut look: impl FnMut() -> bool + 'static) -> Waker {
    let place = Rc::new(Cell::new(None));
    let out = place.clone();
    let mut first = true;
    let handle = machine.kernel.handle();
    let task = async move {
        poll_fn(|context| {
            if core::mem::take(&mut first) {
                out.set(Some(context.waker().clone()));
                return Poll::Pending;
            }
            if look() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        handle.stop(Stop::PowerOff);
    };
    machine.kernel.handle().try_spawn("waits", task).expect("there is memory").detach();
    machine.settle();
    place.take().expect("the task was polled")
}

#[test]
fn a_wake_is_not_lost_and_brings_what_was_written_before_it() {
    check(|| {
        let machine = Machine::new();
        let mail = Arc::new(Mail::new(0));
        let waker = waiting_task(&machine, {
            let mail = mail.clone();
            move || mail.read() == 1
        });
        loom::explore();
        spawn(move || {
            mail.write(1);
            waker.wake();
        });
        machine.run(|_| {});
    });
}

#[test]
fn of_two_wakes_at_once_neither_is_lost_and_each_brings_what_was_written_before_it() {
    check(|| {
        let machine = Machine::new();
        let mail = Arc::new([AtomicU32::new(0), AtomicU32::new(0)]);
        let waker = waiting_task(&machine, {
            let mail = mail.clone();
            // If a poll that is to follow a wake does not see what came before it, there is no other, and the machine
            // sleeps for ever.
            move || mail.iter().all(|word| word.load(Relaxed) == 1)
        });
        loom::explore();
        for which in 0..2 {
            let (mail, waker) = (mail.clone(), waker.clone());
            spawn(move || {
                mail[which].store(1, Relaxed);
                waker.wake_by_ref();
            });
        }
        drop(waker);
        machine.run(|_| {});
    });
}

#[test]
fn tasks_that_are_woken_at_once_are_both_polled() {
    check(|| {
        let machine = Machine::new();
        let polled = Rc::new(Cell::new(0));
        let wakers = [0, 1].map(|_| {
            let polled = polled.clone();
            waiting_task(&machine, move || {
                polled.set(polled.get() + 1);
                polled.get() == 2
            })
        });
        loom::explore();
        for waker in wakers {
            spawn(move || waker.wake());
        }
        machine.run(|_| {});
    });
}

#[test]
fn a_task_that_wakes_itself_meanwhile_loses_no_wake_either() {
    check(|| {
        let machine = Machine::new();
        let mail = Arc::new(AtomicU32::new(0));
        let own = Rc::new(Cell::new(None::<Waker>));
        let waker = waiting_task(&machine, {
            let (mail, own) = (mail.clone(), own.clone());
            move || {
                if let Some(own) = own.take() {
                    own.wake();
                }
                mail.load(Relaxed) == 1
            }
        });
        own.set(Some(waker.clone()));
        loom::explore();
        spawn(move || {
            mail.store(1, Relaxed);
            waker.wake();
        });
        machine.run(|_| {});
    });
}

#[test]
fn a_task_whose_last_waker_goes_elsewhere_is_freed_once() {
    check(|| {
        let machine = Machine::new();
        let heap = || machine.kernel.handle().heap().stats().used;
        let before = heap();
        let waker = waiting_task(&machine, || true);
        assert!(heap() > before);
        loom::explore();
        spawn(move || waker.wake());
        machine.run(|_| {});
        join_all();
        machine.settle();
        assert_eq!(heap(), before);
    });
}

#[test]
fn a_kernel_that_goes_while_a_task_is_woken_gives_its_region_back_once() {
    check(|| {
        let held = regions();
        let machine = Machine::new();
        let waker = waiting_task(&machine, || true);
        loom::explore();
        spawn(move || {
            waker.wake_by_ref();
            drop(waker);
        });
        drop(machine);
        join_all();
        assert_eq!(regions(), held);
    });
}
