//! A value that sixteen tasks wait for.

use std::hint::black_box;

use kernel::comms::broadcast::broadcast;

use crate::machine::{Machine, yield_now};

/// Tasks that wait.
pub(super) const SUBSCRIBERS: usize = 16;

/// Values that are kept for those who are slow. Nobody is.
pub(super) const CAPACITY: usize = 4;

/// A value is published, and all have seen it.
pub(crate) fn fan_out(times: u64) {
    let machine = Machine::boot();
    let publisher = broadcast::<u64>(machine.handle().heap(), CAPACITY).expect("there is memory");
    for _ in 0..SUBSCRIBERS {
        let mut subscriber = publisher.subscribe();
        machine.start("subscriber", async move {
            while let Ok(entry) = subscriber.next().await {
                black_box(entry);
            }
        });
    }
    machine.start("publisher", async move {
        for number in 0..times {
            publisher.publish(number);
            yield_now().await;
        }
    });
    machine.settle();
}
