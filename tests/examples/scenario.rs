//! What a machine must do, as a text; and a machine that does not.
//!
//! `cargo run -p mnemos-tests --example scenario`
//!
//! From the command line the same is `sim-host --scenario FILE`.

use kernel::services::console::{Config, Mode};
use sim_host::{Sim, scenario::Scenario};

const CONSOLE: Config = Config::new("uart0", Mode::Terminal, "an example");

const BLINK: &str = r#"
expect uart0 /^mnemos> $/ within 10ms
send uart0 "gpio 25 out\ngpio 25 high\n"
expect led on within 5ms
send uart0 "gpio 25 low\n"
expect led off within 5ms
"#;

fn run(name: &str, text: &str) -> Result<bool, Box<dyn std::error::Error>> {
    let scenario = Scenario::parse(name, text)?;
    let mut sim = Sim::builder().console(CONSOLE).build()?;
    let report = scenario.run(&mut sim, None)?;
    println!("{report}\n");
    Ok(report.passed())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    assert!(run("blink.scn", BLINK)?);
    // A board on which the LED is not where this one has it.
    assert!(!run("elsewhere.scn", &format!("name led = pin 24\n{BLINK}"))?);
    let mistakes = run("mistyped.scn", &BLINK.replace("expect led", "exepct led"));
    println!("{}", mistakes.err().ok_or("a text with mistakes was run")?);
    Ok(())
}
