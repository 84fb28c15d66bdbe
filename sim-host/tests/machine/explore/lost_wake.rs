//! A driver that looks whether its interrupt has come, and then registers its waker: an interrupt between the two wakes
//! nobody.

use std::{
    cell::{Cell, RefCell},
    future::poll_fn,
    rc::Rc,
    task::{Poll, Waker},
};

use kernel::time::{Duration, Instant};
use sim_host::{
    External, Sim, SimError,
    explore::{Explorer, Failure, Move},
};

use super::{finds, survives};

/// When the button is pressed, in milliseconds.
const PRESSES: [u64; 4] = [1, 2, 4, 8];

pub(super) const CHECKS_FIRST: bool = true;
const REGISTERS_FIRST: bool = false;

/// What the handler and the driver share, and touch with interrupts off.
#[derive(Default)]
struct Button {
    pressed: Cell<u32>,
    waker: RefCell<Option<Waker>>,
    heard: Cell<u32>,
}

impl Button {
    fn interrupt(&self) {
        let waker = critical_section::with(|_| {
            self.pressed.set(self.pressed.get() + 1);
            self.waker.take()
        });
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn take(&self) -> Option<u32> {
        let pressed = critical_section::with(|_| self.pressed.take());
        (pressed > 0).then_some(pressed)
    }

    fn register(&self, waker: &Waker) {
        let before = critical_section::with(|_| self.waker.replace(Some(waker.clone())));
        drop(before);
    }

    async fn presses(&self, checks_first: bool) -> u32 {
        poll_fn(|context| {
            if !checks_first {
                self.register(context.waker());
            }
            if let Some(pressed) = self.take() {
                return Poll::Ready(pressed);
            }
            if checks_first {
                // The bug: what comes before this is heard by nobody.
                self.register(context.waker());
            }
            Poll::Pending
        })
        .await
    }
}

fn boot(sim: &Sim, button: &Rc<Button>, checks_first: bool) -> Result<(), SimError> {
    let (irq, _) = sim.interrupt_line("button")?;
    let handler = button.clone();
    sim.attach(&irq, move || handler.interrupt());
    let (kernel, button) = (sim.kernel(), button.clone());
    sim.spawn("driver", async move {
        loop {
            let pressed = button.presses(checks_first).await;
            button.heard.set(button.heard.get() + pressed);
            kernel.log().info("driver", format_args!("pressed"));
        }
    })
    .detach();
    Ok(())
}

pub(super) fn explorer(checks_first: bool) -> Explorer<'static, u64> {
    thread_local!(static BUTTON: RefCell<Rc<Button>> = RefCell::default());
    Explorer::new(
        &PRESSES,
        move |machine| {
            drop(BUTTON.take());
            machine.bare().on_boot(move |sim| boot(sim, &BUTTON.with_borrow(Rc::clone), checks_first)).build()
        },
        |sim, presses| {
            for press in presses {
                let button = External::Interrupt { line: "button".into() };
                sim.schedule(Instant::from_millis(**press), button).expect("there is a button");
            }
            let outcome = sim.run_for(Duration::from_secs(1));
            assert_eq!(outcome, sim_host::Outcome::TimeReached);
            match BUTTON.with_borrow(|button| button.take()) {
                None => Ok(()),
                Some(pressed) => Err(Failure::Hang(format!("the driver sleeps on after {pressed} presses"))),
            }
        },
    )
}

#[test]
fn a_lost_wake_up_is_found_and_made_short() {
    let found = finds(&explorer(CHECKS_FIRST));
    assert!(matches!(found.failure, Failure::Hang(_)), "{found}");
    assert!(matches!(found.schedule.0.as_slice(), [Move::Interrupt { .. } | Move::Late { .. }]), "{found}");
    assert!(found.inputs.len() <= 1, "{found:?}");
}

#[test]
fn a_driver_that_registers_before_it_checks_hears_each_interrupt() {
    survives(&explorer(REGISTERS_FIRST));
}
