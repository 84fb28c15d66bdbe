//! Panics of the machine's tasks: caught, and told to whoever drives the machine instead of to standard error.

use std::{
    cell::{Cell, RefCell},
    panic::{self, AssertUnwindSafe, PanicHookInfo},
    sync::Once,
};

thread_local! {
    static CATCHING: Cell<bool> = const { Cell::new(false) };
    static CAUGHT: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Runs something that may panic; if it does, returns what the panic says, with its place.
///
/// # Errors
///
/// When it panics.
pub(crate) fn catch<R>(run: impl FnOnce() -> R) -> Result<R, String> {
    install_hook();
    let outer = CATCHING.replace(true);
    // A tick that unwinds leaves the kernel whole: its executor ends the task that panicked, and nothing else.
    let result = panic::catch_unwind(AssertUnwindSafe(run));
    CATCHING.set(outer);
    result.map_err(|_payload| CAUGHT.take().unwrap_or_else(|| "a panic without a message".into()))
}

/// Adds a hook to the process's that keeps quiet about the panics that are caught here, and passes on all others.
fn install_hook() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let others = panic::take_hook();
        panic::set_hook(Box::new(move |info| if CATCHING.get() { keep(info) } else { others(info) }));
    });
}

fn keep(info: &PanicHookInfo<'_>) {
    let message = info.payload_as_str().unwrap_or("a panic without a message");
    let text = match info.location() {
        Some(place) => format!("{message} ({}:{})", place.file(), place.line()),
        None => message.to_owned(),
    };
    CAUGHT.set(Some(text));
}
