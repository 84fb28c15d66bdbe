//! `--timeline`: the file that a machine's timeline is written to.

use std::{fs::File, io};

use sim_host::{Builder, Sim, TimelineError, fleet::Fleet};

use super::{HostError, options::Options};

/// Has the machine write a timeline, if there is to be one.
///
/// # Errors
///
/// When the file cannot be created.
pub(crate) fn begin(options: &Options, builder: Builder) -> Result<Builder, HostError> {
    Ok(match file(options)? {
        Some(file) => builder.timeline(file),
        None => builder,
    })
}

/// The same for a fleet without boards.
///
/// # Errors
///
/// As for one machine.
pub(crate) fn begin_fleet(options: &Options, fleet: Fleet) -> Result<Fleet, HostError> {
    Ok(match file(options)? {
        Some(file) => fleet.timeline(file),
        None => fleet,
    })
}

fn file(options: &Options) -> Result<Option<File>, HostError> {
    let Some(path) = &options.timeline else { return Ok(None) };
    File::create(path).map(Some).map_err(|error| HostError::Timeline { path: path.clone(), error })
}

/// Ends the timeline, if there is one.
///
/// # Errors
///
/// When any of it could not be written.
pub(crate) fn end(options: &Options, sim: &mut Sim) -> Result<(), HostError> {
    sim.end_timeline().map_err(|error| failed(options, error))
}

/// Ends a fleet's timeline, if there is one.
///
/// # Errors
///
/// When any of it could not be written.
pub(crate) fn end_fleet(options: &Options, fleet: &mut Fleet) -> Result<(), HostError> {
    fleet.end_timeline().map_err(|error| failed(options, error))
}

fn failed(options: &Options, error: TimelineError) -> HostError {
    let error = match error {
        TimelineError::Write(error) => error,
        error => io::Error::other(error),
    };
    HostError::Timeline { path: options.timeline.clone().unwrap_or_default(), error }
}
