//! Scenarios, rules of faults, schedules, and fleets.

use std::fmt::{Debug, Display};

use sim_host::{External, Fault, Mistakes, explore::Schedule, fleet::Plan, scenario::Scenario};

use crate::show;

/// A scenario is read, or every mistake has a place in its text and a sentence; what can happen and what can go wrong reads
/// the same once it has been written. So do schedules; a fleet is read as a scenario is.
pub fn run(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match Scenario::parse("any", &text) {
        Ok(scenario) => assert_eq!(scenario.name(), "any"),
        Err(mistakes) => have_places(mistakes, &text),
    }
    if let Err(mistakes) = Plan::parse("any", &text) {
        have_places(mistakes, &text);
    }
    for line in text.lines() {
        match line.parse::<Schedule>() {
            Ok(schedule) => assert_eq!(schedule.to_string().parse(), Ok(schedule)),
            Err(error) => show(error),
        }
        match line.parse::<External>() {
            Ok(external) => assert_eq!(external.to_string().parse(), Ok(external)),
            Err(error) => show(error),
        }
        match line.parse::<Fault>() {
            Ok(fault) => assert_eq!(fault.to_string().parse(), Ok(fault)),
            Err(error) => {
                assert!((1..=line.chars().count() + 1).contains(&error.column), "{line}: {error}");
                show(error);
            }
        }
    }
}

/// Each mistake has a line of its own, and a column in it.
fn have_places<R: Debug + Display>(mistakes: Mistakes<R>, text: &str) {
    assert!(!mistakes.mistakes.is_empty());
    let mut before = 0;
    for mistake in &mistakes.mistakes {
        let line = text.lines().nth(mistake.line - 1).unwrap_or_default();
        assert_eq!(line, mistake.text);
        assert!((1..=line.chars().count() + 1).contains(&mistake.column), "{mistake:?}");
        assert!(mistake.line > before, "{mistakes:?}");
        before = mistake.line;
    }
    show(mistakes);
}
