//! What every task did and when, to look at in <https://ui.perfetto.dev>.
//!
//! `cargo run -p mnemos-tests --example timeline -- echo.pftrace`
//!
//! From the command line the same is `sim-host --timeline FILE`.

use std::fs::{self, File};

use kernel::{
    services::echo::{Echo, Request},
    time::Duration,
};
use sim_host::Sim;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args_os().nth(1).map_or_else(
        || std::env::temp_dir().join(format!("mnemos-example-{}.pftrace", std::process::id())),
        Into::into,
    );
    // A tick takes a microsecond, so that there is something to see.
    let mut sim =
        Sim::builder().tick_cost(Duration::from_micros(1)).timeline(File::create(&path)?).build()?;
    let kernel = sim.kernel();
    let answered = sim.block_on(async move {
        let Ok(echo) = kernel.services().connect::<Echo>((), 4).await else { return 0 };
        let mut answered = 0;
        for number in 0..100 {
            kernel.log().info("example", format_args!("asking for {number}"));
            answered += u32::from(echo.call(Request::Number(number)).await.is_ok());
            kernel.sleep(Duration::from_micros(20)).await;
        }
        answered
    });
    sim.end_timeline()?;
    println!("{answered} requests in {} bytes of {}", fs::metadata(&path)?.len(), path.display());
    assert_eq!(answered, 100);
    if std::env::args_os().nth(1).is_none() {
        fs::remove_file(path)?;
    }
    Ok(())
}
