//! `--scenario`: scenarios one after the other, each on a machine of its own, and what came of them.

use std::{
    fs,
    io::{self, Write as _},
    path::Path,
};

use kernel::time::Duration;
use sim_host::scenario::{Mistakes, Report, Scenario, Verdict, junit};

use super::{Ended, Ending, HostError, check::Twice, machine, options::Options, tape, timeline, wire::Mode};

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
        return Ok(Ended { ending: Ending::no_scenario(mistakes.join("\n")), digest: None });
    }
    let mut reports = Vec::new();
    let mut differences = Vec::new();
    for scenario in &scenarios {
        let checked = Twice::default();
        match one(options, scenario, &checked)? {
            Ok(report) => reports.push(report),
            Err(of_it) => return Ok(Ended { ending: Ending::no_scenario(of_it.to_string()), digest: None }),
        }
        if options.check_determinism {
            // What is wrong with it would have been told before.
            drop(again(options, scenario, &checked)?);
            let name = scenario.name();
            match checked.verdict() {
                Ok(events) => {
                    eprintln!("sim-host: {name}: two runs are the same in all of their {events} events")
                }
                Err(how) => differences.push(format!("{name}: {how}")),
            }
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
        _ if !differences.is_empty() => Ending::Diverged(differences.join("\n")),
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
        fs::read_to_string(path).map_err(|error| HostError::Scenario { path: path.to_owned(), error })?;
    Ok(Scenario::parse(&path.display().to_string(), &text).map_err(|mistakes| mistakes.to_string()))
}

/// Runs one scenario, prints its report, and writes what else there is to be of it.
fn one(
    options: &Options,
    scenario: &Scenario,
    checked: &Twice,
) -> Result<Result<Report, Mistakes>, HostError> {
    let described = timeline::begin(options, machine::describe(options, Mode::Terminal))?;
    let mut sim = described.build().map_err(HostError::Boot)?;
    tape::begin(options, Mode::Terminal, &mut sim)?;
    if options.check_determinism {
        checked.note(&mut sim, "");
    }
    let report = scenario.run(&mut sim, until(options));
    // However the scenario ended, what was written of it is whole.
    tape::end(options, &mut sim)?;
    timeline::end(options, &mut sim)?;
    let report = match report {
        Ok(report) => report,
        Err(mistakes) => return Ok(Err(mistakes)),
    };
    say(&format!("{report}\n"))?;
    for idle in &report.idle_faults {
        eprintln!("sim-host: warning: {}:{idle}", scenario.name());
    }
    if options.digest {
        eprintln!("digest {} {}", report.digest, scenario.name());
    }
    Ok(Ok(report))
}

/// Runs one scenario once more, in silence, and compares.
fn again(
    options: &Options,
    scenario: &Scenario,
    checked: &Twice,
) -> Result<Result<Report, Mistakes>, HostError> {
    let _silence = Twice::silence();
    let mut sim = machine::describe(options, Mode::Terminal).build().map_err(HostError::Boot)?;
    checked.compare(&mut sim, "");
    Ok(scenario.run(&mut sim, until(options)))
}

fn until(options: &Options) -> Option<Duration> {
    options.until.map(|span| span.0)
}

fn say(text: &str) -> Result<(), HostError> {
    let mut output = io::stdout().lock();
    output.write_all(text.as_bytes()).and_then(|()| output.flush()).map_err(HostError::Output)
}
