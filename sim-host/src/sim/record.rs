//! What is written down of a machine's life.

use kernel::time::{Duration, Instant};

use super::Sim;
use crate::{
    Digest, Entry, Observed, TimelineError,
    onlooker::Onlooker,
    tape::{NotFresh, Recorder},
};

impl Sim {
    /// Stands for all that the machine has done: the events that its kernel recorded and what showed outside, in their
    /// order, with their times. Two lives that are the same have the same, on any host. Events that were overwritten
    /// unread are in it as a count. A machine [without a digest](crate::Builder::without_digest) has the same all its life.
    pub fn digest(&self) -> Digest {
        self.journal.digest()
    }

    /// Calls `listener` with each entry of the machine's journal from now on: what [`digest`](Self::digest) stands for.
    pub fn on_entry(&mut self, listener: impl FnMut(Entry<'_>) + 'static) {
        self.journal.listen(Box::new(listener));
    }

    /// Keeps what shows outside from now on, until it is taken.
    pub fn keep_observed(&mut self) {
        self.journal.keep();
    }

    /// Takes what has shown outside since it was taken last, with its times; nothing unless it is
    /// [kept](Self::keep_observed).
    pub fn take_observed(&mut self) -> Vec<(Instant, Observed)> {
        self.journal.take_kept()
    }

    /// Records a tape of the machine's life from now on. In real time the machine's clock moves between its steps only
    /// then.
    ///
    /// # Errors
    ///
    /// When the machine has made steps already.
    pub fn record(&mut self, recorder: Recorder) -> Result<(), NotFresh> {
        if self.steps() > 0 {
            return Err(NotFresh);
        }
        self.be_exact();
        self.journal.tape = Some(recorder);
        Ok(())
    }

    /// Ends the tape that is recorded, if there is one.
    ///
    /// # Errors
    ///
    /// When the tape, or anything before on it, could not be written.
    pub fn end_recording(&mut self) -> std::io::Result<()> {
        match self.journal.tape.take() {
            Some(tape) => tape.finish(self.journal.steps(), self.clock.now(), self.digest()),
            None => Ok(()),
        }
    }

    /// Ends the machine's [timeline](crate::Builder::timeline), if it has one.
    ///
    /// # Errors
    ///
    /// When any of it could not be written.
    pub fn end_timeline(&mut self) -> Result<(), TimelineError> {
        self.bridge.onlooker.as_mut().map_or(Ok(()), Onlooker::end)
    }

    /// The machine had been off for so long when it was booted again.
    pub(crate) fn was_off(&mut self, span: Duration) {
        if let Some(onlooker) = &mut self.bridge.onlooker {
            onlooker.was_off(span);
        }
    }

    /// From now on, steps without a cause are not made.
    pub(crate) fn be_exact(&mut self) {
        self.exact = true;
    }

    /// Entries of the machine's journal.
    pub(crate) fn entries(&self) -> u64 {
        self.journal.entries()
    }

    /// Steps since the machine was built. Steps in which nothing happened may be among them.
    pub fn steps(&self) -> u64 {
        self.journal.steps()
    }

    /// Writes down what has shown outside in this step.
    pub(super) fn observe(&mut self, now: Instant) {
        for observed in self.outbox.take() {
            self.journal.observe(now, observed);
        }
    }

    /// Events that were overwritten before the machine read them: more happened in a step than
    /// [`Settings::events`](kernel::limits::Settings::events) remembers.
    pub fn events_missed(&self) -> u64 {
        self.bridge.missed()
    }
}
