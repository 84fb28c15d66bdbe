//! From an interrupt to the task that waits for it.

use core::{
    cell::RefCell,
    future::{Future, poll_fn},
    pin::pin,
};

use cortex_m_rt::exception;
use critical_section::Mutex;
use kernel::{
    Handle,
    interrupt::{Line, Trigger},
};

use super::stopwatch::Stopwatch;

/// Times that it is measured. They are all the same, but for the first.
const TIMES: usize = 4;

/// What the exception fires, as the handler of a device's interrupt does.
static TRIGGER: Mutex<RefCell<Option<Trigger>>> = Mutex::new(RefCell::new(None));

#[exception]
fn SysTick() {
    critical_section::with(|section| {
        if let Some(trigger) = TRIGGER.borrow_ref(section).as_ref() {
            trigger.fire();
        }
    });
}

/// From the interrupt that ends the core's sleep to the poll of the task that it wakes. The counter itself is what raises
/// the interrupt, so it tells how long ago that was.
pub(super) async fn interrupt_to_poll(kernel: &Handle, watch: &mut Stopwatch) -> u32 {
    let mut line = kernel.interrupt_line("systick").expect("there is memory for a line");
    let unused = critical_section::with(|section| TRIGGER.replace(section, Some(line.trigger())));
    drop(unused);

    let mut least = u32::MAX;
    for _ in 0..TIMES {
        watch.set_interrupt(true);
        // A task of its own, as drivers are, so that its poll is not one within others.
        let task = kernel.try_spawn("waits", wait(line)).expect("there is memory for a task");
        let polled_after;
        (line, polled_after) = task.await.expect("nobody ends it");
        watch.set_interrupt(false);
        least = least.min(polled_after);
    }
    least
}

/// Waits for the interrupt. Gives the line back, with how long ago the interrupt was when this was polled.
async fn wait(mut line: Line) -> (Line, u32) {
    let polled_after = {
        let mut wait = pin!(line.wait());
        poll_fn(|context| {
            let now = Stopwatch::since_interrupt();
            wait.as_mut().poll(context).map(|()| now)
        })
        .await
    };
    (line, polled_after)
}
