//! The mnemOS kernel: an allocator, a cooperative executor, timers, and a registry of typed services, for one core.
//!
//! The same crate runs on a microcontroller and in a desktop process. A [`Kernel`] is a value, built over a memory
//! region and a [`Clock`](platform::Clock); the machine calls [`Kernel::tick`] in a loop. Tasks know it by a
//! [`Handle`]. There are no globals, no threads, and no allocator but the kernel's own.
//!
//! Layers, each naming only those before it: [`platform`] and [`limits`], [`event`] and [`log`], [`sync`], [`heap`],
//! [`time`], [`interrupt`], [`executor`], [`registry`], and on top the [`Kernel`].
#![cfg_attr(not(test), no_std)]

pub mod comms;
pub mod event;
pub mod executor;
pub mod heap;
pub mod inline;
pub mod interrupt;
mod kernel;
pub mod limits;
pub mod log;
pub mod platform;
pub mod registry;
pub mod services;
pub mod sync;
mod system;
pub mod time;
pub mod wire;

pub use self::kernel::{AwaitsInput, BootError, Handle, Kernel, Tick};
#[cfg(test)]
mod testing;
