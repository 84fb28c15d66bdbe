//! Slots: whoever has none free waits for one, in order.

use super::*;

#[test]
fn a_full_connection_refuses_the_next_request_and_hands_it_back() {
    let mut bench = Bench::new();
    for depth in [1, 2, 256] {
        let client = bench.connect(depth);
        let pending: Vec<_> = (0..depth as u32).map(|number| bench.send(&client, number)).collect();
        let unsent = client.try_send(bench.drops.token(777)).map(|_| ()).expect_err("full");
        assert_eq!((unsent.reason, unsent.request.1), (UnsentReason::Full, 777));
        for number in 0..depth as u32 {
            assert_eq!(bench.take().request().1, number, "requests are served in order");
        }
        drop(pending);
    }
}

#[test]
fn requests_of_all_clients_are_served_in_the_order_in_which_they_were_sent() {
    let mut bench = Bench::new();
    let clients = [bench.connect(4), bench.connect(4), bench.connect(4)];
    let pending: Vec<_> = (0..12).map(|n| bench.send(&clients[n as usize * 5 % 3], n)).collect();
    let served: Vec<_> = (0..12).map(|_| bench.take().request().1).collect();
    assert_eq!(served, (0..12).collect::<Vec<_>>());
    drop(pending);
}

#[test]
fn who_waits_for_a_slot_is_served_in_order_and_not_overtaken() {
    let mut bench = Bench::new();
    let client = bench.connect(1);
    let first = bench.send(&client, 0);
    let mut waiting: Vec<_> = (1..4).map(|number| Box::pin(client.send(bench.drops.token(number)))).collect();
    for send in &mut waiting {
        assert!(poll(send).is_pending());
    }
    drop(first);
    // The slot is free and its waiter is told, but has not run yet: a newcomer queues up behind.
    let mut newcomer = Box::pin(client.send(bench.drops.token(4)));
    assert!(poll(&mut newcomer).is_pending());
    waiting.push(newcomer);
    for (at, send) in waiting.iter_mut().enumerate() {
        let Poll::Ready(Ok(pending)) = poll(send) else { panic!("{at} is next") };
        assert_eq!(bench.take().request().1, at as u32 + 1);
        drop(pending);
    }
}

#[test]
fn slots_that_are_freed_together_serve_as_many_newcomers() {
    let mut bench = Bench::new();
    let client = bench.connect(2);
    let held = [bench.send(&client, 0), bench.send(&client, 1)];
    let mut first = Box::pin(client.send(bench.drops.token(2)));
    assert!(poll(&mut first).is_pending());
    drop(held);
    let (wakes, waker) = Wakes::new();
    let mut second = Box::pin(client.send(bench.drops.token(3)));
    assert!(second.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    let Poll::Ready(Ok(_kept)) = poll(&mut first) else { panic!("first in line") };
    assert_eq!(wakes.count(), 1, "the other slot is free");
    assert!(matches!(poll(&mut second), Poll::Ready(Ok(_))));
}

#[test]
fn a_waiter_that_gives_up_after_it_was_told_passes_the_slot_on() {
    let mut bench = Bench::new();
    let client = bench.connect(1);
    let held = bench.send(&client, 0);
    let mut first = Box::pin(client.send(bench.drops.token(1)));
    let mut second = Box::pin(client.send(bench.drops.token(2)));
    assert!(poll(&mut first).is_pending() && poll(&mut second).is_pending());
    drop(held);
    drop(first);
    assert!(matches!(poll(&mut second), Poll::Ready(Ok(_))));
}

#[test]
fn who_waits_for_a_slot_is_told_that_the_server_is_gone() {
    let mut bench = Bench::new();
    let client = bench.connect(1);
    let _held = bench.send(&client, 0);
    let mut waiting: Vec<_> = (1..4).map(|n| Box::pin(client.send(bench.drops.token(n)))).collect();
    for send in &mut waiting {
        assert!(poll(send).is_pending());
    }
    drop(bench.server.take());
    let mut late = Box::pin(client.send(bench.drops.token(4)));
    let Poll::Ready(Err(unsent)) = poll(&mut late) else { panic!("not told") };
    assert_eq!((unsent.reason, unsent.request.1), (UnsentReason::ServerGone, 4));
    for send in &mut waiting {
        assert!(matches!(poll(send), Poll::Ready(Err(Unsent { reason: UnsentReason::ServerGone, .. }))));
    }
}

#[test]
fn a_call_that_has_come_to_its_end_keeps_no_request() {
    let mut bench = Bench::new();
    let client = bench.connect(1);
    let _held = bench.send(&client, 0);
    let mut in_line = Box::pin(client.call(bench.drops.token(1)));
    assert!(poll(&mut in_line).is_pending());
    let mut late = Box::pin(client.call(bench.drops.token(2)));
    drop(bench.server.take());
    let dropped = bench.drops.count();
    assert!(matches!(poll(&mut in_line), Poll::Ready(Err(CallError::ServerGone))));
    assert!(matches!(poll(&mut late), Poll::Ready(Err(CallError::ServerGone))));
    assert_eq!(bench.drops.count(), dropped + 2, "though the futures are still there");
    drop((in_line, late));
    assert_eq!(bench.drops.count(), dropped + 2);
}

#[test]
fn no_request_allocates() {
    let mut bench = Bench::new();
    let client = bench.connect(2);
    let allocations = bench.machine.kernel.handle().heap().stats().allocations;
    for number in 0..100 {
        let mut pending = bench.send(&client, number);
        let reply = bench.drops.token(number);
        assert!(bench.take().answer(reply).is_ok());
        assert_eq!(outcome(&mut pending), Some(Ok(number)));
    }
    assert_eq!(bench.machine.kernel.handle().heap().stats().allocations, allocations);
}
