//! Laws 3 and 19: requests that are given up, and the outcome of all others.

use core::{
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
};

use kernel::{
    limits::Settings,
    registry::{CallError, ClientGone, Pending},
};

use super::fixtures::{Doubler, bind, count, counter, take, take_request};
use crate::{HEAP, Home, Machine};

pub(super) fn a_request_dropped_in_the_queue_is_withdrawn<H: Home>(home: &mut H) {
    let mut machine = home.boot(HEAP, &Settings::DEFAULT);
    let kernel = machine.kernel();
    let mut server = bind(&kernel, "");
    let handle = kernel.clone();
    let client = kernel.try_spawn("client", async move {
        let client = handle.services().connect::<Doubler>(true, 1).await.expect("connected");
        drop(client.try_send(1).expect("the slot is free"));
        client.call(2).await
    });
    let seen = machine.run(async move {
        let (request, reply) = take_request(&mut server).await;
        reply.send(Ok(20)).expect("the client waits");
        request
    });
    assert_eq!(seen, 2, "the server never sees the request that was withdrawn");
    assert_eq!(machine.finish(client.expect("spawned")), Ok(20));
}

pub(super) fn a_request_dropped_in_hand_harms_neither_side<H: Home>(home: &mut H) {
    let mut machine = home.boot(HEAP, &Settings::DEFAULT);
    let kernel = machine.kernel();
    let mut server = bind(&kernel, "");
    let handle = kernel.clone();
    let client = kernel.try_spawn("client", async move {
        let client = handle.services().connect::<Doubler>(true, 2).await.expect("connected");
        let mut given_up = pin!(client.call(1));
        // Two polls: sent, then taken by the server, which has run in between.
        let mut polls = 0;
        poll_fn(|context| {
            polls += 1;
            assert!(given_up.as_mut().poll(context).is_pending());
            context.waker().wake_by_ref();
            if polls < 4 { Poll::Pending } else { Poll::Ready(()) }
        })
        .await;
        given_up.set(client.call(2));
        given_up.await
    });
    let late = machine.run(async move {
        let (first, kept) = take_request(&mut server).await;
        let (second, reply) = take_request(&mut server).await;
        assert_eq!((first, second), (1, 2));
        let late = kept.send(Ok(10));
        reply.send(Ok(20)).expect("the client waits");
        late
    });
    assert_eq!(late, Err(ClientGone), "a late reply is told so");
    assert_eq!(machine.finish(client.expect("spawned")), Ok(20));
}

pub(super) fn an_answered_request_may_be_dropped<H: Home>(home: &mut H) {
    let mut machine = home.boot(HEAP, &Settings::DEFAULT);
    let kernel = machine.kernel();
    machine.start("server", super::fixtures::serve(bind(&kernel, "")));
    let answer = machine.run(async move {
        let client = kernel.services().try_connect::<Doubler>(true, 1).await.expect("connected");
        for number in 1..4 {
            let answered = client.try_send(number).expect("the slot is free again");
            kernel.sleep(kernel::time::Duration::from_micros(10)).await;
            drop(answered);
        }
        client.call(21).await
    });
    assert_eq!(answer, Ok(42));
}

/// Numbers that look random and are the same everywhere.
struct Dice(u32);

impl Dice {
    fn roll(&mut self, sides: u32) -> u32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 16) % sides
    }
}

pub(super) fn every_request_has_exactly_one_outcome<H: Home>(home: &mut H) {
    const ROUNDS: u32 = 40;
    const CLIENTS: u32 = 3;
    // Near their end, so that they wrap meanwhile.
    let mut machine = home.boot(HEAP, &Settings { first_id: u32::MAX - 50, ..Settings::DEFAULT });
    let kernel = machine.kernel();
    let (sent, ended) = (counter(&kernel), counter(&kernel));
    let handle = kernel.clone();
    // Servers answer, drop or keep what they take, and die with all that they have.
    machine.start("servers", async move {
        let mut dice = Dice(7);
        loop {
            let mut server = bind(&handle, "");
            let mut kept = None;
            for _ in 0..dice.roll(20) + 3 {
                let Some((request, reply)) = take(&mut server).await else { continue };
                match dice.roll(4) {
                    0 => drop(reply),
                    1 => drop(kept.replace(reply)),
                    _ => drop(reply.send(Ok(request)).ok()),
                }
            }
        }
    });
    let clients = [1, 2, 3].map(|seed| {
        let (handle, sent, ended) = (kernel.clone(), sent.clone(), ended.clone());
        let client = kernel.try_spawn("client", async move {
            let mut dice = Dice(seed);
            for _ in 0..ROUNDS {
                let Ok(client) = handle.services().connect::<Doubler>(true, 2).await else { continue };
                for _ in 0..dice.roll(6) {
                    let number = dice.roll(1000);
                    let Ok(mut pending) = client.send(number).await else { break };
                    count(&sent);
                    // Some are given up after a few polls; a kept one is given up too, else nobody would end it.
                    let patience = if dice.roll(3) == 0 { dice.roll(4) } else { 8 };
                    if let Some(outcome) = patiently(&mut pending, patience).await {
                        assert!(
                            matches!(outcome, Err(CallError::ServerGone | CallError::Unanswered))
                                || outcome == Ok(number),
                            "request {number} has the outcome of another: {outcome:?}"
                        );
                    }
                    drop(pending);
                    count(&ended);
                }
            }
        });
        client.expect("spawned")
    });
    for client in clients {
        machine.finish(client);
    }
    assert!(sent.get() > ROUNDS * CLIENTS / 2, "there was something to see");
    assert_eq!(sent.get(), ended.get());
}

/// Polls so many times, other tasks running in between; `None` when patience is at its end.
async fn patiently(
    pending: &mut Pending<'_, Doubler>,
    patience: u32,
) -> Option<Result<u32, CallError<super::fixtures::Zero>>> {
    let mut polls = 0;
    poll_fn(|context| {
        if let Poll::Ready(outcome) = pin!(&mut *pending).poll(context) {
            return Poll::Ready(Some(outcome));
        }
        polls += 1;
        if polls > patience {
            return Poll::Ready(None);
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await
}
