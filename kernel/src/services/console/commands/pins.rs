//! GPIO pins.

use super::{Failure, Job, Outcome, Time};
use crate::{
    registry::Client,
    services::{
        console::{
            list::{Field, Value},
            table::Column,
        },
        gpio::{Edge, Gpio, Mode, Pin, Request, Response},
    },
};

const PINS: &[Field] = &[
    Field::shown(Column::right("PIN", 3)),
    Field::shown(Column::left("MODE", 6)),
    Field::shown(Column::left("LEVEL", 5)),
    Field::shown(Column::right("EDGES", 10)),
];

pub(super) async fn gpio(job: &mut Job<'_, '_>) -> Outcome {
    let (pin, verb) = (job.word()?, job.word()?);
    job.done("gpio")?;
    let client = job.kernel.services().try_connect::<Gpio>((), 1).await?;
    let Some(pin) = pin else {
        job.list(PINS, false)?;
        for number in 0..=u8::MAX {
            let Some(pin) = show(&client, number).await? else { break };
            print(job, pin).await?;
        }
        return Ok(job.out.flush().await?);
    };
    let pin: u8 = pin.parse().map_err(|_not_a_number| Failure::Usage("gpio"))?;
    let request = match verb {
        None => {
            let row = show(&client, pin)
                .await?
                .ok_or_else(|| Failure::new(format_args!("there is no pin {pin}; `gpio` lists them")))?;
            job.list(PINS, false)?;
            return print(job, row).await;
        }
        Some("in") => Request::Configure { pin, mode: Mode::Input },
        Some("up") => Request::Configure { pin, mode: Mode::PullUp },
        Some("down") => Request::Configure { pin, mode: Mode::PullDown },
        Some("out") => Request::Configure { pin, mode: Mode::Output },
        Some("high") => Request::Write { pin, high: true },
        Some("low") => Request::Write { pin, high: false },
        Some("wait") => Request::Wait { pin, edge: Edge::Both },
        Some(_) => return Err(Failure::Usage("gpio")),
    };
    if let Response::Edge { at_us, high } = client.call(request).await? {
        let level = level_name(high);
        job.out.line(format_args!("pin {pin} went {level} at {}", Time(at_us))).await?;
    }
    Ok(())
}

async fn show(client: &Client<Gpio>, pin: u8) -> Result<Option<Pin>, Failure> {
    match client.call(Request::Pin(pin)).await? {
        Response::Pin(pin) => Ok(pin),
        _ => Err(Failure::new(format_args!("the gpio service gave an answer to another question"))),
    }
}

async fn print(job: &mut Job<'_, '_>, pin: Pin) -> Outcome {
    let mode = match pin.mode {
        Mode::Input => "in",
        Mode::PullUp => "up",
        Mode::PullDown => "down",
        Mode::Output => "out",
    };
    let values = [
        Value::Number(pin.pin.into()),
        Value::Text(&mode),
        Value::Text(&level_name(pin.high)),
        pin.edges.into(),
    ];
    job.row(PINS, false, &values).await
}

const fn level_name(high: bool) -> &'static str {
    if high { "high" } else { "low" }
}
