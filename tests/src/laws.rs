//! The laws, by number.

use core::fmt;

use crate::Home;

mod fixtures;
mod memory;
mod messages;
mod order;
mod requests;
mod services;
mod tasks;
mod time;

/// A law: it holds if its function returns.
pub struct Law<H> {
    /// Its number in the table of `ARCHITECTURE.md`. A law may have several cases.
    pub number: u8,
    /// What holds.
    pub name: &'static str,
    /// Proves it, or panics.
    pub prove: fn(&mut H),
}

impl<H> fmt::Display for Law<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "law {:2} {}", self.number, self.name)
    }
}

/// The heap of a machine for a law, in bytes. Two of them leave a chip with 64 KiB of memory room for a stack.
///
/// Most of what lies in a heap is pointers and lengths, so it grows with them.
pub const HEAP: usize = 6 * 1024 * size_of::<usize>();

macro_rules! laws {
    ($($number:literal $module:ident :: $name:ident),* $(,)?) => {
        /// All laws.
        pub const fn all<H: Home>() -> &'static [Law<H>] {
            const {
                &[$(Law { number: $number, name: stringify!($name), prove: $module::$name::<H> }),*]
            }
        }
    };
}

laws! {
    1 services::a_dead_server_fails_pending_and_later_requests,
    1 services::a_server_killed_before_it_ran_fails_its_clients,
    2 services::a_uuid_is_free_again_once_its_server_is_gone,
    2 services::clients_can_wait_for_the_next_server,
    3 requests::a_request_dropped_in_the_queue_is_withdrawn,
    3 requests::a_request_dropped_in_hand_harms_neither_side,
    3 requests::an_answered_request_may_be_dropped,
    4 services::a_failed_connect_says_why,
    5 services::several_instances_are_listed_chosen_and_watched,
    6 tasks::cancelling_drops_the_future_and_wakes_the_joiner_once,
    7 tasks::dropping_a_join_handle_leaves_the_task_alone,
    8 time::a_sleep_may_last_for_years,
    8 time::timers_fire_in_the_order_of_their_deadlines,
    9 memory::waiters_for_memory_are_served_in_order,
    9 memory::an_impossible_request_blocks_nobody,
    10 memory::out_of_memory_is_an_error_value_everywhere,
    11 messages::any_capacity_works_or_is_refused,
    12 messages::a_grant_larger_than_its_ring_is_an_error,
    13 messages::a_slow_subscriber_is_told_what_it_missed,
    14 messages::hostile_bytes_are_refused,
    15 tasks::a_wake_from_an_interrupt_is_never_lost,
    15 tasks::an_interrupt_on_the_way_to_sleep_ends_the_sleep,
    15 tasks::an_alarm_on_the_way_to_sleep_ends_the_sleep,
    15 tasks::a_wake_of_a_finished_task_is_harmless,
    16 order::two_kernels_share_nothing,
    17 memory::messages_allocate_nothing,
    17 memory::a_steady_state_violation_names_its_owner,
    18 order::same_inputs_same_events,
    19 requests::every_request_has_exactly_one_outcome,
}
