//! The switches of mutants: `scripts/mutants` adds this to the kernel that it breaks.

extern crate std;

use std::{
    env,
    fs::OpenOptions,
    io::Write,
    sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed},
};

/// Mutants at most.
const MOST: usize = 1 << 14;

/// The mutant that is on, from `MUTANT`; 0 for none, `MAX` as long as nobody has looked.
static ON: AtomicU32 = AtomicU32::new(u32::MAX);
/// Somebody wants to know which switches are passed by: `MUTANT_TRACE` names a file for their mutants.
static TRACED: AtomicBool = AtomicBool::new(false);
static SEEN: [AtomicBool; MOST] = [const { AtomicBool::new(false) }; MOST];

/// Which of a switch's mutants is on, from 1 on; 0 for none.
#[inline]
pub(crate) fn on(mutants: &[u32]) -> usize {
    let on = match ON.load(Relaxed) {
        u32::MAX => look(),
        on => on,
    };
    if on == 0 {
        if TRACED.load(Relaxed) && !SEEN[mutants[0] as usize].swap(true, Relaxed) {
            note(mutants);
        }
        return 0;
    }
    mutants.iter().position(|mutant| *mutant == on).map_or(0, |nth| nth + 1)
}

#[cold]
fn look() -> u32 {
    let on = env::var("MUTANT").ok().and_then(|number| number.parse().ok()).unwrap_or(0);
    TRACED.store(env::var_os("MUTANT_TRACE").is_some(), Relaxed);
    ON.store(on, Relaxed);
    on
}

#[cold]
fn note(mutants: &[u32]) {
    let path = env::var_os("MUTANT_TRACE").expect("looked at before");
    let mut file = OpenOptions::new().append(true).create(true).open(path).expect("a file for what is passed by");
    let lines: std::string::String = mutants.iter().map(|mutant| std::format!("{mutant}\n")).collect();
    file.write_all(lines.as_bytes()).expect("room for what is passed by");
}
