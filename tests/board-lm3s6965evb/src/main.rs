//! The laws of mnemOS on the board that QEMU calls `lm3s6965evb`: a Cortex-M3 with 64 KiB of memory.
//!
//! It is there to show that the kernel's platform contract is enough for another board than the RP2040, and knows just
//! as much of the chip as QEMU has: [`clock`], [`uart`], and in [`image`] what happens from reset on. It is built for
//! the RP2040's core, whose instructions a Cortex-M3 runs too. `scripts/conformance qemu` builds and runs it.
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
mod clock;
#[cfg(target_os = "none")]
mod image;
#[cfg(target_os = "none")]
mod uart;

#[cfg(not(target_os = "none"))]
fn main() -> std::process::ExitCode {
    eprintln!("This program runs on a chip in QEMU. Build and run it with scripts/conformance qemu.");
    std::process::ExitCode::FAILURE
}
