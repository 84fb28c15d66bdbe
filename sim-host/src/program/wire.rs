//! What is at the other end of the serial cable: a pair of byte streams, and how they are to be treated.

pub(crate) mod pty;
pub(crate) mod tcp;

use std::{
    fs::File,
    io::{self, Cursor, IsTerminal as _},
    path::Path,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    task::JoinHandle,
    time::{Duration, timeout},
};

use super::{ending::HostError, options::Options};

/// How long a peer that does not read may hold up the end of the program.
const PARTING: Duration = Duration::from_secs(2);

/// The other end of the serial cable.
pub(crate) struct Wire {
    /// Bytes for the machine. Its end is the end of input.
    pub(crate) input: Box<dyn AsyncRead + Unpin>,
    /// Bytes from the machine.
    pub(crate) output: Box<dyn AsyncWrite + Unpin>,
    /// Who types.
    pub(crate) mode: Mode,
    /// Whether this process's terminal is the guest's while the machine runs.
    pub(crate) takes_terminal: bool,
    /// Whether nothing but the input can make the machine go on: then a machine that waits for more than there will
    /// ever be, hangs.
    pub(crate) can_hang: bool,
    /// Takes the last output to a peer that may be gone or slow, and ends after the output does.
    pub(crate) farewell: Option<JoinHandle<()>>,
}

/// Who is at the other end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// A person on a terminal that knows the VT100's escape sequences.
    Terminal,
    /// A pipe or a script: plain lines both ways.
    Plain,
}

impl Wire {
    /// Sees the last output off.
    ///
    /// # Errors
    ///
    /// When it could not be written. A peer that has gone away, or does not read, is not waited for.
    pub(crate) async fn finish(&mut self) -> Result<(), HostError> {
        self.output.shutdown().await.map_err(HostError::Output)?;
        if let Some(farewell) = self.farewell.take() {
            // Late or not, it has had its time.
            let _ = timeout(PARTING, farewell).await;
        }
        Ok(())
    }
}

/// This process's standard input and output, or a script in place of the input.
///
/// # Errors
///
/// When the script cannot be opened.
pub(crate) fn stdio(options: &Options) -> Result<Wire, HostError> {
    let interactive = io::stdin().is_terminal() && io::stdout().is_terminal();
    if options.is_script() {
        return script(options);
    }
    Ok(Wire {
        input: Box::new(tokio::io::stdin()),
        output: Box::new(tokio::io::stdout()),
        mode: if interactive { Mode::Terminal } else { Mode::Plain },
        takes_terminal: interactive,
        can_hang: !interactive,
        farewell: None,
    })
}

/// This process's standard output, and the script that the options give, which may be empty.
///
/// # Errors
///
/// When the script cannot be opened.
pub(crate) fn script(options: &Options) -> Result<Wire, HostError> {
    let input: Box<dyn AsyncRead + Unpin> = {
        let mut lines = String::new();
        for line in &options.commands {
            lines.push_str(line);
            lines.push('\n');
        }
        let commands = Cursor::new(lines.into_bytes());
        match &options.script {
            None => Box::new(commands),
            Some(path) if path == Path::new("-") => Box::new(commands.chain(tokio::io::stdin())),
            Some(path) => Box::new(commands.chain(open(path)?)),
        }
    };
    Ok(Wire {
        input,
        output: Box::new(tokio::io::stdout()),
        mode: Mode::Plain,
        takes_terminal: false,
        can_hang: true,
        farewell: None,
    })
}

fn open(path: &Path) -> Result<tokio::fs::File, HostError> {
    let failed = |error| HostError::Script { path: path.to_owned(), error };
    let file = File::open(path).map_err(failed)?;
    // Opening a directory works, reading it does not: say so before the machine boots.
    if file.metadata().map_err(failed)?.is_dir() {
        return Err(failed(io::ErrorKind::IsADirectory.into()));
    }
    Ok(tokio::fs::File::from_std(file))
}

/// Tells the user where to find something, such as the serial port.
pub(crate) fn announce(what: &str, place: std::fmt::Arguments<'_>) {
    eprintln!("sim-host: {what} is {place}");
}
