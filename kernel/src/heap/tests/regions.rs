//! Which regions are heaps, and when they are given back.

use std::{
    alloc::{Layout, alloc, dealloc},
    mem::MaybeUninit,
    sync::atomic::{AtomicUsize, Ordering},
    vec,
};

use super::*;
use crate::heap::{Region, RegionError};

thread_local! {
    static RELEASED: Cell<usize> = const { Cell::new(0) };
}

unsafe fn count(_start: NonNull<u8>, _len: usize) {
    RELEASED.set(RELEASED.get() + 1);
}

fn released() -> usize {
    RELEASED.get()
}

/// Memory that stays until the end of the test, and a region of part of it that counts when it is released.
fn counted(memory: &mut [MaybeUninit<u8>]) -> Region {
    // SAFETY: tests keep the memory until the region is released.
    unsafe { Region::from_raw(NonNull::from(&mut *memory).cast(), memory.len(), count) }
}

#[test]
fn any_length_and_alignment_is_a_heap_or_is_refused_with_what_it_needs() {
    let least = size_of::<Heap>();
    let mut memory = vec![MaybeUninit::uninit(); least + 400];
    let step = if cfg!(miri) { 37 } else { 1 };
    for offset in (0..70).step_by(step) {
        for len in (0..300).step_by(step).chain((least - 40..least + 320).step_by(step)) {
            let before = released();
            match Heap::create(counted(&mut memory[offset..offset + len])) {
                Ok(heap) => {
                    assert!(most(&heap) > 0);
                    let buffer = heap.try_buffer(most(&heap)).expect("an empty heap gives its most");
                    assert_eq!(released(), before);
                    drop(buffer);
                    assert_empty(&heap);
                }
                Err(RegionError::TooSmall { needed, given }) => {
                    assert_eq!(given, len);
                    assert!(needed > len && needed < least + 200, "{needed}");
                }
            }
            assert_eq!(released(), before + 1, "released once, whatever came of it");
        }
    }
}

#[test]
fn what_a_refusal_says_is_needed_is_enough() {
    let mut memory = vec![MaybeUninit::uninit(); 2 * size_of::<Heap>()];
    let Err(refusal @ RegionError::TooSmall { needed, .. }) = Heap::create(counted(&mut memory[3..100]))
    else {
        panic!("a heap needs more than 97 bytes");
    };
    assert_eq!(
        std::format!("{refusal}"),
        std::format!("97 bytes are too few, the heap's tables alone need {needed}")
    );
    assert!(Heap::create(counted(&mut memory[3..3 + needed - 1])).is_err());
    let heap = Heap::create(counted(&mut memory[3..3 + needed])).map(|heap| most(&heap));
    assert!(heap.expect("as much as is needed") >= 1);
}

#[test]
fn a_static_region_is_never_released() {
    let memory: &'static mut [MaybeUninit<u8>] = vec![MaybeUninit::uninit(); 8192].leak();
    let start: *mut [MaybeUninit<u8>] = memory;
    let heap = Heap::create(Region::from_static(memory)).expect("8 KiB are enough");
    drop(heap.try_box(1).expect("there is memory"));
    drop(heap);
    // SAFETY: nobody uses the memory any more; Miri should see no leak.
    drop(unsafe { StdBox::from_raw(start) });
}

#[test]
fn the_region_goes_with_the_last_of_root_blocks_and_holds() {
    // 0: the root, 1: a box, 2: a shared value, 3: a hold.
    for order in permutations([0, 1, 2, 3]) {
        let mut memory = vec![MaybeUninit::uninit(); 8192];
        let before = released();
        let heap = Heap::create(counted(&mut memory)).expect("8 KiB are enough");
        let mut boxed = heap.try_box([7_u8; 100]).ok();
        let mut shared = heap.try_shared([8_u8; 50]).ok();
        assert!(boxed.is_some() && shared.is_some());
        heap.hold();
        let at = NonNull::from(&*heap);
        let mut root = Some(heap);
        for (nth, which) in order.into_iter().enumerate() {
            assert_eq!(released(), before, "{order:?} at {nth}");
            match which {
                0 => drop(root.take()),
                1 => assert_eq!(boxed.take().map(|it| it.into_inner()), Some([7; 100])),
                2 => drop(shared.take()),
                // SAFETY: the hold taken above.
                _ => unsafe { Heap::unhold(at) },
            }
        }
        assert_eq!(released(), before + 1, "{order:?}");
    }
}

fn permutations(items: [u8; 4]) -> std::vec::Vec<[u8; 4]> {
    let mut found = std::vec::Vec::new();
    for code in 0..256_usize {
        let order = [0, 2, 4, 6].map(|shift| items[code >> shift & 3]);
        if items.iter().all(|item| order.contains(item)) {
            found.push(order);
        }
    }
    assert_eq!(found.len(), 24);
    found
}

static ELSEWHERE: AtomicUsize = AtomicUsize::new(0);

#[test]
fn the_last_hold_may_be_given_back_on_another_thread() {
    const LAYOUT: Layout = match Layout::from_size_align(8192, 1) {
        Ok(layout) => layout,
        Err(_) => panic!(),
    };
    unsafe fn release(start: NonNull<u8>, _len: usize) {
        ELSEWHERE.fetch_add(1, Ordering::Relaxed);
        // SAFETY: allocated below.
        unsafe { dealloc(start.as_ptr(), LAYOUT) };
    }
    struct Sent(NonNull<Heap>);
    // SAFETY: only the hold is used elsewhere, which is made for that.
    unsafe impl Send for Sent {}

    // SAFETY: the size is not zero, and nobody else uses the memory until it is released.
    let region =
        unsafe { Region::from_raw(NonNull::new(alloc(LAYOUT)).expect("memory"), LAYOUT.size(), release) };
    let heap = Heap::create(region).expect("8 KiB are enough");
    let threads: std::vec::Vec<_> = (0..3)
        .map(|_| {
            heap.hold();
            let sent = Sent(NonNull::from(&*heap));
            std::thread::spawn(move || {
                let sent = sent;
                std::thread::yield_now();
                // SAFETY: the hold taken for this thread.
                unsafe { Heap::unhold(sent.0) };
            })
        })
        .collect();
    let boxed = heap.try_box(5_u64).expect("there is memory");
    drop(heap);
    assert_eq!(*boxed, 5);
    drop(boxed);
    for thread in threads {
        thread.join().expect("it does not panic");
    }
    assert_eq!(ELSEWHERE.load(Ordering::Relaxed), 1);
}

#[test]
#[cfg(not(miri))]
#[cfg(target_pointer_width = "64")]
fn a_region_larger_than_one_chain_of_blocks_is_used_whole() {
    // Untouched pages of such an allocation cost nothing.
    let len = 5 << 30;
    let layout = Layout::from_size_align(len, 4096).expect("a layout");
    unsafe fn release(start: NonNull<u8>, len: usize) {
        // SAFETY: allocated below with this layout.
        unsafe { dealloc(start.as_ptr(), Layout::from_size_align_unchecked(len, 4096)) };
    }
    // SAFETY: the size is not zero.
    let Some(start) = NonNull::new(unsafe { alloc(layout) }) else { return };
    // SAFETY: the memory is nobody else's until it is released.
    let heap = Heap::create(unsafe { Region::from_raw(start, len, release) }).expect("it is large enough");
    assert!(heap.stats().capacity > len - 64 * 1024);
    let large = Layout::from_size_align(900 << 20, 1).expect("a layout");
    let blocks: std::vec::Vec<_> = std::iter::from_fn(|| heap.try_block(large).ok()).collect();
    assert_eq!(blocks.len(), 5, "two in each chain of 2 GiB, one in what is left");
    drop(blocks);
    assert_eq!(heap.stats().used, 0);
}
