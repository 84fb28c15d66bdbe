//! The program around a virtual machine: options in, an exit code out, and bytes moved in between.
//!
//! The console (prompt, line editing, commands) runs inside the machine, as it does on a board. All that happens here
//! is what the desk around a board would do: supply power, put a terminal, a script or a socket at the other end of
//! the serial cable, and look at how it ended.
//!
//! ```text
//!  options ──▶ wire: terminal | pipe | script | tcp | pty
//!                │ bytes, never more than a few kilobytes ahead
//!                ▼
//!              drive ◀──▶ machine (a new one after each reboot)
//!                │ how it ended
//!                ▼
//!              exit code
//! ```
//!
//! Beside such sessions there are the laboratory's: a replay, a check of two runs, lockstep, scenarios, exploration, and
//! fleets, in modules of these names.
//!
//! Everything runs on one thread, on a tokio runtime. While the machine sleeps the thread sleeps.

mod check;
mod drive;
mod ending;
mod explore;
mod fleet;
mod lockstep;
mod logs;
mod machine;
mod options;
mod scenario;
mod shell;
mod signals;
mod storage;
mod tape;
mod terminal;
mod timeline;
mod wire;

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use kernel::platform::Stop;
use sim_host::{Digest, Sim};

use self::{
    drive::{Link, Stopped},
    ending::{Ending, HostError},
    options::{Options, Task, Uart},
    signals::Signals,
    wire::{Mode, Wire},
};

/// How a run ended, and what it came to.
#[derive(Debug)]
struct Ended {
    ending: Ending,
    /// What stands for the run's life, if it was one.
    digest: Option<Digest>,
}

/// Runs the program from options to exit code.
pub(crate) fn main() -> ExitCode {
    let options = Options::from_command_line();
    match start(&options) {
        Ok(Ended { ending, digest }) => {
            if let Some(digest) = digest.filter(|_| options.digest) {
                eprintln!("digest {digest}");
            }
            if let Some(text) = ending.message() {
                eprintln!("sim-host: {text}");
            }
            ending.exit_code()
        }
        Err(error) => {
            // Nobody is left to read the output, as in `sim-host ... | head`: not worth a message.
            if !error.is_broken_pipe() {
                eprintln!("sim-host: {error}");
            }
            error.exit_code()
        }
    }
}

fn start(options: &Options) -> Result<Ended, HostError> {
    if let Some(Task::Explore(task)) = &options.task {
        // Whatever thousands of machines log is nobody's reading, but for one that is looked at.
        if task.seed.is_some() {
            logs::start(&options.log);
        }
        return explore::run(options, task).map(|ending| Ended { ending, digest: None });
    }
    logs::start(&options.log);
    if let Some(Task::Fleet(fleet)) = &options.task {
        return fleet::run(options, &fleet.plan);
    }
    if let Some(path) = &options.replay {
        return tape::replay(path, options);
    }
    if !options.scenarios.is_empty() {
        return scenario::run(options);
    }
    if let Some(with) = &options.lockstep {
        return lockstep::run(options, with);
    }
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(HostError::Runtime)?;
    let result = match options.check_determinism {
        true => runtime.block_on(check::run_twice(options)),
        false => runtime.block_on(session(options)),
    };
    // A thread may still wait for a key that nobody will press.
    runtime.shutdown_background();
    result
}

/// One session at the wire: machines come and go with each reboot, the wire stays.
async fn session(options: &Options) -> Result<Ended, HostError> {
    let mut signals = Signals::watch().map_err(HostError::Runtime)?;
    let mut wire = match &options.uart {
        Uart::Stdio => wire::stdio(options)?,
        Uart::Tcp(address) => wire::tcp::listen(address).await?,
        Uart::Pty => wire::pty::open()?,
    };
    let (described, kept) = storage::begin(options, machine::describe(options, wire.mode))?;
    let described = timeline::begin(options, described)?;
    let mut sim = described.build().map_err(HostError::Boot)?;
    tape::begin(options, wire.mode, &mut sim)?;
    // From here on: given back whenever and however this function is left.
    let terminal = if wire.takes_terminal { Some(terminal::Raw::enter()?) } else { None };
    let mut link = Link::new(options.until.map(|span| span.0));
    let ending = run(options, &mut sim, &mut link, &mut wire, &mut signals).await;
    if terminal.is_some() && link.is_amid_a_line() {
        // The shell's prompt does not belong behind the guest's. A terminal that is gone has none.
        let _ = io::stdout().write_all(b"\r\n").and_then(|()| io::stdout().flush());
    }
    drop(terminal);
    machine::warn_of_idle_faults([&sim]);
    // However the session ended, what it stored is kept, and the tape of it is whole, each of them even if another is not.
    let ends =
        [storage::end(kept.as_ref(), &sim), tape::end(options, &mut sim), timeline::end(options, &mut sim)];
    ends.into_iter().collect::<Result<(), _>>()?;
    Ok(Ended { ending: ending?, digest: Some(sim.digest()) })
}

async fn run(
    options: &Options,
    sim: &mut Sim,
    link: &mut Link,
    wire: &mut Wire,
    signals: &mut Signals,
) -> Result<Ending, HostError> {
    // A pipe is a script as well: nobody sits there who reads what failed.
    let is_script = options.is_script() || options.uart == Uart::Stdio && wire.mode == Mode::Plain;
    let ending = loop {
        let stopped = tokio::select! {
            stopped = link.run(sim, wire) => stopped?,
            signal = signals.next() => return Ok(Ending::Signal(signal)),
        };
        if sim.come_back().map_err(HostError::Boot)? {
            continue;
        }
        let failed_commands = sim.commands_failed_in_all_boots();
        match stopped {
            Stopped::TimeReached if link.is_unfinished(sim, options.is_script()) => break Ending::OutOfTime,
            Stopped::By(Stop::PowerOff) | Stopped::TimeReached if is_script && failed_commands > 0 => {
                break Ending::CommandsFailed(failed_commands);
            }
            Stopped::By(Stop::Panic) => break Ending::Panic,
            Stopped::Hang => break Ending::Hang,
            // One that comes back has done so.
            Stopped::By(_) | Stopped::PowerCut | Stopped::TimeReached => break Ending::PowerOff,
        }
    };
    wire.finish().await?;
    Ok(ending)
}
