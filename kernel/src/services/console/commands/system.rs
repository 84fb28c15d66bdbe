//! The machine as a whole: help, version, uptime, sleep, and switching off.

use super::{COMMANDS, Config, Failure, Job, Outcome, Output, PortGone, Time};
use crate::{
    Handle,
    platform::Stop,
    registry::InstanceId,
    services::console::table::Size,
    time::{Duration, Instant},
};

/// The kernel's version.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Greets a person.
pub(in super::super) async fn banner(
    kernel: &Handle,
    config: &Config,
    out: &mut Output<'_>,
) -> Result<(), PortGone> {
    let stats = kernel.heap().stats();
    let (capacity, free) = (stats.capacity, stats.capacity.saturating_sub(stats.used));
    out.line(format_args!("")).await?;
    out.line(format_args!("mnemOS {VERSION} on {}", config.machine)).await?;
    out.line(format_args!("  heap      {}, {} free", Size(capacity as u64), Size(free as u64))).await?;
    out.line(format_args!("  clock     1 MHz, up for {}", Time(kernel.now().as_micros()))).await?;
    if let Some(number) = config.serial_number {
        out.line(format_args!("  serial    {number:016x}")).await?;
    }
    let mut after = InstanceId(0);
    let mut found = 0;
    while let Some(service) = kernel.services().next_service(after) {
        after = service.instance;
        found += 1;
    }
    out.line(format_args!("  services  {found} running")).await?;
    let or_ctrl_d = if config.power_off_at_end { " or Ctrl-D" } else { "" };
    out.line(format_args!("Type `help` for what there is, `poweroff`{or_ctrl_d} to leave.")).await?;
    out.line(format_args!("")).await
}

pub(super) async fn help(job: &mut Job<'_, '_>) -> Outcome {
    let Some(name) = job.word()? else {
        for command in COMMANDS {
            job.out.line(format_args!("  {:12} {}", command.name, command.summary)).await?;
        }
        return Ok(job
            .out
            .line(format_args!("`help COMMAND` tells more. Lines that start with # do nothing."))
            .await?);
    };
    job.done("help")?;
    let Some(command) = COMMANDS.iter().find(|command| command.name == name) else {
        return Err(Failure::new(format_args!("there is no command `{name}`; `help` lists what there is")));
    };
    let space = if command.arguments.is_empty() { "" } else { " " };
    job.out.line(format_args!("usage: {}{space}{}", command.name, command.arguments)).await?;
    job.out.line(format_args!("{}", command.summary)).await?;
    for line in command.details.lines() {
        job.out.line(format_args!("{line}")).await?;
    }
    Ok(())
}

pub(super) async fn version(job: &mut Job<'_, '_>) -> Outcome {
    job.done("version")?;
    job.out.line(format_args!("mnemOS {VERSION} on {}", job.config.machine)).await?;
    if let Some(number) = job.config.serial_number {
        job.out.line(format_args!("serial number {number:016x}")).await?;
    }
    Ok(())
}

pub(super) async fn uptime(job: &mut Job<'_, '_>) -> Outcome {
    job.done("uptime")?;
    let s = job.kernel.now().since(Instant::BOOT).as_micros() / 1_000_000;
    let us = job.kernel.now().as_micros() % 1_000_000;
    let (d, h, m, s) = (s / 86_400, s / 3_600 % 24, s / 60 % 60, s % 60);
    Ok(job.out.line(format_args!("{d} d {h:02}:{m:02}:{s:02}.{us:06}")).await?)
}

pub(super) async fn sleep(job: &mut Job<'_, '_>) -> Outcome {
    let word = job.word()?.ok_or(Failure::Usage("sleep"))?;
    job.done("sleep")?;
    let duration = parse_duration(word)
        .ok_or_else(|| Failure::new(format_args!("`{word}` is no time: use a number with s, ms or us")))?;
    job.kernel.sleep(duration).await;
    Ok(())
}

/// `2`, `2s`, `0.5s`, `250ms`, `10us`.
fn parse_duration(word: &str) -> Option<Duration> {
    let digits = word.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(word.len());
    let (number, unit) = word.split_at_checked(digits)?;
    let us: u64 = match unit {
        "" | "s" => 1_000_000,
        "ms" => 1_000,
        "us" => 1,
        _ => return None,
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let mut total = whole.parse::<u64>().ok()?.saturating_mul(us);
    let mut place = us;
    for digit in fraction.bytes() {
        place /= 10;
        total = total.saturating_add(place * u64::from(digit.checked_sub(b'0').filter(|digit| *digit < 10)?));
    }
    Some(Duration::from_micros(total))
}

pub(super) async fn reboot(job: &mut Job<'_, '_>) -> Outcome {
    let stop = match job.word()? {
        None => Stop::Reboot,
        Some("loader") if job.config.has_boot_loader => Stop::BootLoader,
        Some("loader") => return Err(Failure::new(format_args!("this machine has no boot loader"))),
        Some(_) => return Err(Failure::Usage("reboot")),
    };
    job.done("reboot")?;
    job.out.drain().await?;
    job.kernel.stop(stop);
    Ok(())
}

pub(super) async fn stop(job: &mut Job<'_, '_>, name: &str) -> Outcome {
    if job.word()?.is_some() {
        return Err(Failure::new(format_args!("`{name}` takes no arguments")));
    }
    job.out.drain().await?;
    job.kernel.stop(if name == "panic" { Stop::Panic } else { Stop::PowerOff });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::parse_duration;

    #[test]
    fn durations_have_units() {
        let micros = |word| parse_duration(word).map(|duration| duration.as_micros());
        assert_eq!(micros("2"), Some(2_000_000));
        assert_eq!(micros("0.25s"), Some(250_000));
        assert_eq!(micros("1.5ms"), Some(1_500));
        assert_eq!(micros("10us"), Some(10));
        assert_eq!(micros("99999999999999999999"), None);
        assert_eq!(micros("18446744073709551615"), Some(u64::MAX));
        for bad in ["", "s", "-1", "1h", "1.x", "."] {
            assert_eq!(micros(bad), None, "{bad}");
        }
    }
}
