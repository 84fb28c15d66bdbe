//! What is explored: a script, or a scenario.

use std::{fs, io};

use sim_host::{
    Sim,
    explore::{Failure, console::type_lines},
    scenario::Scenario,
};

use super::UART;
use crate::program::{
    Ending, HostError,
    options::{Explore, Lines},
    scenario,
    wire::Mode,
};

/// What is explored.
pub(super) enum Script {
    /// Lines for the console, each of which may be left out, and which of the file's they are.
    Lines(Vec<String>, Lines),
    /// A scenario, which is whole or not at all, and its name in place of lines.
    Scenario(Box<Scenario>, [String; 1]),
}

impl Script {
    /// Reads the file; or tells what is wrong with the scenario in it, or with the lines that are asked for.
    pub(super) fn read(explore: &Explore) -> Result<Result<Self, Ending>, HostError> {
        let path = &explore.script;
        if explore.is_scenario() {
            let scenario = scenario::read(path)?.map_err(Ending::no_scenario);
            return Ok(scenario.map(|scenario| {
                let name = [scenario.name().to_owned()];
                Self::Scenario(Box::new(scenario), name)
            }));
        }
        let text =
            fs::read_to_string(path).map_err(|error| HostError::Script { path: path.clone(), error })?;
        let lines: Vec<&str> = text.lines().collect();
        // A line that is left out stays in its place, so that lines have the numbers that an editor shows.
        let chosen = explore.lines.clone().unwrap_or_else(|| Lines((0..lines.len()).collect()));
        let numbers = chosen.0.iter();
        let chosen_lines: Vec<_> =
            numbers.filter_map(|line| lines.get(*line).map(|line| (*line).to_owned())).collect();
        if lines.is_empty() {
            let error = io::Error::other("it has no lines");
            return Err(HostError::Script { path: path.clone(), error });
        }
        if chosen_lines.len() < chosen.0.len() {
            return Ok(Err(Ending::Misasked(format!(
                "--lines {chosen} asks for more than `{}` has, whose last line is {}",
                path.display(),
                lines.len()
            ))));
        }
        Ok(Ok(Self::Lines(chosen_lines, chosen)))
    }

    pub(super) fn inputs(&self) -> &[String] {
        match self {
            Self::Lines(lines, _) => lines,
            Self::Scenario(_, name) => name,
        }
    }

    /// Which of the file's lines there are, if each is for itself.
    pub(super) fn chosen(&self) -> Option<&Lines> {
        match self {
            Self::Lines(_, chosen) => Some(chosen),
            Self::Scenario(..) => None,
        }
    }

    /// What is to be said of so many commands that fail in the base run: they are as good as not explored. A scenario says
    /// itself what it expects of its commands.
    pub(super) fn warning(&self, failing: u32) -> Option<String> {
        let Self::Lines(lines, _) = self else { return None };
        let is_command = |line: &&String| !line.trim().is_empty() && !line.trim_start().starts_with('#');
        let commands = lines.iter().filter(is_command).count();
        (failing > 0).then(|| {
            let fail = if failing == 1 { "fails" } else { "fail" };
            format!("{failing} of the script's {commands} commands {fail} without any displacement, too")
        })
    }

    /// How the console is used.
    pub(super) fn mode(&self) -> Mode {
        match self {
            Self::Lines(..) => Mode::Plain,
            Self::Scenario(..) => Mode::Terminal,
        }
    }

    /// Lives a life with some of the inputs.
    pub(super) fn live(&self, sim: &mut Sim, inputs: &[&String]) -> Result<(), Failure> {
        match self {
            Self::Lines(..) => type_lines(sim, UART, inputs),
            Self::Scenario(..) if inputs.is_empty() => Ok(()),
            Self::Scenario(scenario, _) => match scenario.run(sim, None) {
                Ok(report) if report.passed() => Ok(()),
                Ok(report) => Err(report.to_string().into()),
                Err(mistakes) => Err(mistakes.to_string().into()),
            },
        }
    }
}
