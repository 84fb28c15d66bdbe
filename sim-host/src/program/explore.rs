//! `sim-host explore`: a script's or a scenario's lives, wherever interrupts land, and the line that reproduces the one that fails.

mod script;

use std::{
    io::{self, Write as _},
    sync::{Mutex, PoisonError},
    time::Instant,
};

use sim_host::{
    Builder, Observed, Sim, SimError,
    explore::{ExploreError, Explored, Explorer, Failure, Found, console::recover, cores},
};

use self::script::Script;
use super::{
    Ending, HostError, machine,
    options::{Explore, Lines, Options},
    shell::quoted,
    timeline,
};

/// The UART with the console.
const UART: usize = 0;

/// The drivers that may end, without which the console still answers.
const DRIVERS: [&str; 7] = ["inspect", "log", "echo", "gpio", "storage", "i2c", "entropy"];

/// Brings a machine back from the faults that are drawn, if any are.
fn bring_back(sim: &mut Sim, explore: &Explore) -> Result<(), Failure> {
    if explore.faults { recover(sim, UART, &DRIVERS) } else { Ok(()) }
}

/// Explores, and says on standard output what came of it.
///
/// # Errors
///
/// When the script cannot be read, or the machine does not boot.
pub(crate) fn run(options: &Options, explore: &Explore) -> Result<Ending, HostError> {
    let script = match Script::read(explore)? {
        Ok(script) => script,
        Err(ending) => return Ok(ending),
    };
    let build = |builder: Builder| -> Result<Sim, SimError> {
        machine::on(builder.without_digest(), options, script.mode()).build()
    };
    // The first life is the base run, and lived in this process. What fails in it is counted before it is brought back.
    let base_failing = Mutex::new(None);
    let live = |sim: &mut Sim, lines: &[&String]| -> Result<(), Failure> {
        let ended = script.live(sim, lines);
        let failing = sim.commands_failed_in_all_boots();
        let ended = ended.and_then(|()| bring_back(sim, explore));
        let mut base_failing = base_failing.lock().unwrap_or_else(PoisonError::into_inner);
        if base_failing.is_none() {
            *base_failing = Some(failing);
            machine::warn_of_idle_faults([&*sim]);
        }
        ended
    };
    let mut explorer =
        Explorer::new(script.inputs(), build, live).processes(explore.jobs.unwrap_or_else(cores));
    if explore.faults {
        explorer = explorer.faults(&DRIVERS);
    }
    if let Some(seed) = explore.seed {
        drop(explorer);
        return one(&script, options, explore, seed);
    }
    let began = Instant::now();
    let shard = explore.shard;
    let seeds = explore.seeds.0.start.saturating_add(shard.index)..explore.seeds.0.end;
    let explored = match explorer.explore_every(seeds, shard.count) {
        Ok(explored) => explored,
        Err(error) => return failed(error),
    };
    let seconds = began.elapsed().as_secs_f64();
    let line = explored.found.as_ref().map(|found| reproduction(options, explore, found, script.chosen()));
    drop(explorer);
    let base_failing = base_failing.into_inner().unwrap_or_else(PoisonError::into_inner).unwrap_or_default();
    if let Some(warning) = script.warning(base_failing) {
        eprintln!("sim-host: warning: {warning}");
    }
    say(&match explore.json {
        true => json(&explored, seconds, base_failing, line.as_deref()),
        false => told(&explored, seconds, script.inputs(), line.as_deref()),
    })?;
    Ok(if explored.found.is_some() { Ending::Found } else { Ending::PowerOff })
}

fn failed(error: ExploreError) -> Result<Ending, HostError> {
    match error {
        ExploreError::Boot(error) => Err(HostError::Boot(error)),
        ExploreError::Worker(how) => Err(HostError::Worker(how)),
        error => Ok(Ending::NothingToExplore(error.to_string())),
    }
}

/// One life, with all that the machine says.
fn one(script: &Script, options: &Options, explore: &Explore, seed: u64) -> Result<Ending, HostError> {
    // The last life is the one that is asked for.
    let said = Mutex::new(Vec::new());
    let trouble = Mutex::new(None);
    let note = |error| {
        trouble.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
    };
    let mut explorer = Explorer::new(
        script.inputs(),
        |builder| {
            let described = machine::on(builder, options, script.mode());
            // Each life's begins anew, so the last one's is left.
            let with_timeline = timeline::begin(options, described.clone());
            with_timeline.map_err(&note).unwrap_or(described).build()
        },
        |sim, lines| {
            sim.keep_observed();
            let ended = script.live(sim, lines);
            *said.lock().unwrap_or_else(PoisonError::into_inner) = said_by(sim);
            let ended = ended.and_then(|()| bring_back(sim, explore));
            timeline::end(options, sim).unwrap_or_else(&note);
            ended
        },
    );
    if explore.faults {
        explorer = explorer.faults(&DRIVERS);
    }
    let inputs = explorer.all_inputs();
    let drawn = match &explore.schedule {
        Some(schedule) => Ok(schedule.clone()),
        None => explorer.schedule_of(seed, &inputs),
    };
    let lived = drawn.and_then(|schedule| {
        eprintln!("sim-host: seed {seed}, schedule {schedule}");
        explorer.reproduce(seed, &schedule, &inputs)
    });
    drop(explorer);
    if let Some(error) = trouble.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(error);
    }
    say(&String::from_utf8_lossy(&said.lock().unwrap_or_else(PoisonError::into_inner)))?;
    match lived {
        Ok(None) => Ok(Ending::PowerOff),
        Ok(Some(failure)) => {
            eprintln!("sim-host: {failure}");
            Ok(Ending::Found)
        }
        Err(error) => failed(error),
    }
}

/// All that has left the console's port.
fn said_by(sim: &mut Sim) -> Vec<u8> {
    let bytes = |(_, observed)| match observed {
        Observed::Bytes { uart: UART, bytes } => bytes,
        _ => Vec::new(),
    };
    sim.take_observed().into_iter().flat_map(bytes).collect()
}

/// The line with which a failure happens again.
fn reproduction(options: &Options, explore: &Explore, found: &Found, chosen: Option<&Lines>) -> String {
    let lines = chosen.map_or(String::new(), |chosen| {
        let lines = found.inputs.iter().filter_map(|input| chosen.0.get(*input).copied());
        format!("--lines {} ", Lines(lines.collect()))
    });
    format!(
        "sim-host {}explore {} {}{lines}--seed {} --schedule {}",
        machine::as_arguments(options),
        quoted(&explore.script.display().to_string()),
        if explore.faults { "--faults " } else { "" },
        found.seed,
        quoted(&found.schedule.to_string()),
    )
}

fn told(explored: &Explored, seconds: f64, lines: &[String], reproduction: Option<&str>) -> String {
    let mut text = format!(
        "{} seeds in {seconds:.1} s, {:.0} a minute; {:.0} s of the machine's time a second\n",
        explored.seeds,
        per(explored.seeds as f64 * 60.0, seconds),
        per(explored.lived.as_micros() as f64 / 1e6, seconds),
    );
    if let (Some(found), Some(reproduction)) = (&explored.found, reproduction) {
        let Found { seed, drawn, schedule, failure, tries, .. } = found;
        text += &format!("seed {seed} fails: {failure}\n");
        text += &format!("needed of {} displacements, after {tries} tries: {schedule}\n", drawn.0.len());
        for line in found.inputs.iter().filter_map(|input| lines.get(*input)) {
            text += &format!("    {line}\n");
        }
        text += &format!("reproduce: {reproduction}\n");
    } else {
        text += "nothing was found: no seed fails\n";
    }
    text
}

/// Writes to standard output.
fn say(text: &str) -> Result<(), HostError> {
    let mut output = io::stdout().lock();
    output.write_all(text.as_bytes()).and_then(|()| output.flush()).map_err(HostError::Output)
}

fn per(amount: f64, seconds: f64) -> f64 {
    if seconds > 0.0 { amount / seconds } else { 0.0 }
}

fn json(explored: &Explored, seconds: f64, base_failing: u32, reproduction: Option<&str>) -> String {
    let mut text = format!(
        r#"{{"seeds":{},"seconds":{seconds:.3},"virtual_seconds":{:.6},"base_failing_commands":{base_failing}"#,
        explored.seeds,
        explored.lived.as_micros() as f64 / 1e6
    );
    if let (Some(found), Some(reproduction)) = (&explored.found, reproduction) {
        text.push_str(&format!(
            r#","failed":{{"seed":{},"failure":{},"schedule":"{}","reproduce":{}}}"#,
            found.seed,
            string(&found.failure.to_string()),
            found.schedule,
            string(reproduction)
        ));
    }
    text.push_str("}\n");
    text
}

/// A JSON string.
fn string(text: &str) -> String {
    let mut json = String::from('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => json.extend(['\\', character]),
            control if control.is_control() => json.push_str(&format!("\\u{:04x}", control as u32)),
            plain => json.push(plain),
        }
    }
    json.push('"');
    json
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use kernel::executor::TaskId;
    use sim_host::{
        Sim,
        explore::{Failure, Found},
    };

    use super::{DRIVERS, Lines, Options, machine, reproduction, string};
    use crate::program::{options::Task, wire::Mode};

    #[test]
    fn every_driver_may_end_without_which_the_console_still_answers() {
        let described = machine::on(Sim::builder(), &Options::defaults(), Mode::Plain);
        let mut sim = described.build().expect("a machine");
        sim.run_until_idle();
        let (kernel, mut last) = (sim.kernel(), TaskId(0));
        let tasks = std::iter::from_fn(|| {
            let task = kernel.next_task(last)?;
            last = task.id;
            Some(task.name)
        });
        let needed = ["watch", "supervise", "uart0", "console"];
        let may_end: Vec<_> = tasks.filter(|task| !needed.contains(task)).collect();
        assert_eq!(may_end, DRIVERS);
    }

    #[test]
    fn a_reproduction_asks_for_the_same_machine_schedule_and_lines() {
        let typed =
            ["sim-host", "--heap", "64K", "--alloc-policy", "deny", "explore", "night.txt", "--faults"];
        let options = Options::try_parse_from(typed).expect("options");
        let Some(Task::Explore(explore)) = &options.task else { panic!("no exploration") };
        let found = Found {
            seed: 95,
            drawn: "polls:1,irq:uart0@17".parse().expect("a schedule"),
            schedule: "irq:uart0@17".parse().expect("a schedule"),
            inputs: vec![0, 2, 3],
            failure: Failure::Busy,
            tries: 7,
        };
        // Of the lines 3 to 9, the first, the third and the fourth.
        let line = reproduction(&options, explore, &found, Some(&Lines((2..9).collect())));
        let expected = "--heap 65536 --alloc-policy deny explore night.txt --faults --lines 3,5-6 --seed 95 --schedule irq:uart0@17";
        assert_eq!(line, format!("sim-host {expected}"));
        let again = Options::try_parse_from(line.split(' ')).expect("options");
        let Some(Task::Explore(again_explore)) = &again.task else { panic!("no exploration") };
        assert_eq!((again.heap, again.alloc_policy), (options.heap, options.alloc_policy));
        assert_eq!((again_explore.seed, again_explore.schedule.as_ref()), (Some(95), Some(&found.schedule)));
        assert!(again_explore.faults);
        assert_eq!(again_explore.lines, Some(Lines(vec![2, 4, 5])));
    }

    #[test]
    fn json_strings_are_escaped() {
        assert_eq!(string("a \"b\"\\\n"), r#""a \"b\"\\\u000a""#);
    }
}
