//! The standard machine: what runs on it after boot.

use std::{cell::Cell, convert::Infallible, rc::Rc};

use kernel::{
    Handle,
    services::{
        echo,
        gpio::driver::{self as gpio, GpioError},
        inspect, log,
        serial::driver::{self as serial, SerialError},
        supervise::{self, Policy, Supervisor},
    },
};

use crate::{Gpio, Sim, SimError, Uart};

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
            serial::set_up(&kernel, uart.clone(), name, SERIAL_BUFFER).map_err(SimError::Serial)?;
        sim.attach(uart.irq(), move || handler.interrupt());
        let home = Home::new(driver);
        let serve = move |kernel| serve_port(home.clone(), kernel, name);
        supervisor.add(name, Policy::DEFAULT, serve, true).map_err(SimError::Supervise)?;
    }
    let pins = sim.gpio();
    let (driver, mut handler) = gpio::set_up(&kernel, pins.clone(), "gpio").map_err(SimError::Gpio)?;
    sim.attach(pins.irq(), move || handler.interrupt());
    let home = Home::new(driver);
    let serve = move |kernel| serve_pins(home.clone(), kernel);
    supervisor.add("gpio", Policy::DEFAULT, serve, true).map_err(SimError::Supervise)
}

/// A driver's state, shared by the tasks that serve with it, one after the other.
struct Home<D>(Rc<Cell<Option<D>>>);

impl<D> Clone for Home<D> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

/// A driver's state while a task has it: put back when the task ends, for the next one.
struct Borrowed<D> {
    driver: Option<D>,
    home: Home<D>,
}

impl<D> Home<D> {
    fn new(driver: D) -> Self {
        Self(Rc::new(Cell::new(Some(driver))))
    }

    fn borrow(self) -> Borrowed<D> {
        Borrowed { driver: self.0.take(), home: self }
    }
}

impl<D> Drop for Borrowed<D> {
    fn drop(&mut self) {
        self.home.0.set(self.driver.take());
    }
}

async fn serve_port(
    home: Home<serial::Driver<Uart>>,
    kernel: Handle,
    name: &'static str,
) -> Result<Infallible, SerialError> {
    match &mut home.borrow().driver {
        Some(driver) => driver.serve(kernel, name).await,
        // The supervisor starts a driver only when its last task is gone, and that has put the state back.
        None => std::future::pending().await,
    }
}

async fn serve_pins(home: Home<gpio::Driver<Gpio>>, kernel: Handle) -> Result<Infallible, GpioError> {
    match &mut home.borrow().driver {
        Some(driver) => driver.serve(kernel, "gpio").await,
        // As above.
        None => std::future::pending().await,
    }
}
