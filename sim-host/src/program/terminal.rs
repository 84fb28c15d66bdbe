//! The user's terminal in raw mode, for as long as the guest owns it.
//!
//! In raw mode every key but Ctrl-] goes to the guest: Ctrl-C is byte 3 and cancels a line, Ctrl-D is byte 4. Whatever happens,
//! the terminal is given back as it was: at power-off, on an error, on a signal, and when this program panics. (A panic
//! of a task inside the machine is the machine's affair, and does not get here.)

use std::{
    io, panic,
    sync::{
        Once,
        atomic::{AtomicBool, Ordering},
    },
};

use crossterm::{
    cursor::Show,
    execute,
    style::ResetColor,
    terminal::{disable_raw_mode, enable_raw_mode},
};

use super::ending::HostError;

static RAW: AtomicBool = AtomicBool::new(false);
static HOOK: Once = Once::new();

/// Raw mode, until dropped.
pub(crate) struct Raw(());

impl Raw {
    /// Switches the terminal to raw mode.
    ///
    /// # Errors
    ///
    /// When the terminal refuses.
    pub(crate) fn enter() -> Result<Self, HostError> {
        HOOK.call_once(report_panics_on_a_sane_terminal);
        enable_raw_mode().map_err(HostError::Terminal)?;
        RAW.store(true, Ordering::Relaxed);
        Ok(Self(()))
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        give_back();
    }
}

/// Whether a line on stderr must end in `\r\n`.
pub(crate) fn is_raw() -> bool {
    RAW.load(Ordering::Relaxed)
}

/// Lets panics give the terminal back before they print their report, and before a process that aborts is gone.
fn report_panics_on_a_sane_terminal() {
    let report = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        give_back();
        report(info);
    }));
}

fn give_back() {
    if RAW.swap(false, Ordering::Relaxed) {
        // The guest may have been stopped amid a coloured line, with the cursor hidden. A terminal that is gone
        // needs no repair.
        let _ = execute!(io::stdout(), ResetColor, Show);
        let _ = disable_raw_mode();
    }
}
