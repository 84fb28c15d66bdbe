//! Exploration finds what depends on where interrupts land, shortens it, and says how it happens again.

mod lost_wake;
mod stale_token;

use std::fmt::Debug;

use sim_host::explore::{Explorer, Failure, Found, Schedule};

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
    assert!(explorer.explore(0..10).is_err());
}
