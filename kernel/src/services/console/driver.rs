//! The console's task: reads lines, runs commands, and lets others print in between.

use core::{
    fmt,
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
};

use super::{
    commands::{self, Failure},
    editor::{Action, COMPLETION_OUTPUT_LIMIT, Editor, Mode, Storage},
    input::{AHEAD, Input},
    output::{Output, PortGone},
    service::{Console, Request},
};
use crate::{
    Handle,
    heap::{AllocError, Buffer},
    platform::Stop,
    registry::{BindError, Call, Select, Server},
    services::serial::Serial,
    time::Duration,
};

/// The longest line, in bytes.
const LINE: usize = 512;
/// Bytes of lines that are remembered.
const HISTORY: usize = 2048;
/// How long a command may run until keys that were typed ahead of it are given up, if there are too many, to see whether
/// Ctrl-C comes behind them. What is pasted has mostly been read by then.
const PATIENCE: Duration = Duration::from_secs(1);
/// Requests to the serial port at a time: one read, one write, one in reserve.
const DEPTH: usize = 3;
/// What is shown in front of a line.
const PROMPT: &str = "mnemos> ";

/// What a console is made of.
#[derive(Debug, Clone, Copy)]
pub struct Config {
    /// The label of its serial port.
    pub port: &'static str,
    /// Whether a person or a script is at the other end.
    pub mode: Mode,
    /// The machine it runs on, for the banner and `version`.
    pub machine: &'static str,
    /// What tells this machine from others of its kind, for the banner and `version`.
    pub serial_number: Option<u64>,
    /// Whether it can be given another image by [`Stop::BootLoader`], so that `reboot loader` is allowed.
    pub has_boot_loader: bool,
    /// Switches the machine off when the input ends.
    pub power_off_at_end: bool,
}

impl Config {
    /// A console on a port, of a machine of which nothing is known but what it is called. At the end of its input the
    /// machine goes on.
    pub const fn new(port: &'static str, mode: Mode, machine: &'static str) -> Self {
        Self { port, mode, machine, serial_number: None, has_boot_loader: false, power_off_at_end: false }
    }
}

/// Why a console ended.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsoleError {
    /// There is not enough memory for its buffers.
    Memory(AllocError),
    /// Its own service could not be bound.
    Bind(BindError),
    /// Its serial port has gone away; a new console finds the next one.
    PortGone,
}

impl fmt::Display for ConsoleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory(error) => write!(f, "no memory for the console: {error}"),
            Self::Bind(error) => write!(f, "the console's service could not be bound: {error}"),
            Self::PortGone => PortGone.fmt(f),
        }
    }
}

impl core::error::Error for ConsoleError {}

impl From<PortGone> for ConsoleError {
    fn from(_: PortGone) -> Self {
        Self::PortGone
    }
}

/// The console's driver.
///
/// It does not declare itself ready: its commands connect to services on behalf of whoever types them.
///
/// # Errors
///
/// See [`ConsoleError`]. It waits until its port is running.
pub async fn serve(kernel: Handle, config: Config) -> Result<core::convert::Infallible, ConsoleError> {
    let heap = kernel.heap();
    let buffer = |len| heap.buffer(len);
    let terminal = config.mode == Mode::Terminal;
    let storage = Storage {
        line: buffer(LINE).await.map_err(ConsoleError::Memory)?,
        draft: buffer(if terminal { LINE } else { 0 }).await.map_err(ConsoleError::Memory)?,
        history: buffer(if terminal { HISTORY } else { 0 }).await.map_err(ConsoleError::Memory)?,
    };
    let text = buffer(COMPLETION_OUTPUT_LIMIT).await.map_err(ConsoleError::Memory)?;
    let mut server =
        kernel.services().bind_for_programs::<Console>(config.port).await.map_err(ConsoleError::Bind)?;
    let port = kernel
        .services()
        .connect_to::<Serial>(Select::Label(config.port), (), DEPTH)
        .await
        .map_err(|_refused| ConsoleError::PortGone)?;
    let mut console = Session {
        kernel: &kernel,
        config,
        editor: Editor::new(config.mode, PROMPT, storage),
        input: Input::new(&port),
        output: Output::new(&port, text, terminal),
    };
    if terminal {
        commands::banner(&kernel, &config, &mut console.output).await?;
    }
    loop {
        console.editor.begin(&mut console.output);
        console.output.flush().await?;
        match console.read_line(&mut server).await? {
            Action::Line => console.run_line().await?,
            Action::Refused(error) => console.report(format_args!("{error}")).await?,
            Action::EndOfInput if config.power_off_at_end => {
                console.output.drain().await?;
                kernel.stop(Stop::PowerOff);
            }
            Action::EndOfInput => {
                console.output.line(format_args!("type `poweroff` to switch the machine off")).await?;
            }
            Action::Cancel | Action::None | Action::Complete => {}
        }
    }
}

struct Session<'k> {
    kernel: &'k Handle,
    config: Config,
    editor: Editor<Buffer>,
    input: Input<'k>,
    output: Output<'k>,
}

impl Session<'_> {
    /// Edits until a line is finished; prints what others send meanwhile.
    async fn read_line(&mut self, server: &mut Server<Console>) -> Result<Action, PortGone> {
        loop {
            match self.next(server).await? {
                Next::Byte(byte) => match self.editor.feed(byte, &mut self.output) {
                    Action::None => {}
                    Action::Complete => {
                        let before = commands::Before::of(self.editor.before_word());
                        let (kernel, port) = (self.kernel, self.output.port());
                        self.editor
                            .complete(&|offer| before.candidates(kernel, port, offer), &mut self.output);
                    }
                    done => return Ok(done),
                },
                Next::Print(call) => {
                    self.editor.hide(&mut self.output);
                    let Request::Print(text) = *call.request();
                    self.output.line(format_args!("{text}")).await?;
                    self.editor.show(&mut self.output);
                    // Whoever printed may have gone; the text is out.
                    let _ = call.answer(());
                }
            }
            self.output.flush().await?;
        }
    }

    async fn next(&mut self, server: &mut Server<Console>) -> Result<Next, PortGone> {
        let mut call = pin!(server.next_call());
        let _waiting = self.kernel.await_input();
        poll_fn(|context| {
            if let Poll::Ready(byte) = self.input.poll_byte(context) {
                return Poll::Ready(byte.map(Next::Byte));
            }
            call.as_mut().poll(context).map(|call| Ok(Next::Print(call)))
        })
        .await
    }

    /// Runs the line that was read; Ctrl-C ends it.
    async fn run_line(&mut self) -> Result<(), PortGone> {
        let outcome = {
            let mut command =
                pin!(commands::run(self.kernel, &self.config, self.editor.line(), &mut self.output));
            let input = &mut self.input;
            let terminal = self.config.mode == Mode::Terminal;
            let mut patience = pin!(self.kernel.sleep(PATIENCE));
            poll_fn(|context| {
                if let Poll::Ready(outcome) = command.as_mut().poll(context) {
                    return Poll::Ready(outcome);
                }
                // A script's next lines stay where they are until it is their turn.
                if !terminal {
                    return Poll::Pending;
                }
                let mut interrupt = input.poll_interrupt(context, false);
                if interrupt.is_pending() && input.is_full() && patience.as_mut().poll(context).is_ready() {
                    interrupt = input.poll_interrupt(context, true);
                }
                interrupt.map(|interrupt| interrupt.map_err(Failure::from).and(Err(Failure::Interrupted)))
            })
            .await
        };
        let lost = self.input.take_lost();
        if lost > 0 {
            let text = format_args!("{lost} bytes were typed too far ahead, and are lost; {AHEAD} are kept");
            self.output.line(text).await?;
        }
        match outcome {
            Ok(()) => Ok(()),
            Err(Failure::PortGone) => Err(PortGone),
            Err(Failure::Interrupted) => {
                self.kernel.note_command_failed();
                self.output.line(format_args!("^C")).await
            }
            Err(failure) => self.report(format_args!("{failure}")).await,
        }
    }

    async fn report(&mut self, error: fmt::Arguments<'_>) -> Result<(), PortGone> {
        self.kernel.note_command_failed();
        self.output.line(format_args!("error: {error}")).await
    }
}

enum Next {
    Byte(u8),
    Print(Call<Console>),
}
