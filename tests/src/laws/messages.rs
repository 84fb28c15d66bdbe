//! Laws 11 to 14: capacities, grants, slow subscribers, hostile bytes.

use kernel::{
    Handle,
    comms::{
        broadcast::broadcast,
        channel::{ChannelError, channel},
        pipe::{GrantError, PipeError, pipe},
    },
    limits::Settings,
    registry::{
        Service,
        programs::{FRAME, ProgramCallError, ProgramReply, ProgramService},
    },
    services::echo::{Echo, serve},
    wire::text,
};

use super::fixtures::{Doubler, bind};
use crate::{HEAP, Home, Machine};

/// Capacities at which others have misbehaved.
const CAPACITIES: [usize; 6] = [1, 2, 255, 256, 257, 1000];

pub(super) fn any_capacity_works_or_is_refused<H: Home>(home: &mut H) {
    // The memory is for the deepest connection there can be.
    let mut machine = home.boot(HEAP, &Settings { events: 16, log_lines: 4, ..Settings::DEFAULT });
    let kernel = machine.kernel();
    machine.start("server", super::fixtures::serve(bind(&kernel, "")));
    machine.run(async move {
        assert!(matches!(pipe(kernel.heap(), 0), Err(PipeError::NoCapacity)));
        assert!(matches!(pipe(kernel.heap(), usize::MAX), Err(PipeError::Memory(_))));
        assert!(matches!(channel::<u8>(kernel.heap(), 0), Err(ChannelError::NoCapacity)));
        for capacity in CAPACITIES {
            pipe_works(&kernel, capacity);
            let (sender, receiver) = channel(kernel.heap(), capacity).expect("there is memory");
            for value in 0..capacity {
                assert_eq!(sender.try_send(value), Ok(()));
            }
            assert!(sender.try_send(0).is_err());
            for value in 0..capacity {
                assert_eq!(receiver.try_recv(), Ok(Some(value)));
            }
        }
        for depth in [1, 2, 255, 256] {
            let client = kernel.services().try_connect::<Doubler>(true, depth).await.expect("a valid depth");
            assert_eq!(usize::from(client.depth()), depth);
            for number in 1..4 {
                assert_eq!(client.call(number).await, Ok(2 * number));
            }
        }
        for depth in [0, 257, usize::MAX] {
            assert!(kernel.services().try_connect::<Doubler>(true, depth).await.is_err());
        }
    });
}

/// Fills and empties a pipe a few times, in pieces that wrap round its ring.
fn pipe_works(kernel: &Handle, capacity: usize) {
    let (mut producer, mut consumer) = pipe(kernel.heap(), capacity).expect("there is memory");
    let (mut next_in, mut next_out, mut carried) = (0_u8, 0_u8, 0);
    for step in 0..40 {
        let mut bytes = [0; 7];
        for (place, offset) in bytes.iter_mut().zip(0..) {
            *place = next_in.wrapping_add(offset);
        }
        let written = producer.write(&bytes).expect("the consumer is there");
        next_in = next_in.wrapping_add(written as u8);
        if step % 3 > 0 {
            let read = consumer.read(&mut bytes).expect("the producer is there");
            for byte in bytes.iter().take(read) {
                assert_eq!(*byte, next_out, "a pipe of {capacity} bytes");
                next_out = next_out.wrapping_add(1);
                carried += 1;
            }
        }
    }
    assert!(carried >= 20, "a pipe of {capacity} bytes has carried {carried} only");
}

pub(super) fn a_grant_larger_than_its_ring_is_an_error<H: Home>(home: &mut H) {
    let machine = home.boot(HEAP, &Settings::DEFAULT);
    let kernel = machine.kernel();
    let (mut producer, _consumer) = pipe(kernel.heap(), 64).expect("there is memory");
    for requested in [65, 1000, usize::MAX] {
        let refused = producer.grant(requested).map(|_| ());
        assert_eq!(refused, Err(GrantError::TooLarge { requested, capacity: 64 }));
    }
    assert_eq!(producer.grant(64).map(|grant| grant.len()), Ok(64));
}

pub(super) fn a_slow_subscriber_is_told_what_it_missed<H: Home>(home: &mut H) {
    let mut machine = home.boot(HEAP, &Settings::DEFAULT);
    let kernel = machine.kernel();
    machine.run(async move {
        let publisher = broadcast::<u32>(kernel.heap(), 4).expect("there is memory");
        let (mut slow, mut quick, dead) =
            (publisher.subscribe(), publisher.subscribe(), publisher.subscribe());
        drop(dead);
        for value in 0..10 {
            assert_eq!(publisher.publish(value), 2);
            let entry = quick.next().await.expect("the publisher is there");
            assert_eq!((entry.missed, entry.record), (0, value));
        }
        let entry = slow.next().await.expect("the publisher is there");
        assert_eq!((entry.missed, entry.record), (6, 6));
    });
}

pub(super) fn hostile_bytes_are_refused<H: Home>(home: &mut H) {
    let mut machine = home.boot(HEAP, &Settings::DEFAULT);
    let kernel = machine.kernel();
    machine.start("echo", serve(kernel.clone()));
    machine.run(async move {
        let services = kernel.services();
        let echo = loop {
            match services.connect_program(Echo::UUID, Echo::KEY, &[], 1).await {
                Ok(echo) => break echo,
                Err(_not_yet) => kernel.sleep(kernel::time::Duration::from_micros(1)).await,
            }
        };
        let mut reply = [0; 80];
        let mut dice = 1_u32;
        let mut answered = 0;
        for round in 0..300_usize {
            let mut frame = [0; 24];
            for byte in &mut frame {
                dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                *byte = (dice >> 24) as u8 >> (round % 8);
            }
            // Often a variant that exists, so that some frames get further.
            if let Some(first) = frame.first_mut() {
                *first %= 3;
            }
            let frame = frame.get(..round % 24).unwrap_or_default();
            match echo.call(frame, &mut reply).await {
                Ok(ProgramReply::Response(_)) => answered += 1,
                Err(ProgramCallError::Malformed) => {}
                other => panic!("{frame:?} has the outcome {other:?}"),
            }
            // The same bytes as text, and as a frame to be printed.
            let text = core::str::from_utf8(frame).unwrap_or("Number(\u{7f}");
            let mut out = [0; 64];
            let _refused = text::encode(Echo::SCHEMAS.request, text, &mut out);
            let mut shown = kernel::inline::Text::<200>::new();
            let _refused = text::decode_all(Echo::SCHEMAS.request, frame, &mut shown);
        }
        assert!(answered > 0, "some frames were good by chance");
        assert_eq!(echo.call(&[0; FRAME + 1], &mut reply).await, Err(ProgramCallError::TooLong));
        assert_eq!(
            echo.call(&[0, 5, 0], &mut reply).await,
            Err(ProgramCallError::Malformed),
            "a byte too many"
        );
        assert_eq!(echo.call(&[0, 5], &mut reply).await, Ok(ProgramReply::Response(2)));
    });
}
