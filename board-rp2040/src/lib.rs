//! The RP2040 as mnemOS sees it: what stands between the kernel's platform contract and the chip's registers.
//!
//! An image calls, in this order: [`clocks::start`] (the result proves to the rest that the clocks run),
//! [`Timer::start`] (the kernel's clock), [`Uart::start`] (the console), and then runs its loop around
//! [`idle::wait_unless`]. Linking this crate also brings the second-stage boot loader, the panic handler and the
//! fault handlers.
//!
//! Laws:
//!
//! - Core 1 is never started: the critical section only turns this core's interrupts off.
//! - Nothing here calls into the boot ROM.
//! - Start-up waits for the hardware without a limit, since without a crystal or a locked PLL there is nothing to
//!   run and no console to say so on.
//!
//! On any other target this crate is empty.
#![cfg_attr(not(test), no_std)]

pub mod alarm;
pub mod baud;
pub mod edges;
pub mod record;

#[cfg(target_os = "none")]
mod board;
#[cfg(target_os = "none")]
mod boot2;
#[cfg(target_os = "none")]
pub mod clocks;
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
pub use self::{board::Board, gpio::Gpio, last_run::LastRun, timer::Timer, uart::Uart, watchdog::Watchdog};
