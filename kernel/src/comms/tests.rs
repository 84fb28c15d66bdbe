//! The laws of pipes, channels, broadcasts and oneshots.

mod broadcast;
mod channel;
mod wakes;

use core::{cell::RefCell, future::Future};
use std::rc::Rc;

use super::{
    broadcast::broadcast,
    channel::{ChannelError, SendError, channel},
    oneshot::oneshot,
    pipe::{Closed, GrantError, PipeError, pipe},
};
use crate::{Handle, heap::AllocError, testing::Machine, time::Duration};

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
        for step in 0..if cfg!(miri) { 20 } else { 500_usize } {
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
        kernel.sleep(Duration::from_micros(1)).await;
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
        kernel.sleep(Duration::from_micros(1)).await;
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
        kernel.sleep(Duration::from_micros(1)).await;
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
        kernel.sleep(Duration::from_micros(1)).await;
        // Woken, and cancelled before it has looked.
        assert_eq!(receiver.try_recv(), Ok(Some(0)));
        tasks[0].abort();
        kernel.sleep(Duration::from_micros(1)).await;
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
            kernel.sleep(Duration::from_micros(1)).await;
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
            assert_eq!(receiver.try_recv(), Ok(None));
        }
        assert_eq!(kernel.heap().allocations(), allocations);
        let seen = Rc::new(RefCell::new(None));
        let shared = seen.clone();
        let waiting = kernel.try_spawn("receiver", async move {
            *shared.borrow_mut() = Some(receiver.recv().await);
            receiver
        });
        let waiting = waiting.expect("spawned");
        kernel.sleep(Duration::from_micros(1)).await;
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

#[test]
fn what_is_there_reaches_a_receiver_that_came_while_another_was_about_to_look() {
    run(|kernel| async move {
        let (sender, receiver) = channel::<u32>(kernel.heap(), 2).expect("made");
        let receive = |receiver: super::channel::Receiver<u32>| {
            kernel.try_spawn("receiver", async move { receiver.recv().await }).expect("spawned")
        };
        let first = receive(receiver.clone());
        kernel.sleep(Duration::from_micros(1)).await;
        // The second is polled before the first, which is woken for the first value, has looked.
        let second = receive(receiver);
        assert_eq!((sender.try_send(1), sender.try_send(2)), (Ok(()), Ok(())));
        assert_eq!((first.await, second.await), (Ok(Ok(1)), Ok(Ok(2))));
    });
}

#[test]
fn room_reaches_a_sender_that_came_while_another_was_about_to_look() {
    run(|kernel| async move {
        let (sender, receiver) = channel::<u32>(kernel.heap(), 2).expect("made");
        assert_eq!((sender.try_send(1), sender.try_send(2)), (Ok(()), Ok(())));
        let send = |value| {
            let sender = sender.clone();
            kernel.try_spawn("sender", async move { sender.send(value).await }).expect("spawned")
        };
        let first = send(3);
        kernel.sleep(Duration::from_micros(1)).await;
        let second = send(4);
        assert_eq!((receiver.try_recv(), receiver.try_recv()), (Ok(Some(1)), Ok(Some(2))));
        assert_eq!((first.await, second.await), (Ok(Ok(())), Ok(Ok(()))));
    });
}

#[test]
fn nobody_waits_on_a_channel_that_closed_while_others_were_about_to_look() {
    run(|kernel| async move {
        let (sender, receiver) = channel::<u32>(kernel.heap(), 1).expect("made");
        let receive = |receiver: super::channel::Receiver<u32>| {
            kernel.try_spawn("receiver", async move { receiver.recv().await }).expect("spawned")
        };
        let first = receive(receiver.clone());
        kernel.sleep(Duration::from_micros(1)).await;
        let second = receive(receiver);
        drop(sender);
        assert_eq!((first.await, second.await), (Ok(Err(Closed)), Ok(Err(Closed))));

        let (sender, receiver) = channel::<u32>(kernel.heap(), 1).expect("made");
        sender.try_send(0).expect("there is room");
        let send = |sender: super::channel::Sender<u32>| {
            kernel.try_spawn("sender", async move { sender.send(1).await }).expect("spawned")
        };
        let first = send(sender.clone());
        kernel.sleep(Duration::from_micros(1)).await;
        let second = send(sender);
        drop(receiver);
        let closed = Ok(Err(SendError::Closed(1)));
        assert_eq!((first.await, second.await), (closed, closed));
    });
}

#[test]
fn a_grant_is_given_whenever_there_is_room_for_it() {
    let machine = Machine::new();
    let kernel = machine.kernel.handle();
    for capacity in [1, 2, 3, 8, 255, 256, 257] {
        let (mut producer, mut consumer) = pipe(kernel.heap(), capacity).expect("made");
        let mut filled = 0;
        for step in 0..if cfg!(miri) { 20 } else { 20 * capacity } {
            let len = step * 7 % (capacity + 1);
            match producer.grant(len) {
                Ok(grant) => {
                    assert!(filled + len <= capacity);
                    assert_eq!(grant.len(), len);
                    grant.commit(len);
                    filled += len;
                }
                Err(error) => {
                    assert_eq!(error, GrantError::Full);
                    assert!(filled + len > capacity, "{len} bytes, {filled} of {capacity} filled");
                }
            }
            let mut bytes = vec![0; step * 5 % (capacity + 1)];
            filled -= consumer.read(&mut bytes).expect("open");
        }
    }
}

#[cfg(not(miri))]
mod models {
    use std::collections::VecDeque;

    use proptest::prelude::{Just, Strategy, any, prop, prop_oneof};

    use super::{Closed, GrantError, Machine, pipe};

    #[derive(Debug, Clone)]
    enum Step {
        Write(Vec<u8>),
        Grant { len: usize, commit: usize },
        Read(usize),
        Peek { release: usize },
        CloseInput,
        CloseOutput,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            8 => prop::collection::vec(any::<u8>(), 0..40).prop_map(Step::Write),
            8 => (0..40_usize, 0..40_usize).prop_map(|(len, commit)| Step::Grant { len, commit }),
            8 => (0..40_usize).prop_map(Step::Read),
            8 => (0..40_usize).prop_map(|release| Step::Peek { release }),
            1 => Just(Step::CloseInput),
            1 => Just(Step::CloseOutput),
        ];
        prop::collection::vec(step, 0..120)
    }

    proptest::proptest! {
        #[test]
        fn a_pipe_is_a_queue_of_bytes(capacity in 1..33_usize, steps in steps()) {
            let machine = Machine::new();
            let kernel = machine.kernel.handle();
            let (producer, consumer) = pipe(kernel.heap(), capacity).expect("made");
            let (mut producer, mut consumer) = (Some(producer), Some(consumer));
            let mut model: VecDeque<u8> = VecDeque::new();
            let mut next = 0_u8;
            for step in steps {
                let room = capacity - model.len();
                match step {
                    Step::Write(bytes) => {
                        let Some(producer) = &mut producer else { continue };
                        let fits = bytes.len().min(room);
                        let expected = if consumer.is_some() { Ok(fits) } else { Err(Closed) };
                        assert_eq!(producer.write(&bytes), expected);
                        model.extend(&bytes[..expected.unwrap_or(0)]);
                    }
                    Step::Grant { len, commit } => {
                        let Some(producer) = &mut producer else { continue };
                        let expected = match () {
                            () if consumer.is_none() => Err(GrantError::Closed),
                            () if len > capacity => Err(GrantError::TooLarge { requested: len, capacity }),
                            () if len > room => Err(GrantError::Full),
                            () => Ok(len),
                        };
                        let grant = producer.grant(len);
                        assert_eq!(grant.as_ref().map(|grant| grant.len()).map_err(|error| *error), expected);
                        if let Ok(mut grant) = grant {
                            for byte in grant.iter_mut() {
                                *byte = next;
                                next = next.wrapping_add(1);
                            }
                            model.extend(&grant[..commit.min(len)]);
                            grant.commit(commit);
                        }
                    }
                    Step::Read(len) => {
                        let Some(consumer) = &mut consumer else { continue };
                        let mut bytes = vec![0; len];
                        let expected: Vec<u8> = model.drain(..len.min(model.len())).collect();
                        let end = expected.is_empty() && len > 0 && producer.is_none();
                        match consumer.read(&mut bytes) {
                            Ok(read) => assert_eq!((&bytes[..read], end), (&expected[..], false)),
                            Err(Closed) => assert!(end),
                        }
                    }
                    Step::Peek { release } => {
                        let Some(consumer) = &mut consumer else { continue };
                        match consumer.peek() {
                            None => assert!(model.is_empty()),
                            Some(grant) => {
                                assert!(model.iter().zip(grant.iter()).all(|(model, byte)| model == byte));
                                assert!(!grant.is_empty() && grant.len() <= model.len());
                                model.drain(..release.min(grant.len()));
                                grant.release(release);
                            }
                        }
                    }
                    Step::CloseInput => producer = None,
                    Step::CloseOutput => {
                        consumer = None;
                        model.clear();
                    }
                }
                if let (Some(producer), true) = (&producer, consumer.is_some()) {
                    assert_eq!(producer.is_drained(), model.is_empty());
                }
            }
        }
    }
}

#[test]
fn a_channel_holds_what_it_was_made_for_however_much_went_through() {
    let machine = Machine::new();
    let kernel = machine.kernel.handle();
    let (sender, receiver) = channel::<u32>(kernel.heap(), 3).expect("made");
    for round in 0..5 {
        for value in 0..3 {
            assert_eq!(sender.try_send(round + value), Ok(()));
        }
        assert_eq!(sender.try_send(9), Err(SendError::Full(9)));
        for value in 0..3 {
            assert_eq!(receiver.try_recv(), Ok(Some(round + value)));
        }
        assert_eq!(receiver.try_recv(), Ok(None));
    }
}

#[test]
fn a_channel_without_receivers_is_closed_and_not_full_whoever_waits_for_room() {
    run(|kernel| async move {
        let (sender, receiver) = channel::<u32>(kernel.heap(), 1).expect("made");
        sender.try_send(0).expect("there is room");
        let other = sender.clone();
        let waiting = kernel.try_spawn("sender", async move { other.send(1).await }).expect("spawned");
        kernel.sleep(Duration::from_micros(1)).await;
        drop(receiver);
        // The one who waits has not looked yet.
        assert_eq!(sender.try_send(2), Err(SendError::Closed(2)));
        assert_eq!(waiting.await, Ok(Err(SendError::Closed(1))));
    });
}

#[test]
fn who_does_not_wait_sees_the_same_as_who_does() {
    let machine = Machine::new();
    let kernel = machine.kernel.handle();
    let publisher = broadcast::<u32>(kernel.heap(), 2).expect("made");
    let mut subscriber = publisher.subscribe();
    assert!(matches!(subscriber.try_next(), Ok(None)));
    assert_eq!(publisher.publish(7), 1);
    let other = publisher.subscribe();
    assert_eq!(publisher.publish(8), 2);
    drop(other);
    assert_eq!(publisher.publish(9), 1);
    let entry = subscriber.try_next().expect("open").expect("published");
    assert_eq!((entry.missed, entry.record), (1, 8));
    drop(publisher);
    assert!(matches!(subscriber.try_next(), Ok(Some(_))));
    assert_eq!(subscriber.try_next().err(), Some(Closed));

    let (sender, mut receiver) = oneshot::<u32>(kernel.heap()).expect("made");
    assert_eq!(receiver.try_recv(), Ok(None));
    sender.send(7).expect("there is room");
    drop(sender);
    assert_eq!(receiver.try_recv(), Ok(Some(7)));
    assert_eq!(receiver.try_recv(), Err(Closed));
}

#[test]
fn a_producer_tells_how_much_room_there_is() {
    let machine = Machine::new();
    let kernel = machine.kernel.handle();
    let (mut producer, mut consumer) = pipe(kernel.heap(), 2).expect("made");
    for (byte, room) in [(1, 1), (2, 0)] {
        assert!(!producer.is_full());
        assert_eq!(producer.write(&[byte]), Ok(1));
        assert_eq!(producer.room(), room);
    }
    assert!(producer.is_full());
    assert!(!producer.is_drained() && !consumer.is_empty());
    assert_eq!(consumer.read(&mut [0; 2]), Ok(2));
    assert!(!producer.is_full());
    assert!(producer.is_drained() && consumer.is_empty());
}

#[test]
fn every_refusal_says_why() {
    let refusals: &[&dyn core::fmt::Display] = &[
        &PipeError::NoCapacity,
        &PipeError::Memory(AllocError::TooLarge { requested: 9, capacity: 8 }),
        &GrantError::TooLarge { requested: 9, capacity: 8 },
        &GrantError::Full,
        &GrantError::Closed,
        &GrantError::InUse,
        &Closed,
        &ChannelError::NoCapacity,
        &SendError::Full(1),
        &SendError::Closed(1),
    ];
    let mut said: Vec<String> = refusals.iter().map(|refusal| refusal.to_string()).collect();
    assert!(said.iter().all(|sentence| sentence.contains(' ')));
    said.sort();
    said.dedup();
    assert_eq!(said.len(), refusals.len(), "{said:?}");
}
