//! Tapes of sessions: written with `--record`, lived again with `--replay`.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write as _},
    path::Path,
};

use clap::Parser as _;
use sim_host::{
    Sim,
    tape::{Recorder, ReplayError, Tape},
};

use super::{
    Ended, Ending, HostError, machine,
    options::{AllocPolicy, Baud, Options, Without},
    timeline,
    wire::Mode,
};

/// The option of a tape that is none of the command line: how the console was used.
const CONSOLE: &str = "console";

/// Records what happens to a machine that has just been built, if there is to be a tape.
///
/// # Errors
///
/// When the tape cannot be written.
pub(crate) fn begin(options: &Options, mode: Mode, sim: &mut Sim) -> Result<(), HostError> {
    let Some(path) = &options.record else { return Ok(()) };
    let failed = |error| HostError::Record { path: path.clone(), error };
    let file = BufWriter::new(File::create(path).map_err(failed)?);
    let recorder = Recorder::new(file, values(options, mode)).map_err(failed)?;
    sim.record(recorder).map_err(|error| failed(io::Error::other(error)))
}

/// Ends the tape, if there is one.
///
/// # Errors
///
/// When any of it could not be written.
pub(crate) fn end(options: &Options, sim: &mut Sim) -> Result<(), HostError> {
    let Some(path) = &options.record else { return Ok(()) };
    sim.end_recording().map_err(|error| HostError::Record { path: path.clone(), error })
}

/// What the machine is built like: options of the command line by their names, and how the console is used.
fn values(options: &Options, mode: Mode) -> Vec<(&'static str, String)> {
    let policy = match options.alloc_policy {
        AllocPolicy::Allow => "allow",
        AllocPolicy::Report => "report",
        AllocPolicy::Deny => "deny",
    };
    let baud = match options.baud {
        Baud::Unlimited => "unlimited".to_owned(),
        Baud::Limited(rate) => rate.to_string(),
    };
    let console = match mode {
        Mode::Terminal => "terminal",
        Mode::Plain => "plain",
    };
    let without = options.without.map(|Without::I2c| ("without", "i2c".to_owned()));
    let always = [
        ("heap", options.heap.0.to_string()),
        ("seed", options.seed.to_string()),
        ("baud", baud),
        ("alloc-policy", policy.to_owned()),
        ("log", options.log.to_string()),
        (CONSOLE, console.to_owned()),
    ];
    always.into_iter().chain(without).collect()
}

/// Replays a tape: builds the machine that it describes, and prints what it prints.
///
/// # Errors
///
/// When the tape is none, or asks for a machine that cannot be built.
pub(crate) fn replay(path: &Path, given: &Options) -> Result<Ended, HostError> {
    let bytes = fs::read(path).map_err(|error| HostError::Replay { path: path.to_owned(), error })?;
    let tape = Tape::parse(&bytes).map_err(|error| HostError::Tape { path: path.to_owned(), error })?;
    let (options, mode) = described(&tape, path)?;
    let described = timeline::begin(given, machine::describe(&options, mode))?;
    let mut sim = described.build().map_err(HostError::Boot)?;
    // Whoever reads this may be gone; the replay goes on.
    sim.uart(0).on_output(|bytes| drop(io::stdout().write_all(bytes)));
    let ending = match tape.replay(&mut sim) {
        Ok(()) => {
            let (steps, inputs, lived) = (tape.steps(), tape.inputs(), sim.uptime_of_all_boots());
            eprintln!("sim-host: replayed {steps} steps with {inputs} inputs, {lived} of the machine's time");
            Ending::PowerOff
        }
        Err(ReplayError::Boot { error, .. }) => return Err(HostError::Boot(error)),
        Err(error) => Ending::Diverged(error.to_string()),
    };
    let _ = io::stdout().flush();
    timeline::end(given, &mut sim)?;
    Ok(Ended { ending, digest: Some(sim.digest()) })
}

/// The machine that a tape describes.
fn described(tape: &Tape, path: &Path) -> Result<(Options, Mode), HostError> {
    let wrong = |reason: String| HostError::TapeOption { path: path.to_owned(), reason };
    let mode = match tape.option(CONSOLE) {
        Some("terminal") => Mode::Terminal,
        Some("plain") => Mode::Plain,
        _ => return Err(wrong("the tape does not say `option console terminal` or `plain`".to_owned())),
    };
    let known = ["heap", "seed", "baud", "alloc-policy", "log", "without"];
    let mut arguments = vec!["sim-host".to_owned()];
    for (name, value) in tape.options().filter(|(name, _)| *name != CONSOLE) {
        if !known.contains(&name) {
            return Err(wrong(format!("the tape has an option `{name}`, which this program does not know")));
        }
        arguments.push(format!("--{name}={value}"));
    }
    let mut options = Options::try_parse_from(arguments).map_err(|error| {
        let text = error.to_string();
        let reason = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
        wrong(format!("the tape's options describe no machine: {reason}"))
    })?;
    options.replay = Some(path.to_owned());
    Ok((options, mode))
}
