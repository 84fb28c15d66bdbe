//! The laws of pipes, channels, broadcasts and oneshots.

use core::{cell::RefCell, future::Future};
use std::rc::Rc;

use super::{
    broadcast::broadcast,
    channel::{ChannelError, SendError, channel},
    oneshot::oneshot,
    pipe::{Closed, GrantError, PipeError, pipe},
};
use crate::{Handle, heap::AllocError, testing::Machine};

/// Runs a future as a task, to its end.
fn run<F: Future<Output = ()> + 'static>(test: impl FnOnce(Handle) -> F) {
    let machine = Machine::new();
    let kernel = machine.kernel.handle();
    let task = kernel.try_spawn("test", test(kernel.clone())).expect("spawned");
    machine.run();
    assert!(task.is_finished(), "the test hangs");
}

#[test]
fn a_pipe_of_any_capacity_carries_bytes_in_order() {
    for capacity in [1, 2, 3, 31, 32, 33, 255, 256, 257, 1024] {
        let machine = Machine::new();
        let kernel = machine.kernel.handle();
        let (mut producer, mut consumer) = pipe(kernel.heap(), capacity).expect("made");
        assert_eq!(producer.capacity(), capacity);
        let (mut next_in, mut next_out) = (0_u8, 0_u8);
        for step in 0..500_usize {
            let bytes: Vec<u8> = (0..step % (capacity + 2)).map(|n| next_in.wrapping_add(n as u8)).collect();
            next_in = next_in.wrapping_add(producer.write(&bytes).expect("open") as u8);
            let mut out = vec![0; step * 7 % (capacity + 3)];
            let read = consumer.read(&mut out).expect("open");
            for byte in &out[..read] {
                assert_eq!(*byte, next_out, "capacity {capacity}, step {step}");
                next_out = next_out.wrapping_add(1);
            }
        }
        let mut rest = vec![0; capacity];
        while consumer.read(&mut rest).expect("open") > 0 {}
        assert!(producer.is_drained());
    }
}

#[test]
fn an_impossible_pipe_or_grant_is_refused() {
    let machine = Machine::new();
    let kernel = machine.kernel.handle();
    assert!(matches!(pipe(kernel.heap(), 0), Err(PipeError::NoCapacity)));
    for capacity in [usize::MAX, usize::MAX / 2] {
        assert!(matches!(pipe(kernel.heap(), capacity), Err(PipeError::Memory(AllocError::TooLarge { .. }))));
    }
    let (mut producer, mut consumer) = pipe(kernel.heap(), 8).expect("made");
    let refused = producer.grant(9).err();
    assert_eq!(refused, Some(GrantError::TooLarge { requested: 9, capacity: 8 }));
    let mut grant = producer.grant(8).expect("an empty ring has room for all");
    grant.fill(7);
    grant.commit(8);
    assert_eq!(producer.grant(1).err(), Some(GrantError::Full));
    assert_eq!(consumer.peek().expect("full").len(), 8);
    drop(consumer);
    assert_eq!(producer.grant(1).err(), Some(GrantError::Closed));
    assert_eq!(producer.write(&[1]), Err(Closed));
}

#[test]
fn the_halves_of_a_pipe_may_outlive_the_kernel_on_other_threads() {
    let machine = Machine::new();
    let kernel = machine.kernel.handle();
    let (mut producer, mut consumer) = pipe(kernel.heap(), 16).expect("made");
    let thread = std::thread::spawn(move || {
        let mut sent = 0;
        while sent < 200 {
            match producer.write(&[sent]) {
                Ok(written) => sent += written as u8,
                Err(Closed) => break,
            }
            std::thread::yield_now();
        }
        producer
    });
    let mut expected = 0;
    while expected < 100 {
        let mut bytes = [0; 5];
        let read = consumer.read(&mut bytes).expect("open");
        for byte in &bytes[..read] {
            assert_eq!(*byte, expected);
            expected += 1;
        }
        std::thread::yield_now();
    }
    drop(consumer);
    let producer = thread.join().expect("the thread ends");
    drop((kernel, machine));
    assert!(producer.is_closed());
}

#[test]
fn a_writer_waits_for_room_and_learns_that_nobody_reads() {
    run(|kernel| async move {
        let (mut producer, mut consumer) = pipe(kernel.heap(), 4).expect("made");
        let reader = kernel.try_spawn("reader", async move {
            let mut heard: Vec<u8> = Vec::new();
            while heard.len() < 10 {
                consumer.filled().await;
                let mut bytes = [0; 3];
                while let Ok(len @ 1..) = consumer.read(&mut bytes) {
                    heard.extend(&bytes[..len]);
                }
            }
            heard
        });
        assert_eq!(producer.write_all(b"0123456789").await, Ok(()));
        assert_eq!(reader.expect("spawned").await.expect("done"), b"0123456789");
        assert_eq!(producer.write_all(b"more").await, Err(Closed));
    });
}

#[test]
fn what_was_written_before_the_producer_left_can_be_read() {
    let machine = Machine::new();
    let kernel = machine.kernel.handle();
    let (mut producer, mut consumer) = pipe(kernel.heap(), 4).expect("made");
    assert_eq!(producer.write(b"ab"), Ok(2));
    drop(producer);
    let mut bytes = [0; 4];
    assert_eq!(consumer.read(&mut bytes), Ok(2));
    assert_eq!(consumer.read(&mut bytes), Err(Closed));
}

#[test]
fn a_channel_is_bounded_fair_and_closes_on_both_sides() {
    run(|kernel| async move {
        assert!(matches!(channel::<u8>(kernel.heap(), 0), Err(ChannelError::NoCapacity)));
        let (sender, receiver) = channel::<u32>(kernel.heap(), 2).expect("made");
        assert_eq!(sender.try_send(1), Ok(()));
        assert_eq!(sender.try_send(2), Ok(()));
        assert_eq!(sender.try_send(3), Err(SendError::Full(3)));
        let waiting = [3, 4].map(|value| {
            let sender = sender.clone();
            let task = kernel.try_spawn("sender", async move { sender.send(value).await });
            task.expect("spawned")
        });
        kernel.sleep(crate::time::Duration::from_micros(1)).await;
        assert_eq!(receiver.recv().await, Ok(1));
        // There is room, but others have waited for it.
        assert_eq!(sender.try_send(5), Err(SendError::Full(5)));
        for expected in [2, 3, 4] {
            assert_eq!(receiver.recv().await, Ok(expected));
        }
        for task in waiting {
            assert_eq!(task.await, Ok(Ok(())));
        }
        assert_eq!(receiver.try_recv(), Ok(None));
        let last = receiver.clone();
        let waiting = kernel.try_spawn("receiver", async move { last.recv().await }).expect("spawned");
        kernel.sleep(crate::time::Duration::from_micros(1)).await;
        drop(sender);
        assert_eq!(waiting.await, Ok(Err(Closed)));
        assert_eq!(receiver.recv().await, Err(Closed));

        let (sender, receiver) = channel::<Rc<()>>(kernel.heap(), 1).expect("made");
        let value = Rc::new(());
        sender.try_send(value.clone()).expect("there is room");
        let late = sender.clone();
        let blocked = value.clone();
        let waiting =
            kernel.try_spawn("late", async move { late.send(blocked).await.is_err() }).expect("spawned");
        kernel.sleep(crate::time::Duration::from_micros(1)).await;
        drop(receiver);
        assert_eq!(waiting.await, Ok(true));
        assert_eq!(Rc::strong_count(&value), 1, "what nobody will take is dropped");
    });
}

#[test]
fn a_send_that_is_given_up_lets_the_next_one_have_the_room() {
    run(|kernel| async move {
        let (sender, receiver) = channel::<u32>(kernel.heap(), 1).expect("made");
        sender.try_send(0).expect("there is room");
        let tasks = [1, 2].map(|value| {
            let sender = sender.clone();
            kernel.try_spawn("sender", async move { sender.send(value).await }).expect("spawned")
        });
        kernel.sleep(crate::time::Duration::from_micros(1)).await;
        // Woken, and cancelled before it has looked.
        assert_eq!(receiver.try_recv(), Ok(Some(0)));
        tasks[0].abort();
        kernel.sleep(crate::time::Duration::from_micros(1)).await;
        assert_eq!(receiver.try_recv().map(|value| value.is_some()), Ok(true));
    });
}

#[test]
fn a_slow_subscriber_is_told_what_it_missed() {
    run(|kernel| async move {
        let publisher = broadcast::<u32>(kernel.heap(), 4).expect("made");
        let mut slow = publisher.subscribe();
        let dead = publisher.subscribe();
        let quick = {
            let mut quick = publisher.subscribe();
            let task = kernel.try_spawn("quick", async move {
                let mut seen = Vec::new();
                while let Ok(entry) = quick.next().await {
                    assert_eq!(entry.missed, 0);
                    seen.push(entry.record);
                }
                seen
            });
            task.expect("spawned")
        };
        for value in 0..10 {
            assert_eq!(publisher.publish(value), 3);
            kernel.sleep(crate::time::Duration::from_micros(1)).await;
        }
        drop(dead);
        let first = slow.next().await.expect("open");
        assert_eq!((first.missed, first.record), (6, 6));
        drop(publisher);
        for expected in 7..10 {
            let entry = slow.next().await.expect("what is left comes first");
            assert_eq!((entry.missed, entry.record), (0, expected));
        }
        assert_eq!(slow.next().await.err(), Some(Closed));
        assert_eq!(quick.await.expect("done"), (0..10).collect::<Vec<_>>());
    });
}

#[test]
fn a_oneshot_is_used_again_and_closes() {
    run(|kernel| async move {
        let (sender, mut receiver) = oneshot::<u32>(kernel.heap()).expect("made");
        let allocations = kernel.heap().allocations();
        for value in 0..3 {
            assert_eq!(sender.send(value), Ok(()));
            assert_eq!(sender.send(9), Err(SendError::Full(9)));
            assert_eq!(receiver.recv().await, Ok(value));
        }
        assert_eq!(kernel.heap().allocations(), allocations);
        let seen = Rc::new(RefCell::new(None));
        let shared = seen.clone();
        let waiting = kernel.try_spawn("receiver", async move {
            *shared.borrow_mut() = Some(receiver.recv().await);
            receiver
        });
        let waiting = waiting.expect("spawned");
        kernel.sleep(crate::time::Duration::from_micros(1)).await;
        drop(sender);
        drop(waiting.await);
        assert_eq!(*seen.borrow(), Some(Err(Closed)));
        let (sender, receiver) = oneshot::<u32>(kernel.heap()).expect("made");
        drop(receiver);
        assert_eq!(sender.send(1), Err(SendError::Closed(1)));
    });
}

#[test]
fn a_pipe_lets_the_region_go_however_it_was_used() {
    let before = crate::testing::regions_released();
    let machine = Machine::new();
    let (mut producer, mut consumer) = pipe(machine.kernel.handle().heap(), 8).expect("made");
    assert_eq!(producer.write(b"abc"), Ok(3));
    producer.grant(2).expect("room").commit(1);
    drop(producer.grant(2).expect("room"));
    consumer.peek().expect("bytes").release(1);
    drop(consumer.peek());
    assert_eq!(consumer.read(&mut [0; 2]), Ok(2));
    let reader = async move {
        loop {
            consumer.filled().await;
        }
    };
    machine.kernel.handle().try_spawn("reader", reader).expect("spawned").detach();
    machine.settle();
    drop(machine);
    assert_eq!(crate::testing::regions_released(), before, "the producer is left");
    drop(producer);
    assert_eq!(crate::testing::regions_released(), before + 1);
}

#[test]
fn a_task_that_waits_for_an_interrupt_does_not_keep_the_region() {
    let before = crate::testing::regions_released();
    let machine = Machine::new();
    let mut line = machine.kernel.handle().interrupt_line("line").expect("made");
    let trigger = line.trigger();
    let driver = async move {
        loop {
            line.wait().await;
        }
    };
    machine.kernel.handle().try_spawn("driver", driver).expect("spawned").detach();
    for _ in 0..3 {
        machine.settle();
        trigger.fire();
    }
    drop(trigger);
    drop(machine);
    assert_eq!(crate::testing::regions_released(), before + 1);
}

#[cfg(not(miri))]
proptest::proptest! {
    /// Whatever is written, granted, read and released in whatever pieces: a pipe is a queue of bytes with a bound.
    #[test]
    fn a_pipe_behaves_like_a_bounded_queue(
        capacity in 1_usize..40,
        steps in proptest::collection::vec((0_u8..4, 0_usize..50), 1..120),
    ) {
        let machine = Machine::new();
        let kernel = machine.kernel.handle();
        let (mut producer, mut consumer) = pipe(kernel.heap(), capacity).expect("made");
        let (mut model, mut next) = (std::collections::VecDeque::new(), 0_u8);
        for (step, len) in steps {
            match step {
                0 => {
                    let bytes: Vec<u8> = (0..len).map(|n| next.wrapping_add(n as u8)).collect();
                    let written = producer.write(&bytes).expect("open");
                    let fits = len.min(capacity - model.len());
                    proptest::prop_assert!(written <= fits, "never more than there is room for");
                    proptest::prop_assert!(written > 0 || fits == 0 || !model.is_empty(), "an empty pipe takes some");
                    model.extend(&bytes[..written]);
                    next = next.wrapping_add(written as u8);
                }
                1 => match producer.grant(len) {
                    Ok(mut grant) => {
                        proptest::prop_assert!(model.len() + len <= capacity);
                        for place in grant.iter_mut() {
                            *place = next;
                            next = next.wrapping_add(1);
                        }
                        model.extend(grant.iter().copied());
                        grant.commit(len);
                    }
                    Err(GrantError::TooLarge { .. }) => proptest::prop_assert!(len > capacity),
                    Err(GrantError::Full) => proptest::prop_assert!(len <= capacity && len > 0),
                    Err(other) => proptest::prop_assert!(false, "{other:?}"),
                },
                2 => {
                    let mut bytes = vec![0; len];
                    let read = consumer.read(&mut bytes).expect("open");
                    proptest::prop_assert_eq!(read, len.min(model.len()), "a read gives all that is there");
                    let expected: Vec<u8> = model.drain(..read).collect();
                    proptest::prop_assert_eq!(&bytes[..read], &expected[..]);
                }
                _ => if let Some(grant) = consumer.peek() {
                    let release = len.min(grant.len());
                    let expected: Vec<u8> = model.drain(..release).collect();
                    proptest::prop_assert_eq!(&grant[..release], &expected[..]);
                    grant.release(release);
                } else {
                    proptest::prop_assert!(model.is_empty());
                },
            }
            proptest::prop_assert_eq!(producer.is_drained(), model.is_empty());
        }
    }
}
