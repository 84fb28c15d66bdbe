//! The examples of scenarios, on the simulator as a library.

use std::fs;

use kernel::services::console::{Config, Mode};
use sim_host::{Sim, scenario::Scenario};

const CONSOLE: Config = Config { power_off_at_end: true, ..Config::new("uart0", Mode::Terminal, "a test") };

#[test]
fn every_example_passes_with_any_seed() {
    let mut count = 0;
    for entry in fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios")).expect("there are examples")
    {
        let path = entry.expect("a file").path();
        if path.extension().is_none_or(|extension| extension != "scn") {
            continue;
        }
        count += 1;
        let text = fs::read_to_string(&path).expect("a text");
        let scenario =
            Scenario::parse(&path.display().to_string(), &text).unwrap_or_else(|error| panic!("{error}"));
        for seed in 0..5 {
            let mut sim = Sim::builder().seed(seed).console(CONSOLE).build().expect("a machine");
            let report = scenario.run(&mut sim, None).unwrap_or_else(|error| panic!("{error}"));
            assert!(report.passed(), "seed {seed}: {report}");
            assert_eq!(sim.panics(), 0, "seed {seed}: {:?}", sim.last_panic());
        }
    }
    assert!(count >= 5, "{count} examples");
}
