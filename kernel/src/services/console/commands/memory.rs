//! The heap, as a whole and by owner.

use super::{
    Failure, Job, Outcome,
    listing::{ask, inspect, mixed_up},
};
use crate::{
    registry::Client,
    services::{
        console::{
            list::{self, Field, Value},
            table::Column,
        },
        inspect::{Heap, Inspect, Request, Response},
    },
};

const HEAP: &[Field] = &[Field::shown(Column::left("HEAP", 14)), Field::shown(Column::right("", 12))];

const OWNERS: &[Field] = &[
    Field::new("task", Column::right("TASK", 5)),
    Field::new("owner", Column::left("OWNER", 16)),
    Field::new("bytes", Column::right("MEMORY", 10)),
    Field::new("peak", Column::right("PEAK", 10)),
    Field::new("quota", Column::right("QUOTA", 10)),
    Field::new("blocks", Column::right("BLOCKS", 6)),
    Field::hidden("allocations"),
    Field::new("failures", Column::right("FAILED", 6)),
    Field::new("ready", Column::left("READY", 5)),
    Field::new("violations", Column::right("VIOLATIONS", 10)),
];

pub(super) async fn heap(job: &mut Job<'_, '_>) -> Outcome {
    let (mut by_owner, mut json) = (false, false);
    while let Some(word) = job.word()? {
        match word {
            "owners" => by_owner = true,
            "--json" => json = true,
            _ => return Err(Failure::Usage("heap")),
        }
    }
    let client = inspect(job).await?;
    if by_owner { owners(job, &client, json).await } else { whole(job, &client, json).await }
}

async fn whole(job: &mut Job<'_, '_>, client: &Client<Inspect>, json: bool) -> Outcome {
    let Response::Heap(heap) = ask(client, Request::Heap).await? else { return Err(mixed_up()) };
    let Heap { capacity, used, peak, largest_free, blocks, allocations, failures, waiters } = heap;
    let bytes = |bytes: u32| Value::Bytes(bytes.into());
    let facts = [
        ("capacity", bytes(capacity)),
        ("used", bytes(used)),
        ("free", bytes(capacity.saturating_sub(used))),
        ("largest free", bytes(largest_free)),
        ("peak", bytes(peak)),
        ("blocks", blocks.into()),
        ("allocations", Value::Number(allocations)),
        ("failures", failures.into()),
        ("waiters", waiters.into()),
    ];
    if json {
        let fields = facts.map(|(name, _)| match name {
            "largest free" => Field::hidden("largest_free"),
            name => Field::hidden(name),
        });
        return job.row(&fields, true, &facts.map(|(_, value)| value)).await;
    }
    list::titles(HEAP, job.out)?;
    for (name, value) in facts {
        list::row(HEAP, &[Value::Text(&name), value], false, job.out)?;
    }
    Ok(job.out.flush().await?)
}

async fn owners(job: &mut Job<'_, '_>, client: &Client<Inspect>, json: bool) -> Outcome {
    job.list(OWNERS, json)?;
    let mut from = 0;
    loop {
        let Response::Owner(owner) = ask(client, Request::Owner(from)).await? else { return Err(mixed_up()) };
        let Some(owner) = owner else { return Ok(()) };
        from = owner.id + 1;
        let values = [
            owner.id.into(),
            Value::Text(&owner.name),
            Value::Bytes(owner.bytes.into()),
            Value::Bytes(owner.peak.into()),
            owner.quota.map_or(Value::Nothing, |quota| Value::Bytes(quota.into())),
            owner.blocks.into(),
            owner.allocations.into(),
            owner.failures.into(),
            Value::Truth(owner.ready),
            owner.violations.into(),
        ];
        job.row(OWNERS, json, &values).await?;
    }
}
