//! The kernel's memory: all RAM that the linker has placed nothing in.
//!
//! # Safety
//!
//! 1. `memory.x` sets the symbols `_heap_start` and `_heap_end` around RAM that is free: above everything that the linker
//!    has placed, and with the stack out of the way.
//! 2. It is handed out once.
#![expect(unsafe_code, reason = "the linker says what memory is free")]

use core::{
    mem::MaybeUninit,
    slice,
    sync::atomic::{AtomicBool, Ordering},
};

use cortex_m::interrupt;
use kernel::heap::Region;

// Rule 1.
unsafe extern "C" {
    static mut _heap_start: MaybeUninit<u8>;
    static mut _heap_end: MaybeUninit<u8>;
}

/// Takes the kernel's region. There is one: `None` from the second call on.
pub fn take_region() -> Option<Region> {
    static TAKEN: AtomicBool = AtomicBool::new(false);
    let first = interrupt::free(|_| {
        let first = !TAKEN.load(Ordering::Relaxed);
        TAKEN.store(true, Ordering::Relaxed);
        first
    });
    if !first {
        return None;
    }
    let (start, end) = (&raw mut _heap_start, &raw mut _heap_end);
    // SAFETY: rules 1 and 2.
    let memory = unsafe { slice::from_raw_parts_mut(start, end.addr() - start.addr()) };
    Some(Region::from_static(memory))
}
