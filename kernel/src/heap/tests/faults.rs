//! Faults on purpose, and what is told of them.

use core::cell::RefCell;
use std::vec::Vec;

use super::{
    accounts::{free_task, task},
    *,
};
use crate::heap::{AllocError, AllocFailed, Observation, Observer, SteadyState};

type Seen = RefCell<Vec<(Observation, &'static str, usize)>>;

unsafe fn note(context: NonNull<()>, what: Observation, owner: &'static str, bytes: usize) {
    // SAFETY: `observe` passes such a list, which outlives the heap.
    unsafe { context.cast::<Seen>().as_ref() }.borrow_mut().push((what, owner, bytes));
}

fn observe(heap: &Heap, seen: &Seen) {
    // SAFETY: tests make the list before the heap.
    unsafe { heap.set_observer(Some(Observer { notice: note, context: NonNull::from(seen).cast() })) };
}

/// Allocates in every way; `false` as soon as something is refused.
fn everything(heap: &Heap) -> bool {
    let Ok(_boxed) = heap.try_box(1) else { return false };
    let Ok(_shared) = heap.try_shared(2) else { return false };
    let Ok(_vec) = heap.try_vec::<u16>(3) else { return false };
    let Ok(_buffer) = heap.try_buffer(4) else { return false };
    let Ok(_boxed) = now(heap.boxed(1)) else { return false };
    let Ok(_shared) = now(heap.shared(2)) else { return false };
    let Ok(_vec) = now(heap.vec::<u16>(3)) else { return false };
    now(heap.buffer(4)).is_ok()
}

#[test]
fn each_allocation_in_turn_can_be_made_to_fail_and_nothing_leaks() {
    let heap = heap();
    for nth in 0..8 {
        heap.fail_after(nth);
        assert!(!everything(&heap), "allocation {nth} fails");
        assert_empty(&heap);
        assert!(everything(&heap), "and it is the only one");
        assert_eq!(heap.stats().failures, nth + 1);
    }
    heap.fail_after(8);
    assert!(everything(&heap));
    heap.fail_after(u32::MAX);
    assert!(!heap.detour.get());
}

#[test]
fn refusals_and_violations_name_who_and_how_much() {
    let seen = Seen::default();
    let heap = heap();
    observe(&heap, &seen);
    let owner = open(&heap, "owner");
    as_owner(&heap, owner, |account| {
        assert!(heap.try_buffer(1_000_000).is_err());
        account.set_quota(Some(100));
        assert!(heap.try_buffer(200).is_err());
        heap.fail_after(0);
        assert!(heap.try_buffer(10).is_err());
        account.declare_ready();
        assert!(heap.try_buffer(20).is_ok());
        account.set_policy(SteadyState::Deny);
        assert!(heap.try_buffer(30).is_err());
        assert_eq!((account.stats().failures, account.stats().violations), (4, 2));
    });
    close(owner);
    assert_eq!(
        *seen.borrow(),
        [
            (Observation::Refused, "owner", 1_000_000),
            (Observation::Refused, "owner", 200),
            (Observation::Refused, "owner", 10),
            (Observation::Violation, "owner", 20),
            (Observation::Violation, "owner", 30),
        ]
    );
}

#[test]
fn waiting_is_no_failure() {
    let seen = Seen::default();
    let heap = heap();
    observe(&heap, &seen);
    let all = heap.try_buffer(most(&heap)).expect("an empty heap gives its most");
    let mut waiting = Task::waiting(heap.buffer(1));
    drop(all);
    assert!(waiting.finish().is_ok());
    assert_eq!((heap.stats().failures, seen.borrow().len()), (0, 0));
}

#[test]
fn every_allocation_is_told_to_who_traces() {
    let seen = Seen::default();
    let heap = heap();
    observe(&heap, &seen);
    drop(heap.try_box(1_u8));
    heap.trace(true);
    let boxed = heap.try_box([0_u8; 200]);
    let all: Vec<_> = std::iter::from_fn(|| match heap.stats().largest_free {
        0 => None,
        free => heap.try_buffer(free).ok(),
    })
    .collect();
    let traced = all.len() + 2;
    let mut waiting = Task::waiting(heap.boxed([0_u8; 40]));
    drop(boxed);
    drop((waiting.finish(), all));
    heap.trace(false);
    drop(heap.try_box(1_u8));
    let (mut live, mut told) = (0, 0);
    for (what, owner, bytes) in seen.borrow().iter() {
        assert_eq!(*owner, "kernel");
        told += 1;
        match what {
            Observation::Allocated => live += bytes,
            Observation::Freed => live -= bytes,
            other => panic!("unexpected: {other:?}"),
        }
    }
    assert_eq!((live, told), (0, 2 * traced));
    assert_empty(&heap);
}

#[test]
fn the_end_of_a_task_is_told_with_what_the_kernel_inherits_of_it() {
    let seen = Seen::default();
    let heap = heap();
    observe(&heap, &seen);
    heap.trace(true);
    let kept = charge::<[u8; 64]>();
    for leaves in [false, true] {
        let (account, layout) = task(&heap);
        if leaves {
            assert!(as_owner(&heap, account, |_| heap.try_permanent([1_u8; 64])).is_ok());
        }
        seen.borrow_mut().clear();
        // SAFETY: given up here.
        unsafe { Account::retire(account, free_task) };
        let told = seen.borrow();
        assert_eq!(told[0], (Observation::Freed, "task", Pool::block_size(layout)));
        let inherited = [(Observation::Freed, "task", kept), (Observation::Allocated, "kernel", kept)];
        assert_eq!(told[1..], inherited[..if leaves { 2 } else { 0 }]);
    }
}

#[test]
fn every_refusal_says_one_clear_sentence() {
    let errors = [
        AllocError::OutOfMemory { requested: 1 },
        AllocError::TooLarge { requested: 2, capacity: 1 },
        AllocError::Quota { requested: 2, quota: 1 },
        AllocError::SteadyState,
        AllocError::Contended,
    ];
    for error in errors {
        let text = std::format!("{error}");
        assert!(text.len() > 20 && !text.ends_with('.') && !text.contains('\n'), "{text}");
        assert_eq!(
            std::format!("{}", AllocFailed { value: 0, error }),
            text,
            "whatever was not moved to the heap"
        );
    }
}
