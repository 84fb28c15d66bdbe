//! A driver that forgets the request of a client that has given up: the request's slot is taken for ever.

use std::{future::poll_fn, pin::pin, task::Poll};

use kernel::{
    Handle,
    executor::TaskId,
    heap::FixedVec,
    interrupt::Line,
    registry::{Call, Reply},
    services::echo::{Echo, Request},
    time::{Duration, Instant},
};
use sim_host::{
    External,
    explore::{Explorer, Failure, Move},
};

use super::{finds, survives};

/// When the sensor has a value, in milliseconds.
const VALUES: [u64; 3] = [2, 5, 9];
/// When clients ask for one, in milliseconds.
const ASKED: [u64; 3] = [1, 4, 8];
/// How long they wait for it.
const PATIENCE: Duration = Duration::from_millis(3);

pub(super) const TIDY: bool = true;
const FORGETFUL: bool = false;

enum Next {
    Asked(Call<Echo>),
    Measured,
}

/// Answers who waits when there is a value. The contract is that of echo: a request that is answered with itself.
async fn serve(kernel: Handle, mut line: Line, tidy: bool) {
    let mut waiting: FixedVec<(Request, Reply<Echo>)> = kernel.heap().vec(8).await.expect("memory");
    let mut server = kernel.services().bind::<Echo>("").await.expect("bound");
    loop {
        let next = {
            let (mut call, mut value) = (pin!(server.next_call()), pin!(line.wait()));
            poll_fn(|context| match call.as_mut().poll(context) {
                Poll::Ready(call) => Poll::Ready(Next::Asked(call)),
                Poll::Pending => value.as_mut().poll(context).map(|()| Next::Measured),
            })
            .await
        };
        match next {
            Next::Asked(call) => drop(waiting.push(call.split())),
            Next::Measured => {
                // The bug: who has given up is passed over, and stays.
                let stays = |entry: &(Request, Reply<Echo>)| !tidy && entry.1.is_abandoned();
                while let Some(index) = waiting.iter().position(|entry| !stays(entry)) {
                    let (request, reply) = waiting.remove(index);
                    let _ = reply.send(Ok(request));
                }
            }
        }
    }
}

/// Asks once, and goes away whether it is answered or not.
async fn ask(kernel: Handle, at: Instant) {
    kernel.sleep_until(at).await;
    let sensor = kernel.services().connect::<Echo>((), 1).await.expect("connected");
    let _ = kernel.timeout(PATIENCE, sensor.call(Request::Number(1))).await;
}

pub(super) fn explorer(tidy: bool) -> Explorer<'static, u64> {
    Explorer::new(
        &VALUES,
        move |machine| {
            machine
                .bare()
                .on_boot(move |sim| {
                    let (_, line) = sim.interrupt_line("sensor")?;
                    sim.spawn("sensor", serve(sim.kernel(), line, tidy)).detach();
                    for at_ms in ASKED {
                        sim.spawn("client", ask(sim.kernel(), Instant::from_millis(at_ms))).detach();
                    }
                    Ok(())
                })
                .build()
        },
        |sim, values| {
            for value in values {
                let sensor = External::Interrupt { line: "sensor".into() };
                sim.schedule(Instant::from_millis(**value), sensor).expect("there is a sensor");
            }
            sim.run_for(Duration::from_secs(1));
            match sim.kernel().next_task(TaskId(0)) {
                Some(_) => Ok(()),
                None => Err("the sensor's driver is gone".into()),
            }
        },
    )
}

#[test]
fn a_token_that_a_driver_forgets_is_found_as_a_request_without_end() {
    let found = finds(&explorer(FORGETFUL));
    assert!(matches!(found.failure, Failure::Unanswered(_)), "{found}");
    assert!(matches!(found.schedule.0.as_slice(), [Move::Delay { .. } | Move::Late { .. }]), "{found}");
}

#[test]
fn a_driver_that_answers_who_has_given_up_too_leaks_nothing() {
    survives(&explorer(TIDY));
}
