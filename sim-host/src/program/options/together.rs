//! What stands together on a command line, and what makes no sense together.

use clap::error::ErrorKind;

use super::{Options, Task, Time, Uart};

impl Options {
    /// What was said behind the task counts as if it was said before it.
    pub(super) fn gathered(mut self) -> Self {
        match &mut self.task {
            Some(Task::Fleet(fleet)) => {
                self.seed = fleet.seed.unwrap_or(self.seed);
                self.until = fleet.until.or(self.until);
                self.digest |= fleet.digest;
                self.check_determinism |= fleet.check_determinism;
                self.timeline = fleet.timeline.take().or(self.timeline);
                self.faults.append(&mut fleet.faults);
            }
            Some(Task::Explore(explore)) => {
                self.faults.append(&mut explore.rules);
                self.timeline = explore.timeline.take().or(self.timeline);
            }
            None => {}
        }
        self
    }

    /// Refuses combinations that make no sense.
    pub(super) fn checked(self) -> Result<Self, clap::Error> {
        match self.nonsense() {
            Some((kind, text)) => Err(<Self as clap::CommandFactory>::command().error(kind, text)),
            None => Ok(self),
        }
    }

    /// What makes no sense, and what would.
    fn nonsense(&self) -> Option<(ErrorKind, &'static str)> {
        let missing = |text| Some((ErrorKind::MissingRequiredArgument, text));
        let conflict = |text| Some((ErrorKind::ArgumentConflict, text));
        let is_script = self.is_script() || !self.scenarios.is_empty();
        let is_taped = self.record.is_some() || self.replay.is_some() || self.lockstep.is_some();
        let is_session = is_script || is_taped || self.uart != Uart::Stdio || self.storage.is_some();
        match &self.task {
            Some(Task::Explore(explore)) if self.timeline.is_some() && explore.seed.is_none() => {
                missing("--timeline shows one life: it needs explore's --seed, in place of --seeds")
            }
            Some(Task::Explore(_))
                if is_session
                    || self.digest
                    || self.check_determinism
                    || self.until.is_some()
                    || self.seed != 0 =>
            {
                conflict(
                    "explore runs its own script in virtual time: of the options before it, only --heap, --baud, \
                     --without, --fault, --log and --alloc-policy go with it, and with its --seed also --timeline",
                )
            }
            Some(Task::Explore(explore))
                if explore.is_scenario() && (explore.lines.is_some() || explore.faults) =>
            {
                conflict(
                    "--lines and --faults are for scripts: a scenario is explored as a whole, and says by `fault` \
                     what goes wrong",
                )
            }
            Some(Task::Fleet(_)) if is_session || self.time != Time::Real => conflict(
                "a fleet lives in virtual time by its file, and has no tape, for the same file and seed live the \
                 same again: of the options, only --heap, --seed, --baud, --until, --digest, --check-determinism, \
                 --timeline, --without, --fault, --log and --alloc-policy go with it",
            ),
            _ if self.check_determinism && self.timeline.is_some() => conflict(
                "--check-determinism looks at two lives, and a timeline shows one: give either of them",
            ),
            None if self.check_determinism && !is_script && self.until.is_none() => missing(
                "--check-determinism runs something twice: it needs --command, --script, --scenario, --until, or a fleet",
            ),
            None if self.check_determinism
                && self.script.as_ref().is_some_and(|path| path.as_os_str() == "-") =>
            {
                conflict("--check-determinism reads the script twice: put it in a file")
            }
            None if self.scenarios.len() > 1 && (self.record.is_some() || self.timeline.is_some()) => {
                conflict(
                    "a tape or a timeline is one machine's, and each scenario has its own: give one --scenario with it",
                )
            }
            _ if self.scenarios.is_empty() && self.junit.is_some() => {
                missing("--junit tells what came of scenarios: it needs --scenario")
            }
            _ if self.is_script() && self.uart != Uart::Stdio => {
                conflict("--command and --script are typed at the serial port: they need --uart stdio")
            }
            _ => None,
        }
    }
}
