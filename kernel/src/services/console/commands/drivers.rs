//! Drivers under supervision, and ending tasks.

use core::fmt::Write as _;

use super::{Failure, Job, Outcome, Time};
use crate::{
    executor::TaskId,
    inline::Text,
    registry::{Client, InstanceId, Service as _},
    services::{
        console::{
            list::{Field, Value},
            table::Column,
        },
        serial::Serial,
        supervise::{DriverRow, DriverState, Request, Response, Supervise},
    },
};

const DRIVERS: &[Field] = &[
    Field::new("driver", Column::left("DRIVER", 16)),
    Field::hidden("supervisor"),
    Field::new("state", Column::left("STATE", 20)),
    Field::new("restart", Column::left("RESTART", 10)),
    Field::new("starts", Column::right("STARTS", 6)),
    Field::new("last_ending", Column::open("LAST ENDING")),
];

pub(super) async fn supervise(job: &Job<'_, '_>) -> Result<Client<Supervise>, Failure> {
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
            row.supervisor.into(),
            Value::Text(&state),
            Value::Text(&row.restart),
            row.starts.into(),
            Value::Text(&row.last_ending),
        ];
        job.row(DRIVERS, json, &values).await?;
    }
    Ok(())
}

pub(super) async fn next_driver(
    client: &Client<Supervise>,
    index: u16,
) -> Result<Option<DriverRow>, Failure> {
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
    if let Ok(task) = name.parse() {
        spare_own(job, task)?;
        // Without a supervisor there is nobody to be spared.
        if let Ok(client) = supervise(job).await {
            for index in 0.. {
                let Some(row) = next_driver(&client, index).await? else { break };
                if row.supervisor == task {
                    let driver = row.name;
                    return Err(Failure::new(format_args!(
                        "task {task} watches `{driver}`; `kill {driver}` ends that"
                    )));
                }
            }
        }
        if !job.kernel.abort(TaskId(task)) {
            return Err(Failure::new(format_args!("there is no task {task}; `ps` lists them")));
        }
        return Ok(());
    }
    let client = supervise(job).await?;
    for index in 0.. {
        let Some(row) = next_driver(&client, index).await? else { break };
        if let DriverState::Running { task } = row.state
            && row.name == name
        {
            spare_own(job, task)?;
        }
    }
    client.call(Request::Kill(name)).await?;
    Ok(())
}

/// Refuses to end this console's task, or that of its port: nobody would be left to type `spawn`.
fn spare_own(job: &Job<'_, '_>, task: u32) -> Outcome {
    if job.kernel.current_task() == Some(TaskId(task)) {
        return Err(Failure::new(format_args!(
            "this console would be gone for good; `restart` starts it anew, `poweroff` ends all"
        )));
    }
    let services = job.kernel.services();
    let mut after = InstanceId(0);
    while let Some(service) = services.next_service(after) {
        after = service.instance;
        let port = job.config.port;
        if service.task == task && service.uuid == Serial::UUID && *service.label == *port {
            return Err(Failure::new(format_args!(
                "this console would be deaf for good without `{port}`; try `restart {port}`"
            )));
        }
    }
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
