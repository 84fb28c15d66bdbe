//! Round trips to an echo service.

use super::{Failure, Job, Outcome, Time, listing::number};
use crate::{
    registry::Select,
    services::echo::{Echo, Request},
};

pub(super) async fn ping(job: &mut Job<'_, '_>) -> Outcome {
    let name = job.word()?.unwrap_or("echo");
    let count = number(job, "ping", 1)?;
    job.done("ping")?;
    if count == 0 {
        return Err(Failure::Usage("ping"));
    }
    // Instances of echo are chosen by their label; the first one is just `echo`.
    let select = if name == "echo" { Select::First } else { Select::Label(name) };
    let echo = job
        .kernel
        .services()
        .try_connect_to::<Echo>(select, (), 1)
        .await
        .map_err(|error| Failure::new(format_args!("cannot ping the echo service `{name}`: {error}")))?;
    let (mut total_us, mut least_us, mut most_us) = (0_u64, u64::MAX, 0);
    let allocations = job.kernel.heap().allocations();
    for number in 0..count {
        let start = job.kernel.now();
        match echo.call(Request::Number(number)).await? {
            Request::Number(answer) if answer == number => {}
            Request::Number(other) => {
                return Err(Failure::new(format_args!("request {number} came back as {other}")));
            }
            Request::Text(other) => {
                return Err(Failure::new(format_args!("request {number} came back as `{other}`")));
            }
        }
        let took_us = job.kernel.now().since(start).as_micros();
        total_us = total_us.saturating_add(took_us);
        least_us = least_us.min(took_us);
        most_us = most_us.max(took_us);
    }
    let allocated = job.kernel.heap().allocations() - allocations;
    let (least, most) = (Time(least_us), Time(most_us));
    // In nanoseconds, since a round trip takes less than the clock can tell.
    let mean_ns = total_us.saturating_mul(1_000) / count;
    let (mean_us, mean_part) = (mean_ns / 1_000, mean_ns % 1_000);
    let total = Time(total_us);
    job.out.line(format_args!("{count} round trips to {name} in {total}")).await?;
    job.out.line(format_args!("minimum {least}, mean {mean_us}.{mean_part:03} us, maximum {most}")).await?;
    Ok(job.out.line(format_args!("{allocated} allocations")).await?)
}
