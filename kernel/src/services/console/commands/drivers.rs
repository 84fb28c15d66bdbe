//! Drivers under supervision, and ending tasks.

use core::fmt::Write as _;

use super::{Failure, Job, Outcome, Time};
use crate::{
    executor::TaskId,
    inline::Text,
    registry::Client,
    services::{
        console::{
            list::{Field, Value},
            table::Column,
        },
        supervise::{DriverRow, DriverState, Request, Response, Supervise},
    },
};

const DRIVERS: &[Field] = &[
    Field::new("driver", Column::left("DRIVER", 16)),
    Field::new("state", Column::left("STATE", 20)),
    Field::new("restart", Column::left("RESTART", 10)),
    Field::new("starts", Column::right("STARTS", 6)),
    Field::new("last_ending", Column::open("LAST ENDING")),
];

async fn supervise(job: &Job<'_, '_>) -> Result<Client<Supervise>, Failure> {
    Ok(job.kernel.services().try_connect::<Supervise>((), 1).await?)
}

pub(super) async fn list(job: &mut Job<'_, '_>) -> Outcome {
    let json = job.json("drivers")?;
    let client = supervise(job).await?;
    job.list(DRIVERS, json)?;
    for index in 0.. {
        let Some(row) = next_driver(&client, index).await? else { break };
        let mut state = Text::<24>::new();
        match row.state {
            DriverState::Running { task } => write!(state, "running as task {task}")?,
            DriverState::Waiting { until_us } => write!(state, "waits until {}", Time(until_us))?,
            DriverState::Stopped => state = Text::cut("stopped"),
            DriverState::GivenUp => state = Text::cut("given up"),
        }
        let values = [
            Value::Text(&row.name),
            Value::Text(&state),
            Value::Text(&row.restart),
            row.starts.into(),
            Value::Text(&row.last_ending),
        ];
        job.row(DRIVERS, json, &values).await?;
    }
    Ok(())
}

async fn next_driver(client: &Client<Supervise>, index: u16) -> Result<Option<DriverRow>, Failure> {
    match client.call(Request::Driver(index)).await? {
        Response::Driver(row) => Ok(row),
        _ => Err(Failure::new(format_args!("the supervisor gave an answer to another question"))),
    }
}

pub(super) async fn spawn(job: &mut Job<'_, '_>) -> Outcome {
    let name = name(job, "spawn")?;
    supervise(job).await?.call(Request::Start(name)).await?;
    Ok(())
}

pub(super) async fn kill(job: &mut Job<'_, '_>) -> Outcome {
    let name = name(job, "kill")?;
    let own = job.kernel.current_task();
    if let Ok(task) = name.parse() {
        if own == Some(TaskId(task)) {
            return Err(Failure::new(format_args!("this console runs on task {task}; `poweroff` ends it")));
        }
        return if job.kernel.abort(TaskId(task)) {
            Ok(())
        } else {
            Err(Failure::new(format_args!("there is no task {task}; `ps` lists them")))
        };
    }
    let client = supervise(job).await?;
    for index in 0.. {
        let Some(row) = next_driver(&client, index).await? else { break };
        // Nobody would be left to type `spawn`.
        if let DriverState::Running { task } = row.state
            && own == Some(TaskId(task))
            && row.name == name
        {
            return Err(Failure::new(format_args!(
                "this console would be gone for good; try `restart {name}`"
            )));
        }
    }
    client.call(Request::Kill(name)).await?;
    Ok(())
}

pub(super) async fn restart(job: &mut Job<'_, '_>) -> Outcome {
    let name = name(job, "restart")?;
    supervise(job).await?.call(Request::Restart(name)).await?;
    Ok(())
}

fn name(job: &mut Job<'_, '_>, command: &'static str) -> Result<Text<24>, Failure> {
    let word = job.word()?.ok_or(Failure::Usage(command))?;
    job.done(command)?;
    Text::try_from(word).map_err(|error| Failure::new(format_args!("`{word}` is no name: {error}")))
}
