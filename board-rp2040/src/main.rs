//! mnemOS on the RP2040.
//!
//! On the chip this is the image that `scripts/build-rp2040` builds. On a PC it is a program that builds the image and runs
//! it in the emulator, so that `cargo run` shows what the chip would do.
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(not(target_os = "none"))]
mod emulated;
#[cfg(target_os = "none")]
mod image;

#[cfg(not(target_os = "none"))]
fn main() -> std::process::ExitCode {
    emulated::main()
}
