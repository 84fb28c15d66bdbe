//! What mnemOS costs on the RP2040: cycles of the core for each operation.
//!
//! `scripts/cycles` builds it, runs it in the emulator and makes a table of what it says. On a chip it says the same on
//! UART0, with more cycles: flash is read through a cache there, which the emulator does not have.
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
mod image;

#[cfg(not(target_os = "none"))]
fn main() -> std::process::ExitCode {
    eprintln!("This program runs on an RP2040. Build and run it with scripts/cycles.");
    std::process::ExitCode::FAILURE
}
