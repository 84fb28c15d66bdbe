//! The standard machine: what runs on it after boot.

use kernel::services::{gpio, serial::driver::set_up, standard, storage};

use crate::{Sim, SimError};

/// Bytes that a serial port remembers in either direction.
const SERIAL_BUFFER: usize = 1024;

/// Starts the standard services under a supervisor, and the console if there is to be one.
///
/// # Errors
///
/// When the machine has no memory for them.
pub(crate) fn start(sim: &Sim) -> Result<(), SimError> {
    let kernel = sim.kernel();
    let supervisor = standard::start(&kernel).map_err(SimError::Start)?;
    for (name, uart) in sim.uarts() {
        let (driver, mut handler) =
            set_up(&kernel, uart.clone(), name, SERIAL_BUFFER).map_err(SimError::Serial)?;
        sim.attach(uart.irq(), move || handler.interrupt());
        standard::start_serial(&kernel, &supervisor, driver, name).map_err(SimError::Start)?;
    }
    let (pins, mut handler) =
        gpio::driver::set_up(&kernel, sim.gpio().clone(), "gpio").map_err(SimError::Gpio)?;
    sim.attach(sim.gpio().irq(), move || handler.interrupt());
    standard::start_gpio(&kernel, &supervisor, pins).map_err(SimError::Start)?;
    if let Some(flash) = sim.flash() {
        let (driver, mut handler) =
            storage::driver::set_up(&kernel, flash.clone(), "storage").map_err(SimError::Storage)?;
        sim.attach(flash.irq(), move || handler.interrupt());
        standard::start_storage(&kernel, &supervisor, driver).map_err(SimError::Start)?;
    }
    standard::start_entropy(&kernel, &supervisor, sim.noise.clone()).map_err(SimError::Start)?;
    if let Some(console) = sim.config.console {
        standard::start_console(&supervisor, console).map_err(SimError::Start)?;
    }
    Ok(())
}
