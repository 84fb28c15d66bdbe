//! A thousand idle boards take less than a gibibyte, live for a day at once, and leave nothing behind.
//!
//! This is a process of its own with one thread, so that every byte it allocates is the fleet's.

use std::alloc::System;

use cap::Cap;
use kernel::{
    services::console,
    time::{Duration, Instant},
};
use sim_host::{
    Outcome, Pace, Sim,
    fleet::{Fleet, FleetError, Link},
};

const GIB: usize = 1024 * 1024 * 1024;
const BOARDS: usize = 1000;

#[global_allocator]
static MEMORY: Cap<System> = Cap::new(System, GIB);

fn main() -> Result<(), FleetError> {
    // What is made once for a process is made by a first fleet.
    live(2)?;
    let before = MEMORY.allocated();
    live(BOARDS)?;
    assert_eq!(MEMORY.allocated(), before, "bytes allocated once the boards are gone");
    Ok(())
}

/// A chain of boards with all standard services and a console, for a day.
fn live(count: usize) -> Result<(), FleetError> {
    let mut fleet = Fleet::new(0);
    let machine = Sim::builder().uart("uart1", Pace::Unlimited).uart("uart2", Pace::Unlimited).console(
        console::Config {
            power_off_at_end: true,
            ..console::Config::new("uart0", console::Mode::Plain, "the simulator")
        },
    );
    let mut before = None;
    for number in 0..count {
        let board = fleet.add(&format!("node{number}"), machine.clone())?;
        if let Some(before) = before.replace(board) {
            fleet.connect(board.port(1), before.port(2), Link::default())?;
        }
    }
    assert_eq!(fleet.run_for(Duration::from_secs(86_400))?, Outcome::TimeReached);
    for board in fleet.boards() {
        assert_eq!(fleet.board(board).now(), Instant::from_secs(86_400));
    }
    let watches: Vec<_> = fleet.boards().map(|board| fleet.board(board).region_watch()).collect();
    drop(fleet);
    assert!(watches.iter().all(|watch| watch.is_released()));
    Ok(())
}
