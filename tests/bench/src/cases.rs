//! The cases, and what each should cost.

mod executor;
mod heap;
mod registry;
mod timers;

/// A case.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    /// Instructions that an operation should cost at most.
    pub(crate) aim: Option<u32>,
    /// Times that it is run at least.
    pub(crate) times: u64,
    pub(crate) measure: Measure,
}

/// How a case is measured.
pub(crate) enum Measure {
    /// Does so many operations; what one costs is seen by counting twice.
    Counted(fn(u64)),
    /// Does so many operations, and returns the instructions of the dearest.
    Worst(fn(u64) -> u64),
}

const fn counted(name: &'static str, aim: Option<u32>, run: fn(u64)) -> Case {
    Case { name, aim, times: 20_000, measure: Measure::Counted(run) }
}

pub(crate) const CASES: &[Case] = &[
    counted("registry_round_trip", Some(200), registry::round_trip),
    counted("registry_round_trip_16", Some(90), registry::round_trip_16),
    counted("registry_round_trip_listened", None, registry::round_trip_listened),
    counted("connect", None, registry::connect),
    counted("yield_1", Some(47), executor::yield_1),
    counted("yield_1000", Some(39), executor::yield_1000),
    counted("outside_wake", Some(55), executor::outside_wake),
    counted("spawn", Some(200), executor::spawn),
    counted("tick_idle", None, executor::tick_idle),
    counted("heap_pair", Some(130), heap::pair),
    // Single steps are slow: few of them, over a history that is prepared at full speed.
    Case { name: "heap_worst", aim: Some(180), times: 5_000, measure: Measure::Worst(heap::worst) },
    counted("timer_insert_cancel_100k", Some(120), timers::insert_cancel),
    counted("timer_insert_fire", Some(300), timers::insert_fire),
    counted("timer_empty_tick", Some(20), timers::empty_tick),
];
