//! The heap, as a whole and by owner.

use super::{
    Failure, Job, Outcome,
    listing::{finish_row, inspect, mixed_up, write_row},
};
use crate::{
    registry::Client,
    services::{
        console::{
            json::Json,
            table::{Column, Size, Table},
        },
        inspect::{Heap, Inspect, Owner, Request, Response},
    },
};

const HEAP: Table<2> = Table::new([Column::left("HEAP", 14), Column::right("", 12)]);

const OWNERS: Table<9> = Table::new([
    Column::right("TASK", 5),
    Column::left("OWNER", 16),
    Column::right("MEMORY", 10),
    Column::right("PEAK", 10),
    Column::right("QUOTA", 10),
    Column::right("BLOCKS", 6),
    Column::right("FAILED", 6),
    Column::left("READY", 5),
    Column::right("VIOLATIONS", 10),
]);

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
    let Response::Heap(heap) = client.call(Request::Heap).await? else { return Err(mixed_up()) };
    let Heap { capacity, used, peak, largest_free, blocks, allocations, failures, waiters } = heap;
    let free = capacity.saturating_sub(used);
    if json {
        let mut json = Json::new(job.out);
        json.begin_object()?.key("capacity")?.number(capacity.into())?.key("used")?.number(used.into())?;
        json.key("free")?.number(free.into())?.key("largest_free")?.number(largest_free.into())?;
        json.key("peak")?.number(peak.into())?.key("blocks")?.number(blocks.into())?;
        json.key("allocations")?.number(allocations)?.key("failures")?.number(failures.into())?;
        json.key("waiters")?.number(waiters.into())?.end()?;
        return finish_row(job, true).await;
    }
    HEAP.header(job.out)?;
    for (name, bytes) in [
        ("capacity", capacity),
        ("used", used),
        ("free", free),
        ("largest free", largest_free),
        ("peak", peak),
    ] {
        write_row(&HEAP, job, [&name, &Size(bytes.into())])?;
    }
    for (name, count) in [
        ("blocks", u64::from(blocks)),
        ("allocations", allocations),
        ("failures", failures.into()),
        ("waiters", waiters.into()),
    ] {
        write_row(&HEAP, job, [&name, &count])?;
    }
    finish_row(job, false).await
}

async fn owners(job: &mut Job<'_, '_>, client: &Client<Inspect>, json: bool) -> Outcome {
    if !json {
        OWNERS.header(job.out)?;
    }
    let mut from = 0;
    while let Some(owner) = next_owner(client, from).await? {
        from = owner.id + 1;
        if json {
            let mut json = Json::new(job.out);
            json.begin_object()?.key("task")?.number(owner.id.into())?.key("owner")?.string(owner.name)?;
            json.key("bytes")?
                .number(owner.bytes.into())?
                .key("peak")?
                .number(owner.peak.into())?
                .key("quota")?;
            match owner.quota {
                Some(quota) => json.number(quota.into())?,
                None => json.null()?,
            };
            json.key("blocks")?
                .number(owner.blocks.into())?
                .key("allocations")?
                .number(owner.allocations.into())?;
            json.key("failures")?.number(owner.failures.into())?.key("ready")?.boolean(owner.ready)?;
            json.key("violations")?.number(owner.violations.into())?.end()?;
        } else {
            let (memory, peak) = (Size(owner.bytes.into()), Size(owner.peak.into()));
            let quota = owner.quota.map(|quota| Size(quota.into()));
            let quota: &dyn core::fmt::Display = quota.as_ref().map_or(&"-", |quota| quota);
            let ready = if owner.ready { "yes" } else { "no" };
            let cells: [&dyn core::fmt::Display; 9] = [
                &owner.id,
                &owner.name,
                &memory,
                &peak,
                quota,
                &owner.blocks,
                &owner.failures,
                &ready,
                &owner.violations,
            ];
            write_row(&OWNERS, job, cells)?;
        }
        finish_row(job, json).await?;
    }
    Ok(())
}

async fn next_owner(client: &Client<Inspect>, from: u32) -> Result<Option<Owner>, Failure> {
    match client.call(Request::Owner(from)).await? {
        Response::Owner(owner) => Ok(owner),
        _ => Err(mixed_up()),
    }
}
