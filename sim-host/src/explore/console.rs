//! Types a script at a machine's console, line by line, whenever it waits for one.

use kernel::platform::Stop;

use super::Failure;
use crate::{Sim, Wait};

/// Bytes of output that are told with a hang.
const TOLD: usize = 80;

/// Types the lines at the console on a UART, in virtual time; returns when the machine has read them all and waits for
/// more, or has been switched off. A line is typed when all before it have been read.
///
/// # Errors
///
/// When the machine hangs before, or does not come to rest, or ends for another reason.
pub fn type_lines(sim: &mut Sim, uart: usize, lines: &[&String]) -> Result<(), Failure> {
    let mut lines = lines.iter();
    let (limit, start) = (sim.config.step_limit, sim.steps());
    while sim.steps() - start < limit {
        match sim.step().wait {
            Wait::Nothing => {}
            Wait::Stopped(Stop::PowerOff | Stop::BootLoader) => return Ok(()),
            Wait::Stopped(Stop::Reboot) => {
                sim.reboot().map_err(Failure::Boot)?;
            }
            Wait::Stopped(Stop::Panic) => return Err(Failure::Stopped(Stop::Panic)),
            Wait::PowerCut if sim.power_returns() => sim.reboot().map_err(Failure::Boot)?,
            Wait::PowerCut => return Err(Failure::Check("the power failed".to_owned())),
            Wait::Until(_) | Wait::Forever if sim.awaits_bytes(uart) => match lines.next() {
                Some(line) => sim.uart(uart).send(format!("{line}\n").as_bytes()),
                None => return Ok(()),
            },
            Wait::Until(at) => sim.pass_until(at),
            Wait::Forever => return Err(Failure::Hang(said_last(sim, uart))),
        }
    }
    Err(Failure::Busy)
}

fn said_last(sim: &Sim, uart: usize) -> String {
    let output = sim.uart(uart).output();
    let end = output.get(output.len().saturating_sub(TOLD)..).unwrap_or_default();
    format!("nobody reads the console's port, whose last words are {:?}", String::from_utf8_lossy(end))
}
