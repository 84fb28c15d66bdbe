//! Who waits for memory: order, refusals, and what becomes of those who give up.

use super::*;
use crate::heap::{AllocError, Buffer, OVERTAKES};

type Asked<'h> = Task<'h, Result<Buffer, AllocError>>;

/// A heap of which everything is taken.
fn full() -> (HeapRoot, Buffer) {
    let heap = heap();
    let all = heap.try_buffer(most(&heap)).expect("an empty heap gives its most");
    (heap, all)
}

fn waiters<const N: usize>(heap: &Heap, lengths: [usize; N]) -> [Asked<'_>; N] {
    lengths.map(|len| Task::waiting(heap.buffer(len)))
}

#[test]
fn whoever_waits_is_served_in_order_as_memory_is_freed() {
    let heap = heap();
    let quarter = most(&heap) / 5;
    let mut held: std::vec::Vec<_> = std::iter::from_fn(|| heap.try_buffer(quarter).ok()).collect();
    assert!(held.len() >= 4);
    let mut line = waiters(&heap, [quarter; 3]);
    assert_eq!(heap.stats().waiters, 3);
    for nth in 0..3 {
        held.pop();
        for (at, task) in line.iter().enumerate() {
            assert_eq!(task.bell.rung(), usize::from(at <= nth), "waiter {at} after {nth}");
        }
    }
    let got = line.each_mut().map(|task| task.finish().expect("served"));
    assert_eq!(heap.stats().waiters, 0);
    drop((held, line, got));
    assert_empty(&heap);
}

#[test]
fn one_free_serves_as_many_as_fit() {
    let (heap, all) = full();
    let third = most(&heap) / 4;
    let mut line = waiters(&heap, [third; 5]);
    drop(all);
    let served = line.iter().filter(|task| task.bell.rung() == 1).count();
    assert!((3..5).contains(&served), "{served} of 5 quarters");
    // Those at the head, and none is rung twice.
    assert!(line.iter().map(|task| task.bell.rung()).is_sorted_by(|one, next| one >= next));
    let first = line[0].finish();
    drop(first);
    assert_eq!(line[served].bell.rung(), 1);
    drop(line);
    assert_empty(&heap);
}

#[test]
fn who_comes_later_and_waits_does_not_overtake() {
    let (heap, all) = full();
    let [mut large] = waiters(&heap, [most(&heap)]);
    let [mut small] = waiters(&heap, [1]);
    drop(all);
    // The large one has everything, though there was room for the small one before it.
    assert_eq!((large.bell.rung(), small.bell.rung()), (1, 0));
    assert!(small.poll().is_pending());
    drop(large.finish());
    assert_eq!(small.finish().expect("served").len(), 1);
}

#[test]
fn what_is_handed_over_cannot_be_taken_by_others() {
    let (heap, all) = full();
    let [mut waiter] = waiters(&heap, [most(&heap)]);
    drop(all);
    assert!(matches!(heap.try_buffer(1), Err(AllocError::OutOfMemory { .. })));
    assert_eq!(waiter.finish().expect("served").len(), most(&heap));
    drop(waiter);
    assert_empty(&heap);
}

#[test]
fn the_first_in_line_is_overtaken_so_often_and_not_more() {
    let heap = heap();
    let half = heap.try_buffer(most(&heap) / 2).expect("there is memory");
    let [mut waiter] = waiters(&heap, [most(&heap)]);
    for _ in 0..OVERTAKES {
        // Refused ones are none of those who overtake.
        assert!(matches!(heap.try_buffer(most(&heap)), Err(AllocError::OutOfMemory { .. })));
        drop(heap.try_buffer(1).expect("it may still overtake"));
    }
    let failed = heap.try_box(1).expect_err("the first in line has been overtaken often enough");
    assert_eq!((failed.value, failed.error), (1, AllocError::Contended));
    // Nobody who gives up behind the first changes that.
    drop(waiters(&heap, [1]));
    assert!(matches!(heap.try_buffer(1), Err(AllocError::Contended)));
    assert!(heap.try_box(()).is_ok(), "what needs no memory competes with nobody");
    drop(half);
    drop(waiter.finish().expect("served"));
    assert!(heap.try_buffer(1).is_ok());
    assert_empty(&heap);
}

#[test]
fn the_next_in_line_is_overtaken_anew() {
    let heap = heap();
    let _half = heap.try_buffer(most(&heap) / 2).expect("there is memory");
    let [first, _second] = waiters(&heap, [most(&heap); 2]);
    for _ in 0..OVERTAKES {
        drop(heap.try_buffer(1).expect("it may overtake"));
    }
    assert!(heap.try_buffer(1).is_err());
    drop(first);
    for _ in 0..OVERTAKES {
        drop(heap.try_buffer(1).expect("it may overtake the second"));
    }
    assert!(matches!(heap.try_buffer(1), Err(AllocError::Contended)));
}

#[test]
fn no_steady_stream_of_small_requests_starves_a_large_one() {
    let heap = heap();
    let (small, large) = (most(&heap) / 16, most(&heap) / 2);
    let mut stream: std::vec::Vec<_> = std::iter::from_fn(|| heap.try_buffer(small).ok()).collect();
    let [mut waiter] = waiters(&heap, [large]);
    for round in 0.. {
        assert!(round < OVERTAKES as usize + 32, "the large request is starved");
        stream.remove(0);
        if waiter.bell.rung() > 0 {
            break;
        }
        if let Ok(buffer) = heap.try_buffer(small) {
            stream.push(buffer);
        }
    }
    assert_eq!(waiter.finish().expect("served").len(), large);
}

#[test]
fn an_impossible_request_is_refused_at_once_and_blocks_nobody() {
    let (heap, all) = full();
    let capacity = heap.stats().capacity;
    for len in [most(&heap) + 1, capacity, usize::MAX / 2, isize::MAX as usize, usize::MAX] {
        let refused = now(heap.buffer(len)).map(|_| ());
        assert_eq!(refused, Err(AllocError::TooLarge { requested: len, capacity }), "{len}");
        assert_eq!(heap.try_buffer(len).map(|_| ()), refused);
    }
    assert!(matches!(now(heap.vec::<u64>(usize::MAX / 4)), Err(AllocError::TooLarge { .. })));
    assert!(matches!(heap.try_vec::<[u8; 4096]>(usize::MAX), Err(AllocError::TooLarge { .. })));
    assert_eq!(heap.stats().waiters, 0);
    let [mut waiter] = waiters(&heap, [1]);
    assert!(matches!(now(heap.buffer(capacity)), Err(AllocError::TooLarge { .. })), "behind others too");
    drop(all);
    assert!(waiter.finish().is_ok());
}

#[test]
fn a_request_can_be_met_or_is_too_large_with_nothing_in_between() {
    let layout = |size, align| std::alloc::Layout::from_size_align(size, align).expect("a layout");
    for region_len in [8 * 1024, 10_000, 12_345, 16 * 1024 - 8] {
        let heap = Heap::create(region(region_len)).expect("it is large enough");
        let capacity = heap.stats().capacity;
        for align in [1, 8, 16, 32, 64, 256, 1024] {
            for len in
                (capacity.saturating_sub(3000)..capacity + 100).step_by(if cfg!(miri) { 397 } else { 7 })
            {
                let layout = layout(len, align);
                match (
                    heap.never_fits(layout.size(), Pool::block_size(layout)).is_none(),
                    heap.try_block(layout).is_ok(),
                ) {
                    (true, true) | (false, false) => {}
                    // An aligned request may fit by the luck of where the heap lies.
                    (false, true) => assert!(align > 16, "{len} bytes"),
                    (true, false) => panic!("{len} bytes aligned to {align} would wait for ever"),
                }
            }
        }
    }
}

#[test]
fn what_is_permanent_can_never_be_waited_for() {
    let heap = heap();
    let possible = most(&heap) / 4 * 3;
    assert!(now(heap.buffer(possible)).is_ok());
    heap.try_permanent([0_u8; 12 * 1024]).expect("there is memory");
    assert!(matches!(now(heap.buffer(possible)), Err(AllocError::TooLarge { .. })));
}

#[test]
fn a_waiter_that_gives_up_lets_those_behind_it_have_what_there_is() {
    let heap = heap();
    let _half = heap.try_buffer(most(&heap) / 2).expect("there is memory");
    let [first, mut second, mut third] = waiters(&heap, [most(&heap), 1, 2]);
    assert_eq!(second.bell.rung(), 0);
    drop(first);
    assert_eq!((second.bell.rung(), third.bell.rung()), (1, 1));
    assert_eq!(second.finish().expect("served").len() + third.finish().expect("served").len(), 3);
}

#[test]
fn a_waiter_that_gives_up_after_it_was_served_passes_its_block_on() {
    let (heap, all) = full();
    let [first, mut second] = waiters(&heap, [most(&heap); 2]);
    drop(all);
    assert_eq!((first.bell.rung(), second.bell.rung()), (1, 0));
    drop(first);
    assert_eq!(second.bell.rung(), 1);
    drop(second.finish().expect("served"));
    drop(second);
    assert_empty(&heap);
}

#[test]
fn a_value_that_waited_is_handed_back_or_dropped_with_the_wait() {
    let (heap, all) = full();
    let dropped = Arc::new(());
    drop(Task::waiting(heap.boxed(dropped.clone())));
    assert_eq!(Arc::strong_count(&dropped), 1);
    let mut waiting = Task::waiting(heap.shared(dropped.clone()));
    drop(all);
    let shared = waiting.finish().expect("served");
    assert_eq!(Arc::strong_count(&dropped), 2);
    drop(shared);
    let refused = now(heap.boxed([0_u8; 64 * 1024])).expect_err("it is larger than the heap");
    assert_eq!(refused.value.len(), 64 * 1024);
}

#[test]
fn a_waiter_is_charged_itself_and_keeps_its_account() {
    let (heap, all) = full();
    let freed = FREED.get();
    let (owner, other) = (open(&heap, "owner"), open(&heap, "other"));
    let mut waiting = as_owner(&heap, owner, |_| Task::waiting(heap.boxed(1)));
    close(owner);
    // Freed while another task runs, and taken while a third does.
    as_owner(&heap, other, |_| drop(all));
    assert_eq!(FREED.get(), freed);
    let boxed = as_owner(&heap, other, |_| waiting.finish().expect("served"));
    // SAFETY: closed below.
    assert_eq!(unsafe { other.as_ref() }.stats().bytes, 0);
    drop(waiting);
    assert_eq!(FREED.get(), freed);
    drop(boxed);
    assert_eq!(FREED.get(), freed + 1);
    close(other);
    assert_empty(&heap);
}

#[test]
fn a_quota_used_up_meanwhile_is_an_error_and_blocks_nobody() {
    let heap = heap();
    let half = heap.try_buffer(most(&heap) / 2).expect("there is memory");
    let owner = open(&heap, "owner");
    let mut greedy = as_owner(&heap, owner, |account| {
        account.set_quota(Some(most(&heap)));
        let greedy = Task::waiting(heap.buffer(most(&heap) / 4 * 3));
        account.set_quota(Some(1000));
        greedy
    });
    let [mut next] = waiters(&heap, [most(&heap) / 4 * 3]);
    drop(half);
    assert!(matches!(greedy.finish(), Err(AllocError::Quota { quota: 1000, .. })));
    assert!(next.finish().is_ok());
    drop(greedy);
    close(owner);
}

#[test]
fn a_waiter_keeps_the_waker_it_has_and_follows_a_new_one() {
    let (heap, all) = full();
    let [mut waiter] = waiters(&heap, [1]);
    let shared = Arc::strong_count(&waiter.bell);
    assert!(waiter.poll().is_pending());
    assert_eq!(Arc::strong_count(&waiter.bell), shared, "one waker is kept, not one for each poll");
    let old = std::mem::take(&mut waiter.bell);
    assert!(waiter.poll().is_pending());
    drop(all);
    assert_eq!((old.rung(), waiter.bell.rung()), (0, 1));
}
