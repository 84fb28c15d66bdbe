//! Lockstep: another program moves a machine's time, and says what happens to it and hears what it does, line by line.
//!
//! For test benches, models of a plant, and other languages: the machine stands still unless it is told to go on, so
//! whoever drives it may take all the time there is, and the same requests get the same answers.
//!
//! A request is a line. The answer is any number of lines, and a last one: `ok`, or `error` and why, and then nothing has
//! happened.
//!
//! | request | does |
//! |---|---|
//! | `advance 10ms` | lets so much time pass, and does all that is due on the way; units are us, ms, s, min, h and d, and a number without one is seconds |
//! | `observe` | does what is due now |
//! | `send uart0 "text\n"`, `pin 3 high`, ... | lets something happen from outside, with the next `advance` or `observe`; see [`External`]. To `kill` a task that is not there is an error |
//! | `at 20ms pin 3 low` | the same, at a time since boot; in the past means now |
//! | `digest` | says `digest` and the digest of the machine's life so far |
//! | `reboot` | switches the machine off and on |
//! | `quit` | ends the session |
//!
//! `advance` and `observe` answer with what the machine did meanwhile, in order:
//!
//! | line | says |
//! |---|---|
//! | `time 1500` | what follows happened at this time, in microseconds since boot |
//! | `uart0 "text\n"` | bytes have left a serial port |
//! | `pin 25 high` | the machine has changed a pin |
//! | `idle until 20000` | the machine is at rest until then |
//! | `idle` | ... until something happens |
//! | `busy` | it does not come to rest: time cannot pass |
//! | `stopped poweroff`, `reboot`, `boot loader`, `panic`, `power cut` | it has ended; `reboot` has it begin again |
//!
//! A `time` line with the time that it is now comes before the last of these, always.

use kernel::{platform::Stop, time::Instant};

use crate::{
    External, Outcome, Sim, Span, Wait,
    external::{ExternalError, split_word},
    mistake::listed,
};

/// A machine that is driven by lines.
#[derive(Debug)]
pub struct Lockstep {
    sim: Sim,
}

/// What is answered to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Lines, the last of which is `ok` or begins with `error`.
    pub lines: Vec<String>,
    /// The session is over.
    pub over: bool,
}

impl Lockstep {
    /// Drives a machine, which should be one in virtual time.
    pub fn new(mut sim: Sim) -> Self {
        sim.keep_observed();
        Self { sim }
    }

    /// The machine.
    pub fn sim(&mut self) -> &mut Sim {
        &mut self.sim
    }

    /// Does what a line asks.
    pub fn answer(&mut self, line: &str) -> Answer {
        let mut lines = Vec::new();
        let (last, over) = match self.request(line, &mut lines) {
            Ok(over) => ("ok".to_owned(), over),
            Err(error) => (format!("error {error}"), false),
        };
        lines.push(last);
        Answer { lines, over }
    }

    fn request(&mut self, line: &str, lines: &mut Vec<String>) -> Result<bool, String> {
        let (word, rest) = split_word(line.trim_end());
        let alone =
            || if rest.is_empty() { Ok(()) } else { Err(format!("`{word}` stands alone on its line")) };
        match word {
            "advance" => {
                let Span(span) = rest.parse().map_err(|error| format!("`{rest}` is no time: {error}"))?;
                let end = self.sim.now().saturating_add(span);
                let outcome = self.sim.run_until(end);
                self.report(outcome, lines);
            }
            "observe" => {
                alone()?;
                let outcome = self.sim.settle();
                self.report(outcome, lines);
            }
            "at" => {
                let (at, rest) = split_word(rest);
                let Span(at) = at.parse().map_err(|error| format!("`{at}` is no time: {error}"))?;
                self.happen(Instant::BOOT.saturating_add(at), rest)?;
            }
            "digest" => {
                alone()?;
                lines.push(format!("digest {}", self.sim.digest()));
            }
            "reboot" => {
                alone()?;
                self.sim.reboot().map_err(|error| error.to_string())?;
            }
            "quit" => {
                alone()?;
                return Ok(true);
            }
            _ => self.happen(self.sim.now(), line.trim_end())?,
        }
        Ok(false)
    }

    fn happen(&mut self, at: Instant, text: &str) -> Result<(), String> {
        let external: External = text.parse().map_err(|error: ExternalError| match error {
            ExternalError::UnknownWord { .. } => {
                format!("{error}; beside these there are advance, observe, at, digest, reboot and quit")
            }
            _ => error.to_string(),
        })?;
        // Which tasks there will be later, nobody knows.
        if let External::Kill { task } = &external
            && at <= self.sim.now()
            && !self.sim.task_names().contains(&task.as_str())
        {
            return Err(format!("no task is called `{task}`: there are {}", listed(&self.sim.task_names())));
        }
        self.sim.schedule(at, external).map_err(|error| error.to_string())
    }

    fn report(&mut self, outcome: Outcome, lines: &mut Vec<String>) {
        let mut told = None;
        let mut time = |at: Instant, lines: &mut Vec<String>| {
            if told.replace(at) != Some(at) {
                lines.push(format!("time {}", at.as_micros()));
            }
        };
        for (at, observed) in self.sim.take_observed() {
            time(at, lines);
            lines.push(observed.to_string());
        }
        time(self.sim.now(), lines);
        lines.push(match (outcome, self.sim.waits()) {
            (Outcome::Limit, _) => "busy".to_owned(),
            (_, Wait::Stopped(Stop::PowerOff)) => "stopped poweroff".to_owned(),
            (_, Wait::Stopped(Stop::Reboot)) => "stopped reboot".to_owned(),
            (_, Wait::Stopped(Stop::BootLoader)) => "stopped boot loader".to_owned(),
            (_, Wait::Stopped(Stop::Panic)) => "stopped panic".to_owned(),
            (_, Wait::PowerCut) => "stopped power cut".to_owned(),
            (_, Wait::Until(at)) => format!("idle until {}", at.as_micros()),
            (_, Wait::Forever) => "idle".to_owned(),
            (_, Wait::Nothing) => "busy".to_owned(),
        });
    }
}
