//! Exploration finds what depends on where interrupts land, shortens it, and says how it happens again.

mod displaced;
mod lost_wake;
mod short_of_memory;
mod stale_token;

use std::{
    fmt::Debug,
    sync::atomic::{AtomicU32, Ordering},
};

use kernel::services::console;
use sim_host::explore::{ExploreError, Explorer, Failure, Found, Move, Schedule, console::type_lines};

/// Seeds within which a planted bug has to be found, and which a driver without it has to survive.
const SEEDS: std::ops::Range<u64> = 0..10_000;

/// The bug is found, and happens again from the line that is printed.
fn finds<T: Sync + Debug>(explorer: &Explorer<'_, T>) -> Found {
    let explored = explorer.explore(SEEDS).expect("the base run is fine");
    let found = explored.found.unwrap_or_else(|| panic!("nothing found in {} seeds", explored.seeds));
    let printed = found.to_string();
    println!("{printed}");
    let line = printed.lines().last().expect("a line");
    let word = |option: &str| {
        let after = line.split(option).nth(1).unwrap_or_else(|| panic!("no {option} in `{line}`"));
        after.split_whitespace().next().expect("a value").to_owned()
    };
    let seed = word("--seed ").parse().expect("a seed");
    let schedule: Schedule = word("--schedule ").parse().expect("a schedule");
    let again = explorer.reproduce(seed, &schedule, &found.inputs).expect("the base run is fine");
    assert_eq!(again.as_ref(), Some(&found.failure), "{printed}");
    found
}

fn survives<T: Sync + Debug>(explorer: &Explorer<'_, T>) {
    let explored = explorer.explore(SEEDS).expect("the base run is fine");
    assert_eq!((explored.seeds, explored.found), (SEEDS.end, None));
}

#[test]
fn which_failure_is_found_does_not_depend_on_the_number_of_threads() {
    let found = [1, 3].map(|threads| finds(&lost_wake::explorer(lost_wake::CHECKS_FIRST).threads(threads)));
    assert_eq!(found[0], found[1]);
}

#[test]
fn shares_of_an_exploration_are_the_whole() {
    let explorer = stale_token::explorer(stale_token::TIDY);
    let seeds = |share| explorer.explore_every(share..100, 3).expect("the base run is fine").seeds;
    assert_eq!((0..3).map(seeds).sum::<u64>(), 100);
}

#[test]
fn what_fails_by_itself_is_not_explored() {
    let explorer = Explorer::new(&[(); 0], |machine| machine.bare().build(), |_, _| Err(Failure::Busy));
    assert_eq!(explorer.explore(0..10), Err(ExploreError::Base(Failure::Busy)));
    let explorer = Explorer::new(&[(); 0], |machine| machine.heap(1024).build(), |_, _| Ok(()));
    assert!(matches!(explorer.explore(0..10), Err(ExploreError::Boot(_))));
}

#[test]
fn a_failure_that_is_gone_when_it_is_tried_again_is_told() {
    let lives = AtomicU32::new(0);
    let explorer = Explorer::new(
        &[(); 0],
        |machine| machine.bare().build(),
        |_, _| if lives.fetch_add(1, Ordering::Relaxed) == 5 { Err(Failure::Busy) } else { Ok(()) },
    );
    // The base run is the first.
    assert_eq!(explorer.threads(1).explore(0..10), Err(ExploreError::NotRepeatable { seed: 4 }));
}

#[test]
fn lines_of_a_script_that_are_not_needed_are_left_out() {
    let lines = ["ping", "gpio 25 out", "services", "gpio 25 high", "ps", "heap"].map(str::to_owned);
    let explorer = Explorer::new(
        &lines,
        |machine| {
            let console = console::Config {
                power_off_at_end: true,
                ..console::Config::new("uart0", console::Mode::Plain, "the simulator")
            };
            machine.console(console).build()
        },
        |sim, lines| {
            type_lines(sim, 0, lines)?;
            // A bug that needs two lines, and an interrupt that nobody raised.
            match sim.pin(25).level() && sim.gpio().irq().taken() > 0 {
                true => Err("the pin is high, and an interrupt came".into()),
                false => Ok(()),
            }
        },
    );
    let found = finds(&explorer);
    assert_eq!(found.inputs, [1, 3], "{found}");
    assert_eq!(found.schedule.to_string(), "irq:gpio@1");
}

#[test]
fn only_lines_that_are_named_come_once_more() {
    let explorer = lost_wake::explorer(lost_wake::CHECKS_FIRST).extra_interrupts(&["timer"]);
    let schedule = |seed| explorer.schedule_of(seed, &explorer.all_inputs()).expect("the base run is fine");
    let moves: Vec<Move> = (0..100).flat_map(|seed| schedule(seed).0).collect();
    let extra = |line: &str| {
        moves
            .iter()
            .filter(|displaced| matches!(displaced, Move::Interrupt { line: of, .. } if of == line))
            .count()
    };
    assert!(extra("timer") > 100 && extra("button") == 0, "{moves:?}");
}
