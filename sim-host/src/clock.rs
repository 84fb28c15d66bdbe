//! The machine's clock: the one place where the simulator knows what time it is.
//!
//! In virtual time the clock stands still until the machine moves it, which it does when nothing is ready: a day of
//! sleeping takes no time at all, and every run is the same. In real time the clock follows the host's, faster or
//! slower by a factor; the rest of the machine cannot tell. It starts with the machine's first step, so that a machine boots
//! at 0; while a tape is recorded it is looked at once in each step, and stands still in between.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration as HostDuration, Instant as HostInstant},
};

use kernel::{platform::Clock, time::Instant};

/// How time passes in a machine.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub enum Time {
    /// Time stands still while anything is ready, and jumps to the next deadline when nothing is.
    #[default]
    Virtual,
    /// Time passes as on the host.
    Real,
    /// So many seconds pass in the machine for each second on the host.
    Scaled(f64),
}

/// A clock that its clones share. Reading it is allowed on any thread.
#[derive(Debug, Clone)]
pub struct SimClock(Arc<Source>);

#[derive(Debug)]
enum Source {
    Virtual {
        now_us: AtomicU64,
    },
    Host {
        rate: f64,
        origin: HostInstant,
        /// When the machine booted, in nanoseconds after `origin`.
        boot_ns: AtomicU64,
        /// What the clock shows while it stands still; [`GOES`] when it does not.
        shown_us: AtomicU64,
    },
}

/// The clock follows the host's.
const GOES: u64 = u64::MAX;

impl SimClock {
    /// A clock that starts at 0 now; `None` if time cannot pass like that.
    pub(crate) fn new(time: Time) -> Option<Self> {
        let rate = match time {
            Time::Virtual => return Some(Self(Arc::new(Source::Virtual { now_us: AtomicU64::new(0) }))),
            Time::Real => 1.0,
            Time::Scaled(rate) => rate,
        };
        let usable = rate.is_finite() && rate > 0.0;
        let source = || Source::Host {
            rate,
            origin: HostInstant::now(),
            boot_ns: AtomicU64::new(0),
            shown_us: AtomicU64::new(0),
        };
        usable.then(|| Self(Arc::new(source())))
    }

    /// The time since boot.
    pub fn now(&self) -> Instant {
        Instant::from_micros(self.now_us())
    }

    /// Time passes only when the machine says so.
    pub fn is_virtual(&self) -> bool {
        matches!(*self.0, Source::Virtual { .. })
    }

    /// Moves virtual time forward to `then`; other clocks move by themselves.
    pub(crate) fn advance_to(&self, then: Instant) {
        if let Source::Virtual { now_us } = &*self.0 {
            now_us.fetch_max(then.as_micros(), Ordering::Relaxed);
        }
    }

    /// Starts again at 0.
    pub(crate) fn restart(&self) {
        match &*self.0 {
            Source::Virtual { now_us } => now_us.store(0, Ordering::Relaxed),
            Source::Host { origin, boot_ns, shown_us, .. } => {
                boot_ns.store(nanoseconds_since(*origin), Ordering::Relaxed);
                shown_us.store(0, Ordering::Relaxed);
            }
        }
    }

    /// Begins a step: lets the clock go, or if `still`, looks at the host's once. Of a host that is late it does not see
    /// more than `next`, when the I²C bus has something to do: that comes at its own time, and before what comes later.
    pub(crate) fn begin_step(&self, still: bool, next: Option<Instant>) {
        if let Source::Host { shown_us, .. } = &*self.0 {
            let show_us = match (still, next) {
                (false, _) => GOES,
                (true, None) => self.host_us(),
                (true, Some(next)) => self.host_us().min(next.as_micros().max(self.now_us())),
            };
            shown_us.store(show_us, Ordering::Relaxed);
        }
    }

    /// The machine's time by the host's clock, though the machine may not have seen it yet.
    fn host_us(&self) -> u64 {
        match &*self.0 {
            Source::Virtual { now_us } => now_us.load(Ordering::Relaxed),
            Source::Host { rate, origin, boot_ns, .. } => {
                let ns = nanoseconds_since(*origin).saturating_sub(boot_ns.load(Ordering::Relaxed));
                (ns as f64 / 1e3 * rate) as u64
            }
        }
    }

    /// How long the host has to wait until it is `then` here; nothing in virtual time.
    pub(crate) fn host_time_until(&self, then: Instant) -> HostDuration {
        match &*self.0 {
            Source::Virtual { .. } => HostDuration::ZERO,
            Source::Host { rate, .. } => {
                let us = then.as_micros().saturating_sub(self.host_us());
                // A deadline in a far future is not waited for in one piece; waking early does no harm.
                let seconds = (us as f64 / 1e6 / rate).min(LONGEST_WAIT.as_secs_f64());
                HostDuration::from_secs_f64(seconds)
            }
        }
    }
}

/// The longest the machine sleeps without looking at its clock.
const LONGEST_WAIT: HostDuration = HostDuration::from_secs(3600);

impl Clock for SimClock {
    fn now_us(&self) -> u64 {
        match &*self.0 {
            Source::Host { shown_us, .. } => match shown_us.load(Ordering::Relaxed) {
                GOES => self.host_us(),
                shown_us => shown_us,
            },
            Source::Virtual { .. } => self.host_us(),
        }
    }
}

fn nanoseconds_since(origin: HostInstant) -> u64 {
    u64::try_from(origin.elapsed().as_nanos()).unwrap_or(u64::MAX)
}
