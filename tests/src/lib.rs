//! The laws of mnemOS, as tests that run on any machine the kernel runs on.
//!
//! A law is a plain function over a [`Home`]: something that can boot kernels. The simulator is one, the host test
//! binary runs the laws on it; a board's conformance image is another ([`chip`], [`report`]), and a port is right when
//! all laws hold there.
//! Laws use nothing but the kernel, and prove their point by panicking when it fails.
//!
//! [`all`] lists them. Their numbers are those of the table in `ARCHITECTURE.md`.
#![no_std]

pub mod chip;
mod laws;
mod machine;
pub mod report;
pub mod sizes;

pub use self::{
    laws::{HEAP, Law, all},
    machine::{Home, Machine},
};
