//! The report of a run on a chip: a line per law, and how many hold.
//!
//! Nothing unwinds on a chip: a law that does not hold is the last, and the image's panic handler ends the report.

use core::{
    fmt::{self, Write},
    panic::PanicInfo,
};

use kernel::sync::atomic::{AtomicU32, Ordering};

use crate::{Home, all};

/// Laws that held so far, for the panic handler.
static PASSED: AtomicU32 = AtomicU32::new(0);

/// Proves all laws, one after another. If this returns, they hold.
///
/// # Errors
///
/// Those of the console.
///
/// # Panics
///
/// When a law does not hold. The panic handler calls [`broken`].
pub fn prove_all<H: Home + 'static>(home: &mut H, console: &mut impl Write) -> fmt::Result {
    for law in all::<H>() {
        write!(console, "{law}: ")?;
        (law.prove)(home);
        PASSED.fetch_add(1, Ordering::Relaxed);
        writeln!(console, "holds")?;
    }
    writeln!(console, "{} passed, 0 failed", PASSED.load(Ordering::Relaxed))
}

/// Ends the report at the law that panicked.
///
/// # Errors
///
/// Those of the console.
pub fn broken(info: &PanicInfo<'_>, console: &mut impl Write) -> fmt::Result {
    writeln!(console, "BROKEN\n{info}\n{} passed, 1 failed", PASSED.load(Ordering::Relaxed))
}
