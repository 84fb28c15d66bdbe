//! Signals and interrupt lines: `sync::Signal`, `interrupt`, and the event stream that a trigger writes to.

use std::{
    future::Future,
    pin::pin,
    sync::Arc,
    task::{Context, Waker},
};

use kernel::{interrupt::Line, platform::Stop, sync::Signal};
use loom::future::block_on;
use mnemos_loom::{Machine, Mail, check, join_all, spawn};

#[test]
fn a_signal_that_is_raised_ends_the_wait_and_brings_what_was_written_before_it() {
    check(|| {
        let (signal, mail) = (Arc::new(Signal::new()), Arc::new(Mail::new(0)));
        loom::explore();
        let (there, written) = (signal.clone(), mail.clone());
        spawn(move || {
            written.write(1);
            there.raise();
        });
        block_on(signal.wait());
        assert_eq!(mail.read(), 1);
    });
}

#[test]
fn two_who_signal_each_other_never_wait_for_ever() {
    check(|| {
        let (there, back) = (Arc::new(Signal::new()), Arc::new(Signal::new()));
        loom::explore();
        let (other_there, other_back) = (there.clone(), back.clone());
        spawn(move || {
            for _ in 0..2 {
                block_on(other_there.wait());
                other_back.raise();
            }
        });
        for _ in 0..2 {
            there.raise();
            block_on(back.wait());
        }
        join_all();
    });
}

#[test]
fn a_signal_raised_while_a_wait_is_given_up_is_there_for_the_next() {
    check(|| {
        let signal = Arc::new(Signal::new());
        loom::explore();
        let there = signal.clone();
        spawn(move || there.raise());
        {
            let mut wait = pin!(signal.wait());
            if wait.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready() {
                return;
            }
        }
        block_on(signal.wait());
    });
}

#[test]
fn a_wait_that_goes_to_another_task_midway_is_ended_there() {
    check(|| {
        let signal = Arc::new(Signal::new());
        loom::explore();
        let there = signal.clone();
        spawn(move || there.raise());
        let mut wait = pin!(signal.wait());
        if wait.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending() {
            block_on(wait);
        }
    });
}

#[test]
fn an_interrupt_reaches_the_task_that_waits_for_its_line() {
    check(|| {
        let machine = Machine::new();
        let handle = machine.kernel.handle();
        let mut line: Line = handle.interrupt_line("line").expect("there is memory");
        let trigger = line.trigger();
        let mail = Arc::new(Mail::new(0));
        let written = mail.clone();
        let stops = handle.clone();
        let task = async move {
            line.wait().await;
            assert_eq!(mail.read(), 1);
            stops.stop(Stop::PowerOff);
        };
        handle.try_spawn("driver", task).expect("there is memory").detach();
        loom::explore();
        spawn(move || {
            written.write(1);
            trigger.fire();
        });
        machine.run(|_| {});
        join_all();
        assert_eq!(handle.nth_interrupt_line(0).map(|line| line.fired), Some(1));
    });
}

#[test]
fn interrupts_of_two_lines_at_once_both_arrive() {
    check(|| {
        let machine = Machine::new();
        let handle = machine.kernel.handle();
        let mut lines = ["one", "two"].map(|name| handle.interrupt_line(name).expect("there is memory"));
        let triggers = lines.each_ref().map(Line::trigger);
        let stops = handle.clone();
        let task = async move {
            for line in &mut lines {
                line.wait().await;
            }
            stops.stop(Stop::PowerOff);
        };
        handle.try_spawn("driver", task).expect("there is memory").detach();
        loom::explore();
        for trigger in triggers {
            spawn(move || trigger.fire());
        }
        machine.run(|_| {});
    });
}
