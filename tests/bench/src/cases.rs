//! The cases, and what each should cost.

mod executor;
mod heap;
mod peers;
mod registry;
mod timers;

use ::futures::executor::LocalPool;

use self::peers::{
    async_task::{self, Bare},
    embassy::{self, Embassy},
    memory,
    tokio::{self, Local},
};

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
    counted("peer_embassy_round_trip", None, embassy::round_trip),
    counted("peer_embassy_round_trip_16", None, embassy::round_trip_16),
    counted("peer_tokio_round_trip", None, tokio::round_trip),
    counted("peer_tokio_round_trip_16", None, tokio::round_trip_16),
    counted("peer_flume_round_trip", None, async_task::flume_round_trip),
    counted("peer_flume_round_trip_16", None, async_task::flume_round_trip_16),
    counted("peer_embassy_yield_1", None, peers::yield_1::<Embassy>),
    counted("peer_async_task_yield_1", None, peers::yield_1::<Bare>),
    counted("peer_futures_yield_1", None, peers::yield_1::<LocalPool>),
    counted("peer_tokio_yield_1", None, peers::yield_1::<Local>),
    counted("peer_embassy_yield_1000", None, peers::yield_1000::<Embassy>),
    counted("peer_async_task_yield_1000", None, peers::yield_1000::<Bare>),
    counted("peer_futures_yield_1000", None, peers::yield_1000::<LocalPool>),
    counted("peer_tokio_yield_1000", None, peers::yield_1000::<Local>),
    counted("peer_embassy_outside_wake", None, peers::outside_wake::<Embassy>),
    counted("peer_async_task_outside_wake", None, peers::outside_wake::<Bare>),
    counted("peer_futures_outside_wake", None, peers::outside_wake::<LocalPool>),
    counted("peer_tokio_outside_wake", None, peers::outside_wake::<Local>),
    counted("peer_embassy_spawn", None, embassy::spawn),
    counted("peer_async_task_spawn", None, peers::spawn::<Bare>),
    counted("peer_futures_spawn", None, peers::spawn::<LocalPool>),
    counted("peer_tokio_spawn", None, peers::spawn::<Local>),
    counted("peer_rlsf_pair", None, memory::rlsf_pair),
    counted("peer_linked_list_pair", None, memory::linked_list_pair),
    counted("peer_binary_heap_insert_fire", None, memory::binary_heap_insert_fire),
];
