//! Types a script at a machine's console, line by line, whenever it waits for one, and brings it back after faults.

use kernel::{platform::Stop, time::Duration};

use super::{Failure, TROUBLE};
use crate::{Outcome, Sim, Wait};

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
        let wait = sim.step().wait;
        if sim.come_back().map_err(Failure::Boot)? {
            continue;
        }
        match wait {
            Wait::Nothing => {}
            Wait::Stopped(Stop::PowerOff | Stop::BootLoader) => return Ok(()),
            Wait::Stopped(stop) => return Err(Failure::Stopped(stop)),
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

/// Brings a machine whose console is on a UART back to where it would be without [faults](crate::explore::Explorer::faults): waits
/// until they are over, gives up what was typed or runs still, starts the drivers of these names that are stopped, and asks
/// the console for an answer. A machine that has been switched off stays so.
///
/// # Errors
///
/// When the machine hangs or does not come to rest, when it ends, or when its console does not answer.
pub fn recover(sim: &mut Sim, uart: usize, drivers: &[&str]) -> Result<(), Failure> {
    if sim.waits() == Wait::Stopped(Stop::PowerOff) {
        return Ok(());
    }
    let left = TROUBLE.saturating_sub(sim.uptime_of_all_boots());
    live_for(sim, left.saturating_add(PATIENCE))?;
    loop {
        let boots = sim.reboots();
        say(sim, uart, "\x03\n")?;
        for driver in drivers {
            say(sim, uart, &format!("spawn {driver}\n"))?;
        }
        let answer = say(sim, uart, "echo alive\n")?;
        // What was said while the power failed, nobody has heard; and it fails once for each rule.
        if sim.reboots() > boots {
            continue;
        }
        return if answer == "alive\n" {
            Ok(())
        } else {
            Err(Failure::Hang(format!("the console answered {answer:?}")))
        };
    }
}

/// How long the console has for an answer.
const PATIENCE: Duration = Duration::from_secs(1);

fn say(sim: &mut Sim, uart: usize, text: &str) -> Result<String, Failure> {
    sim.uart(uart).take_output();
    sim.uart(uart).send(text.as_bytes());
    live_for(sim, PATIENCE)?;
    Ok(sim.uart(uart).take_text())
}

/// Lives on for so long, through power cuts and reboots.
fn live_for(sim: &mut Sim, span: Duration) -> Result<(), Failure> {
    let end = sim.uptime_of_all_boots().saturating_add(span);
    loop {
        let left = end.saturating_sub(sim.uptime_of_all_boots());
        let outcome = sim.run_for(left);
        if sim.come_back().map_err(Failure::Boot)? {
            continue;
        }
        match outcome {
            Outcome::TimeReached | Outcome::Idle | Outcome::Satisfied => return Ok(()),
            outcome => return Failure::of_outcome(outcome, sim.now()).map_or(Ok(()), Err),
        }
    }
}
