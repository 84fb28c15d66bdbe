//! A driver with a lost wake-up: found by exploration, made short, and lived once more with all that it does.
//!
//! `cargo run -p mnemos-tests --example lost_wake_up`
//!
//! The driver is a copy of what every driver of an interrupt does, with one mistake: it looks whether its button was
//! pressed, and registers its waker after that. An interrupt between the two wakes nobody. By itself that never
//! happens; on a board it does, once a month.

use std::{
    cell::{Cell, RefCell},
    future::poll_fn,
    rc::Rc,
    task::{Poll, Waker},
};

use kernel::time::{Duration, Instant};
use sim_host::{
    External, Sim, SimError,
    explore::{Explorer, Failure},
};

/// What the interrupt handler and the driver's task share.
#[derive(Default)]
struct Button {
    pressed: Cell<u32>,
    waker: RefCell<Option<Waker>>,
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

    fn take(&self) -> u32 {
        critical_section::with(|_| self.pressed.take())
    }

    async fn presses(&self) -> u32 {
        poll_fn(|context| {
            let pressed = self.take();
            if pressed > 0 {
                return Poll::Ready(pressed);
            }
            // The mistake: these lines belong above those.
            let before = critical_section::with(|_| self.waker.replace(Some(context.waker().clone())));
            drop(before);
            Poll::Pending
        })
        .await
    }
}

thread_local! {
    /// The button of the machine that runs on this thread.
    static BUTTON: RefCell<Rc<Button>> = RefCell::default();
}

/// Starts the driver on a machine that boots.
fn start(sim: &Sim) -> Result<(), SimError> {
    let button = Rc::new(Button::default());
    BUTTON.set(button.clone());
    let (irq, _) = sim.interrupt_line("button")?;
    let handler = button.clone();
    sim.attach(&irq, move || handler.interrupt());
    let kernel = sim.kernel();
    sim.spawn("button", async move {
        loop {
            let pressed = button.presses().await;
            kernel.log().info("button", format_args!("pressed {pressed} times"));
        }
    })
    .detach();
    Ok(())
}

/// Presses the button at these times, and looks whether the driver has heard of it.
fn press(sim: &mut Sim, presses: &[&Instant]) -> Result<(), Failure> {
    for at in presses {
        let pressed = sim.schedule(**at, External::Interrupt { line: "button".to_owned() });
        pressed.map_err(|error| error.to_string())?;
    }
    sim.run_for(Duration::from_secs(1));
    match BUTTON.with_borrow(|button| button.take()) {
        0 => Ok(()),
        count => Err(Failure::Hang(format!("the driver sleeps, and {count} presses were never heard of"))),
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let presses = [1, 2, 4, 8].map(Instant::from_millis);
    let explorer = Explorer::new(&presses, |machine| machine.bare().on_boot(start).build(), press);
    let explored = explorer.explore(0..10_000)?;
    let found = explored.found.ok_or("nothing was found")?;
    println!("found with seed {}, of {} that were lived", found.seed, explored.seeds);
    println!("drawn:  {}", found.drawn);
    println!("needed: {}, with {} of {} presses", found.schedule, found.inputs.len(), presses.len());
    println!("{found}");

    // What the printed line asks for, with the journal of that life.
    let mut sim = Sim::builder()
        .seed(found.seed)
        .schedule(found.schedule.clone())
        .events(kernel::event::Kinds::ALL)
        .bare()
        .on_boot(start)
        .build()?;
    sim.on_entry(|entry| println!("  {:>7} us  {}", entry.at.as_micros(), entry.text));
    let needed: Vec<&Instant> = found.inputs.iter().filter_map(|input| presses.get(*input)).collect();
    match press(&mut sim, &needed) {
        Err(again) if again == found.failure => Ok(()),
        other => Err(format!("another life: {other:?}").into()),
    }
}
