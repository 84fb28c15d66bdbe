//! Branches: what a machine would do from here on, in several ways.
//!
//! A machine cannot be copied, since its tasks are futures that hold addresses. The process can be: each branch is a copy of it
//! (`fork`), in which the machine is where it was, at the same addresses. It says what came of it as bytes and is gone.
//!
//! It pays where the way to the fork is long, or where threads of one process would be in each other's way: a critical
//! section is one lock for the process, so machines on two threads wait for each other, and machines in two processes do not. It
//! does not pay to save a boot: `scripts/lab-throughput` measures both, and a copy of the process costs more than booting
//! another machine.
//!
//! ```no_run
//! use kernel::time::Duration;
//! use sim_host::{Sim, branch::branch};
//!
//! let mut sim = Sim::builder().build()?;
//! sim.run_for(Duration::from_secs(86_400));
//! let after_a_day = branch(10, 2, |number| {
//!     sim.run_for(Duration::from_millis(number as u64));
//!     sim.digest().to_string().into_bytes()
//! })?;
//! assert_eq!(after_a_day.len(), 10);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Rules:
//!
//! 1. The process has one thread when it is copied, so no lock is held by a thread that the copy does not have.
//! 2. A copy does nothing but run its continuation, write to its pipe, and end without unwinding or running what is to run
//!    at the end of the process: that is the original's.
#![expect(unsafe_code, reason = "a process is copied, which is no business of the language")]

use std::{
    collections::VecDeque,
    fmt, fs,
    io::{self, PipeReader, Read as _, Write as _},
    panic::{AssertUnwindSafe, catch_unwind},
};

use rustix::{
    io::Errno,
    process::{Pid, WaitOptions, waitpid},
};

/// Exit code of a copy whose continuation panicked.
const PANICKED: i32 = 101;

/// Why there are no results.
#[non_exhaustive]
#[derive(Debug)]
pub enum BranchError {
    /// The process has other threads, or does not say: then it cannot be copied.
    NotAlone,
    /// The process could not be copied.
    Copy(io::Error),
    /// The result could not be read.
    Result(io::Error),
    /// This branch panicked, or was killed.
    Died {
        /// Its number.
        branch: usize,
    },
}

impl fmt::Display for BranchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAlone => f.write_str(
                "only a process with a single thread can branch, and only Linux tells that it is one",
            ),
            Self::Copy(error) => write!(f, "the process cannot be copied: {error}"),
            Self::Result(error) => write!(f, "the result of a branch cannot be read: {error}"),
            Self::Died { branch } => write!(f, "branch {branch} died: its words are on standard error"),
        }
    }
}

impl std::error::Error for BranchError {}

/// Runs so many continuations, each in a copy of this process and at most `parallel` at a time, and returns what they
/// return, in order. Nothing that a continuation changes is seen by the others, or by this process.
///
/// A continuation should not print: what this process has not flushed yet would be printed twice.
///
/// # Errors
///
/// When this process has other threads, when it cannot be copied, and when a continuation panics. No copy is left then.
pub fn branch(
    count: usize,
    parallel: usize,
    mut continuation: impl FnMut(usize) -> Vec<u8>,
) -> Result<Vec<Vec<u8>>, BranchError> {
    if !is_alone() {
        return Err(BranchError::NotAlone);
    }
    let mut running = VecDeque::new();
    let mut results = Vec::new();
    let mut failed = None;
    for number in 0..count {
        if running.len() == parallel.max(1)
            && let Some(copy) = running.pop_front()
        {
            collect(copy, &mut results, &mut failed);
        }
        if failed.is_some() {
            break;
        }
        match start(number, &mut continuation) {
            Ok(copy) => running.push_back(copy),
            Err(error) => failed = Some(error),
        }
    }
    running.into_iter().for_each(|copy| collect(copy, &mut results, &mut failed));
    failed.map_or(Ok(results), Err)
}

/// A copy that has not been waited for.
struct Copy {
    number: usize,
    process: Pid,
    result: PipeReader,
}

fn is_alone() -> bool {
    fs::read_dir("/proc/self/task").is_ok_and(|threads| threads.count() == 1)
}

fn start(number: usize, continuation: &mut impl FnMut(usize) -> Vec<u8>) -> Result<Copy, BranchError> {
    let (result, mut writer) = io::pipe().map_err(BranchError::Copy)?;
    // SAFETY: rule 1: `branch` has seen that this thread is the only one, and starts none.
    match unsafe { libc::fork() } {
        -1 => Err(BranchError::Copy(io::Error::last_os_error())),
        0 => {
            let done = catch_unwind(AssertUnwindSafe(|| continuation(number)));
            let code = match done.map(|bytes| writer.write_all(&bytes)) {
                Ok(Ok(())) => 0,
                _ => PANICKED,
            };
            // SAFETY: rule 2.
            unsafe { libc::_exit(code) }
        }
        process => match Pid::from_raw(process) {
            Some(process) => Ok(Copy { number, process, result }),
            None => Err(BranchError::Copy(io::Error::last_os_error())),
        },
    }
}

/// Waits for a copy, and keeps its result or the first failure.
fn collect(mut copy: Copy, results: &mut Vec<Vec<u8>>, failed: &mut Option<BranchError>) {
    let mut bytes = Vec::new();
    let read = copy.result.read_to_end(&mut bytes);
    let ended_well = loop {
        match waitpid(Some(copy.process), WaitOptions::empty()) {
            Err(Errno::INTR) => {}
            Ok(Some((_, status))) => break status.exit_status() == Some(0),
            _ => break false,
        }
    };
    let error = match read {
        Err(error) => BranchError::Result(error),
        Ok(_) if !ended_well => BranchError::Died { branch: copy.number },
        Ok(_) => {
            results.push(bytes);
            return;
        }
    };
    failed.get_or_insert(error);
}
