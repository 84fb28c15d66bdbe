//! `sim-host fleet`: many boards, as a file describes them, and what they say.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write as _},
    mem,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use kernel::{platform::Stop, time::Instant};
use sim_host::{
    Outcome, Sim, Wait,
    fleet::{Fleet, FleetError, Plan, plan::Mistakes},
};

use super::{Ended, Ending, HostError, check::Twice, machine, options::Options, timeline, wire::Mode};

/// Runs a fleet, and says on standard output what its boards say; and once more in silence, if two runs are to be compared.
///
/// # Errors
///
/// When the file cannot be read or describes no fleet, a board does not boot, or output cannot be written.
pub(crate) fn run(options: &Options, path: &Path) -> Result<Ended, HostError> {
    let text = fs::read_to_string(path).map_err(|error| HostError::Plan { path: path.to_owned(), error })?;
    let refused = |mistakes: Mistakes| Ended { ending: Ending::no_fleet(mistakes.to_string()), digest: None };
    let plan = match Plan::parse(&path.display().to_string(), &text) {
        Ok(plan) => plan,
        Err(mistakes) => return Ok(refused(mistakes)),
    };
    let mut fleet = match build(options, &plan)? {
        Ok(fleet) => fleet,
        Err(mistakes) => return Ok(refused(mistakes)),
    };
    let twice = Twice::default();
    if options.check_determinism {
        each(&mut fleet, |sim, whose| twice.note(sim, whose));
    }
    let printer = Printer::listen(&fleet);
    let outcome = fleet.run(end(options), |_| lock(&printer).failure.is_some()).map_err(HostError::Fleet)?;
    lock(&printer).finish().map_err(HostError::Output)?;
    timeline::end_fleet(options, &mut fleet)?;
    tell(&fleet);
    let ended = Ended { ending: ending(&fleet, outcome), digest: Some(fleet.digest()) };
    if !options.check_determinism {
        return Ok(ended);
    }
    // One at a time: a fleet may be large.
    drop(fleet);
    let _silence = Twice::silence();
    if let Ok(mut again) = build(options, &plan)? {
        each(&mut again, |sim, whose| twice.compare(sim, whose));
        // What they say has been printed, and need not be kept.
        for port in again.boards().flat_map(|board| again.free_ports(board)) {
            again.board(port.board).uart(port.uart).on_output(|_| ());
        }
        again.run(end(options), |_| false).map_err(HostError::Fleet)?;
    }
    Ok(twice.ended(ended))
}

/// Builds the fleet, if the boards have all that the plan names.
fn build(options: &Options, plan: &Plan) -> Result<Result<Fleet, Mistakes>, HostError> {
    let fleet = timeline::begin_fleet(options, Fleet::new(options.seed))?;
    let fleet = if options.digest { fleet } else { fleet.without_digest() };
    let describe = |builder| machine::on(builder, options, Mode::Plain).events(machine::kinds(options));
    match plan.build(fleet, describe) {
        Ok(fleet) => Ok(Ok(fleet)),
        Err(FleetError::Mistakes(mistakes)) => Ok(Err(mistakes)),
        Err(error) => Err(HostError::Fleet(error)),
    }
}

/// Does something with each machine, and with what tells whose entries are its.
fn each(fleet: &mut Fleet, what: impl Fn(&mut Sim, &str)) {
    for board in fleet.boards() {
        let whose = format!("{}: ", fleet.name(board));
        what(fleet.board_mut(board), &whose);
    }
}

fn end(options: &Options) -> Option<Instant> {
    options.until.map(|span| Instant::BOOT.saturating_add(span.0))
}

/// Prints lines behind the name of the port that they come from.
struct Printer {
    /// Columns that the longest name takes.
    width: usize,
    /// Lines that have not come to their end.
    begun: BTreeMap<String, Vec<u8>>,
    failure: Option<io::Error>,
}

impl Printer {
    /// Prints what comes out of all ports that have no link.
    fn listen(fleet: &Fleet) -> Arc<Mutex<Self>> {
        let names = fleet.boards().map(|board| fleet.name(board).chars().count());
        let width = names.max().unwrap_or(0) + ".uart0".len();
        let printer = Arc::new(Mutex::new(Self { width, begun: BTreeMap::new(), failure: None }));
        for port in fleet.boards().flat_map(|board| fleet.free_ports(board)) {
            let (printer, prefix) =
                (printer.clone(), format!("{}.uart{}", fleet.name(port.board), port.uart));
            let uart = fleet.board(port.board).uart(port.uart);
            uart.on_output(move |bytes| lock(&printer).print(&prefix, bytes));
        }
        printer
    }

    fn print(&mut self, prefix: &str, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let mut line = self.begun.remove(prefix).unwrap_or_default();
            line.extend_from_slice(piece);
            match line.ends_with(b"\n") {
                true => self.line(prefix, &line),
                false => drop(self.begun.insert(prefix.to_owned(), line)),
            }
        }
    }

    /// Prints what has no end yet, and tells whether all was printed.
    fn finish(&mut self) -> io::Result<()> {
        for (prefix, line) in mem::take(&mut self.begun) {
            self.line(&prefix, &line);
        }
        self.failure.take().map_or(Ok(()), Err)
    }

    fn line(&mut self, prefix: &str, line: &[u8]) {
        let text = String::from_utf8_lossy(line);
        let text = text.trim_end_matches(['\r', '\n']);
        let width = self.width;
        if let Err(error) = writeln!(io::stdout().lock(), "{prefix:<width$} | {text}") {
            self.failure.get_or_insert(error);
        }
    }
}

fn lock(printer: &Mutex<Printer>) -> MutexGuard<'_, Printer> {
    printer.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Says on stderr which boards have not ended well or had no task to kill, and which faults none of them has had.
fn tell(fleet: &Fleet) {
    machine::warn_of_idle_faults(fleet.boards().map(|board| fleet.board(board)));
    for board in fleet.boards() {
        let (name, machine) = (fleet.name(board), fleet.board(board));
        for missed in machine.missed_kills() {
            eprintln!("sim-host: warning: on the board `{name}` {missed}");
        }
        if machine.waits() == Wait::Stopped(Stop::Panic) {
            eprintln!("sim-host: the kernel of the board `{name}` has panicked");
        }
        let failed = machine.commands_failed_in_all_boots();
        if failed > 0 {
            eprintln!("sim-host: console commands that failed on the board `{name}`: {failed}");
        }
    }
}

/// How the fleet ended: as the worst of its boards.
fn ending(fleet: &Fleet, outcome: Outcome) -> Ending {
    let machines = || fleet.boards().map(|board| fleet.board(board));
    let failed = machines().map(|machine| machine.commands_failed_in_all_boots()).sum();
    if machines().any(|machine| machine.waits() == Wait::Stopped(Stop::Panic)) {
        Ending::Panic
    } else if outcome == Outcome::Limit {
        Ending::Hang
    } else if failed > 0 {
        Ending::CommandsFailed(failed)
    } else {
        Ending::PowerOff
    }
}
