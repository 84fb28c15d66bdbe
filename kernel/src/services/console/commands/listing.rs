//! Lists read from the inspection service: tasks, services, connections, interrupt lines.

use core::fmt::Write as _;

use super::{Failure, Job, Outcome, Time};
use crate::{
    inline::Text,
    registry::Client,
    services::{
        console::{
            json::Json,
            table::{Column, Size, Table},
        },
        inspect::{Connection, Inspect, Interrupt, Request, Response, ServiceRow, Task, TaskState},
    },
    time::Duration,
};

const TASKS: Table<8> = Table::new([
    Column::right("TASK", 5),
    Column::left("NAME", 16),
    Column::left("STATE", 7),
    Column::right("POLLS", 9),
    Column::right("WAKES", 9),
    Column::right("BUSY", 12),
    Column::right("LONGEST", 12),
    Column::right("MEMORY", 10),
]);

const SERVICES: Table<7> = Table::new([
    Column::right("INSTANCE", 8),
    Column::left("SERVICE", 12),
    Column::left("LABEL", 8),
    Column::left("VERSION", 7),
    Column::right("CLIENTS", 7),
    Column::right("ANSWERED", 10),
    Column::open("UUID"),
]);

const CONNECTIONS: Table<6> = Table::new([
    Column::right("CONNECTION", 10),
    Column::left("SERVICE", 12),
    Column::right("INSTANCE", 8),
    Column::right("TASK", 5),
    Column::right("SLOTS", 7),
    Column::right("REQUESTS", 10),
]);

const INTERRUPTS: Table<2> = Table::new([Column::left("LINE", 16), Column::right("FIRED", 10)]);

/// A connection to the inspection service, for one command.
pub(super) async fn inspect(job: &Job<'_, '_>) -> Result<Client<Inspect>, Failure> {
    Ok(job.kernel.services().try_connect::<Inspect>((), 1).await?)
}

/// The service has answered something else than it was asked for.
pub(super) fn mixed_up() -> Failure {
    Failure::new(format_args!("the inspection service gave an answer to another question"))
}

async fn next_task(client: &Client<Inspect>, after: u32) -> Result<Option<Task>, Failure> {
    match client.call(Request::Task(after)).await? {
        Response::Task(task) => Ok(task),
        _ => Err(mixed_up()),
    }
}

pub(super) async fn tasks(job: &mut Job<'_, '_>) -> Outcome {
    let json = job.json("ps")?;
    let client = inspect(job).await?;
    if !json {
        TASKS.header(job.out)?;
    }
    let mut after = 0;
    while let Some(task) = next_task(&client, after).await? {
        after = task.id;
        let state = state_name(task.state);
        if json {
            let mut json = Json::new(job.out);
            json.begin_object()?.key("task")?.number(task.id.into())?.key("name")?.string(task.name)?;
            json.key("state")?.string(state)?.key("polls")?.number(task.polls.into())?;
            json.key("wakes")?.number(task.wakes.into())?;
            json.key("busy_us")?.number(task.busy_us)?.key("longest_us")?.number(task.longest_us.into())?;
            json.key("bytes")?.number(task.bytes.into())?.end()?;
        } else {
            let (busy, longest) = (Time(task.busy_us), Time(task.longest_us.into()));
            let memory = Size(task.bytes.into());
            let cells: [&dyn core::fmt::Display; 8] =
                [&task.id, &task.name, &state, &task.polls, &task.wakes, &busy, &longest, &memory];
            write_row(&TASKS, job, cells)?;
        }
        finish_row(job, json).await?;
    }
    Ok(())
}

/// A row of a table, without waiting.
pub(super) fn write_row<const N: usize>(
    table: &Table<N>,
    job: &mut Job<'_, '_>,
    cells: [&dyn core::fmt::Display; N],
) -> Outcome {
    Ok(table.row(job.out, cells)?)
}

/// Sends a row that was written; JSON still needs the end of its line.
pub(super) async fn finish_row(job: &mut Job<'_, '_>, json: bool) -> Outcome {
    if json {
        job.out.end_line().await?;
    } else {
        job.out.flush().await?;
    }
    Ok(())
}

const fn state_name(state: TaskState) -> &'static str {
    match state {
        TaskState::Running => "running",
        TaskState::Ready => "ready",
        TaskState::Waiting => "waiting",
    }
}

/// The tasks of which `top` remembers what they had used.
const WATCHED: usize = 32;

pub(super) async fn top(job: &mut Job<'_, '_>) -> Outcome {
    let seconds = number(job, "top", 1)?;
    let count = number(job, "top", 1)?;
    job.done("top")?;
    let client = inspect(job).await?;
    for _ in 0..count {
        let mut before = [(0, 0, 0); WATCHED];
        let mut after = 0;
        for slot in &mut before {
            let Some(task) = next_task(&client, after).await? else { break };
            after = task.id;
            *slot = (task.id, task.polls, task.busy_us);
        }
        let start = job.kernel.now();
        job.kernel.sleep(Duration::from_secs(seconds)).await;
        let elapsed_us = job.kernel.now().since(start).as_micros().max(1);
        job.out.line(format_args!(" TASK  NAME                BUSY      POLLS/s")).await?;
        after = 0;
        while let Some(task) = next_task(&client, after).await? {
            after = task.id;
            let known = before.iter().find(|(id, ..)| *id == task.id);
            let (polls, busy_us) = known.map_or((0, 0), |(_, polls, busy_us)| (*polls, *busy_us));
            let permille = task.busy_us.saturating_sub(busy_us).saturating_mul(1000) / elapsed_us;
            let polls = u64::from(task.polls.wrapping_sub(polls)).saturating_mul(1_000_000) / elapsed_us;
            let (id, name, whole, tenth) = (task.id, task.name.as_str(), permille / 10, permille % 10);
            job.out.line(format_args!("{id:>5}  {name:16} {whole:>5}.{tenth} % {polls:>12}")).await?;
        }
    }
    Ok(())
}

/// The next word as a number, or a default.
pub(super) fn number(job: &mut Job<'_, '_>, name: &'static str, default: u64) -> Result<u64, Failure> {
    match job.word()? {
        None => Ok(default),
        Some(word) => word.parse().map_err(|_not_a_number| Failure::Usage(name)),
    }
}

pub(super) async fn services(job: &mut Job<'_, '_>) -> Outcome {
    let json = job.json("services")?;
    let client = inspect(job).await?;
    if !json {
        SERVICES.header(job.out)?;
    }
    let mut after = 0;
    while let Some(row) = next_service(&client, after).await? {
        after = row.instance;
        let uuid = crate::registry::Uuid::from_bytes(row.uuid);
        if json {
            let mut json = Json::new(job.out);
            json.begin_object()?
                .key("instance")?
                .number(row.instance.into())?
                .key("service")?
                .string(row.name)?;
            json.key("label")?.string(row.label)?.key("version")?.string(row.version)?;
            json.key("task")?.number(row.task.into())?.key("clients")?.number(row.clients.into())?;
            json.key("answered")?.number(row.answered.into())?.key("programs")?.boolean(row.programs)?;
            json.key("uuid")?.string(uuid)?.end()?;
        } else {
            let mut version = Text::<16>::new();
            write!(version, "{}", row.version)?;
            let cells: [&dyn core::fmt::Display; 7] =
                [&row.instance, &row.name, &row.label, &version, &row.clients, &row.answered, &uuid];
            write_row(&SERVICES, job, cells)?;
        }
        finish_row(job, json).await?;
    }
    Ok(())
}

async fn next_service(client: &Client<Inspect>, after: u32) -> Result<Option<ServiceRow>, Failure> {
    match client.call(Request::Service(after)).await? {
        Response::Service(service) => Ok(service),
        _ => Err(mixed_up()),
    }
}

pub(super) async fn connections(job: &mut Job<'_, '_>) -> Outcome {
    let json = job.json("connections")?;
    let client = inspect(job).await?;
    if !json {
        CONNECTIONS.header(job.out)?;
    }
    let mut after = 0;
    while let Some(row) = next_connection(&client, after).await? {
        after = row.id;
        if json {
            let mut json = Json::new(job.out);
            json.begin_object()?
                .key("connection")?
                .number(row.id.into())?
                .key("service")?
                .string(row.service)?;
            json.key("instance")?.number(row.instance.into())?.key("task")?.number(row.client.into())?;
            json.key("depth")?.number(row.depth.into())?.key("busy")?.number(row.busy.into())?;
            json.key("requests")?.number(row.requests.into())?.end()?;
        } else {
            let mut slots = Text::<16>::new();
            write!(slots, "{}/{}", row.busy, row.depth)?;
            let cells: [&dyn core::fmt::Display; 6] =
                [&row.id, &row.service, &row.instance, &row.client, &slots, &row.requests];
            write_row(&CONNECTIONS, job, cells)?;
        }
        finish_row(job, json).await?;
    }
    Ok(())
}

async fn next_connection(client: &Client<Inspect>, after: u32) -> Result<Option<Connection>, Failure> {
    match client.call(Request::Connection(after)).await? {
        Response::Connection(connection) => Ok(connection),
        _ => Err(mixed_up()),
    }
}

pub(super) async fn interrupts(job: &mut Job<'_, '_>) -> Outcome {
    let json = job.json("irq")?;
    let client = inspect(job).await?;
    if !json {
        INTERRUPTS.header(job.out)?;
    }
    for after in 0.. {
        let Some(Interrupt { name, fired }) = next_interrupt(&client, after).await? else { break };
        if json {
            let mut json = Json::new(job.out);
            json.begin_object()?.key("line")?.string(name)?.key("fired")?.number(fired.into())?.end()?;
        } else {
            write_row(&INTERRUPTS, job, [&name, &fired])?;
        }
        finish_row(job, json).await?;
    }
    job.out.flush().await?;
    Ok(())
}

async fn next_interrupt(client: &Client<Inspect>, after: u16) -> Result<Option<Interrupt>, Failure> {
    match client.call(Request::Interrupt(after)).await? {
        Response::Interrupt(line) => Ok(line),
        _ => Err(mixed_up()),
    }
}
