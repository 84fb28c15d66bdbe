//! A machine after a day, and ten ways in which it may go on from there.
//!
//! `cargo run -p mnemos-tests --example branches`

use kernel::{event::Kinds, time::Duration};
use sim_host::{Sim, branch::branch};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut sim = Sim::builder().events(Kinds::ALL).build()?;
    let kernel = sim.kernel();
    sim.spawn("hourly", async move {
        loop {
            kernel.sleep(Duration::from_secs(3600)).await;
        }
    })
    .detach();
    sim.run_for(Duration::from_secs(86_400));
    let branches = branch(10, 2, |number| {
        sim.run_for(Duration::from_secs(number as u64 * 3600));
        format!("{} {}", sim.now(), sim.digest()).into_bytes()
    })?;
    for branch in &branches {
        println!("{}", String::from_utf8_lossy(branch));
    }
    assert_eq!(branches.len(), 10);
    assert_eq!(sim.now(), kernel::time::Instant::from_secs(86_400), "the machine itself has not gone on");
    Ok(())
}
