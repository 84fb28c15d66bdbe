//! How the run before this one ended: what the chip knows, and what the run itself has left in RAM.
//!
//! # Safety
//!
//! 1. `.uninit` is RAM that the start-up code leaves alone, of which every word can be read as a number. Since the compiler
//!    knows nothing of that, it is read and written word by word, volatile.
//! 2. It is touched before the kernel runs, by the machine's loop between two ticks, and by a panic, which never returns: by
//!    one of them at a time.
#![expect(unsafe_code, reason = "a section that keeps its content across a reset")]

use core::{fmt, mem::MaybeUninit, ptr};

use kernel::inline::Text;

use crate::{
    record::{Record, TEXT, WORDS},
    stack,
    starts::{self, End},
    watchdog::{self, ResetBy},
};

// Rule 1.
#[unsafe(link_section = ".uninit.last_run")]
static mut LEFT: MaybeUninit<[u32; WORDS]> = MaybeUninit::uninit();

// Rule 1.
#[unsafe(link_section = ".uninit.starts")]
static mut STARTS: MaybeUninit<u32> = MaybeUninit::uninit();

/// How the last run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LastRun {
    /// As it should, or there was none.
    Well,
    /// In a panic. What it said is still where that run has left it.
    Panicked,
    /// By the watchdog.
    Hung,
    /// By the watchdog, since the core had locked up: the stack had overflowed.
    StackOverflow,
}

impl LastRun {
    /// Finds out, and forgets it. To be called once, while little of the stack is used.
    pub(crate) fn find_out(reset_by: ResetBy) -> LastRun {
        let stack_was_used_up = stack::was_used_up();
        stack::guard();
        let panicked_at = take();
        let last_run = match panicked_at {
            Some(_) => LastRun::Panicked,
            None if reset_by != ResetBy::Watchdog => LastRun::Well,
            None if stack_was_used_up => LastRun::StackOverflow,
            None => LastRun::Hung,
        };
        let end = if last_run == LastRun::Well { End::Well } else { End::Badly { at_us: panicked_at } };
        set_starts(starts::after(starts(), end));
        last_run
    }

    /// The machine has failed to start so often that it should not try again.
    pub fn is_hopeless(&self) -> bool {
        starts::is_hopeless(starts())
    }
}

/// This run has lasted so long that it has started, however it ends.
pub(crate) fn lasts() {
    set_starts(starts::LASTED);
}

impl fmt::Display for LastRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Well => f.write_str("the last run ended well"),
            Self::Panicked => {
                f.write_str("the last run ended in a panic")?;
                let Some(record) = Record::from_taken(read()) else { return Ok(()) };
                let (s, us) = (record.at_us / 1_000_000, record.at_us % 1_000_000);
                write!(f, " after {s}.{us:06} s: {}", record.text)
            }
            Self::Hung => write!(
                f,
                "the last run was ended by the watchdog: a task or an interrupt held the core for {} ms",
                watchdog::PERIOD_MS
            ),
            Self::StackOverflow => write!(
                f,
                "the last run was ended by the watchdog: the stack of {} bytes overflowed",
                stack::size()
            ),
        }
    }
}

/// Leaves word for the next run that this one panicked.
pub(crate) fn leave(at_us: u64, text: Text<TEXT>) {
    write(&Record { at_us, text }.to_words());
}

/// Takes what the last run has left, so that it is the last run's only once: when it panicked. The rest stays where it is,
/// since it is too large to be carried around.
#[inline(never)]
fn take() -> Option<u64> {
    let record = Record::from_words(&read());
    // SAFETY: rules 1 and 2.
    unsafe { ptr::write_volatile((&raw mut LEFT).cast::<u32>(), 0) };
    record.map(|record| record.at_us)
}

fn read() -> [u32; WORDS] {
    // SAFETY: rules 1 and 2; `at` is within the array.
    core::array::from_fn(|at| unsafe { ptr::read_volatile((&raw const LEFT).cast::<u32>().add(at)) })
}

fn write(words: &[u32; WORDS]) {
    for (at, word) in words.iter().enumerate() {
        // SAFETY: rules 1 and 2; `at` is within the array.
        unsafe { ptr::write_volatile((&raw mut LEFT).cast::<u32>().add(at), *word) };
    }
}

fn starts() -> u32 {
    // SAFETY: rules 1 and 2.
    unsafe { ptr::read_volatile((&raw const STARTS).cast()) }
}

fn set_starts(word: u32) {
    // SAFETY: rules 1 and 2.
    unsafe { ptr::write_volatile((&raw mut STARTS).cast(), word) };
}
