//! What is written down of a fleet's life.

use std::io::Write;

use super::Fleet;
use crate::{Digest, TimelineError, onlooker::Shared};

impl Fleet {
    /// Sums nothing up, neither what boards do that are added from now on nor what comes over links: a fleet whose
    /// [digest](Self::digest) nobody wants is faster, as is [a machine](crate::Builder::without_digest).
    #[must_use]
    pub fn without_digest(mut self) -> Self {
        self.traffic = None;
        self
    }

    /// Has the boards that are added from now on write one trace of their lives that [Perfetto](https://ui.perfetto.dev)
    /// shows, with each board's name before its boots; it is whole after [`end_timeline`](Self::end_timeline). The boards
    /// behave as they would without.
    #[must_use]
    pub fn timeline(mut self, writer: impl Write + 'static) -> Self {
        self.timeline = Some(Shared::new(writer));
        self
    }

    /// Ends the fleet's [timeline](Self::timeline), if it has one.
    ///
    /// # Errors
    ///
    /// When any of it could not be written.
    pub fn end_timeline(&mut self) -> Result<(), TimelineError> {
        let ended = self.boards.iter_mut().map(|board| board.sim.end_timeline());
        ended.fold(Ok(()), Result::and)
    }

    /// Stands for all that the boards have done, as [`Sim::digest`](crate::Sim::digest) for one, and for all that has come over links. A fleet
    /// [without a digest](Self::without_digest) has the same all its life.
    pub fn digest(&self) -> Digest {
        let mut digester = self.traffic.clone().unwrap_or_default();
        for board in &self.boards {
            digester.add(&format!("{} {}", board.name, board.sim.digest()));
        }
        digester.digest()
    }
}
