//! Boxes, shared values, vectors and buffers.

use std::{
    alloc::Layout,
    any::Any,
    fmt::Debug,
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
    vec::Vec,
};

use super::*;
use crate::heap::{Box, HeapStats, Shared};

#[test]
fn a_box_is_two_words() {
    assert_eq!(size_of::<Box<u8>>(), 2 * size_of::<usize>());
    assert_eq!(size_of::<Option<Box<u8>>>(), 2 * size_of::<usize>());
    assert_eq!(size_of::<Shared<u8>>(), size_of::<usize>());
}

#[test]
fn values_are_dropped_once_with_their_owner() {
    let heap = heap();
    let value = Rc::new(());
    let boxed = heap.try_box(value.clone()).expect("there is memory");
    let shared = heap.try_shared(value.clone()).expect("there is memory");
    let again = shared.clone();
    let mut vec = heap.try_vec(3).expect("there is memory");
    while vec.push(value.clone()).is_ok() {}
    assert_eq!(Rc::strong_count(&value), 6);
    drop(boxed);
    drop(shared);
    assert_eq!(Rc::strong_count(&value), 5);
    drop(again);
    drop(vec);
    assert_eq!(Rc::strong_count(&value), 1);
    assert_empty(&heap);
}

#[test]
fn values_can_be_taken_out() {
    let heap = heap();
    let value = Rc::new(5);
    let boxed = heap.try_box(value.clone()).expect("there is memory");
    assert_eq!(*boxed.into_inner(), 5);
    assert!(heap.try_box(()).map(Box::into_inner).is_ok());
    let mut shared = heap.try_shared(value.clone()).expect("there is memory");
    let again = shared.clone();
    assert_eq!((Shared::owners(&shared), Shared::ptr_eq(&shared, &again)), (2, true));
    let equal = heap.try_shared(value.clone()).expect("there is memory");
    assert!(*equal == *shared && !Shared::ptr_eq(&shared, &equal), "equal, and another value");
    drop(equal);
    assert!(Shared::get_mut(&mut shared).is_none());
    let shared = Shared::try_unwrap(shared).expect_err("there is another owner");
    drop(again);
    assert!(Shared::try_unwrap(shared).is_ok_and(|it| Rc::ptr_eq(&it, &value)));
    let mut shared = heap.try_shared(1).expect("there is memory");
    *Shared::get_mut(&mut shared).expect("the only owner") = 2;
    assert_eq!(*shared, 2);
    drop(shared);
    assert_eq!(Rc::strong_count(&value), 1);
    assert_empty(&heap);
}

#[test]
fn memory_is_freed_even_if_a_drop_panics() {
    struct Bomb(Rc<Cell<u32>>);
    impl Drop for Bomb {
        fn drop(&mut self) {
            self.0.set(self.0.get() + 1);
            if self.0.get() == 1 {
                panic!("this drop panics");
            }
        }
    }
    let heap = heap();
    let dropped = Rc::new(Cell::new(0));
    let explode = |with: &dyn Fn()| {
        dropped.set(0);
        assert!(catch_unwind(AssertUnwindSafe(with)).is_err());
        assert_empty(&heap);
    };
    explode(&|| drop(heap.try_box(Bomb(dropped.clone()))));
    explode(&|| drop(heap.try_shared(Bomb(dropped.clone()))));
    explode(&|| {
        let mut vec = heap.try_vec(3).expect("there is memory");
        for _ in 0..3 {
            assert!(vec.push(Bomb(dropped.clone())).is_ok());
        }
    });
    assert_eq!(dropped.get(), 3, "the other elements are dropped nevertheless");
}

#[test]
fn a_box_turns_into_one_of_a_trait_or_a_slice() {
    let heap = heap();
    let value = Rc::new(7);
    let boxed: Box<dyn Any> = Box::unsize(heap.try_box(value.clone()).expect("there is memory"), |it| it);
    assert_eq!(boxed.downcast_ref::<Rc<i32>>(), Some(&value));
    drop(boxed);
    assert_eq!(Rc::strong_count(&value), 1);
    let mut slice: Box<[u16]> =
        Box::unsize(heap.try_box([1_u16, 2, 3]).expect("there is memory"), |it| it as &mut [u16]);
    slice[1] = 9;
    assert_eq!(*slice, [1, 9, 3]);
    let empty: Box<dyn Debug> = Box::unsize(heap.try_box(()).expect("it needs no memory"), |it| it);
    assert_eq!(std::format!("{empty:?}"), "()");
    let future: Box<dyn Future<Output = i32> + '_> =
        Box::unsize(heap.try_box(async { *value }).ok().expect("there is memory"), |it| it);
    assert_eq!(now(Box::into_pin(future)), 7);
    drop(slice);
    assert_empty(&heap);
}

#[test]
fn a_box_turns_into_nothing_else() {
    let heap = heap();
    let part = || heap.try_box([1_u16, 2, 3]).expect("there is memory");
    let refused = |with: &dyn Fn()| {
        assert!(catch_unwind(AssertUnwindSafe(with)).is_err());
        assert_empty(&heap);
    };
    refused(&|| drop(Box::unsize(part(), |it| &mut it[..2])));
    refused(&|| drop(Box::unsize(part(), |it| &mut it[1..])));
    refused(&|| drop(Box::unsize(part(), |_| &mut [] as &mut [u16])));
    #[repr(align(16))]
    struct Aligned([u8; 16]);
    let aligned = || heap.try_box(Aligned([0; 16])).ok().expect("there is memory");
    refused(&|| drop(Box::unsize(aligned(), |it| &mut it.0 as &mut [u8])));
}

#[test]
fn values_are_aligned_as_they_need_up_to_a_page() {
    let heap = heap();
    #[repr(align(4096))]
    struct Page(u8);
    #[repr(align(128))]
    struct Line([u8; 200]);
    let lines = [(); 5].map(|()| heap.try_box(Line([3; 200])).ok().expect("there is memory"));
    let page = heap.try_box(Page(9)).ok().expect("there is memory");
    assert_eq!((&raw const *page).addr() % 4096, 0);
    for line in &lines {
        assert_eq!((&raw const **line).addr() % 128, 0);
        assert_eq!(line.0, [3; 200]);
    }
    assert_eq!(page.0, 9);
    drop((page, lines));
    assert_empty(&heap);
}

#[test]
fn a_vector_holds_as_many_as_it_was_made_for() {
    let heap = heap();
    for capacity in [0, 1, 2, 255, 256, 257] {
        let mut vec = heap.try_vec(capacity).expect("there is memory");
        assert_eq!((vec.capacity(), vec.len()), (capacity, 0));
        for number in 0..capacity {
            assert_eq!(vec.push(number), Ok(()));
        }
        assert!(vec.is_full());
        assert_eq!(vec.push(999), Err(999));
        assert_eq!(vec.insert(0, 998), Err(998));
        assert!(vec.iter().copied().eq(0..capacity));
        assert_eq!(vec.pop(), capacity.checked_sub(1));
        vec.clear();
        assert_eq!(vec.pop(), None);
        assert!(now(heap.vec::<u8>(capacity)).is_ok());
    }
    assert_empty(&heap);
}

#[test]
fn a_vector_does_what_a_list_does() {
    let heap = heap();
    let mut vec = heap.try_vec(8).expect("there is memory");
    let mut list = Vec::new();
    let name = |number: u32| std::format!("{number}");
    for step in 0..if cfg!(miri) { 60 } else { 2000_u32 } {
        // A fixed mix of operations at changing places.
        let at = (step * 7 % 11) as usize % (list.len() + 1);
        match step * 5 % 13 {
            0..5 if list.len() < 8 => {
                list.insert(at, name(step));
                assert_eq!(vec.insert(at, name(step)), Ok(()));
            }
            5..8 if list.len() < 8 => {
                list.push(name(step));
                assert_eq!(vec.push(name(step)), Ok(()));
            }
            8..10 if at < list.len() => assert_eq!(vec.remove(at), list.remove(at)),
            10 => {
                list.truncate(at);
                vec.truncate(at);
                vec.truncate(100);
            }
            _ => assert_eq!(vec.pop(), list.pop()),
        }
        assert_eq!(*vec, *list);
    }
    for text in &mut vec {
        text.push('!');
    }
    assert_eq!((&vec).into_iter().filter(|text| text.ends_with('!')).count(), list.len());
}

#[test]
fn what_lies_in_the_heap_prints_as_it_does_elsewhere() {
    let heap = heap();
    let mut vec = heap.try_vec(3).expect("there is memory");
    assert_eq!(vec.push(7), Ok(()));
    assert_eq!(std::format!("{vec:?}"), "[7]");
    let buffer = heap.try_buffer(2).expect("there is memory");
    assert_eq!(std::format!("{buffer:?}"), "[0, 0]");
    let shared = heap.try_shared("shared").expect("there is memory");
    assert_eq!(std::format!("{shared:?}"), "\"shared\"");
}

#[test]
fn a_buffer_is_zero_whatever_was_there_before() {
    let heap = heap();
    for len in [1, 255, 256, 257, 5000] {
        let mut dirty = heap.try_buffer(len).expect("there is memory");
        assert!(dirty.iter().all(|byte| *byte == 0));
        dirty.fill(0xA5);
        drop(dirty);
        let clean = now(heap.buffer(len)).expect("there is memory");
        assert_eq!(clean.len(), len);
        assert!(clean.as_ref().iter().all(|byte| *byte == 0));
    }
    assert_empty(&heap);
}

#[test]
fn room_for_a_shared_value_is_kept_until_the_value_is_known() {
    let heap = heap();
    let room = now(heap.room_for_shared()).expect("there is memory");
    let all = heap.try_buffer(heap.stats().largest_free).expect("it is free");
    let shared = room.fill([1_u64; 5]);
    assert_eq!(*shared, [1; 5]);
    drop(now(heap.room_for_shared::<u8>()));
    drop((shared, all));
    assert_empty(&heap);
}

#[test]
fn the_figures_say_how_fragmented_the_heap_is() {
    let heap = heap();
    let stats = heap.stats();
    assert!(stats.largest_free <= stats.free() && stats.fragmentation_percent() < 13, "{stats:?}");
    let mut blocks: Vec<_> = std::iter::from_fn(|| heap.try_buffer(500).ok()).collect();
    assert!(heap.stats().free() < 2 * 600);
    let mut odd = false;
    blocks.retain(|_| {
        odd = !odd;
        odd
    });
    let stats = heap.stats();
    assert!(stats.fragmentation_percent() > 80, "{stats:?}");
    assert!((500..2 * 600).contains(&stats.largest_free), "{stats:?}");
    assert!(heap.try_block(Layout::from_size_align(stats.largest_free, 1).expect("a layout")).is_ok());
    assert!(heap.try_buffer(stats.largest_free + 1).is_err());
    drop(blocks);
    assert_empty(&heap);
}

#[test]
fn fragmentation_is_the_part_of_what_is_free_that_one_request_cannot_have() {
    let heap = heap();
    let with = |used, in_one| {
        let largest_free = in_one - BLOCK_OVERHEAD;
        HeapStats { capacity: 1000, used, largest_free, ..heap.stats() }.fragmentation_percent()
    };
    assert_eq!(
        [with(0, 1000), with(0, 750), with(0, 30), with(500, 500), with(500, 125)],
        [0, 25, 97, 0, 75]
    );
    assert_eq!(HeapStats { capacity: 1000, used: 1000, ..heap.stats() }.fragmentation_percent(), 0);
}

#[test]
fn what_was_freed_can_be_had_again() {
    let heap = heap();
    for len in (1..9000).step_by(if cfg!(miri) { 977 } else { 13 }) {
        // Whatever the rest of the memory is used for.
        let one = heap.try_buffer(len).expect("there is memory");
        let mut rest: Vec<_> = std::iter::from_fn(|| match heap.stats().largest_free {
            0 => None,
            free => heap.try_buffer(free).ok(),
        })
        .collect();
        drop(one);
        let again = heap.try_buffer(len).expect("as much has just been freed");
        // Many of one size, of which some are kept apart for the next request.
        rest.clear();
        let mut many: Vec<_> = std::iter::from_fn(|| heap.try_buffer(len).ok()).collect();
        let count = many.len();
        many.clear();
        assert!(heap.try_buffer(heap.stats().largest_free).is_ok());
        many.extend(std::iter::from_fn(|| heap.try_buffer(len).ok()));
        assert_eq!(many.len(), count);
        drop((again, many));
        assert_empty(&heap);
    }
}

#[test]
fn a_block_that_was_freed_serves_its_size_whatever_the_alignment() {
    let heap = heap();
    let layout = |size, align| Layout::from_size_align(size, align).expect("a layout");
    // The gap that an aligned value may need counts as its block's; on a PC and on a microcontroller.
    let plain = layout(200 + 64 - GRANULE / 2, 1);
    let aligned = layout(200, 64);
    let filled = |layout: Layout, byte| {
        let block = heap.try_block(layout).expect("there is memory");
        let (place, account) = block.into_raw();
        assert_eq!(place.addr().get() % layout.align(), 0);
        // SAFETY: all of the block, which is ours.
        unsafe { place.write_bytes(byte, layout.size()) };
        (place, layout, account)
    };
    let fence = filled(plain, 1);
    for layout in [plain, aligned, plain, aligned, aligned, plain] {
        assert_eq!(Pool::block_size(layout), Pool::block_size(plain));
        let (place, layout, account) = filled(layout, 2);
        // SAFETY: taken just now.
        unsafe { Heap::free_block(place, layout, account) };
    }
    let (place, layout, account) = fence;
    // SAFETY: taken above, and written in full.
    unsafe {
        assert!((0..layout.size()).all(|at| place.add(at).read() == 1), "somebody else wrote to it");
        Heap::free_block(place, layout, account);
    }
    assert_empty(&heap);
}

#[test]
fn a_refusal_finds_what_lies_aside() {
    let heap = heap();
    let one = heap.try_buffer(100).expect("there is memory");
    let half = heap.try_buffer(most(&heap) / 2).expect("there is memory");
    drop(one);
    // Neither the block that lies aside nor what is behind it is enough, and together they are not either.
    assert!(heap.try_buffer(most(&heap)).is_err());
    drop(half);
    let one = heap.try_buffer(100).expect("there is memory");
    drop(one);
    assert!(heap.try_buffer(most(&heap)).is_ok(), "what lies aside is joined before a request is refused");
    assert_empty(&heap);
}

#[test]
fn blocks_kept_apart_are_joined_when_a_request_needs_them() {
    let heap = heap();
    let small: Vec<_> = std::iter::from_fn(|| heap.try_box([0_u8; 100]).ok()).collect();
    drop(small);
    // Nobody has asked for figures meanwhile, which would join them too.
    assert!(heap.try_buffer(most(&heap)).is_ok());
    let small: Vec<_> = std::iter::from_fn(|| heap.try_box([0_u8; 100]).ok()).collect();
    let mut waiting = Task::waiting(heap.buffer(most(&heap)));
    drop(small);
    assert!(waiting.finish().is_ok());
    drop(waiting);
    assert_empty(&heap);
}
