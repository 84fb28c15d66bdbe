//! A driver of a thermometer, over the bus's service, and a bus on which a fifth of all bytes is not acknowledged.
//!
//! `cargo run -p mnemos-tests --example i2c_nak`
//!
//! The driver tries again, but not for ever: when the thermometer is gone, its clients are told so.

use std::{convert::Infallible, error::Error};

use kernel::{
    Handle,
    registry::{CallError, Client, Service, Uuid, Version},
    services::{
        Never,
        i2c::{self, Data, I2c},
    },
    time::{Duration, Instant},
};
use sim_host::{Sim, i2c::Thermometer};

/// How often the driver tries for one answer.
const TRIES: u32 = 8;

/// What it waits between two tries.
const PAUSE: Duration = Duration::from_millis(1);

/// The contract: a client asks for the temperature, and gets sixteenths of a degree.
enum Temperature {}

/// Nobody has acknowledged, however often it was tried: what came of the last try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Gone(CallError<i2c::Error>);

impl Service for Temperature {
    type Request = ();
    type Response = i16;
    type Error = Gone;
    type Hello = ();
    type ConnectError = Never;

    const UUID: Uuid = Uuid::from_u128(0x1c37_90aa_5e0b_4d64_8f0c_2b7d_d415_96e8);
    const NAME: &'static str = "temperature";
    const VERSION: Version = Version::new(1, 0);
}

/// The driver.
async fn serve(kernel: Handle) -> Result<Infallible, Box<dyn Error>> {
    let bus = kernel.services().connect::<I2c>((), 1).await?;
    let mut server = kernel.services().bind::<Temperature>("").await?;
    kernel.ready();
    loop {
        let call = server.next_call().await;
        let answer = measure(&kernel, &bus).await;
        // A client that has given up meanwhile does not miss the answer.
        let _ = call.reply(answer);
    }
}

/// Reads register 0, and tries again if somebody does not acknowledge.
async fn measure(kernel: &Handle, bus: &Client<I2c>) -> Result<i16, Gone> {
    let mut tries = 1;
    loop {
        let write = Data::cut(&[0]);
        let read = i2c::Request::Transfer { address: Thermometer::ADDRESS, write, read: 2 };
        match bus.call(read).await {
            Ok(i2c::Response::Data(data)) => {
                let [high, low] = [data.first(), data.get(1)].map(|byte| byte.copied().unwrap_or_default());
                return Ok(i16::from_be_bytes([high, low]) >> 4);
            }
            Err(CallError::Service(_)) if tries < TRIES => tries += 1,
            Err(error) => return Err(Gone(error)),
        }
        kernel.sleep(PAUSE).await;
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut sim = Sim::builder()
        .seed(7)
        .fault("nak i2c 0x48 rate 20% until 10s".parse()?)
        .fault("nak i2c 0x48 from 10s until 20s".parse()?)
        .fault("stick i2c from 20s until 30s".parse()?)
        .on_boot(|sim| {
            sim.spawn("thermometer", serve(sim.kernel())).detach();
            Ok(())
        })
        .build()?;
    let mut ask = |at_s| {
        sim.run_until(Instant::from_secs(at_s));
        let kernel = sim.kernel();
        let answer = sim.block_on(async move {
            let thermometer = kernel.services().connect::<Temperature>((), 1).await.expect("it runs");
            thermometer.call(()).await
        });
        println!("{:>9.3} s  {answer:?}", sim.now().as_micros() as f64 / 1e6);
        answer
    };
    let warm = Ok(21 * 16 + 8);
    for at_s in 0..10 {
        assert_eq!(ask(at_s), warm, "a bad bus is borne");
    }
    let refused = CallError::Service(i2c::Error::AddressNotAcknowledged { written: 0 });
    assert_eq!(ask(10), Err(CallError::Service(Gone(refused))), "nobody is there");
    let stuck = CallError::Service(i2c::Error::BusStuck);
    assert_eq!(ask(20), Err(CallError::Service(Gone(stuck))), "the bus stands still");
    assert_eq!(ask(30), warm, "and all is well again");
    for count in sim.faults() {
        println!("{:>4} times: {}", count.hits, count.fault);
        assert!(count.hits > 0);
    }
    assert_eq!(sim.panics(), 0);
    Ok(())
}
