//! A day of a machine that wakes each second, in less than one; and what stands for it.
//!
//! `cargo run -p mnemos-tests --example virtual_time`

use kernel::time::{Duration, Instant};
use sim_host::{Drive, External, Outcome, Sim};

const DAY: Duration = Duration::from_secs(86_400);

fn live(seed: u64) -> Result<Sim, Box<dyn std::error::Error>> {
    let mut sim = Sim::builder().seed(seed).build()?;
    let kernel = sim.kernel();
    let ticking = sim.spawn("ticking", async move {
        for second in 1..=DAY.as_micros() / 1_000_000 {
            kernel.sleep_until(Instant::from_secs(second)).await;
        }
        kernel.now()
    });
    // Somebody presses a button at noon, and lets go of it.
    sim.schedule(Instant::from_secs(43_200), External::Pin { pin: 3, drive: Drive::High })?;
    sim.schedule(Instant::from_secs(43_201), "pin 3 released".parse()?)?;
    assert_eq!(sim.run_for(DAY), Outcome::TimeReached);
    assert!(ticking.is_finished());
    Ok(sim)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let began = std::time::Instant::now();
    let (one, other) = (live(1)?, live(1)?);
    println!("two days took {:.2} s", began.elapsed().as_secs_f64());
    assert_eq!(one.digest(), other.digest());
    println!("both are the same life: {}", one.digest());
    Ok(())
}
