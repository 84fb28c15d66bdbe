//! A session that somebody had in real time, on a tape, and once more from there: exactly, and at once.
//!
//! `cargo run -p mnemos-tests --example tape`

use std::{fs::File, time::Instant as HostInstant};

use kernel::{
    services::console::{Config, Mode},
    time::Duration,
};
use sim_host::{
    Builder, Sim, Time,
    tape::{Recorder, Tape},
};

fn machine() -> Builder {
    Sim::builder()
        .seed(1)
        .console(Config { power_off_at_end: true, ..Config::new("uart0", Mode::Plain, "an example") })
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::temp_dir().join(format!("mnemos-example-{}.tape", std::process::id()));
    let mut sim = machine().time(Time::Real).build()?;
    // The options are the tape's own affair: whoever replays it must build the same machine.
    sim.record(Recorder::new(File::create(&path)?, [("seed", "1".to_owned())])?)?;
    let began = HostInstant::now();
    for line in ["random 4\n", "sleep 200ms\n", "uptime\n"] {
        sim.uart(0).send(line.as_bytes());
        sim.run_for(Duration::from_millis(300));
    }
    sim.end_recording()?;
    let said = sim.uart(0).take_text();
    print!("{said}");
    println!("recorded in {:.2} s", began.elapsed().as_secs_f64());

    let tape = Tape::parse(&std::fs::read(&path)?)?;
    std::fs::remove_file(&path)?;
    let began = HostInstant::now();
    let mut again = machine().build()?;
    tape.replay(&mut again)?;
    println!(
        "replayed in {:.4} s: {} inputs, {} steps",
        began.elapsed().as_secs_f64(),
        tape.inputs(),
        tape.steps()
    );
    assert_eq!(again.uart(0).take_text(), said);
    assert_eq!(again.digest(), sim.digest());
    Ok(())
}
