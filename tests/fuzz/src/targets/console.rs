//! Bytes, typed at the console of a whole virtual machine.

use kernel::{
    services::console::{Config, editor::Mode},
    time::Duration,
};
use sim_host::{Sim, Time};

use crate::Choices;

/// Steps of a machine that goes on: somebody may well have told it to ping for ever.
const STEPS: u64 = 3_000;

/// Nothing that is typed makes the kernel panic, or one of its drivers.
pub fn run(bytes: &[u8]) {
    let mut choices = Choices(bytes);
    let mode = if choices.byte() % 2 == 0 { Mode::Plain } else { Mode::Terminal };
    let config =
        Config { serial_number: Some(1), has_boot_loader: true, ..Config::new("uart0", mode, "fuzzed") };
    let builder = Sim::builder().heap(64 * 1024).time(Time::Virtual).step_limit(STEPS).console(config);
    let mut sim = builder.build().expect("the heap is large enough");
    sim.uart(0).send(choices.rest());
    let _ = sim.run_for(Duration::from_secs(10));
    assert_eq!(sim.panics(), 0, "{:?}", sim.last_panic());
}
