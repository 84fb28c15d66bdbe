//! What comes in over the serial port, byte by byte.

use core::{
    pin::Pin,
    task::{Context, Poll},
};

use super::output::PortGone;
use crate::{
    registry::{Client, Pending},
    services::serial::{Chunk, Request, Response, Serial},
};

/// Bytes typed ahead of the command that is running which are kept.
pub(super) const AHEAD: usize = 256;

const CTRL_C: u8 = 3;

/// Reads ahead by one request, so that a key is seen while a command runs.
pub(super) struct Input<'c> {
    port: &'c Client<Serial>,
    reading: Option<Pending<'c, Serial>>,
    chunk: Chunk,
    at: usize,
    /// What was typed while a command ran: a ring.
    ahead: [u8; AHEAD],
    first: usize,
    kept: usize,
    /// What was typed behind that, and is lost.
    lost: usize,
}

impl<'c> Input<'c> {
    pub(super) fn new(port: &'c Client<Serial>) -> Self {
        Self {
            port,
            reading: None,
            chunk: Chunk::new(),
            at: 0,
            ahead: [0; AHEAD],
            first: 0,
            kept: 0,
            lost: 0,
        }
    }

    /// The next byte, if it is there.
    pub(super) fn poll_byte(&mut self, context: &mut Context<'_>) -> Poll<Result<u8, PortGone>> {
        if let Some(byte) = self.take_kept() {
            return Poll::Ready(Ok(byte));
        }
        self.poll_fresh(context)
    }

    fn poll_fresh(&mut self, context: &mut Context<'_>) -> Poll<Result<u8, PortGone>> {
        loop {
            if let Some(byte) = self.chunk.get(self.at) {
                self.at += 1;
                return Poll::Ready(Ok(*byte));
            }
            let reading = match &mut self.reading {
                Some(reading) => reading,
                none => none.insert(self.port.try_send(Request::Read).map_err(|_unsent| PortGone)?),
            };
            match Pin::new(reading).poll(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(answer) => {
                    self.reading = None;
                    self.at = 0;
                    self.chunk = match answer? {
                        Response::Data(chunk) => chunk,
                        _ => Chunk::new(),
                    };
                }
            }
        }
    }

    /// No more is kept; what comes further waits with the port.
    pub(super) fn is_full(&self) -> bool {
        self.kept == AHEAD
    }

    /// Ready when Ctrl-C comes. All else is kept for later, as far as there is room; what was typed before Ctrl-C is
    /// forgotten with the command.
    ///
    /// When there is no more room, what comes further waits with the port, and a Ctrl-C among it, too; unless the reader is
    /// `impatient`: then it is lost, but for Ctrl-C.
    pub(super) fn poll_interrupt(
        &mut self,
        context: &mut Context<'_>,
        impatient: bool,
    ) -> Poll<Result<(), PortGone>> {
        while impatient || !self.is_full() {
            match self.poll_fresh(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Err(gone)) => return Poll::Ready(Err(gone)),
                Poll::Ready(Ok(CTRL_C)) => {
                    (self.kept, self.lost) = (0, 0);
                    return Poll::Ready(Ok(()));
                }
                Poll::Ready(Ok(_)) if self.is_full() => self.lost = self.lost.saturating_add(1),
                Poll::Ready(Ok(byte)) => {
                    if let Some(place) = self.ahead.get_mut((self.first + self.kept) % AHEAD) {
                        *place = byte;
                        self.kept += 1;
                    }
                }
            }
        }
        Poll::Pending
    }

    /// How many bytes were lost since this was asked last.
    pub(super) fn take_lost(&mut self) -> usize {
        core::mem::take(&mut self.lost)
    }

    fn take_kept(&mut self) -> Option<u8> {
        self.kept = self.kept.checked_sub(1)?;
        let byte = self.ahead.get(self.first).copied();
        self.first = (self.first + 1) % AHEAD;
        byte
    }
}
