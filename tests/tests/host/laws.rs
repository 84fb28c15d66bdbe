//! Runs every law on every home there is here.

use conformance::{Home, all};

use crate::{bare::Bare, simulated::Simulated};

/// Proves all laws in one home, and says which failed.
fn prove<H: Home + 'static>(place: &str, mut home: H) {
    let mut broken = Vec::new();
    for law in all::<H>() {
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| (law.prove)(&mut home)));
        println!("{place}: {law}: {}", if outcome.is_ok() { "holds" } else { "BROKEN" });
        if outcome.is_err() {
            broken.push(law.name);
        }
    }
    assert!(broken.is_empty(), "{place} breaks {broken:?}");
}

#[test]
fn laws_hold_on_a_bare_kernel() {
    prove("bare", Bare);
}

#[test]
fn laws_hold_on_the_simulator() {
    prove("simulator", Simulated);
}

#[test]
fn every_law_has_a_case() {
    for number in 1..=19 {
        assert!(all::<Bare>().iter().any(|law| law.number == number), "law {number} has no case");
    }
}
