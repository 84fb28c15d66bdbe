//! A machine's life while a scenario is carried out on it: one statement after the other.

use kernel::{
    platform::Stop,
    time::{Duration, Instant},
};

use super::{Ending, Expected, Screenshot, Statement, What, When, Why, port::Port};
use crate::{External, Sim, Wait, mistake::Place};

/// A machine, and what the scenario knows of it.
pub(super) struct Run<'s> {
    pub(super) sim: &'s mut Sim,
    pub(super) ports: Vec<Port>,
    /// How the machine has ended by itself, and no expectation has seen.
    pub(super) endings: Vec<Ending>,
    /// Since when the machine has been off.
    off: Option<Duration>,
    until: Option<Duration>,
    /// Where the scenario has added faults, in their order; the machine had others before.
    pub(super) faults: Vec<Place>,
    pub(super) faults_before: usize,
    pub(super) screenshots: Vec<Screenshot>,
}

/// Why a statement was not carried out.
pub(super) enum Broken {
    Failed(Why),
    OutOfTime,
}

impl From<Why> for Broken {
    fn from(why: Why) -> Self {
        Self::Failed(why)
    }
}

/// What a machine is waited for.
#[derive(Clone, Copy)]
enum Goal<'g> {
    /// Nothing but time.
    Time,
    /// What is expected, and done with once it has come.
    Expected(&'g Expected),
    /// What is not expected.
    Unexpected(&'g Expected),
}

/// How far a machine has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reached {
    /// What was waited for.
    Goal,
    /// The time.
    Time,
    /// Its end: it is off.
    Off,
}

impl<'s> Run<'s> {
    /// A scenario's beginning.
    pub(super) fn new(sim: &'s mut Sim, until: Option<Duration>) -> Self {
        let ports = sim.uarts().map(|_| Port::default()).collect();
        let faults_before = sim.faults().len();
        let (faults, screenshots) = (Vec::new(), Vec::new());
        Self { sim, ports, endings: Vec::new(), off: None, until, faults, faults_before, screenshots }
    }

    fn lived(&self) -> Duration {
        self.sim.uptime_of_all_boots()
    }

    /// Carries one statement out.
    pub(super) fn carry_out(&mut self, statement: &Statement) -> Result<(), Broken> {
        match statement.when {
            When::Next => {}
            When::After(span) => self.pass_until(self.lived().saturating_add(span))?,
            When::At(at) if at < self.lived() => return Err(Why::Late { at }.into()),
            When::At(at) => self.pass_until(at)?,
        }
        match &statement.what {
            What::Happen(external) => self.happen(external)?,
            What::Wait(span) => self.pass_until(self.lived().saturating_add(*span))?,
            What::Expect { expected, within } => self.expect(expected, *within)?,
            What::ExpectNo { unexpected, lasting } => self.expect_no(unexpected, *lasting)?,
            What::Fault(fault) => {
                // There is such a device: this was looked at before.
                drop(self.sim.add_fault(fault.clone()));
                self.faults.push(statement.place);
            }
            What::Screenshot { uart, name } => {
                // What has been sent is shown, as far as it takes no time.
                self.live(self.lived(), Goal::Time)?;
                let rows = self.ports.get(*uart).map(Port::screen).unwrap_or_default();
                let (name, at) = (name.clone(), self.lived());
                self.screenshots.push(Screenshot { name, uart: *uart, at, rows });
            }
            What::PowerOff => self.power_off()?,
            What::PowerOn if self.off.is_none() => return Err(Why::On.into()),
            What::PowerOn => self.boot()?,
            What::Reboot => {
                if self.off.is_none() {
                    self.power_off()?;
                }
                self.boot()?;
            }
        }
        Ok(())
    }

    fn happen(&mut self, external: &External) -> Result<(), Broken> {
        match (external, self.off) {
            // A pin is driven from outside, with power or without.
            (External::Pin { .. }, _) | (_, None) => {
                if let External::Kill { task } = external {
                    self.find(task)?;
                }
                // There is such a device: this was looked at before.
                drop(self.sim.schedule(self.sim.now(), external.clone()));
                Ok(())
            }
            (_, Some(since)) => Err(Why::Off { since }.into()),
        }
    }

    /// A task of this name runs, perhaps one that is about to start.
    fn find(&mut self, name: &str) -> Result<(), Broken> {
        let runs = |sim: &Sim| sim.task_names().contains(&name);
        if !runs(self.sim) {
            self.live(self.lived(), Goal::Time)?;
        }
        match self.off {
            Some(since) => Err(Why::Off { since }.into()),
            None if runs(self.sim) => Ok(()),
            None => Err(Why::NoSuchTask { task: name.to_owned(), tasks: self.sim.task_names() }.into()),
        }
    }

    fn power_off(&mut self) -> Result<(), Broken> {
        if let Some(since) = self.off {
            return Err(Why::Off { since }.into());
        }
        // What was sent at this time comes before.
        self.live(self.lived(), Goal::Time)?;
        if self.off.is_none() {
            drop(self.sim.schedule(self.sim.now(), External::PowerCut));
            self.live(Duration::MAX, Goal::Time)?;
        }
        Ok(())
    }

    fn boot(&mut self) -> Result<(), Broken> {
        self.off = None;
        self.sim.reboot().map_err(|error| Why::Boot(error).into())
    }

    fn pass_until(&mut self, end: Duration) -> Result<(), Broken> {
        while self.live(end, Goal::Time)? == Reached::Off {
            let until = self.until.map_or(end, |until| until.min(end));
            self.sim.wait_until(self.in_this_boot(until));
            if self.lived() >= until {
                return if until < end { Err(Broken::OutOfTime) } else { Ok(()) };
            }
        }
        Ok(())
    }

    fn in_this_boot(&self, lived: Duration) -> Instant {
        self.sim.now().saturating_add(lived.saturating_sub(self.lived()))
    }

    fn expect(&mut self, expected: &Expected, within: Duration) -> Result<(), Broken> {
        self.ports.iter_mut().for_each(Port::look_again);
        match self.live(self.lived().saturating_add(within), Goal::Expected(expected))? {
            Reached::Goal => Ok(()),
            Reached::Time => Err(Why::Missing { expected: expected.to_string(), within }.into()),
            Reached::Off => Err(Why::Off { since: self.off.unwrap_or_default() }.into()),
        }
    }

    fn expect_no(&mut self, unexpected: &Expected, lasting: Duration) -> Result<(), Broken> {
        self.ports.iter_mut().for_each(Port::look_again);
        let end = self.lived().saturating_add(lasting);
        match self.live(end, Goal::Unexpected(unexpected))? {
            Reached::Goal => {
                let found = match unexpected {
                    Expected::Output { uart, pattern } => self.ports.get_mut(*uart).and_then(|port| {
                        port.look_again();
                        port.find(pattern, false).map(str::to_owned)
                    }),
                    _ => None,
                };
                Err(Why::Came { unexpected: unexpected.to_string(), found }.into())
            }
            Reached::Time => Ok(()),
            Reached::Off => self.pass_until(end),
        }
    }

    /// Lets the machine live until it has lived for so long, or until something has come.
    fn live(&mut self, end: Duration, goal: Goal<'_>) -> Result<Reached, Broken> {
        let limit = self.sim.config.step_limit;
        let mut steps = 0;
        loop {
            if self.off.is_some() {
                self.hear();
                return Ok(if self.has_come(goal) { Reached::Goal } else { Reached::Off });
            }
            if steps == limit {
                return Err(Why::Busy.into());
            }
            steps += 1;
            let wait = self.sim.step().wait;
            if self.sim.come_back().map_err(Why::Boot)? {
                self.endings.push(Ending::Reboot);
                continue;
            }
            let next = match wait {
                Wait::Nothing => continue,
                Wait::Stopped(stop) => {
                    self.off = Some(self.lived());
                    self.endings.push(if stop == Stop::Panic { Ending::Panic } else { Ending::PowerOff });
                    continue;
                }
                Wait::PowerCut => {
                    self.off = Some(self.lived());
                    continue;
                }
                Wait::Until(at) => Some(at),
                Wait::Forever => None,
            };
            self.hear();
            if self.has_come(goal) {
                return Ok(Reached::Goal);
            }
            let lived = self.lived();
            if lived >= end {
                return Ok(Reached::Time);
            }
            if self.until.is_some_and(|until| lived >= until) {
                return Err(Broken::OutOfTime);
            }
            let last = self.in_this_boot(self.until.map_or(end, |until| until.min(end)));
            self.sim.wait_until(next.map_or(last, |next| next.min(last)));
            // What is limited is how often the clock may stand still.
            steps = 0;
        }
    }

    fn hear(&mut self) {
        for (port, (_, uart)) in self.ports.iter_mut().zip(self.sim.uarts()) {
            port.hear(&uart.take_output());
        }
    }

    /// What is waited for has come.
    fn has_come(&mut self, goal: Goal<'_>) -> bool {
        let (wanted, see) = match goal {
            Goal::Time => return false,
            Goal::Expected(wanted) => (wanted, true),
            Goal::Unexpected(wanted) => (wanted, false),
        };
        match wanted {
            Expected::Output { uart, pattern } => {
                self.ports.get_mut(*uart).is_some_and(|port| port.find(pattern, see).is_some())
            }
            Expected::Level { pin, high } => self.sim.pin(*pin).level() == *high,
            Expected::Ending(ending) => match self.endings.iter().position(|seen| seen == ending) {
                Some(at) => {
                    // Those before are forgotten, but for panics, which have to be expected.
                    let later = self.endings.split_off(at + 1);
                    self.endings.pop();
                    self.endings.retain(|earlier| *earlier == Ending::Panic);
                    self.endings.extend(later);
                    true
                }
                None => false,
            },
        }
    }
}
