//! The log and the event stream.

use super::{
    Failure, Job, Outcome,
    listing::{ask, inspect, mixed_up, number},
};
use crate::{
    event::{Kind, Kinds},
    inline::Text,
    log::Level,
    services::{
        inspect,
        log::{LogService, Request, Response},
    },
};

/// Lines that `log` prints.
const LINES: u64 = 16;

pub(super) async fn log(job: &mut Job<'_, '_>) -> Outcome {
    let (first, second) = (job.word()?, job.word()?);
    job.done("log")?;
    let client = job.kernel.services().try_connect::<LogService>((), 1).await?;
    let (target, level) = match (first, second) {
        (None, _) => return lines(job, &client).await,
        (Some(level), None) => ("", level),
        (Some(target), Some(level)) => (target, level),
    };
    let level: Level = level.parse().map_err(|error| Failure::new(format_args!("`{level}` is {error}")))?;
    let target = Text::try_from(target).map_err(|error| Failure::new(format_args!("{error}")))?;
    client.call(Request::Set { target, level }).await?;
    Ok(())
}

async fn lines(job: &mut Job<'_, '_>, client: &crate::registry::Client<LogService>) -> Outcome {
    let mut cursor = job.kernel.log().last(LINES);
    // The service numbers lines as the log does, so the place of the last ones is known by reading the first.
    let mut number = match job.kernel.log().read(&mut cursor) {
        Some(entry) => entry.number,
        None => return Ok(job.out.line(format_args!("the log is empty")).await?),
    };
    while let Response::Line(Some(line)) = client.call(Request::Line(number)).await? {
        let (s, us) = (line.at_us / 1_000_000, line.at_us % 1_000_000);
        let (level, target, text) = (line.level, line.target, line.text);
        job.out.line(format_args!("{s:>5}.{us:06} {level:5} {target}: {text}")).await?;
        number = line.number + 1;
    }
    Ok(())
}

pub(super) async fn events(job: &mut Job<'_, '_>) -> Outcome {
    match job.words.clone().next().transpose()? {
        Some("kinds") => kinds(job).await,
        Some("on" | "off") => listen(job),
        _ => recent(job).await,
    }
}

fn listen(job: &mut Job<'_, '_>) -> Outcome {
    let on = job.word()? == Some("on");
    let name = job.word()?.ok_or(Failure::Usage("events"))?;
    job.done("events")?;
    let events = job.kernel.events();
    let listening = events.listening();
    let kinds = match Kind::ALL.iter().find(|kind| kind.name() == name) {
        Some(kind) if on => listening.with(*kind),
        Some(kind) => listening.without(*kind),
        None if name == "all" && on => Kinds::ALL,
        None if name == "all" => Kinds::NONE,
        None => {
            return Err(Failure::new(format_args!("there is no kind `{name}`; `events kinds` lists them")));
        }
    };
    events.listen(kinds);
    Ok(())
}

async fn kinds(job: &mut Job<'_, '_>) -> Outcome {
    job.word()?;
    job.done("events")?;
    for kind in Kind::ALL {
        let state = if job.kernel.events().listening().contains(*kind) { "on" } else { "off" };
        job.out.line(format_args!("  {:14} {state}", kind.name())).await?;
    }
    Ok(())
}

async fn recent(job: &mut Job<'_, '_>) -> Outcome {
    let count = number(job, "events", 16)?;
    job.done("events")?;
    let client = inspect(job).await?;
    let inspect::Response::Kernel(kernel) = ask(&client, inspect::Request::Kernel).await? else {
        return Err(mixed_up());
    };
    // What happens while the list is printed does not belong to it.
    let end = kernel.events;
    let mut next = end.saturating_sub(count);
    while next < end {
        let inspect::Response::Event(event) = ask(&client, inspect::Request::Event(next)).await? else {
            return Err(mixed_up());
        };
        let Some(event) = event.filter(|event| event.number < end) else { break };
        let (s, us) = (event.at_us / 1_000_000, event.at_us % 1_000_000);
        job.out.line(format_args!("{s:>5}.{us:06} {:>8}  {}", event.number, event.what)).await?;
        next = event.number + 1;
    }
    Ok(())
}
