//! Who pays, how much, and what they may.

use std::alloc::Layout;

use super::*;
use crate::heap::{AllocError, Extent, SteadyState};

#[test]
fn every_byte_is_charged_to_who_allocated_and_comes_back() {
    let heap = heap();
    let owner = open(&heap, "owner");
    let (boxed, buffer) = as_owner(&heap, owner, |account| {
        let boxed = heap.try_box([0_u8; 100]).expect("there is memory");
        assert_eq!(account.stats().bytes, charge::<[u8; 100]>());
        let buffer = heap.try_buffer(1000).expect("there is memory");
        (boxed, buffer)
    });
    // SAFETY: closed below.
    let account = unsafe { owner.as_ref() };
    let all = charge::<[u8; 100]>() + charge::<[u8; 1000]>();
    assert_eq!((account.stats().bytes, account.stats().blocks, account.stats().allocations), (all, 2, 2));
    assert_eq!(heap.kernel_account().stats().bytes, 0);
    assert_eq!(heap.stats().used, all);
    drop(boxed);
    drop(buffer);
    assert_eq!((account.stats().bytes, account.stats().blocks), (0, 0));
    assert_eq!((account.stats().peak, account.stats().allocations), (all, 2));
    assert_eq!((heap.stats().peak, heap.allocations()), (all, 2));
    close(owner);
    assert_empty(&heap);
}

#[test]
fn what_is_charged_is_what_the_pool_takes() {
    let heap = heap();
    for len in (1..600).step_by(if cfg!(miri) { 61 } else { 1 }) {
        let free = heap.pool.largest_now();
        let buffers = [(); 3].map(|()| heap.try_buffer(len).expect("there is memory"));
        // The three lie one behind the other, so their distance is the size of the first's block.
        let at = buffers.each_ref().map(|buffer| buffer.as_ptr().addr());
        let charged = Pool::block_size(Layout::array::<u8>(len).expect("a layout"));
        assert_eq!(at[1] - at[0], charged, "{len} bytes");
        assert_eq!(at[2] - at[1], charged);
        drop(buffers);
        assert_eq!(heap.pool.largest_now(), free);
    }
}

#[test]
fn a_request_is_rounded_up_by_a_sixteenth_at_most() {
    for len in (1..100_000).step_by(if cfg!(miri) { 997 } else { 7 }) {
        let least = len + BLOCK_OVERHEAD;
        let charged = Pool::block_size(Layout::array::<u8>(len).expect("a layout"));
        assert!((least..=(least + GRANULE) * 17 / 16).contains(&charged), "{charged} for {len}");
    }
}

#[test]
fn what_is_empty_costs_nothing_and_always_succeeds() {
    let heap = heap();
    let ballast = heap.try_buffer(most(&heap)).expect("an empty heap gives its most");
    heap.kernel_account().set_quota(Some(0));
    heap.fail_after(0);
    let before = heap.stats();
    let empty = heap.try_box(()).expect("it needs no memory");
    let aligned = heap.try_box(Aligned).expect("it needs no memory");
    assert_eq!((&raw const *aligned).addr() % 256, 0);
    assert!(heap.try_buffer(0).expect("it needs no memory").is_empty());
    assert_eq!(heap.try_vec::<u64>(0).expect("it needs no memory").push(1), Err(1));
    let mut units = heap.try_vec::<()>(usize::MAX).expect("it needs no memory");
    assert_eq!(units.push(()), Ok(()));
    assert!(now(heap.boxed(())).is_ok() && now(heap.buffer(0)).is_ok() && now(heap.vec::<()>(9)).is_ok());
    assert_eq!(heap.stats(), before);
    drop((empty, aligned, units));
    assert_eq!(heap.stats(), before);
    drop(ballast);
    assert_empty(&heap);
}

#[derive(Debug)]
#[repr(align(256))]
struct Aligned;

#[test]
fn a_quota_is_kept_to_the_byte() {
    let heap = heap();
    let owner = open(&heap, "owner");
    as_owner(&heap, owner, |account| {
        let quota = 4 * charge::<u64>();
        account.set_quota(Some(quota));
        let mut kept = std::vec::Vec::new();
        for number in 0..4_u64 {
            kept.push(heap.try_box(number).expect("within the quota"));
        }
        let failed = heap.try_box(4_u64).expect_err("above the quota");
        assert_eq!(failed.value, 4);
        assert_eq!(failed.error, AllocError::Quota { requested: charge::<u64>(), quota });
        // Waiting would be in vain, so it is refused too.
        assert!(matches!(now(heap.buffer(1)), Err(AllocError::Quota { .. })));
        assert_eq!((account.stats().failures, heap.stats().failures), (2, 2));
        kept.pop();
        assert!(heap.try_box(4_u64).is_ok());
        account.set_quota(None);
        assert!(heap.try_box([0_u8; 4096]).is_ok());
        // What is there stays when a quota comes later.
        account.set_quota(Some(1));
        assert!(matches!(heap.try_buffer(1), Err(AllocError::Quota { .. })));
        drop(kept);
    });
    close(owner);
    assert_empty(&heap);
}

#[test]
fn a_ready_owner_allocates_as_its_policy_says() {
    let heap = heap();
    for (policy, allowed, violations) in
        [(SteadyState::Allow, true, 0), (SteadyState::Report, true, 2), (SteadyState::Deny, false, 2)]
    {
        heap.set_policy(policy);
        let owner = open(&heap, "owner");
        as_owner(&heap, owner, |account| {
            let set_up = heap.try_box(1).expect("it is not ready yet");
            account.declare_ready();
            match (heap.try_box(2), now(heap.boxed(3))) {
                (Ok(_), Ok(_)) => assert!(allowed),
                (Err(tried), Err(waited)) => {
                    assert!(!allowed);
                    assert_eq!((tried.value, tried.error), (2, AllocError::SteadyState));
                    assert_eq!((waited.value, waited.error), (3, AllocError::SteadyState));
                }
                _ => panic!("both are treated alike"),
            }
            assert_eq!(account.stats().violations, violations);
            assert!(account.stats().ready);
            // Freeing is no violation, nor is what needs no memory.
            drop(set_up);
            assert!(heap.try_box(()).is_ok());
            assert_eq!(account.stats().violations, violations);
            account.set_policy(SteadyState::Allow);
            assert!(heap.try_box(4).is_ok());
        });
        close(owner);
    }
    assert_empty(&heap);
}

#[test]
fn a_quota_holds_for_a_ready_owner_that_is_only_reported() {
    let heap = heap();
    let owner = open(&heap, "owner");
    as_owner(&heap, owner, |account| {
        account.set_policy(SteadyState::Report);
        account.set_quota(Some(100));
        account.declare_ready();
        assert!(heap.try_buffer(1).is_ok());
        assert!(matches!(heap.try_buffer(101), Err(AllocError::Quota { .. })));
        account.set_quota(Some(charge::<u64>()));
        assert!(heap.try_box(0_u64).is_ok(), "to the byte");
    });
    close(owner);
}

#[test]
fn an_account_is_freed_with_the_last_block_charged_to_it() {
    let heap = heap();
    let freed = FREED.get();
    close(open(&heap, "unused"));
    assert_eq!(FREED.get(), freed + 1);
    let owner = open(&heap, "owner");
    let (first, second) = as_owner(&heap, owner, |_| (heap.try_box(1), heap.try_shared(2)));
    let again = second.as_ref().expect("there is memory").clone();
    close(owner);
    drop(first);
    drop(second);
    assert_eq!(FREED.get(), freed + 1);
    drop(again);
    assert_eq!(FREED.get(), freed + 2);
    assert_empty(&heap);
}

#[test]
fn an_account_in_use_outlives_its_owner() {
    let heap = heap();
    let freed = FREED.get();
    let owner = open(&heap, "owner");
    let current = as_owner(&heap, owner, |_| heap.account());
    assert_eq!((current.name(), current.stats().blocks), ("owner", 0));
    close(owner);
    assert_eq!((current.name(), FREED.get()), ("owner", freed));
    drop(current);
    assert_eq!(FREED.get(), freed + 1);
    assert_eq!(heap.account().name(), "kernel");
}

/// What an executor does with a task's block.
pub(super) fn task(heap: &Heap) -> (NonNull<Account>, Layout) {
    let layout = Layout::from_size_align(500, align_of::<Account>()).expect("a layout");
    let account = heap.try_own_block(layout).expect("there is memory").cast::<Account>();
    // SAFETY: the block is large enough.
    unsafe { account.write(Account::in_own_block(heap, "task", Extent::of(layout))) };
    heap.hold();
    (account, layout)
}

pub(super) unsafe fn free_task(account: NonNull<Account>) {
    // SAFETY: made by `task`, and retired once.
    unsafe {
        let layout = Layout::from_size_align_unchecked(500, align_of::<Account>());
        let heap = NonNull::from(account.as_ref().heap());
        Heap::free_own_block(account, account.cast(), Extent::of(layout));
        Heap::unhold(heap);
    }
}

#[test]
fn a_task_pays_for_its_own_block_which_does_not_keep_it() {
    let heap = heap();
    let (account, layout) = task(&heap);
    // SAFETY: retired below.
    let stats = unsafe { account.as_ref() }.stats();
    assert_eq!((stats.bytes, stats.blocks), (Pool::block_size(layout), 0));
    assert_eq!(heap.kernel_account().stats().bytes, 0);
    assert_eq!((heap.stats().used, heap.stats().blocks), (Pool::block_size(layout), 1));
    let boxed = as_owner(&heap, account, |_| heap.try_box(1).expect("there is memory"));
    // SAFETY: given up here.
    unsafe { Account::retire(account, free_task) };
    assert_eq!(heap.stats().blocks, 2, "the box keeps the account, and that lies in the task's block");
    drop(boxed);
    assert_empty(&heap);
}

#[test]
fn a_task_may_outlive_the_kernel_and_a_box_both() {
    let heap = heap();
    let (account, _) = task(&heap);
    let boxed = as_owner(&heap, account, |_| heap.try_box(1).expect("there is memory"));
    drop(heap);
    // SAFETY: given up here.
    unsafe { Account::retire(account, free_task) };
    drop(boxed);
}

#[test]
fn what_is_permanent_is_charged_to_its_owner_and_then_to_the_kernel() {
    let heap = heap();
    let (account, _) = task(&heap);
    let permanent = as_owner(&heap, account, |account| {
        let before = account.stats().bytes;
        let place = heap.try_permanent([1_u8; 64]).expect("there is memory");
        assert_eq!(account.stats().bytes - before, charge::<[u8; 64]>());
        assert_eq!(account.stats().blocks, 0, "it does not keep the task's memory");
        place
    });
    // SAFETY: given up here.
    unsafe { Account::retire(account, free_task) };
    assert_eq!(heap.kernel_account().stats().bytes, charge::<[u8; 64]>());
    assert_eq!((heap.stats().used, heap.stats().blocks), (charge::<[u8; 64]>(), 1));
    // SAFETY: the region is still there.
    assert_eq!(unsafe { permanent.read() }, [1; 64]);
    // It does not keep the region: Miri would see the leak.
}
