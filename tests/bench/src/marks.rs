//! Marks in a run, between which callgrind says how many instructions there were: what many operations cost together is
//! seen without marks, but which of them was the dearest is not.
//!
//! Marks are requests of valgrind's client interface. On a processor that is not valgrind's they do nothing.
#![expect(unsafe_code, reason = "what valgrind takes for a request is a sequence of instructions")]

/// Hands a command to valgrind's monitor.
const MONITOR_COMMAND: u64 = 0x1202;

/// Has callgrind count from now on.
const START_INSTRUMENTATION: u64 = 0x4354_0004;

/// Begins to count: callgrind is to be run with `--instr-atstart=no`. The first operation after that is an empty one,
/// which tells what the marks take.
pub(crate) fn start() {
    request(START_INSTRUMENTATION, 0);
    marked(|| ());
}

/// Has callgrind print the instructions so far, and a few lines more.
#[inline(never)]
pub(crate) fn mark() {
    request(MONITOR_COMMAND, c"status internal".as_ptr() as u64);
}

/// Marks the begin and the end of an operation.
pub(crate) fn marked<R>(operation: impl FnOnce() -> R) -> R {
    mark();
    let result = operation();
    mark();
    result
}

#[inline(always)]
fn request(number: u64, argument: u64) {
    let request = [number, argument, 0, 0, 0, 0];
    // SAFETY: on any other processor the rotations add up to none, and a register is exchanged with itself.
    #[cfg(target_arch = "x86_64")]
    unsafe {
        core::arch::asm!(
            "rol rdi, 3", "rol rdi, 13", "rol rdi, 61", "rol rdi, 51", "xchg rbx, rbx",
            in("rax") &request, inout("rdx") 0_u64 => _,
        );
    }
}
