//! The services that every machine with a serial port has, put together: what a board's `main` and the simulator start.

use core::fmt;

use super::{
    console, echo,
    entropy::{self, EntropyError, Source},
    gpio::{self, device::Pins, driver::GpioError},
    i2c::{self, device::Controller, driver::I2cError},
    inspect, log,
    serial::{
        device::Uart,
        driver::{Driver, SerialError},
    },
    storage::{self, device::Flash, driver::StorageError},
    supervise::{self, AddError, Kept, Policy, Supervisor},
};
use crate::{Handle, heap::AllocError};

/// Drivers that can be put under supervision: those of this module with eight serial ports, and some of the machine's own.
const DRIVERS: usize = 20;

/// Why the services were not started.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartError {
    /// No memory.
    Memory(AllocError),
    /// A driver could not be added.
    Add(AddError),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory(error) => write!(f, "no memory for the services: {error}"),
            Self::Add(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for StartError {}

impl From<AddError> for StartError {
    fn from(error: AddError) -> Self {
        Self::Add(error)
    }
}

/// Starts what needs no device, each under supervision: echo, log, inspection, and the supervisor's own service. The
/// machine adds its devices to the supervisor that is returned.
///
/// # Errors
///
/// When there is no memory for them.
pub fn start(kernel: &Handle) -> Result<Supervisor, StartError> {
    let supervisor = Supervisor::new(kernel, DRIVERS).map_err(StartError::Memory)?;
    let control = supervisor.clone();
    let serve = move |kernel| supervise::serve(kernel, control.clone());
    supervisor.add("supervise", Policy::DEFAULT, serve, true)?;
    supervisor.add("inspect", Policy::DEFAULT, inspect::serve, true)?;
    supervisor.add("log", Policy::DEFAULT, log::serve, true)?;
    supervisor.add("echo", Policy::DEFAULT, echo::serve, true)?;
    Ok(supervisor)
}

/// Starts a serial port under a label, which is its driver's name too.
///
/// # Errors
///
/// When there is no memory for it.
pub fn start_serial<U: Uart>(
    kernel: &Handle,
    supervisor: &Supervisor,
    port: Driver<U>,
    label: &'static str,
) -> Result<(), StartError> {
    let kept = Kept::new(kernel, port).map_err(StartError::Memory)?;
    let serve = move |kernel| {
        let lent = kept.lend();
        async move { lent.map_err(SerialError::InUse)?.serve(kernel, label).await }
    };
    Ok(supervisor.add(label, Policy::DEFAULT, serve, true)?)
}

/// Starts GPIO.
///
/// # Errors
///
/// When there is no memory for it.
pub fn start_gpio<P: Pins>(
    kernel: &Handle,
    supervisor: &Supervisor,
    pins: gpio::driver::Driver<P>,
) -> Result<(), StartError> {
    let kept = Kept::new(kernel, pins).map_err(StartError::Memory)?;
    let serve = move |kernel| {
        let lent = kept.lend();
        async move { lent.map_err(GpioError::InUse)?.serve(kernel, "").await }
    };
    Ok(supervisor.add("gpio", Policy::DEFAULT, serve, true)?)
}

/// Starts the bus of an I²C controller under a label, which is its driver's name too; if it is empty, that is `i2c`.
///
/// # Errors
///
/// When there is no memory for it.
pub fn start_i2c<C: Controller>(
    kernel: &Handle,
    supervisor: &Supervisor,
    bus: i2c::driver::Driver<C>,
    label: &'static str,
) -> Result<(), StartError> {
    let kept = Kept::new(kernel, bus).map_err(StartError::Memory)?;
    let serve = move |kernel| {
        let lent = kept.lend();
        async move { lent.map_err(I2cError::InUse)?.serve(kernel, label).await }
    };
    let name = if label.is_empty() { "i2c" } else { label };
    Ok(supervisor.add(name, Policy::DEFAULT, serve, true)?)
}

/// Starts storage.
///
/// # Errors
///
/// When there is no memory for it.
pub fn start_storage<F: Flash>(
    kernel: &Handle,
    supervisor: &Supervisor,
    flash: storage::driver::Driver<F>,
) -> Result<(), StartError> {
    let kept = Kept::new(kernel, flash).map_err(StartError::Memory)?;
    let serve = move |kernel| {
        let lent = kept.lend();
        async move { lent.map_err(StorageError::InUse)?.serve(kernel, "").await }
    };
    Ok(supervisor.add("storage", Policy::DEFAULT, serve, true)?)
}

/// Starts entropy, from a source of it.
///
/// # Errors
///
/// When there is no memory for it.
pub fn start_entropy<S: Source>(
    kernel: &Handle,
    supervisor: &Supervisor,
    source: S,
) -> Result<(), StartError> {
    let kept = Kept::new(kernel, source).map_err(StartError::Memory)?;
    let serve = move |kernel| {
        let lent = kept.lend();
        async move { entropy::serve(kernel, &mut *lent.map_err(EntropyError::InUse)?).await }
    };
    Ok(supervisor.add("entropy", Policy::DEFAULT, serve, true)?)
}

/// Starts a console on a serial port.
///
/// # Errors
///
/// When there is no memory for it.
pub fn start_console(supervisor: &Supervisor, config: console::Config) -> Result<(), StartError> {
    Ok(supervisor.add("console", Policy::DEFAULT, move |kernel| console::serve(kernel, config), true)?)
}
