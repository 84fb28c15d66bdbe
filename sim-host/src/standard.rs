//! The standard machine: what runs on it after boot.

use std::{cell::Cell, convert::Infallible, rc::Rc};

use kernel::{
    Handle,
    services::{
        echo, inspect, log,
        serial::driver::{Driver, SerialError, set_up},
        supervise::{self, Policy, Supervisor},
    },
};

use crate::{Sim, SimError, Uart};

/// Drivers that the supervisor has room for beside the serial ports': some for whoever adds to the machine.
const DRIVERS: usize = 16;

/// Bytes that a serial port remembers in either direction.
const SERIAL_BUFFER: usize = 1024;

/// Starts the standard services under a supervisor.
///
/// # Errors
///
/// When the machine has no memory for them.
pub(crate) fn start(sim: &Sim) -> Result<(), SimError> {
    let kernel = sim.kernel();
    let ports = sim.uarts().count();
    let supervisor = Supervisor::new(&kernel, DRIVERS + ports).map_err(SimError::Memory)?;
    let control = supervisor.clone();
    let supervise = move |kernel| supervise::serve(kernel, control.clone());
    supervisor
        .add("supervise", Policy::DEFAULT, supervise, true)
        .and_then(|()| supervisor.add("inspect", Policy::DEFAULT, inspect::serve, true))
        .and_then(|()| supervisor.add("log", Policy::DEFAULT, log::serve, true))
        .and_then(|()| supervisor.add("echo", Policy::DEFAULT, echo::serve, true))
        .map_err(SimError::Supervise)?;
    for (name, uart) in sim.uarts() {
        let (driver, mut handler) =
            set_up(&kernel, uart.clone(), name, SERIAL_BUFFER).map_err(SimError::Serial)?;
        sim.attach(uart.irq(), move || handler.interrupt());
        let driver = Rc::new(Cell::new(Some(driver)));
        let serve = move |kernel| serve_port(driver.clone(), kernel, name);
        supervisor.add(name, Policy::DEFAULT, serve, true).map_err(SimError::Supervise)?;
    }
    Ok(())
}

/// A driver's state, put back for the driver's next task when this one ends.
struct Borrowed {
    /// Taken only when this is dropped.
    driver: Option<Driver<Uart>>,
    home: Rc<Cell<Option<Driver<Uart>>>>,
}

impl Drop for Borrowed {
    fn drop(&mut self) {
        self.home.set(self.driver.take());
    }
}

async fn serve_port(
    home: Rc<Cell<Option<Driver<Uart>>>>,
    kernel: Handle,
    name: &'static str,
) -> Result<Infallible, SerialError> {
    let mut borrowed = Borrowed { driver: home.take(), home };
    match &mut borrowed.driver {
        Some(driver) => driver.serve(kernel, name).await,
        // The supervisor starts a driver only when its last task is gone, and that has put the state back.
        None => std::future::pending().await,
    }
}
