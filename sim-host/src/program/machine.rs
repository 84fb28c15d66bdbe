//! The machine that the options ask for.

use kernel::{
    event::{Kind, Kinds},
    heap::SteadyState,
    log::Level,
    services::console,
};
use sim_host::{Builder, Pace, Sim, Time};

use super::{
    options::{self, AllocPolicy, Baud, Options, Without},
    shell::quoted,
    wire::Mode,
};

/// The serial port with the console.
const PORT: &str = "uart0";

/// The events of a machine whose life is looked at as a whole: all but those whose numbers depend on the compiler, so that a
/// tape is good for more than one build.
const WATCHED: Kinds = Kinds::ALL.without(Kind::Allocate).without(Kind::Free);

/// Describes the machine with a console on its serial port.
pub(crate) fn describe(options: &Options, mode: Mode) -> Builder {
    let time = match options.time {
        _ if options.replay.is_some() || options.lockstep.is_some() || !options.scenarios.is_empty() => {
            Time::Virtual
        }
        options::Time::Real => Time::Real,
        options::Time::Virtual => Time::Virtual,
        options::Time::Scaled(times) => Time::Scaled(times),
    };
    on(Sim::builder(), options, mode).time(time).seed(options.seed).events(kinds(options))
}

/// The kinds of events that are recorded.
pub(crate) fn kinds(options: &Options) -> Kinds {
    if options.is_watched() { WATCHED } else { Kinds::DEFAULT }
}

/// The machine as the options of an exploration describe it, on top of what exploration wants. In virtual time.
pub(crate) fn on(builder: Builder, options: &Options, mode: Mode) -> Builder {
    let console_mode = match mode {
        Mode::Terminal => console::Mode::Terminal,
        Mode::Plain => console::Mode::Plain,
    };
    let console = console::Config {
        // The seed is all that tells two simulated machines apart.
        serial_number: Some(options.seed),
        power_off_at_end: true,
        ..console::Config::new(PORT, console_mode, "the simulator")
    };
    let pace = match options.baud {
        Baud::Unlimited => Pace::Unlimited,
        Baud::Limited(rate) => Pace::Baud(rate.get()),
    };
    let policy = match options.alloc_policy {
        AllocPolicy::Allow => SteadyState::Allow,
        AllocPolicy::Report => SteadyState::Report,
        AllocPolicy::Deny => SteadyState::Deny,
    };
    let log = options.log.clone();
    // The console's `log` shows what the machine keeps: let there be something to see.
    let level = if log.targets.is_empty() { log.level.max(Level::Info) } else { log.level };
    let builder = match options.without {
        Some(Without::I2c) => builder.without_i2c(),
        None => builder,
    };
    options
        .faults
        .iter()
        .fold(builder, |builder, fault| builder.fault(fault.clone()))
        .heap(options.heap.0)
        .uart(PORT, pace)
        .alloc_policy(policy)
        .log_level(level)
        .console(console)
        .on_boot(move |sim| {
            for (target, level) in &log.targets {
                // There is room for all: the options see to that.
                let _ = sim.kernel().log().set_target(target, Some(*level));
            }
            Ok(())
        })
}

/// Says on stderr which faults, of machines that all have the same, have never had an effect on any: such a rule is mostly a
/// mistake.
pub(crate) fn warn_of_idle_faults<'s>(machines: impl IntoIterator<Item = &'s Sim>) {
    let idle_on_all = machines.into_iter().map(Sim::idle_faults).reduce(|mut idle, more| {
        idle.retain(|fault| more.iter().any(|other| other.number == fault.number));
        idle
    });
    for fault in idle_on_all.into_iter().flatten() {
        eprintln!("sim-host: warning: {fault}");
    }
}

/// The options that an exploration's machine depends on, as they are typed; with a blank behind each.
pub(crate) fn as_arguments(options: &Options) -> String {
    let mut arguments = String::new();
    let defaults = Options::defaults();
    if options.heap != defaults.heap {
        arguments += &format!("--heap {} ", options.heap.0);
    }
    if let Baud::Limited(rate) = options.baud {
        arguments += &format!("--baud {rate} ");
    }
    match options.alloc_policy {
        AllocPolicy::Report => {}
        AllocPolicy::Allow => arguments += "--alloc-policy allow ",
        AllocPolicy::Deny => arguments += "--alloc-policy deny ",
    }
    if let Some(Without::I2c) = options.without {
        arguments += "--without i2c ";
    }
    for fault in &options.faults {
        arguments += &format!("--fault {} ", quoted(&fault.to_string()));
    }
    arguments
}
