//! What runs on the board: the kernel's standard services, over its devices.

use core::fmt;

use kernel::{
    Handle,
    heap::AllocError,
    services::{
        console,
        gpio::{self, driver::GpioError},
        serial::{self, driver::SerialError},
        standard::{self, StartError},
    },
};

use crate::{Board, interrupts};

/// The console's port.
const PORT: &str = "uart0";

/// Bytes that the port remembers in either direction.
const SERIAL_BUFFER: usize = 1024;

/// Why the services were not started.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServicesError {
    /// No memory for the timer's interrupt line.
    Timer(AllocError),
    /// The serial port could not be set up.
    Serial(SerialError),
    /// GPIO could not be set up.
    Gpio(GpioError),
    /// A service could not be started.
    Start(StartError),
}

impl fmt::Display for ServicesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timer(error) => write!(f, "no memory for the timer's interrupt line: {error}"),
            Self::Serial(error) => error.fmt(f),
            Self::Gpio(error) => error.fmt(f),
            Self::Start(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for ServicesError {}

/// Has the kernel's sleeps end: the alarm's interrupt is taken, and counted on a line.
///
/// # Errors
///
/// When there is no memory for the line.
pub fn start_timer(kernel: &Handle, board: &Board) -> Result<(), AllocError> {
    let line = kernel.interrupt_line("timer")?;
    interrupts::attach_timer(board.timer.clone(), line.trigger());
    Ok(())
}

/// Starts the standard services, those of the board's devices, and the console, all under supervision.
///
/// # Errors
///
/// When there is no memory for them.
pub fn start(kernel: &Handle, board: &Board) -> Result<(), ServicesError> {
    start_timer(kernel, board).map_err(ServicesError::Timer)?;

    let supervisor = standard::start(kernel).map_err(ServicesError::Start)?;

    let (port, handler) = serial::driver::set_up(kernel, board.uart.clone(), PORT, SERIAL_BUFFER)
        .map_err(ServicesError::Serial)?;
    interrupts::attach_uart(handler);
    standard::start_serial(kernel, &supervisor, port, PORT).map_err(ServicesError::Start)?;

    let (pins, handler) =
        gpio::driver::set_up(kernel, board.gpio.clone(), "gpio").map_err(ServicesError::Gpio)?;
    interrupts::attach_gpio(handler);
    standard::start_gpio(kernel, &supervisor, pins).map_err(ServicesError::Start)?;

    standard::start_entropy(kernel, &supervisor, board.noise.clone()).map_err(ServicesError::Start)?;

    let console = console::Config {
        port: PORT,
        mode: if board.scripted { console::Mode::Plain } else { console::Mode::Terminal },
        machine: "the RP2040",
        serial_number: board.serial_number,
        has_boot_loader: true,
        // A script ends. At the end of a cable there may be nobody to switch the machine on again.
        power_off_at_end: board.scripted,
    };
    standard::start_console(&supervisor, console).map_err(ServicesError::Start)
}
