//! How fast the laboratory is: what `scripts/lab-throughput` prints.

use std::time::Instant;

use kernel::{Handle, services::console, time::Duration};
use sim_host::{
    Builder, Sim, SimError,
    branch::branch,
    explore::{ExploreError, Explorer, console::type_lines, cores},
    fleet::Fleet,
};

/// How often each is done.
const TIMES: usize = 2000;

fn machine() -> Builder {
    with_console(Sim::builder())
}

fn with_console(machine: Builder) -> Builder {
    machine.console(console::Config {
        power_off_at_end: true,
        ..console::Config::new("uart0", console::Mode::Plain, "the simulator")
    })
}

/// A machine whose console waits for a line.
fn booted() -> Result<Sim, Box<dyn std::error::Error>> {
    let mut sim = machine().build()?;
    type_lines(&mut sim, 0, &[])?;
    Ok(sim)
}

fn each(what: &str, began: Instant) {
    println!("{what:<42} {:>8.0} us", began.elapsed().as_secs_f64() * 1e6 / TIMES as f64);
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let line = "echo a line".to_owned();
    let began = Instant::now();
    for _ in 0..TIMES {
        drop(booted()?);
    }
    each("boot to the prompt", began);
    let began = Instant::now();
    for _ in 0..TIMES {
        type_lines(&mut booted()?, 0, &[&line])?;
    }
    each("boot, and a line at the console", began);
    let mut sim = booted()?;
    let began = Instant::now();
    branch(TIMES, 1, |_| Vec::new())?;
    each("a copy of the process that does nothing", began);
    let began = Instant::now();
    branch(TIMES, 1, |_| {
        let typed = type_lines(&mut sim, 0, &[&line]);
        typed.map_or_else(|failure| failure.to_string(), |()| String::new()).into_bytes()
    })?;
    each("a copy of the process, and a line", began);
    threads("exploration by one thread", 1)?;
    threads("exploration by a thread for each core", cores())?;
    virtual_time("idle", machine().build()?);
    virtual_time("a task that wakes every millisecond", ticking()?);
    fleet()?;
    Ok(())
}

/// Explores with threads, which wait for each other's critical sections.
fn threads(what: &str, threads: usize) -> Result<(), ExploreError> {
    const SEEDS: u64 = 10_000;
    let lines: Vec<String> =
        include_str!("../../tests/session/ten-lines.txt").lines().map(str::to_owned).collect();
    let began = Instant::now();
    let explorer = Explorer::new(
        &lines,
        |machine| with_console(machine.without_digest()).build(),
        |sim, lines| type_lines(sim, 0, lines),
    );
    explorer.threads(threads).explore(0..SEEDS)?;
    println!("{what:<42} {:>8.0} seeds a minute", SEEDS as f64 * 60.0 / began.elapsed().as_secs_f64());
    Ok(())
}

/// How much of its own time a machine lives in a second.
fn virtual_time(what: &str, mut sim: Sim) {
    let began = Instant::now();
    let mut lived = 0.0;
    while began.elapsed().as_secs_f64() < 1.0 {
        sim.run_for(Duration::from_secs(1));
        lived += 1.0;
    }
    println!("{:<42} {:>8.0} virtual seconds a second", what, lived / began.elapsed().as_secs_f64());
}

fn ticking() -> Result<Sim, SimError> {
    let sim = machine().build()?;
    sim.spawn("ticking", tick(sim.kernel(), Duration::from_millis(1))).detach();
    Ok(sim)
}

async fn tick(kernel: Handle, period: Duration) {
    loop {
        kernel.sleep(period).await;
    }
}

/// What boards take that are at rest, and how fast a fleet of them lives.
fn fleet() -> Result<(), Box<dyn std::error::Error>> {
    const BOARDS: usize = 1000;
    let before = resident()?;
    let mut fleet = Fleet::new(0);
    for number in 0..BOARDS {
        fleet.add(&format!("node{number}"), machine())?;
    }
    fleet.run_for(Duration::from_secs(1))?;
    let board = (resident()? - before) / BOARDS;
    println!("{:<42} {:>8} boards a GiB, of {board} bytes each", "boards at rest", (1 << 30) / board.max(1));
    for board in fleet.boards() {
        let kernel = fleet.board(board).kernel();
        fleet.board(board).spawn("ticking", tick(kernel, Duration::from_secs(1))).detach();
    }
    let began = Instant::now();
    fleet.run_for(Duration::from_secs(1000))?;
    let seconds = began.elapsed().as_secs_f64();
    let lived = (BOARDS * 1000) as f64 / seconds;
    println!(
        "{:<42} {lived:>8.0} virtual seconds of a board a second",
        "a fleet of 1000 that wake each second"
    );
    Ok(())
}

/// Bytes of memory that the process has.
fn resident() -> Result<usize, Box<dyn std::error::Error>> {
    let pages = std::fs::read_to_string("/proc/self/statm")?;
    let resident: usize = pages.split(' ').nth(1).ok_or("no resident pages")?.parse()?;
    Ok(resident * 4096)
}
