//! mnemOS on the RP2040.
//!
//! The image is built by `scripts/build-rp2040`. On a PC this package compiles to a program that says so, which
//! keeps commands over the whole workspace working.
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
mod image;

#[cfg(not(target_os = "none"))]
fn main() -> std::process::ExitCode {
    eprintln!("This program runs on an RP2040. Build its image with scripts/build-rp2040.");
    std::process::ExitCode::FAILURE
}
