//! The table of all cases: those that do the same work stand together, ours first.

use ::futures::executor::LocalPool;

use super::{
    Case, Work, executor, fan_out,
    heap::{self, Loop, Ours},
    ours, peer,
    peers::{
        self,
        async_task::{self, Bare},
        binary_heap,
        embassy::{self, Embassy},
        embassy_time,
        memory::{LinkedList, Rlsf, TalcHeap, TlsfHeap},
        tokio::{self, Local},
        tokio_time,
    },
    programs, registry, timers,
};

/// Operations of a history of which the dearest is looked for.
const HISTORY: u64 = 1_000_000;

const SPAWN: Work = ("Executor", "spawn, run, end");
const YIELD_1: Work = ("Executor", "1 task yields");
const YIELD_1000: Work = ("Executor", "1,000 tasks yield");
const OUTSIDE_WAKE: Work = ("Executor", "wake from outside");
const TICK_IDLE: Work = ("Executor", "idle tick");
const ROUND_TRIP: Work = ("Request and reply", "1 in flight");
const ROUND_TRIP_16: Work = ("Request and reply", "16 in flight");
const CONNECT: Work = ("Request and reply", "connect");
const FAN_OUT: Work = ("Request and reply", "one to 16");
const PROGRAM_SMALL: Work = ("Programs", "small values");
const PROGRAM_LARGE: Work = ("Programs", "large values");
const PAIR_SMALL: Work = ("Heap", "pair, 256 KiB");
const PAIR: Work = ("Heap", "pair, 4 MiB");
const CHURN_SMALL: Work = ("Heap", "churn, 256 KiB");
const CHURN: Work = ("Heap", "churn, 4 MiB");
const DEAREST: Work = ("Heap", "dearest");
const TAKE: Work = ("Heap", "adversary: taken");
const REFUSE: Work = ("Heap", "refused");
const GIVE: Work = ("Heap", "freed");
const INSERT_CANCEL_10: Work = ("Timers", "set, cancel, 10");
const INSERT_CANCEL_1K: Work = ("Timers", "set, cancel, 1,000");
const INSERT_CANCEL_100K: Work = ("Timers", "set, cancel, 100,000");
const INSERT_FIRE_10: Work = ("Timers", "set, fire, 10");
const INSERT_FIRE_1K: Work = ("Timers", "set, fire, 1,000");
const INSERT_FIRE_100K: Work = ("Timers", "set, fire, 100,000");
const EMPTY_TICK_10: Work = ("Timers", "empty tick, 10");
const EMPTY_TICK_1K: Work = ("Timers", "empty tick, 1,000");
const EMPTY_TICK_100K: Work = ("Timers", "empty tick, 100,000");

pub(crate) const CASES: &[Case] = &[
    ours("spawn", SPAWN, Some(200), executor::spawn),
    peer("peer_embassy_spawn", SPAWN, "embassy-executor", embassy::spawn),
    peer("peer_async_task_spawn", SPAWN, "async-task", peers::spawn::<Bare>),
    peer("peer_futures_spawn", SPAWN, "futures LocalPool", peers::spawn::<LocalPool>),
    peer("peer_tokio_spawn", SPAWN, "tokio LocalSet", peers::spawn::<Local>),
    ours("yield_1", YIELD_1, Some(47), executor::yield_1),
    peer("peer_embassy_yield_1", YIELD_1, "embassy-executor", peers::yield_1::<Embassy>),
    peer("peer_async_task_yield_1", YIELD_1, "async-task", peers::yield_1::<Bare>),
    peer("peer_futures_yield_1", YIELD_1, "futures LocalPool", peers::yield_1::<LocalPool>),
    peer("peer_tokio_yield_1", YIELD_1, "tokio LocalSet", peers::yield_1::<Local>),
    ours("yield_1000", YIELD_1000, Some(39), executor::yield_1000),
    peer("peer_embassy_yield_1000", YIELD_1000, "embassy-executor", peers::yield_1000::<Embassy>),
    peer("peer_async_task_yield_1000", YIELD_1000, "async-task", peers::yield_1000::<Bare>),
    peer("peer_futures_yield_1000", YIELD_1000, "futures LocalPool", peers::yield_1000::<LocalPool>),
    peer("peer_tokio_yield_1000", YIELD_1000, "tokio LocalSet", peers::yield_1000::<Local>),
    ours("outside_wake", OUTSIDE_WAKE, Some(55), executor::outside_wake),
    peer("peer_embassy_outside_wake", OUTSIDE_WAKE, "embassy-executor", peers::outside_wake::<Embassy>),
    peer("peer_async_task_outside_wake", OUTSIDE_WAKE, "async-task", peers::outside_wake::<Bare>),
    peer("peer_futures_outside_wake", OUTSIDE_WAKE, "futures LocalPool", peers::outside_wake::<LocalPool>),
    peer("peer_tokio_outside_wake", OUTSIDE_WAKE, "tokio LocalSet", peers::outside_wake::<Local>),
    ours("tick_idle", TICK_IDLE, None, executor::tick_idle),
    ours("registry_round_trip", ROUND_TRIP, Some(200), registry::round_trip::<false>),
    ours("registry_round_trip_listened", ROUND_TRIP, None, registry::round_trip::<true>)
        .by("mnemOS, each event heard"),
    peer("peer_embassy_round_trip", ROUND_TRIP, "embassy-sync", embassy::round_trip),
    peer("peer_tokio_round_trip", ROUND_TRIP, "tokio mpsc, oneshot", tokio::round_trip),
    peer("peer_flume_round_trip", ROUND_TRIP, "flume on async-task", async_task::flume_round_trip),
    ours("registry_round_trip_16", ROUND_TRIP_16, Some(90), registry::round_trip_16::<false>),
    ours("registry_round_trip_16_listened", ROUND_TRIP_16, None, registry::round_trip_16::<true>)
        .by("mnemOS, each event heard"),
    peer("peer_embassy_round_trip_16", ROUND_TRIP_16, "embassy-sync", embassy::round_trip_16),
    peer("peer_tokio_round_trip_16", ROUND_TRIP_16, "tokio mpsc, oneshot", tokio::round_trip_16),
    peer("peer_flume_round_trip_16", ROUND_TRIP_16, "flume on async-task", async_task::flume_round_trip_16),
    ours("connect", CONNECT, None, registry::connect),
    peer("peer_tokio_connect", CONNECT, "tokio mpsc, oneshot", tokio::connect),
    ours("fan_out_16", FAN_OUT, None, fan_out::fan_out),
    peer("peer_embassy_fan_out_16", FAN_OUT, "embassy-sync", embassy::fan_out),
    peer("peer_tokio_fan_out_16", FAN_OUT, "tokio broadcast", tokio::fan_out),
    ours("program_round_trip_small", PROGRAM_SMALL, None, programs::round_trip_small),
    peer("peer_postcard_small", PROGRAM_SMALL, "postcard alone", programs::postcard_small),
    ours("program_round_trip_large", PROGRAM_LARGE, None, programs::round_trip_large),
    peer("peer_postcard_large", PROGRAM_LARGE, "postcard alone", programs::postcard_large),
    ours("heap_pair_256k", PAIR_SMALL, Some(130), heap::pair_in_small::<Ours>)
        .net_of(heap::pair_in_small::<Loop>),
    peer("peer_rlsf_pair_256k", PAIR_SMALL, "rlsf", heap::pair_in_small::<Rlsf>)
        .net_of(heap::pair_in_small::<Loop>),
    peer(
        "peer_embedded_alloc_pair_256k",
        PAIR_SMALL,
        "embedded-alloc (TLSF)",
        heap::pair_in_small::<TlsfHeap>,
    )
    .net_of(heap::pair_in_small::<Loop>),
    peer("peer_talc_pair_256k", PAIR_SMALL, "talc", heap::pair_in_small::<TalcHeap>)
        .net_of(heap::pair_in_small::<Loop>),
    peer(
        "peer_linked_list_pair_256k",
        PAIR_SMALL,
        "linked_list_allocator",
        heap::pair_in_small::<LinkedList>,
    )
    .net_of(heap::pair_in_small::<Loop>),
    ours("heap_pair", PAIR, Some(130), heap::pair::<Ours>).net_of(heap::pair::<Loop>),
    peer("peer_rlsf_pair", PAIR, "rlsf", heap::pair::<Rlsf>).net_of(heap::pair::<Loop>),
    peer("peer_embedded_alloc_pair", PAIR, "embedded-alloc (TLSF)", heap::pair::<TlsfHeap>)
        .net_of(heap::pair::<Loop>),
    peer("peer_talc_pair", PAIR, "talc", heap::pair::<TalcHeap>).net_of(heap::pair::<Loop>),
    peer("peer_linked_list_pair", PAIR, "linked_list_allocator", heap::pair::<LinkedList>)
        .net_of(heap::pair::<Loop>),
    ours("heap_churn_256k", CHURN_SMALL, None, heap::churn_in_small::<Ours>)
        .net_of(heap::churn_in_small::<Loop>),
    peer("peer_rlsf_churn_256k", CHURN_SMALL, "rlsf", heap::churn_in_small::<Rlsf>)
        .net_of(heap::churn_in_small::<Loop>),
    peer(
        "peer_embedded_alloc_churn_256k",
        CHURN_SMALL,
        "embedded-alloc (TLSF)",
        heap::churn_in_small::<TlsfHeap>,
    )
    .net_of(heap::churn_in_small::<Loop>),
    peer("peer_talc_churn_256k", CHURN_SMALL, "talc", heap::churn_in_small::<TalcHeap>)
        .net_of(heap::churn_in_small::<Loop>),
    peer(
        "peer_linked_list_churn_256k",
        CHURN_SMALL,
        "linked_list_allocator",
        heap::churn_in_small::<LinkedList>,
    )
    .net_of(heap::churn_in_small::<Loop>),
    ours("heap_churn", CHURN, None, heap::churn::<Ours>).net_of(heap::churn::<Loop>),
    peer("peer_rlsf_churn", CHURN, "rlsf", heap::churn::<Rlsf>).net_of(heap::churn::<Loop>),
    peer("peer_embedded_alloc_churn", CHURN, "embedded-alloc (TLSF)", heap::churn::<TlsfHeap>)
        .net_of(heap::churn::<Loop>),
    peer("peer_talc_churn", CHURN, "talc", heap::churn::<TalcHeap>).net_of(heap::churn::<Loop>),
    peer("peer_linked_list_churn", CHURN, "linked_list_allocator", heap::churn::<LinkedList>)
        .net_of(heap::churn::<Loop>),
    ours("heap_worst", DEAREST, Some(180), heap::dearest::<Ours>).dearest_of(HISTORY),
    peer("peer_rlsf_worst", DEAREST, "rlsf", heap::dearest::<Rlsf>).dearest_of(HISTORY),
    peer("peer_embedded_alloc_worst", DEAREST, "embedded-alloc (TLSF)", heap::dearest::<TlsfHeap>)
        .dearest_of(HISTORY),
    peer("peer_talc_worst", DEAREST, "talc", heap::dearest::<TalcHeap>).dearest_of(HISTORY),
    peer("peer_linked_list_worst", DEAREST, "linked_list_allocator", heap::dearest::<LinkedList>)
        .dearest_of(HISTORY),
    ours("heap_adversary_taken", TAKE, Some(180), heap::adversary_take::<Ours>).dearest_of(1),
    peer("peer_rlsf_adversary_taken", TAKE, "rlsf", heap::adversary_take::<Rlsf>).dearest_of(1),
    peer(
        "peer_embedded_alloc_adversary_taken",
        TAKE,
        "embedded-alloc (TLSF)",
        heap::adversary_take::<TlsfHeap>,
    )
    .dearest_of(1),
    peer("peer_talc_adversary_taken", TAKE, "talc", heap::adversary_take::<TalcHeap>).dearest_of(1),
    peer(
        "peer_linked_list_adversary_taken",
        TAKE,
        "linked_list_allocator",
        heap::adversary_take::<LinkedList>,
    )
    .dearest_of(1),
    ours("heap_adversary_refused", REFUSE, Some(180), heap::adversary_refuse::<Ours>).dearest_of(1),
    peer("peer_rlsf_adversary_refused", REFUSE, "rlsf", heap::adversary_refuse::<Rlsf>).dearest_of(1),
    peer(
        "peer_embedded_alloc_adversary_refused",
        REFUSE,
        "embedded-alloc (TLSF)",
        heap::adversary_refuse::<TlsfHeap>,
    )
    .dearest_of(1),
    peer("peer_talc_adversary_refused", REFUSE, "talc", heap::adversary_refuse::<TalcHeap>).dearest_of(1),
    peer(
        "peer_linked_list_adversary_refused",
        REFUSE,
        "linked_list_allocator",
        heap::adversary_refuse::<LinkedList>,
    )
    .dearest_of(1),
    ours("heap_adversary_freed", GIVE, Some(180), heap::adversary_give::<Ours>).dearest_of(1),
    peer("peer_rlsf_adversary_freed", GIVE, "rlsf", heap::adversary_give::<Rlsf>).dearest_of(1),
    peer(
        "peer_embedded_alloc_adversary_freed",
        GIVE,
        "embedded-alloc (TLSF)",
        heap::adversary_give::<TlsfHeap>,
    )
    .dearest_of(1),
    peer("peer_talc_adversary_freed", GIVE, "talc", heap::adversary_give::<TalcHeap>).dearest_of(1),
    peer(
        "peer_linked_list_adversary_freed",
        GIVE,
        "linked_list_allocator",
        heap::adversary_give::<LinkedList>,
    )
    .dearest_of(1),
    ours("timer_insert_cancel_10", INSERT_CANCEL_10, Some(120), timers::insert_cancel::<10>),
    peer("peer_tokio_insert_cancel_10", INSERT_CANCEL_10, "tokio", tokio_time::insert_cancel::<10>),
    ours("timer_insert_cancel_1k", INSERT_CANCEL_1K, Some(120), timers::insert_cancel::<1_000>),
    peer("peer_tokio_insert_cancel_1k", INSERT_CANCEL_1K, "tokio", tokio_time::insert_cancel::<1_000>),
    ours("timer_insert_cancel_100k", INSERT_CANCEL_100K, Some(120), timers::insert_cancel::<100_000>),
    peer("peer_tokio_insert_cancel_100k", INSERT_CANCEL_100K, "tokio", tokio_time::insert_cancel::<100_000>),
    ours("timer_insert_fire_10", INSERT_FIRE_10, Some(300), timers::insert_fire::<10>),
    peer("peer_tokio_insert_fire_10", INSERT_FIRE_10, "tokio", tokio_time::insert_fire::<10>),
    peer("peer_embassy_insert_fire_10", INSERT_FIRE_10, "embassy-time", embassy_time::insert_fire::<10>),
    peer("peer_binary_heap_insert_fire_10", INSERT_FIRE_10, "binary heap", binary_heap::insert_fire::<10>),
    ours("timer_insert_fire_1k", INSERT_FIRE_1K, Some(300), timers::insert_fire::<1_000>),
    peer("peer_tokio_insert_fire_1k", INSERT_FIRE_1K, "tokio", tokio_time::insert_fire::<1_000>),
    peer("peer_embassy_insert_fire_1k", INSERT_FIRE_1K, "embassy-time", embassy_time::insert_fire::<1_000>)
        .times(2_000),
    peer("peer_binary_heap_insert_fire_1k", INSERT_FIRE_1K, "binary heap", binary_heap::insert_fire::<1_000>),
    ours("timer_insert_fire_100k", INSERT_FIRE_100K, Some(300), timers::insert_fire::<100_000>),
    peer("peer_tokio_insert_fire_100k", INSERT_FIRE_100K, "tokio", tokio_time::insert_fire::<100_000>),
    peer(
        "peer_embassy_insert_fire_100k",
        INSERT_FIRE_100K,
        "embassy-time",
        embassy_time::insert_fire::<100_000>,
    )
    .times(20),
    peer(
        "peer_binary_heap_insert_fire_100k",
        INSERT_FIRE_100K,
        "binary heap",
        binary_heap::insert_fire::<100_000>,
    ),
    ours("timer_empty_tick_10", EMPTY_TICK_10, Some(20), timers::empty_tick::<10>),
    peer("peer_tokio_empty_tick_10", EMPTY_TICK_10, "tokio", tokio_time::empty_tick::<10>),
    peer("peer_embassy_empty_tick_10", EMPTY_TICK_10, "embassy-time", embassy_time::empty_tick::<10>),
    peer("peer_binary_heap_empty_tick_10", EMPTY_TICK_10, "binary heap", binary_heap::empty_tick::<10>),
    ours("timer_empty_tick_1k", EMPTY_TICK_1K, Some(20), timers::empty_tick::<1_000>),
    peer("peer_tokio_empty_tick_1k", EMPTY_TICK_1K, "tokio", tokio_time::empty_tick::<1_000>),
    peer("peer_embassy_empty_tick_1k", EMPTY_TICK_1K, "embassy-time", embassy_time::empty_tick::<1_000>)
        .times(2_000),
    peer("peer_binary_heap_empty_tick_1k", EMPTY_TICK_1K, "binary heap", binary_heap::empty_tick::<1_000>),
    ours("timer_empty_tick", EMPTY_TICK_100K, Some(20), timers::empty_tick::<100_000>),
    peer("peer_tokio_empty_tick_100k", EMPTY_TICK_100K, "tokio", tokio_time::empty_tick::<100_000>),
    peer(
        "peer_embassy_empty_tick_100k",
        EMPTY_TICK_100K,
        "embassy-time",
        embassy_time::empty_tick::<100_000>,
    )
    .times(20),
    peer(
        "peer_binary_heap_empty_tick_100k",
        EMPTY_TICK_100K,
        "binary heap",
        binary_heap::empty_tick::<100_000>,
    ),
];
