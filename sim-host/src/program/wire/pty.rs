//! The serial port on a pseudo-terminal, for any terminal program to open.

use std::{io, os::fd::OwnedFd};

use rustix::{
    fs::{Mode as FileMode, OFlags, fcntl_getfl, fcntl_setfl, open as open_file},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{OptionalActions, tcgetattr, tcsetattr},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::unix::pipe,
};

use super::{Mode, Wire, announce};
use crate::program::ending::HostError;

/// Opens a pseudo-terminal and prints on stderr where it is.
///
/// # Errors
///
/// When the system has none to give.
pub(crate) fn open() -> Result<Wire, HostError> {
    let (input, output, path) = pair().map_err(HostError::Pty)?;
    announce("uart0", format_args!("at {path}"));
    Ok(Wire {
        input: Box::new(input),
        output: Box::new(output),
        mode: Mode::Terminal,
        takes_terminal: false,
        can_hang: false,
        farewell: None,
    })
}

/// The reading half. It keeps the far end open too, so that a program which closes it does not end the input.
struct Input {
    pty: pipe::Receiver,
    _far_end: OwnedFd,
}

fn pair() -> io::Result<(Input, impl AsyncWrite + Unpin, String)> {
    let near = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    grantpt(&near)?;
    unlockpt(&near)?;
    let path = ptsname(&near, Vec::new())?;
    let far = open_file(path.as_c_str(), OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, FileMode::empty())?;
    // The line discipline would echo and edit; that is the guest's business.
    let mut settings = tcgetattr(&far)?;
    settings.make_raw();
    tcsetattr(&far, OptionalActions::Now, &settings)?;
    fcntl_setfl(&near, fcntl_getfl(&near)? | OFlags::NONBLOCK)?;
    let output = near.try_clone()?;
    // To the runtime, the near end is as good as a pipe in each direction.
    let input = Input { pty: pipe::Receiver::from_owned_fd_unchecked(near)?, _far_end: far };
    let output = pipe::Sender::from_owned_fd_unchecked(output)?;
    Ok((input, output, path.to_string_lossy().into_owned()))
}

impl AsyncRead for Input {
    fn poll_read(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> std::task::Poll<io::Result<()>> {
        std::pin::Pin::new(&mut self.pty).poll_read(context, buffer)
    }
}
