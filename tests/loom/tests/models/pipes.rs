//! The byte pipe: what is around its ring, which counts bytes and wakes.

use std::sync::{Arc, Mutex};

use kernel::comms::pipe::{Closed, pipe};
use loom::future::block_on;
use mnemos_loom::{Machine, check, join_all, spawn};

#[test]
fn bytes_arrive_in_order_however_little_room_there_is() {
    check(|| {
        let machine = Machine::new();
        let (mut producer, mut consumer) = pipe(machine.kernel.handle().heap(), 1).expect("there is memory");
        loom::explore();
        spawn(move || block_on(producer.write_all(b"ab")).expect("the consumer stays"));
        let (mut read, mut bytes) = (0, [0; 2]);
        while read < 2 {
            match consumer.read(&mut bytes[read..]) {
                Ok(0) => block_on(consumer.filled()),
                Ok(more) => read += more,
                Err(Closed) => panic!("the pipe closed before all was read"),
            }
        }
        assert_eq!(&bytes, b"ab");
        join_all();
    });
}

#[test]
fn there_is_always_as_much_room_as_is_told() {
    check(|| {
        let machine = Machine::new();
        let (mut producer, mut consumer) = pipe(machine.kernel.handle().heap(), 2).expect("there is memory");
        producer.write(b"ab").expect("the consumer is there");
        loom::explore();
        let place = Arc::new(Mutex::new(None));
        let keep = place.clone();
        spawn(move || {
            let mut byte = [0];
            for _ in 0..2 {
                assert_eq!(consumer.read(&mut byte), Ok(1));
            }
            *keep.lock().expect("nobody panics with it") = Some(consumer);
        });
        for _ in 0..2 {
            let room = producer.room();
            assert!(room <= 2);
            assert_eq!(producer.grant(room).map(|grant| grant.len()), Ok(room));
        }
        join_all();
        assert!(producer.is_drained());
    });
}

#[test]
fn a_producer_that_goes_is_heard_after_what_it_wrote() {
    check(|| {
        let machine = Machine::new();
        let (mut producer, mut consumer) = pipe(machine.kernel.handle().heap(), 2).expect("there is memory");
        loom::explore();
        spawn(move || {
            producer.write(b"a").expect("the consumer stays");
        });
        let mut read = Vec::new();
        loop {
            let mut bytes = [0; 2];
            match consumer.read(&mut bytes) {
                Ok(0) => block_on(consumer.filled()),
                Ok(more) => read.extend_from_slice(&bytes[..more]),
                Err(Closed) => break,
            }
        }
        assert_eq!(read, b"a");
        join_all();
    });
}

#[test]
fn a_consumer_that_goes_ends_the_wait_for_room() {
    check(|| {
        let machine = Machine::new();
        let (mut producer, consumer) = pipe(machine.kernel.handle().heap(), 1).expect("there is memory");
        loom::explore();
        spawn(move || drop(consumer));
        assert_eq!(block_on(producer.write_all(b"ab")), Err(Closed));
        join_all();
    });
}
