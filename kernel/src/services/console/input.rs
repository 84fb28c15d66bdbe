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

/// Bytes typed ahead of the command that is running which are kept; more are left with the port.
const AHEAD: usize = 256;

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
}

impl<'c> Input<'c> {
    pub(super) fn new(port: &'c Client<Serial>) -> Self {
        Self { port, reading: None, chunk: Chunk::new(), at: 0, ahead: [0; AHEAD], first: 0, kept: 0 }
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

    /// Ready when Ctrl-C comes. All else is kept for later, as far as there is room; what was typed before Ctrl-C is
    /// forgotten with the command.
    pub(super) fn poll_interrupt(&mut self, context: &mut Context<'_>) -> Poll<Result<(), PortGone>> {
        while self.kept < AHEAD {
            match self.poll_fresh(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Err(gone)) => return Poll::Ready(Err(gone)),
                Poll::Ready(Ok(CTRL_C)) => {
                    self.kept = 0;
                    return Poll::Ready(Ok(()));
                }
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

    fn take_kept(&mut self) -> Option<u8> {
        self.kept = self.kept.checked_sub(1)?;
        let byte = self.ahead.get(self.first).copied();
        self.first = (self.first + 1) % AHEAD;
        byte
    }
}
