//! A hundred boards in a ring of serial lines pass a token on, for a minute.
//!
//! `cargo run -p mnemos-tests --example fleet`

use kernel::{
    registry::Select,
    services::serial::{Request, Response, Serial},
    time::Duration,
};
use sim_host::{
    Builder, Pace, Sim,
    fleet::{Fleet, Link},
};

/// A board that sends at its second port what comes in at its first.
fn forwarder() -> Builder {
    Sim::builder().uart("uart1", Pace::Unlimited).on_boot(|sim| {
        let kernel = sim.kernel();
        sim.spawn("forwarder", async move {
            let services = kernel.services();
            let port = |label| services.connect_to::<Serial>(Select::Label(label), (), 1);
            let (Ok(from), Ok(to)) = (port("uart0").await, port("uart1").await) else { return };
            while let Ok(Response::Data(chunk)) = from.call(Request::Read).await {
                if to.call(Request::Write(chunk)).await.is_err() {
                    return;
                }
            }
        })
        .detach();
        Ok(())
    })
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    const BOARDS: usize = 100;
    let mut fleet = Fleet::new(0);
    let boards = (0..BOARDS)
        .map(|number| fleet.add(&format!("node{number}"), forwarder()))
        .collect::<Result<Vec<_>, _>>()?;
    let link: Link = "latency 2ms rate 115200 loss 0.001%".parse()?;
    for (from, to) in boards.iter().zip(boards.iter().cycle().skip(1)) {
        fleet.connect(from.port(1), to.port(0), link)?;
    }
    fleet.board(boards[0]).uart(0).send(b"t");
    let began = std::time::Instant::now();
    fleet.run_for(Duration::from_secs(60))?;
    let carried = || boards.iter().filter_map(|board| fleet.carried(board.port(1)));
    let hops: u64 = carried().map(|carried| carried.bytes).sum();
    let lost: u64 = carried().map(|carried| carried.lost).sum();
    println!(
        "{hops} hops in {} of {BOARDS} boards, {:.2} s on this host",
        fleet.now(),
        began.elapsed().as_secs_f64()
    );
    println!("the token is {}", if lost > 0 { "lost" } else { "still on its way" });
    println!("digest {}", fleet.digest());
    Ok(())
}
