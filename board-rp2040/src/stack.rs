//! The stack, at the very start of RAM.
//!
//! ```text
//!   _stack_end 0x2000_0000                        _stack_start
//!   │ guard │ ◀─────────────────── stack grows ── │ .data, .bss, ...
//! ```
//!
//! What grows beyond its end reaches addresses where nothing is, and faults. The core cannot save its state there either, so
//! it locks up, and the watchdog resets the chip. The guard, a pattern in the last words, then tells the next run why.
//!
//! # Safety
//!
//! 1. `memory.x` places the symbols around RAM that is the stack's alone. The guard is written while the stack is far from
//!    it, and is no variable of anybody: it is accessed word by word, volatile.
#![expect(unsafe_code, reason = "the end of the stack belongs to no variable")]

use core::ptr;

/// Words of the guard: few enough to be missed by nobody, enough that a frame rarely steps over them.
const GUARD: usize = 16;
const PATTERN: u32 = 0xfe1d_5afe;

// Rule 1.
unsafe extern "C" {
    static mut _stack_end: u32;
    static mut _stack_start: u32;
}

/// The stack's size in bytes.
pub fn size() -> usize {
    (&raw const _stack_start).addr() - (&raw const _stack_end).addr()
}

/// Sets the guard.
pub(crate) fn guard() {
    for word in 0..GUARD {
        // SAFETY: rule 1.
        unsafe { ptr::write_volatile((&raw mut _stack_end).add(word), PATTERN) };
    }
}

/// The guard is broken: the last run, if it set one, used its stack up.
pub(crate) fn was_used_up() -> bool {
    // SAFETY: rule 1.
    (0..GUARD).any(|word| unsafe { ptr::read_volatile((&raw const _stack_end).add(word)) } != PATTERN)
}
