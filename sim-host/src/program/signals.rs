//! The signals that end the program in an orderly way, so that the terminal is given back.

use std::io;

use tokio::signal::unix::{self, SignalKind};

use super::ending::Signal;

/// Watches for signals, from its creation on.
pub(crate) struct Signals {
    hang_up: unix::Signal,
    interrupt: unix::Signal,
    terminate: unix::Signal,
}

impl Signals {
    /// Takes the signals over from the system's default, which is to end the process at once.
    ///
    /// # Errors
    ///
    /// When the system has no handler to give.
    pub(crate) fn watch() -> io::Result<Self> {
        Ok(Self {
            hang_up: unix::signal(SignalKind::hangup())?,
            interrupt: unix::signal(SignalKind::interrupt())?,
            terminate: unix::signal(SignalKind::terminate())?,
        })
    }

    /// The next signal.
    ///
    /// # Cancellation
    ///
    /// No signal is lost.
    pub(crate) async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.hang_up.recv() => Signal::HangUp,
            _ = self.interrupt.recv() => Signal::Interrupt,
            _ = self.terminate.recv() => Signal::Terminate,
        }
    }
}
