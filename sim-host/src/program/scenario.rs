//! `--scenario`: scenarios one after the other, each on a machine of its own, and what came of them.

use std::{
    fs,
    io::{self, Write as _},
    path::Path,
};

use kernel::time::Duration;
use sim_host::scenario::{Report, Scenario, Verdict, junit};

use super::{Ended, Ending, HostError, machine, options::Options, wire::Mode};

/// Runs all scenarios, prints a report of each and a summary, and writes the JUnit document.
///
/// # Errors
///
/// When a scenario cannot be read, the machine does not boot, or the document cannot be written.
pub(crate) fn run(options: &Options) -> Result<Ended, HostError> {
    let mut scenarios = Vec::new();
    let mut mistakes = Vec::new();
    for path in &options.scenarios {
        match read(path)? {
            Ok(scenario) => scenarios.push(scenario),
            Err(of_it) => mistakes.push(of_it),
        }
    }
    if !mistakes.is_empty() {
        return Ok(Ended { ending: Ending::NotAScenario(mistakes.join("\n")), digest: None });
    }
    let mut reports = Vec::new();
    for scenario in &scenarios {
        match one(options, scenario)? {
            Ok(report) => reports.push(report),
            Err(of_it) => return Ok(Ended { ending: Ending::NotAScenario(of_it), digest: None }),
        }
    }
    let passed = reports.iter().filter(|report| report.passed()).count();
    let failed = reports.len() - passed;
    say(&format!("{passed} passed, {failed} failed\n"))?;
    if let Some(path) = &options.junit {
        fs::write(path, junit(&reports)).map_err(|error| HostError::Junit { path: path.clone(), error })?;
    }
    let out_of_time = |report: &Report| matches!(report.verdict, Verdict::OutOfTime { .. });
    let ending = match failed {
        0 => Ending::PowerOff,
        _ if reports.iter().all(|report| report.passed() || out_of_time(report)) => Ending::OutOfTime,
        _ => Ending::ScenariosFailed,
    };
    Ok(Ended { ending, digest: None })
}

/// Reads a scenario; or all its mistakes, in words.
///
/// # Errors
///
/// When the file cannot be read.
pub(crate) fn read(path: &Path) -> Result<Result<Scenario, String>, HostError> {
    let text =
        fs::read_to_string(path).map_err(|error| HostError::Script { path: path.to_owned(), error })?;
    Ok(Scenario::parse(&path.display().to_string(), &text).map_err(|mistakes| mistakes.to_string()))
}

/// Runs one scenario, and prints its report.
fn one(options: &Options, scenario: &Scenario) -> Result<Result<Report, String>, HostError> {
    let mut sim = machine::describe(options, Mode::Terminal).build().map_err(HostError::Boot)?;
    let until: Option<Duration> = options.until.map(|span| span.0);
    let report = match scenario.run(&mut sim, until) {
        Ok(report) => report,
        Err(mistakes) => return Ok(Err(mistakes.to_string())),
    };
    say(&format!("{report}\n"))?;
    for fault in &report.idle_faults {
        eprintln!("sim-host: warning: {}: the fault `{fault}` never applied", scenario.name());
    }
    if options.digest {
        eprintln!("digest {} {}", report.digest, scenario.name());
    }
    Ok(Ok(report))
}

fn say(text: &str) -> Result<(), HostError> {
    let mut output = io::stdout().lock();
    output.write_all(text.as_bytes()).and_then(|()| output.flush()).map_err(HostError::Output)
}
