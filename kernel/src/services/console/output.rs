//! What a console prints, on its way to the serial port.

use core::{
    fmt::{self, Write},
    future::{Future, poll_fn},
    pin::{Pin, pin},
    task::{Context, Poll},
};

use crate::{
    heap::Buffer,
    registry::{CallError, Client, InstanceId},
    services::serial::{Chunk, Request, Serial},
};

/// The port is gone: there is nobody to talk to any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PortGone;

impl fmt::Display for PortGone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the console's serial port has gone away")
    }
}

impl core::error::Error for PortGone {}

impl<E> From<CallError<E>> for PortGone {
    fn from(_: CallError<E>) -> Self {
        Self
    }
}

/// Collects text and sends it, as fast as the port takes it.
///
/// Text is written synchronously into a buffer, then [`flush`](Self::flush)ed: once per line, so that a table may be as
/// long as it likes. What does not fit in the buffer at once is cut.
pub(super) struct Output<'c> {
    port: &'c Client<Serial>,
    buffer: Buffer,
    len: usize,
    /// Ends lines in `\r\n`, as terminals need it.
    terminal: bool,
    last: u8,
}

impl<'c> Output<'c> {
    pub(super) fn new(port: &'c Client<Serial>, buffer: Buffer, terminal: bool) -> Self {
        Self { port, buffer, len: 0, terminal, last: 0 }
    }

    /// The instance of serial that it goes to.
    pub(super) fn port(&self) -> InstanceId {
        self.port.instance()
    }

    /// Sends what was written.
    pub(super) async fn flush(&mut self) -> Result<(), PortGone> {
        // All commands wait here, in a hundred places.
        outlined(async {
            let len = core::mem::take(&mut self.len);
            let written = self.buffer.get(..len).unwrap_or_default();
            for chunk in written.chunks(Chunk::CAPACITY) {
                self.port.call(Request::Write(Chunk::cut(chunk))).await?;
            }
            Ok(())
        })
        .await
    }

    /// Writes a line and sends it.
    pub(super) async fn line(&mut self, text: fmt::Arguments<'_>) -> Result<(), PortGone> {
        // A line longer than the buffer is cut; its end is written nevertheless.
        let _cut = self.write_fmt(text);
        self.end_line().await
    }

    /// Ends the line and sends it.
    pub(super) async fn end_line(&mut self) -> Result<(), PortGone> {
        let room = self.buffer.len().saturating_sub(2);
        self.len = self.len.min(room);
        let _fits = self.write_char('\n');
        self.flush().await
    }

    /// Waits until everything has left the chip.
    pub(super) async fn drain(&mut self) -> Result<(), PortGone> {
        self.flush().await?;
        self.port.call(Request::Flush).await?;
        Ok(())
    }

    fn push(&mut self, byte: u8) -> fmt::Result {
        let place = self.buffer.get_mut(self.len).ok_or(fmt::Error)?;
        *place = byte;
        self.len += 1;
        self.last = byte;
        Ok(())
    }
}

/// Awaits a future whose code is compiled once, wherever it is awaited. The compiler would otherwise copy it to each
/// place, which a chip's flash has no room for.
pub(super) async fn outlined<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    poll_fn(|context| poll_outlined(future.as_mut(), context)).await
}

#[inline(never)]
fn poll_outlined<F: Future>(future: Pin<&mut F>, context: &mut Context<'_>) -> Poll<F::Output> {
    future.poll(context)
}

impl Write for Output<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            if byte == b'\n' && self.terminal && self.last != b'\r' {
                self.push(b'\r')?;
            }
            self.push(byte)?;
        }
        Ok(())
    }
}
