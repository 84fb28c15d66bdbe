//! `--timeline`: the file that a machine's timeline is written to.

use std::{fs::File, io};

use sim_host::{Builder, Sim, TimelineError};

use super::{HostError, options::Options};

/// Has the machine write a timeline, if there is to be one.
///
/// # Errors
///
/// When the file cannot be created.
pub(crate) fn begin(options: &Options, builder: Builder) -> Result<Builder, HostError> {
    let Some(path) = &options.timeline else { return Ok(builder) };
    let file = File::create(path).map_err(|error| HostError::Timeline { path: path.clone(), error })?;
    Ok(builder.timeline(file))
}

/// Ends the timeline, if there is one.
///
/// # Errors
///
/// When any of it could not be written.
pub(crate) fn end(options: &Options, sim: &mut Sim) -> Result<(), HostError> {
    let Some(path) = &options.timeline else { return Ok(()) };
    sim.end_timeline().map_err(|error| {
        let error = match error {
            TimelineError::Write(error) => error,
            error => io::Error::other(error),
        };
        HostError::Timeline { path: path.clone(), error }
    })
}
