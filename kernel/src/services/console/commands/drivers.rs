//! Drivers under supervision, and ending tasks.

use core::fmt::Write as _;

use super::{Failure, Job, Outcome, Time};
use crate::{
    Handle,
    executor::TaskId,
    inline::Text,
    registry::{CallError, Client, InstanceId, Service as _},
    services::{
        console::{
            list::{Field, Value},
            table::Column,
        },
        supervise::{DriverRow, DriverState, Request, Response, Supervise, TASK},
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
    let number = name.parse().ok();
    // A task can be ended without a supervisor.
    let client = supervise(job).await;
    let mut task = number;
    for index in 0.. {
        let Ok(client) = &client else { break };
        let Some(row) = next_driver(client, index).await? else { break };
        if number == Some(row.supervisor) {
            let driver = row.name;
            return Err(Failure::new(format_args!(
                "this task watches `{driver}`; `kill {driver}` ends that"
            )));
        }
        if let DriverState::Running { task: running } = row.state
            && row.name == name
        {
            task = Some(running);
        }
    }
    if let Some(task) = task {
        spare(job, task)?;
    }
    match number {
        None => drop(client?.call(Request::Kill(name)).await?),
        Some(task) if job.kernel.abort(TaskId(task)) => {}
        Some(task) => return Err(Failure::new(format_args!("there is no task {task}; `ps` lists them"))),
    }
    Ok(())
}

/// Refuses to end what `spawn` could not be typed or carried out without.
fn spare(job: &Job<'_, '_>, task: u32) -> Outcome {
    let Some(why) = needed(job.kernel, job.out.port(), task) else { return Ok(()) };
    let name = task_name(job.kernel, task);
    Err(Failure::new(format_args!("{why} without `{name}`; try `restart {name}`")))
}

/// What a task that runs is called.
fn task_name(kernel: &Handle, task: u32) -> &'static str {
    kernel.next_task(TaskId(task.wrapping_sub(1))).map_or("", |task| task.name)
}

/// Why a console at a port does not end a task: it is the console itself, or serves its port, or starts drivers.
fn needed(kernel: &Handle, port: InstanceId, task: u32) -> Option<&'static str> {
    const CONSOLE: &str = "this console is of no use";
    if kernel.current_task() == Some(TaskId(task)) {
        return Some(CONSOLE);
    }
    let mut after = InstanceId(0);
    while let Some(service) = kernel.services().next_service(after) {
        after = service.instance;
        match service.task == task {
            true if service.instance == port => return Some(CONSOLE),
            true if service.name == Supervise::NAME => return Some("no driver could be started again"),
            _ => {}
        }
    }
    None
}

/// Offers the names of tasks that `kill` may end, or that others may start again.
pub(super) fn offer(kernel: &Handle, port: InstanceId, to_end: bool, offer: &mut dyn FnMut(&str)) {
    let mut after = TaskId(0);
    while let Some(task) = kernel.next_task(after) {
        after = task.id;
        // Those that watch drivers go by their numbers.
        if task.name != TASK && !(to_end && needed(kernel, port, task.id.0).is_some()) {
            offer(task.name);
        }
    }
}

pub(super) async fn restart(job: &mut Job<'_, '_>) -> Outcome {
    let name = name(job, "restart")?;
    let client = supervise(job).await?;
    let services = job.kernel.services();
    let answers = services.next_service(InstanceId(client.instance().0.wrapping_sub(1)));
    let itself = answers.is_some_and(|service| task_name(job.kernel, service.task) == &*name);
    match client.call(Request::Restart(name)).await {
        // It ends before it could answer.
        Err(CallError::Unanswered) if itself => Ok(()),
        outcome => {
            outcome?;
            Ok(())
        }
    }
}

fn name(job: &mut Job<'_, '_>, command: &'static str) -> Result<Text<24>, Failure> {
    let word = job.word()?.ok_or(Failure::Usage(command))?;
    job.done(command)?;
    Text::try_from(word).map_err(|error| Failure::new(format_args!("`{word}` is no name: {error}")))
}
