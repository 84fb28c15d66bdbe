//! Carries a scenario out, and says what came of it.

use kernel::time::Duration;

use super::{
    Ending, Expected, Failed, Idle, Mistakes, Reason, Report, Scenario, Statement, Verdict, What, Why,
    life::{Broken, Run},
    port::Port,
};
use crate::{Drive, External, IdleFault, Sim};

impl Scenario {
    /// Carries the scenario out on a machine. Nothing of the scenario runs on it beside that; its clock may be real.
    ///
    /// The scenario takes the output of the machine's serial ports. It is out of time when the machine has lived for
    /// `until`, over all of its boots, and the scenario is not at its end.
    ///
    /// # Errors
    ///
    /// When the scenario is about devices that the machine has not; nothing has happened then.
    pub fn run(&self, sim: &mut Sim, until: Option<Duration>) -> Result<Report, Mistakes> {
        self.check(sim)?;
        let mut run = Run::new(sim, until);
        let ended = self
            .statements
            .iter()
            .try_for_each(|statement| run.carry_out(statement).map_err(|broken| (statement, broken)));
        let ended =
            ended.and_then(|()| match (run.endings.contains(&Ending::Panic), self.statements.last()) {
                (true, Some(last)) => Err((last, Why::Panicked.into())),
                _ => Ok(()),
            });
        let verdict = match ended {
            Ok(()) => Verdict::Passed,
            Err((statement, broken)) => self.verdict(&run, statement, broken),
        };
        let Run { sim, faults, faults_before, screenshots, .. } = run;
        let idle = |fault: IdleFault| {
            let place = fault.number.checked_sub(faults_before).and_then(|number| faults.get(number));
            Idle { place: place.map(|place| (place.line, place.column)), fault }
        };
        Ok(Report {
            name: self.source.name.clone(),
            verdict,
            lived: sim.uptime_of_all_boots(),
            screenshots,
            idle_faults: sim.idle_faults().into_iter().map(idle).collect(),
            digest: sim.digest(),
        })
    }

    fn verdict(&self, run: &Run<'_>, statement: &Statement, broken: Broken) -> Verdict {
        let (line, column) = (statement.place.line, statement.place.column);
        let why = match broken {
            Broken::OutOfTime => return Verdict::OutOfTime { line, column },
            // A panic explains whatever did not come of it.
            Broken::Failed(Why::Off { .. }) if run.endings.contains(&Ending::Panic) => Why::Panicked,
            Broken::Failed(why) => why,
        };
        let uart = statement.what.uart().unwrap_or(0);
        let (last_output, all_seen) = run.ports.get(uart).map(Port::last).unwrap_or_default();
        let (text, at) = (self.source.line(line).to_owned(), run.sim.uptime_of_all_boots());
        Verdict::Failed(Failed { line, column, text, at, why, uart, last_output, all_seen })
    }

    /// The machine has all the devices, and they make something of what happens to them.
    fn check(&self, sim: &Sim) -> Result<(), Mistakes> {
        let missing = |statement: &Statement| {
            let needed = statement.what.needs()?;
            let missing = match &statement.what {
                What::Happen(_) => sim.check(&needed),
                _ => sim.check_device(&needed),
            };
            let missing = missing.err()?;
            Some(self.source.mistake(statement.place, Reason::NoSuchDevice(missing)))
        };
        self.source.judge(self.statements.iter().filter_map(missing).collect())
    }
}

impl What {
    /// The serial port that it is about.
    fn uart(&self) -> Option<usize> {
        match self {
            Self::Happen(External::Bytes { uart, .. })
            | Self::Expect { expected: Expected::Output { uart, .. }, .. }
            | Self::ExpectNo { unexpected: Expected::Output { uart, .. }, .. }
            | Self::Screenshot { uart, .. } => Some(*uart),
            Self::Fault(fault) => fault.uart(),
            _ => None,
        }
    }

    /// What could only happen to a machine that has the device.
    fn needs(&self) -> Option<External> {
        match self {
            Self::Happen(external) => Some(external.clone()),
            Self::Expect { expected: Expected::Level { pin, .. }, .. }
            | Self::ExpectNo { unexpected: Expected::Level { pin, .. }, .. } => {
                Some(External::Pin { pin: *pin, drive: Drive::Released })
            }
            Self::Fault(fault) => Some(fault.needs()),
            _ => self.uart().map(|uart| External::Break { uart }),
        }
    }
}
