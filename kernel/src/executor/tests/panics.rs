//! What a panic ends on hosts that unwind: the task that panicked, and nothing else.

use core::{future::pending, panic::AssertUnwindSafe};
use std::panic::{catch_unwind, resume_unwind};

use super::*;
use crate::{Kernel, platform::Next};

/// Panics without a message on the terminal.
pub(super) fn give_up() {
    resume_unwind(std::boxed::Box::new("on purpose"));
}

/// Panics when it is dropped.
pub(super) struct Panics;

impl Drop for Panics {
    fn drop(&mut self) {
        give_up();
    }
}

/// Ticks until nothing is ready, and counts panics.
pub(super) fn settle(kernel: &Kernel) -> u32 {
    let mut panics = 0;
    loop {
        match catch_unwind(AssertUnwindSafe(|| kernel.tick().next)) {
            Ok(Next::RunAgain) => {}
            Ok(_) => return panics,
            Err(_) => panics += 1,
        }
    }
}

#[test]
fn a_panic_ends_its_task_and_leaves_all_others() {
    let machine = Machine::new();
    let kernel = machine.kernel.handle();
    let before = used(&kernel);
    let (drops, handle) = (Drops::default(), kernel.clone());
    let inside = drops.one();
    let mut bad = kernel
        .try_spawn("bad", async move {
            let _inside = inside;
            let _block = handle.heap().try_box([0_u8; 100]).expect("memory");
            yield_now().await;
            give_up();
        })
        .expect("spawned");
    let mut good = kernel
        .try_spawn("good", async {
            for _ in 0..3 {
                yield_now().await;
            }
            7
        })
        .expect("spawned");
    assert_eq!(settle(&machine.kernel), 1);
    assert_eq!(outcome(&machine, &mut bad), Err(JoinError::Panicked));
    assert_eq!(outcome(&machine, &mut good), Ok(7));
    assert_eq!(drops.count(), 1);
    assert_eq!((kernel.current_task(), kernel.heap().account().name()), (None, "kernel"));
    drop((bad, good));
    assert_eq!(used(&kernel), before);
}

#[test]
fn a_panic_in_the_drop_of_an_aborted_future_ends_the_task_all_the_same() {
    let machine = Machine::new();
    let kernel = machine.kernel.handle();
    let before = used(&kernel);
    let mut bad = kernel
        .try_spawn("bad", async {
            let _panics = Panics;
            pending::<()>().await;
        })
        .expect("spawned");
    machine.settle();
    bad.abort();
    assert_eq!(settle(&machine.kernel), 1);
    assert_eq!(outcome(&machine, &mut bad), Err(JoinError::Cancelled));
    drop(bad);
    assert_eq!((kernel.next_task(TaskId(0)), used(&kernel)), (None, before));
}

#[test]
fn a_panic_in_the_drop_of_an_output_that_nobody_wants_leaks_no_task() {
    let machine = Machine::new();
    let kernel = machine.kernel.handle();
    let before = used(&kernel);
    kernel.try_spawn("bad", async { Panics }).expect("spawned").detach();
    assert_eq!(settle(&machine.kernel), 1);
    assert_eq!((kernel.next_task(TaskId(0)), used(&kernel)), (None, before));
}

#[test]
fn a_panic_in_the_drop_of_a_finished_future_ends_the_task_as_panicked() {
    /// Ready at once, and panics when it is dropped.
    struct Ready(Panics, Drops);
    impl Future for Ready {
        type Output = Dropped;
        fn poll(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<Dropped> {
            Poll::Ready(self.1.one())
        }
    }
    let machine = Machine::new();
    let drops = Drops::default();
    let mut bad = machine.kernel.handle().try_spawn("bad", Ready(Panics, drops.clone())).expect("spawned");
    assert_eq!(settle(&machine.kernel), 1);
    let end = outcome(&machine, &mut bad).map(|_output| ());
    assert_eq!((end, drops.count()), (Err(JoinError::Panicked), 1));
}

#[test]
fn a_task_that_drives_its_own_kernel_panics_and_harms_nobody() {
    let machine = Rc::new(Machine::new());
    let kernel = machine.kernel.handle();
    let inside = machine.clone();
    let mut bad = kernel
        .try_spawn("bad", async move {
            yield_now().await;
            let hook = std::panic::take_hook();
            std::panic::set_hook(std::boxed::Box::new(|_| {}));
            let nested = catch_unwind(AssertUnwindSafe(|| inside.kernel.tick()));
            std::panic::set_hook(hook);
            nested.is_err()
        })
        .expect("spawned");
    assert_eq!(settle(&machine.kernel), 0);
    assert_eq!(outcome(&machine, &mut bad), Ok(true));
    assert_eq!(machine.kernel.tick().polled, 0);
}
