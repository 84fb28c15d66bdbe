//! Scenarios: what happens to a machine and what must come of it, as a text that people read.
//!
//! ```text
//! # A person asks, the machine answers and lights its LED.
//! expect uart0 "mnemos> " within 10ms
//! send uart0 "gpio 25 out\ngpio 25 high\n"
//! expect led on within 10ms
//! ```
//!
//! One statement a line; `#` begins a comment, and empty lines say nothing. Statements are carried out one after the other.
//! Some take no time (`send`), others let the machine's time pass (`wait`, `expect`). Time is the machine's, counted from
//! when it was first switched on; in virtual time a scenario of a day takes no longer than what happens in it.
//!
//! | statement | does |
//! |---|---|
//! | `at 100ms STATEMENT` | waits until then first; when it is later already, the scenario fails |
//! | `after 20ms STATEMENT` | waits so long first, from the end of the statement before |
//! | `wait 1s` | lets time pass |
//! | `send uart0 "ps\n"` | types at a serial port: `\n`, `\r`, `\t`, `\"`, `\\`, and `\x04` for any byte |
//! | `name button = pin 14` | a name for a pin, from this line on; `active low` behind it turns what `on` is |
//! | `name modem = uart1` | a name for a serial port |
//! | `press button`, `release button` | drives the pin to what is on, and leaves it alone: its pull decides |
//! | `set pin 3 high` | drives a pin: `high`, `low`, `on`, `off`, or `released` |
//! | `expect uart0 "text" within 50ms` | fails unless the port says this by then |
//! | `expect uart0 /regex/ within 50ms` | the same with a regular expression; `/regex/i` takes any case |
//! | `expect led on within 10ms` | fails unless the pin is `on`, `off`, `high` or `low` by then |
//! | `expect poweroff within 1s` | fails unless the machine ends so by then; also `reboot`, `panic` |
//! | `expect no WHAT for 50ms` | fails if any of these comes within that time |
//! | `fault drop uart0 rx rate 5%` | lets things go wrong from now on: see [`fault`](crate::fault) |
//! | `screenshot "name"` | keeps what the user of `uart0` sees; `screenshot uart1 "name"`; the name may be missing |
//! | `poweroff`, `poweron`, `reboot` | takes the power away, gives it back, or both |
//! | `kill echo`, `garble uart0`, ... | whatever else can happen from outside: see [`External`]; to end a task that is not there fails |
//!
//! `led` is pin 25 unless a scenario names another one so.
//!
//! # What an expectation looks at
//!
//! A port's output since the last expectation of that port that came true: what has matched, and all before it, is done
//! with. `expect no` looks at the same output, what was there before it included, and does away with nothing. Output is text: escape sequences and carriage returns are not in it, and in a
//! regular expression `^` and `$` are the ends of a line. Output and pins are looked at whenever the machine has come to
//! rest, before time goes on. So an answer is seen as a whole if it takes no time, and a pulse that takes none is not seen.
//! The last [`KEPT`] bytes are looked at.
//!
//! A machine that reboots, or whose power a fault cuts, is booted again, and the scenario goes on. One that has powered
//! itself off stays off until `poweron` or `reboot`; to send something to it, or to wait for output of it, is a failure. So is
//! a kernel panic that no `expect panic` has seen at the end.
//!
//! # Example
//!
//! ```
//! use kernel::services::console::{Config, Mode};
//! use sim_host::{Sim, scenario::Scenario};
//!
//! let text = "send uart0 \"echo hello\\n\"\nexpect uart0 /^hello$/ within 5ms\n";
//! let scenario = Scenario::parse("hello.scn", text)?;
//! let mut sim = Sim::builder().console(Config::new("uart0", Mode::Terminal, "a test")).build()?;
//! let report = scenario.run(&mut sim, None)?;
//! assert!(report.passed(), "{report}");
//!
//! let mistakes = Scenario::parse("hello.scn", "sned uart0 \"ps\\n\"").unwrap_err();
//! assert!(mistakes.to_string().contains("hello.scn:1:1: `sned` is no statement: is it `send`?"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod junit;
mod life;
mod names;
mod parse;
mod pattern;
mod port;
mod reason;
mod report;
mod run;
#[cfg(test)]
mod tests;
mod words;

use std::fmt;

use kernel::time::Duration;

use self::pattern::Pattern;
pub use self::{
    junit::junit,
    port::{COLUMNS, KEPT, ROWS},
    reason::Reason,
    report::{Failed, Idle, Report, Screenshot, Verdict, Why},
};
use crate::{
    External, Fault,
    mistake::{Place, Source},
};

/// All mistakes of a scenario.
pub type Mistakes = crate::Mistakes<Reason>;

/// A scenario that has been read. [`parse`](Self::parse) makes one, [`run`](Self::run) carries it out.
#[derive(Debug, Clone)]
pub struct Scenario {
    source: Source,
    statements: Vec<Statement>,
}

/// One statement, and where it is.
#[derive(Debug, Clone)]
struct Statement {
    place: Place,
    when: When,
    what: What,
}

/// When a statement is carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    /// After the one before.
    Next,
    /// So long after power-on.
    At(Duration),
    /// So long after the one before.
    After(Duration),
}

/// What a statement does.
#[derive(Debug, Clone)]
enum What {
    Happen(External),
    Wait(Duration),
    Expect { expected: Expected, within: Duration },
    ExpectNo { unexpected: Expected, lasting: Duration },
    Fault(Fault),
    Screenshot { uart: usize, name: Option<String> },
    PowerOff,
    PowerOn,
    Reboot,
}

/// Something that a machine may do.
#[derive(Debug, Clone)]
enum Expected {
    Output { uart: usize, pattern: Pattern },
    Level { pin: u8, high: bool },
    Ending(Ending),
}

/// How a machine ends by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    PowerOff,
    Reboot,
    Panic,
}

impl Scenario {
    /// What it was called when it was read: its file's name.
    pub fn name(&self) -> &str {
        &self.source.name
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Output { uart, pattern } => write!(f, "uart{uart} {pattern}"),
            Self::Level { pin, high } => write!(f, "pin {pin} {}", if *high { "high" } else { "low" }),
            Self::Ending(ending) => ending.fmt(f),
        }
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PowerOff => "poweroff",
            Self::Reboot => "reboot",
            Self::Panic => "panic",
        })
    }
}
