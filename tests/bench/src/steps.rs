//! Counts the instructions of a single operation, by having the processor stop after each of them.
//!
//! callgrind tells what many operations cost together; which of them was the dearest can only be seen like this.
#![expect(unsafe_code, reason = "the processor's trap flag is set, and its signal handled")]

use std::sync::atomic::{AtomicU64, Ordering};

static STEPS: AtomicU64 = AtomicU64::new(0);

extern "C" fn count(_signal: libc::c_int) {
    STEPS.fetch_add(1, Ordering::Relaxed);
}

/// Counts steps from now on.
pub(crate) struct Stepper {
    /// Steps that are counted when nothing is done.
    overhead: u64,
}

impl Stepper {
    /// Installs the signal's handler.
    pub(crate) fn new() -> Self {
        // SAFETY: the handler touches an atomic only.
        unsafe {
            libc::signal(libc::SIGTRAP, count as extern "C" fn(libc::c_int) as libc::sighandler_t);
        }
        let mut stepper = Self { overhead: 0 };
        stepper.overhead = stepper.steps(|| ()).1;
        stepper
    }

    /// Does something, and counts its instructions.
    #[inline(never)]
    pub(crate) fn steps<R>(&self, operation: impl FnOnce() -> R) -> (R, u64) {
        STEPS.store(0, Ordering::Relaxed);
        set_trap_flag(true);
        let result = operation();
        set_trap_flag(false);
        (result, STEPS.load(Ordering::Relaxed).saturating_sub(self.overhead))
    }
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn set_trap_flag(on: bool) {
    const TRAP: u64 = 1 << 8;
    // SAFETY: changes a flag that has the processor raise SIGTRAP, which is handled; the stack is as before.
    unsafe {
        if on {
            core::arch::asm!("pushfq", "or qword ptr [rsp], {trap}", "popfq", trap = const TRAP);
        } else {
            core::arch::asm!("pushfq", "and qword ptr [rsp], {keep}", "popfq", keep = const !TRAP as i32);
        }
    }
}

#[cfg(not(target_arch = "x86_64"))]
compile_error!("instructions are counted on x86-64 only");
