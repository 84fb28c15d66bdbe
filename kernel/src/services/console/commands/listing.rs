//! Lists read from the inspection service: tasks, services, connections, interrupt lines.

use core::fmt::Write as _;

use super::{Failure, Job, Outcome, drivers};
use crate::{
    inline::Text,
    registry::Client,
    services::{
        console::{
            list::{self, Field, Value},
            table::Column,
        },
        inspect::{Inspect, Request, Response, Task, TaskState},
        supervise::{self, Supervise},
    },
    time::Duration,
};

const TASKS: &[Field] = &[
    Field::new("task", Column::right("TASK", 5)),
    Field::new("name", Column::left("NAME", 16)),
    Field::new("state", Column::left("STATE", 7)),
    Field::new("polls", Column::right("POLLS", 9)),
    Field::new("wakes", Column::right("WAKES", 9)),
    Field::new("busy_us", Column::right("BUSY", 12)),
    Field::new("longest_us", Column::right("LONGEST", 12)),
    Field::new("bytes", Column::right("MEMORY", 10)),
];

const SERVICES: &[Field] = &[
    Field::new("instance", Column::right("INSTANCE", 8)),
    Field::new("service", Column::left("SERVICE", 12)),
    Field::new("label", Column::left("LABEL", 8)),
    Field::new("version", Column::left("VERSION", 7)),
    Field::hidden("task"),
    Field::new("clients", Column::right("CLIENTS", 7)),
    Field::new("answered", Column::right("ANSWERED", 10)),
    Field::hidden("programs"),
    Field::new("uuid", Column::open("UUID")),
];

const CONNECTIONS: &[Field] = &[
    Field::new("connection", Column::right("CONNECTION", 10)),
    Field::new("service", Column::left("SERVICE", 12)),
    Field::new("instance", Column::right("INSTANCE", 8)),
    Field::new("task", Column::right("TASK", 5)),
    Field::shown(Column::right("SLOTS", 7)),
    Field::hidden("depth"),
    Field::hidden("busy"),
    Field::new("requests", Column::right("REQUESTS", 10)),
];

const INTERRUPTS: &[Field] =
    &[Field::new("line", Column::left("LINE", 16)), Field::new("fired", Column::right("FIRED", 10))];

impl Job<'_, '_> {
    /// Begins a list: a table has titles.
    pub(super) fn list(&mut self, fields: &[Field], json: bool) -> Outcome {
        if !json {
            list::titles(fields, self.out)?;
        }
        Ok(())
    }

    /// Prints one thing on a list.
    pub(super) async fn row(&mut self, fields: &[Field], json: bool, values: &[Value<'_>]) -> Outcome {
        list::row(fields, values, json, self.out)?;
        Ok(self.out.flush().await?)
    }
}

/// A connection to the inspection service, for one command.
pub(super) async fn inspect(job: &Job<'_, '_>) -> Result<Client<Inspect>, Failure> {
    Ok(job.kernel.services().try_connect::<Inspect>((), 1).await?)
}

/// The service has answered something else than it was asked for.
pub(super) fn mixed_up() -> Failure {
    Failure::new(format_args!("the inspection service gave an answer to another question"))
}

/// Asks the inspection service.
pub(super) async fn ask(client: &Client<Inspect>, request: Request) -> Result<Response, Failure> {
    Ok(client.call(request).await?)
}

/// Reads tasks one after the other. Supervising tasks, which all have one name, are told apart by the driver that each
/// watches.
struct Tasks {
    inspect: Client<Inspect>,
    /// Nothing if supervision does not run: then they are all just called the same.
    supervise: Option<Client<Supervise>>,
    /// The last task that was read.
    after: u32,
    /// Drivers that have been looked at. They and their supervising tasks are in the same order.
    drivers: u16,
}

impl Tasks {
    async fn new(job: &Job<'_, '_>) -> Result<Self, Failure> {
        let (inspect, supervise) = (inspect(job).await?, drivers::supervise(job).await.ok());
        Ok(Self { inspect, supervise, after: 0, drivers: 0 })
    }

    /// The next task.
    async fn next(&mut self) -> Result<Option<Task>, Failure> {
        let Response::Task(task) = ask(&self.inspect, Request::Task(self.after)).await? else {
            return Err(mixed_up());
        };
        let Some(mut task) = task else { return Ok(None) };
        self.after = task.id;
        let Some(client) = self.supervise.as_ref().filter(|_| task.name == supervise::TASK) else {
            return Ok(Some(task));
        };
        while let Ok(Some(row)) = drivers::next_driver(client, self.drivers).await {
            if row.supervisor > task.id {
                // This one supervises nothing, but is called so, too.
                break;
            }
            self.drivers += 1;
            if row.supervisor == task.id {
                // A long name is cut.
                let _ = write!(task.name, " {}", row.name);
                break;
            }
        }
        Ok(Some(task))
    }

    /// The next task is the first one again.
    fn rewind(&mut self) {
        (self.after, self.drivers) = (0, 0);
    }
}

pub(super) async fn tasks(job: &mut Job<'_, '_>) -> Outcome {
    let json = job.json("ps")?;
    let mut tasks = Tasks::new(job).await?;
    job.list(TASKS, json)?;
    while let Some(task) = tasks.next().await? {
        let values = [
            task.id.into(),
            Value::Text(&task.name),
            Value::Text(&state_name(task.state)),
            task.polls.into(),
            task.wakes.into(),
            Value::Micros(task.busy_us),
            Value::Micros(task.longest_us.into()),
            Value::Bytes(task.bytes.into()),
        ];
        job.row(TASKS, json, &values).await?;
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
    if seconds == 0 {
        return Err(Failure::Usage("top"));
    }
    let mut tasks = Tasks::new(job).await?;
    for _ in 0..count {
        let mut before = [(0, 0, 0); WATCHED];
        tasks.rewind();
        for slot in &mut before {
            let Some(task) = tasks.next().await? else { break };
            *slot = (task.id, task.polls, task.busy_us);
        }
        let start = job.kernel.now();
        job.kernel.sleep(Duration::from_secs(seconds)).await;
        let elapsed_us = job.kernel.now().since(start).as_micros().max(1);
        job.out.line(format_args!(" TASK  NAME                BUSY      POLLS/s")).await?;
        tasks.rewind();
        while let Some(task) = tasks.next().await? {
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
    job.list(SERVICES, json)?;
    let mut after = 0;
    loop {
        let Response::Service(row) = ask(&client, Request::Service(after)).await? else {
            return Err(mixed_up());
        };
        let Some(row) = row else { return Ok(()) };
        after = row.instance;
        let values = [
            row.instance.into(),
            Value::Text(&row.name),
            Value::Text(&row.label),
            Value::Text(&row.version),
            row.task.into(),
            row.clients.into(),
            row.answered.into(),
            Value::Truth(row.programs),
            Value::Text(&crate::registry::Uuid::from_bytes(row.uuid)),
        ];
        job.row(SERVICES, json, &values).await?;
    }
}

pub(super) async fn connections(job: &mut Job<'_, '_>) -> Outcome {
    let json = job.json("connections")?;
    let client = inspect(job).await?;
    job.list(CONNECTIONS, json)?;
    let mut after = 0;
    loop {
        let Response::Connection(row) = ask(&client, Request::Connection(after)).await? else {
            return Err(mixed_up());
        };
        let Some(row) = row else { return Ok(()) };
        after = row.id;
        let (busy, depth) = (row.busy, row.depth);
        let mut slots = Text::<16>::new();
        write!(slots, "{busy}/{depth}")?;
        let values = [
            row.id.into(),
            Value::Text(&row.service),
            row.instance.into(),
            row.client.into(),
            Value::Text(&slots),
            Value::Number(depth.into()),
            Value::Number(busy.into()),
            row.requests.into(),
        ];
        job.row(CONNECTIONS, json, &values).await?;
    }
}

pub(super) async fn interrupts(job: &mut Job<'_, '_>) -> Outcome {
    let json = job.json("irq")?;
    let client = inspect(job).await?;
    job.list(INTERRUPTS, json)?;
    for after in 0.. {
        let Response::Interrupt(line) = ask(&client, Request::Interrupt(after)).await? else {
            return Err(mixed_up());
        };
        let Some(line) = line else { break };
        job.row(INTERRUPTS, json, &[Value::Text(&line.name), line.fired.into()]).await?;
    }
    Ok(job.out.flush().await?)
}
