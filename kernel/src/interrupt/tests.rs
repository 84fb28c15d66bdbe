//! The laws of interrupt lines.

use std::{rc::Rc, thread, vec::Vec};

use super::*;
use crate::{event::Kinds, limits::Settings, testing::Machine};

#[test]
fn lines_are_listed_in_the_order_of_their_registration_with_how_often_they_fired() {
    let machine = Machine::new();
    let kernel = machine.kernel.handle();
    let lines = ["uart", "gpio", "timer"].map(|name| kernel.interrupt_line(name).expect("memory"));
    (0..3).for_each(|_| lines[1].trigger().fire());
    let listed: Vec<_> = (0..4).map_while(|after| kernel.nth_interrupt_line(after)).collect();
    let expected = [("uart", 0), ("gpio", 3), ("timer", 0)].map(|(name, fired)| LineStats { name, fired });
    assert_eq!(listed, expected);
    assert_eq!(kernel.nth_interrupt_line(usize::MAX - 1), None);
    assert_eq!(kernel.nth_interrupt_line(usize::MAX), None);
}

#[test]
fn an_interrupt_wakes_its_task_and_one_that_came_early_is_not_lost() {
    let machine = Machine::new();
    let kernel = machine.kernel.handle();
    let mut line = kernel.interrupt_line("irq").expect("memory");
    let trigger = line.trigger();
    let seen = Rc::new(Cell::new(0));
    let inside = seen.clone();
    trigger.fire();
    trigger.fire();
    let driver = async move {
        loop {
            line.wait().await;
            inside.set(inside.get() + 1);
        }
    };
    kernel.try_spawn("driver", driver).expect("spawned").detach();
    machine.settle();
    assert_eq!(seen.get(), 1, "two that nobody looked at are one");
    thread::spawn(move || trigger.fire()).join().expect("fired");
    assert!(!machine.kernel.is_idle());
    machine.settle();
    assert_eq!(seen.get(), 2);
}

#[test]
fn an_interrupt_that_is_forgotten_is_not_seen() {
    let machine = Machine::new();
    let mut line = machine.kernel.handle().interrupt_line("irq").expect("memory");
    assert!(!line.take());
    line.trigger().fire();
    assert!(line.take() && !line.take());
}

#[test]
fn a_line_without_memory_is_an_error_and_lists_nothing() {
    let machine = Machine::with(64 * 1024, &Settings::DEFAULT);
    let kernel = machine.kernel.handle();
    kernel.heap().fail_after(0);
    assert!(kernel.interrupt_line("irq").is_err());
    assert_eq!(kernel.nth_interrupt_line(0), None);
    assert!(kernel.interrupt_line("irq").is_ok());
}

#[test]
fn triggers_fire_on_many_threads_while_the_kernel_goes_away() {
    let machine = Machine::new();
    let kernel = machine.kernel.handle();
    kernel.events().listen(Kinds::ALL);
    let line = kernel.interrupt_line("irq").expect("memory");
    let threads: Vec<_> = (0..2)
        .map(|_| {
            let trigger = line.trigger();
            thread::spawn(move || (0..3).for_each(|_| trigger.clone().fire()))
        })
        .collect();
    drop((line, kernel, machine));
    threads.into_iter().for_each(|thread| thread.join().expect("harmless"));
}
