//! A driver that forgets a request, or memory, when it is short of memory: only faults show that.

use std::mem;

use kernel::{
    Handle,
    registry::Call,
    services::echo::{Echo, Request},
    time::{Duration, Instant},
};
use sim_host::explore::{Explorer, Failure, Move};

use super::finds;

/// When clients ask, in milliseconds.
const ASKED: std::ops::Range<u64> = 1..12;

/// What the driver does with a request for which it has no memory.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Driver {
    /// It lets the client know, by letting go of the request.
    Careful,
    /// It forgets the request.
    LosesRequests,
    /// It lets the client know, and forgets the half that it has got.
    LosesMemory,
}

/// Needs two buffers for an answer.
async fn serve(kernel: Handle, driver: Driver) {
    let mut server = kernel.services().bind::<Echo>("").await.expect("bound");
    loop {
        let call: Call<Echo> = server.next_call().await;
        let (one, two) = (kernel.heap().try_buffer(64), kernel.heap().try_buffer(4096));
        match (one, two) {
            (Ok(_), Ok(_)) => {
                let request = *call.request();
                let _ = call.answer(request);
            }
            _ if driver == Driver::LosesRequests => mem::forget(call),
            (Ok(one), Err(_)) if driver == Driver::LosesMemory => mem::forget(one),
            _ => {}
        }
    }
}

async fn ask(kernel: Handle, at: Instant) {
    kernel.sleep_until(at).await;
    // With no memory there is nobody who asks.
    let Ok(echo) = kernel.services().connect::<Echo>((), 1).await else { return };
    let _ = echo.call(Request::Number(1)).await;
}

fn explorer(driver: Driver) -> Explorer<'static, ()> {
    let explorer = Explorer::new(
        &[],
        move |machine| {
            machine
                .bare()
                .on_boot(move |sim| {
                    sim.spawn("sensor", serve(sim.kernel(), driver)).detach();
                    for at_ms in ASKED {
                        sim.spawn("client", ask(sim.kernel(), Instant::from_millis(at_ms))).detach();
                    }
                    Ok(())
                })
                .build()
        },
        |sim, _| {
            while sim.run_for(Duration::from_secs(1)) == sim_host::Outcome::PowerCut {
                sim.reboot().map_err(Failure::Boot)?;
            }
            Ok(())
        },
    );
    explorer.faults(&[])
}

#[test]
fn a_request_that_is_forgotten_for_want_of_memory_is_found() {
    let found = finds(&explorer(Driver::LosesRequests));
    assert!(matches!(found.failure, Failure::Unanswered(_)), "{found}");
    assert!(found.schedule.0.iter().any(|displaced| matches!(displaced, Move::Fault(_))), "{found}");
}

#[test]
fn memory_that_is_forgotten_for_want_of_more_is_found() {
    let found = finds(&explorer(Driver::LosesMemory));
    assert!(matches!(found.failure, Failure::Leak(_)), "{found}");
}

#[test]
fn a_driver_that_lets_clients_know_survives_all_faults() {
    let explored = explorer(Driver::Careful).explore(0..1000).expect("the base run is fine");
    assert_eq!((explored.seeds, explored.found), (1000, None));
}
