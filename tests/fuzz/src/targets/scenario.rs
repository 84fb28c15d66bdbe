//! Scenarios, rules of faults, schedules, and fleets.

use sim_host::{
    External, Fault,
    explore::Schedule,
    fleet::{Plan, PlanError},
    scenario::Scenario,
};

use crate::show;

/// A scenario is read, or every mistake has a place in its text and a sentence; what can happen and what can go wrong reads
/// the same once it has been written. So do schedules; a fleet is read, or its first mistake has a place.
pub fn run(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match Scenario::parse("any", &text) {
        Ok(scenario) => assert_eq!(scenario.name(), "any"),
        Err(mistakes) => {
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
    }
    if let Err(error) = text.parse::<Plan>() {
        let PlanError { line, column, .. } = error;
        let text = text.lines().nth(line - 1).unwrap_or_default();
        assert!((1..=text.chars().count() + 1).contains(&column), "{text}: {error}");
        show(error);
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
