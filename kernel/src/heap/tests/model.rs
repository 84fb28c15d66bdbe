//! The heap against a model of it: a list of what is allocated, and a line of who waits.

use std::{collections::VecDeque, vec::Vec};

use super::*;
use crate::heap::{AllocError, Buffer};

#[derive(Debug, Clone, Copy)]
enum Op {
    /// Allocate so many bytes now.
    Try(usize),
    /// Free one of what is allocated.
    Free(usize),
    /// Wait for so many bytes.
    Wait(usize),
    /// Give one of the waits up.
    GiveUp(usize),
    /// Look whether one of those who wait has got its memory.
    Look(usize),
}

/// Fills a buffer with bytes that tell it from others.
fn mark(buffer: &mut Buffer, seed: u8) {
    buffer.iter_mut().zip((0..=u8::MAX).cycle()).for_each(|(byte, at)| *byte = at.wrapping_mul(31) ^ seed);
}

fn is_marked(buffer: &Buffer, seed: u8) -> bool {
    buffer.iter().zip((0..=u8::MAX).cycle()).all(|(byte, at)| *byte == at.wrapping_mul(31) ^ seed)
}

struct Waiter<'h> {
    task: Task<'h, Result<Buffer, AllocError>>,
    len: usize,
    account: NonNull<Account>,
}

fn run(region_len: usize, ops: impl IntoIterator<Item = Op>) {
    let heap = Heap::create(region(region_len)).expect("the region is large enough");
    let accounts = [open(&heap, "even"), open(&heap, "odd")];
    let bytes = |len: usize| {
        if len == 0 { 0 } else { Pool::block_size(std::alloc::Layout::array::<u8>(len).expect("small")) }
    };
    let mut live: Vec<(Buffer, u8, NonNull<Account>)> = Vec::new();
    let mut line: VecDeque<Waiter<'_>> = VecDeque::new();
    let mut seed = 0_u8;
    for op in ops {
        seed = seed.wrapping_add(1);
        let account = accounts[usize::from(seed) % 2];
        match op {
            Op::Try(len) => {
                // Asking joins what is free, which would otherwise not happen before it has to.
                let largest = seed.is_multiple_of(3).then(|| heap.stats().largest_free);
                match as_owner(&heap, account, |_| heap.try_buffer(len)) {
                    Ok(mut buffer) => {
                        assert!(len == 0 || largest.is_none_or(|largest| len <= largest));
                        assert!(buffer.iter().all(|byte| *byte == 0));
                        mark(&mut buffer, seed);
                        live.push((buffer, seed, account));
                    }
                    Err(AllocError::OutOfMemory { .. } | AllocError::TooLarge { .. }) => {
                        assert!(len > heap.stats().largest_free)
                    }
                    Err(AllocError::Contended) => assert!(heap.stats().waiters > 0),
                    Err(other) => panic!("{other}"),
                }
            }
            Op::Free(which) if !live.is_empty() => {
                let (buffer, seed, _) = live.swap_remove(which % live.len());
                assert!(is_marked(&buffer, seed), "somebody else wrote to it");
            }
            Op::Wait(len) => as_owner(&heap, account, |_| {
                let mut task = Task { future: StdBox::pin(heap.buffer(len)), bell: Arc::default() };
                match task.poll() {
                    Poll::Pending => line.push_back(Waiter { task, len, account }),
                    Poll::Ready(Ok(mut buffer)) => {
                        assert!(len == 0 || heap.line.is_empty(), "it has overtaken somebody");
                        mark(&mut buffer, seed);
                        live.push((buffer, seed, account));
                    }
                    Poll::Ready(Err(error)) => {
                        assert!(matches!(error, AllocError::TooLarge { .. }));
                        assert!(len > most(&heap));
                    }
                }
            }),
            Op::GiveUp(which) if !line.is_empty() => drop(line.remove(which % line.len())),
            Op::Look(which) if !line.is_empty() => {
                let at = which % line.len();
                let served = line[at].task.bell.rung() > 0;
                match line[at].task.poll() {
                    Poll::Ready(buffer) => {
                        assert!(served);
                        let mut buffer = buffer.expect("it could be met");
                        mark(&mut buffer, seed);
                        live.push((buffer, seed, line[at].account));
                        line.remove(at);
                    }
                    Poll::Pending => assert!(!served),
                }
            }
            _ => {}
        }
        // Those who were served came before those who were not.
        let waiting = line.iter().skip_while(|waiter| waiter.task.bell.rung() > 0);
        assert!(waiting.clone().all(|waiter| waiter.task.bell.rung() == 0));
        assert_eq!(heap.line.len(), waiting.clone().count());
        // The first in line waits for good reason.
        if let Some(first) = waiting.clone().next() {
            assert!(first.len > heap.stats().largest_free);
        }
        // Every byte is accounted for.
        let served = || line.iter().filter(|waiter| waiter.task.bell.rung() > 0);
        for account in accounts {
            let held =
                live.iter().filter(|(_, _, owner)| *owner == account).map(|(buffer, ..)| bytes(buffer.len()));
            let handed = served().filter(|waiter| waiter.account == account).map(|waiter| bytes(waiter.len));
            // SAFETY: closed at the end.
            assert_eq!(unsafe { account.as_ref() }.stats().bytes, held.chain(handed).sum());
        }
        let all = live.iter().map(|(buffer, ..)| buffer.len()).chain(served().map(|waiter| waiter.len));
        assert_eq!(heap.used.get(), all.clone().map(bytes).sum());
        assert_eq!(heap.live.get(), all.filter(|len| *len > 0).count());
        if seed.is_multiple_of(5) {
            let stats = heap.stats();
            assert!(stats.used + stats.largest_free <= stats.capacity);
        }
    }
    // Nothing overlaps.
    let mut ranges: Vec<_> =
        live.iter().map(|(buffer, ..)| buffer.as_ptr_range()).filter(|it| !it.is_empty()).collect();
    ranges.sort_by_key(|range| range.start);
    assert!(ranges.windows(2).all(|pair| pair[0].end <= pair[1].start));
    for (buffer, seed, _) in live {
        assert!(is_marked(&buffer, seed), "somebody else wrote to it");
    }
    drop(line);
    accounts.into_iter().for_each(close);
    assert_empty(&heap);
}

/// Numbers that look random, for where proptest does not go.
fn scattered(mut state: u64) -> impl FnMut(usize) -> usize {
    move |below| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    }
}

#[test]
fn a_long_scattered_run_loses_nothing() {
    let (seeds, steps) = if cfg!(miri) { (2, 60) } else { (20, 1000) };
    for seed in 0..seeds {
        let mut pick = scattered(seed);
        let ops = std::iter::repeat_with(|| match pick(9) {
            0..3 => Op::Try(pick(1500)),
            3..6 => Op::Free(pick(1000)),
            6 => Op::Wait(pick(4000)),
            7 => Op::Look(pick(1000)),
            _ => Op::GiveUp(pick(1000)),
        });
        run(14 * 1024, ops.take(steps).collect::<Vec<_>>());
    }
}

#[cfg(not(miri))]
mod generated {
    use proptest::prelude::*;

    use super::*;

    fn op() -> impl Strategy<Value = Op> {
        let len = prop_oneof![0..64_usize, 0..1500_usize, 0..20_000_usize];
        prop_oneof![
            4 => len.clone().prop_map(Op::Try),
            4 => any::<usize>().prop_map(Op::Free),
            2 => len.prop_map(Op::Wait),
            1 => any::<usize>().prop_map(Op::GiveUp),
            2 => any::<usize>().prop_map(Op::Look),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_run_loses_nothing(
            region_len in 6000..20_000_usize,
            ops in proptest::collection::vec(op(), 0..150),
        ) {
            run(region_len, ops);
        }
    }
}
