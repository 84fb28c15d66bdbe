//! What may go wrong with a machine, by rules; and a driver that comes back.
//!
//! `cargo run -p mnemos-tests --example faults`

use kernel::{
    services::console::{Config, Mode},
    time::Duration,
};
use sim_host::Sim;

const CONSOLE: Config = Config::new("uart0", Mode::Plain, "an example");

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut sim = Sim::builder()
        .console(CONSOLE)
        .seed(3)
        .fault("corrupt uart0 rx rate 30% until 1s".parse()?)
        .fault("kill echo at 1s".parse()?)
        .fault("power cut at 2500ms".parse()?)
        .build()?;
    for line in ["ping\n", "services\n", "ping\n", "spawn echo\n", "ping\n", "uptime\n"] {
        // On a line of its own, whatever is left of the one before.
        sim.uart(0).send(format!("\x03\n{line}").as_bytes());
        sim.run_for(Duration::from_millis(700));
        if sim.come_back()? {
            println!("-- the power fails, and comes back");
        }
        print!("-- {line}{}", sim.uart(0).take_text());
    }
    for count in sim.faults() {
        println!("{:>4} times: {}", count.hits, count.fault);
        assert!(count.hits > 0);
    }
    assert_eq!(sim.panics(), 0);
    Ok(())
}
