//! `--lockstep`: carries lines between the library's [`Lockstep`](sim_host::lockstep::Lockstep) and whoever drives it.

use std::{
    io::{self, BufRead, BufReader, Read as _, Write},
    net::TcpListener,
};

use sim_host::lockstep::Lockstep;

use super::{
    Ended, Ending, HostError, machine,
    options::{self, Options},
    tape, timeline,
    wire::{Mode, announce},
};

/// The longest line that is read, in bytes.
const LINE: u64 = 1 << 20;

/// Serves one session.
///
/// # Errors
///
/// When nobody can connect, or the connection fails.
pub(crate) fn run(options: &Options, with: &options::Lockstep) -> Result<Ended, HostError> {
    let described = timeline::begin(options, machine::describe(options, Mode::Plain))?;
    let mut sim = described.build().map_err(HostError::Boot)?;
    tape::begin(options, Mode::Plain, &mut sim)?;
    let mut lockstep = Lockstep::new(sim);
    match with {
        options::Lockstep::Stdio => serve(&mut lockstep, io::stdin().lock(), io::stdout().lock())?,
        options::Lockstep::Tcp(address) => {
            let failed = |error| HostError::Listen { address: address.clone(), error };
            let listener = TcpListener::bind(address).map_err(failed)?;
            announce("lockstep", format_args!("at tcp:{}", listener.local_addr().map_err(failed)?));
            let (client, _) = listener.accept().map_err(failed)?;
            client.set_nodelay(true).map_err(failed)?;
            let input = BufReader::new(client.try_clone().map_err(failed)?);
            serve(&mut lockstep, input, client)?;
        }
    }
    let sim = lockstep.sim();
    machine::warn_of_idle_faults([&*sim]);
    for missed in sim.missed_kills() {
        eprintln!("sim-host: warning: {missed}");
    }
    tape::end(options, sim)?;
    timeline::end(options, sim)?;
    Ok(Ended { ending: Ending::PowerOff, digest: Some(sim.digest()) })
}

/// Answers lines until there are none, or one ends the session.
fn serve(lockstep: &mut Lockstep, mut input: impl BufRead, mut output: impl Write) -> Result<(), HostError> {
    let mut line = Vec::new();
    loop {
        line.clear();
        input.by_ref().take(LINE).read_until(b'\n', &mut line).map_err(HostError::Input)?;
        if line.is_empty() {
            return Ok(());
        }
        let mut over = false;
        if line.len() as u64 == LINE && !line.ends_with(b"\n") {
            writeln!(output, "error a line has {LINE} bytes at most").map_err(HostError::Output)?;
            over = true;
        } else {
            let answer = lockstep.answer(&String::from_utf8_lossy(&line));
            for line in &answer.lines {
                writeln!(output, "{line}").map_err(HostError::Output)?;
            }
            over |= answer.over;
        }
        output.flush().map_err(HostError::Output)?;
        if over {
            return Ok(());
        }
    }
}
