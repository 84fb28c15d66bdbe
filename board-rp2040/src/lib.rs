//! The RP2040 as mnemOS sees it: what stands between the kernel's platform contract and the chip's registers.
//!
//! An image starts the `Board`, boots a kernel on what `memory` hands out and on the board's `Timer`, starts `services` (or
//! others of its own, over the board's devices), and lets the board `run` the kernel. Linking this crate also brings the
//! second-stage boot loader, the vectors, the panic handler and the fault handlers.
//!
//! | module | is |
//! |---|---|
//! | `board` | the devices together, and the machine's loop around a kernel |
//! | `clocks` | crystal and PLL: 125 MHz |
//! | `timer`, [`alarm`] | the kernel's clock, and the alarm that ends its sleep |
//! | `idle` | sleeping without missing an interrupt |
//! | `uart`, [`baud`], [`entry`] | the device under the kernel's serial driver |
//! | `gpio`, [`edges`] | the device under the kernel's GPIO driver |
//! | `interrupts` | the vectors, and the handlers' halves of the drivers |
//! | `desk` | who is at the other end of the console |
//! | `services` | what runs: the kernel's standard services, over the devices |
//! | `memory`, `stack` | what is whose in RAM |
//! | `rom`, `flash` | the boot loader, and the chip's serial number |
//! | `watchdog` | resets a machine that hangs, or wants to |
//! | `panic`, `last_run`, [`record`], [`starts`] | what a run that fails leaves for the next one |
//!
//! Laws:
//!
//! - Core 1 is never started: the critical section only turns this core's interrupts off.
//! - Flash is taken away once, at start-up, with interrupts off; what runs then is in RAM. Later everything may be called at
//!   any time.
//! - Start-up waits for the hardware without a limit, since without a crystal or a locked PLL there is nothing to
//!   run and no console to say so on.
//! - Interrupts all have the same priority, so a handler is never interrupted.
//!
//! Everything but the arithmetic is there for the chip only.
#![cfg_attr(not(test), no_std)]

pub mod alarm;
pub mod baud;
pub mod edges;
pub mod entry;
pub mod record;
pub mod starts;

#[cfg(target_os = "none")]
mod board;
#[cfg(target_os = "none")]
mod boot2;
#[cfg(target_os = "none")]
pub mod clocks;
#[cfg(target_os = "none")]
mod desk;
#[cfg(target_os = "none")]
mod flash;
#[cfg(target_os = "none")]
mod gpio;
#[cfg(target_os = "none")]
pub mod idle;
#[cfg(target_os = "none")]
pub mod interrupts;
#[cfg(target_os = "none")]
mod last_run;
#[cfg(target_os = "none")]
pub mod memory;
#[cfg(target_os = "none")]
mod panic;
#[cfg(target_os = "none")]
mod rom;
#[cfg(target_os = "none")]
mod rosc;
#[cfg(target_os = "none")]
pub mod services;
#[cfg(target_os = "none")]
pub mod stack;
#[cfg(target_os = "none")]
mod timer;
#[cfg(target_os = "none")]
mod uart;
#[cfg(target_os = "none")]
pub mod watchdog;

#[cfg(target_os = "none")]
pub use self::{
    board::Board, gpio::Gpio, last_run::LastRun, rosc::Noise, timer::Timer, uart::Uart, watchdog::Watchdog,
};
