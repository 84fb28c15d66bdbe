//! The mnemOS kernel.
#![cfg_attr(not(test), no_std)]

pub mod platform;
pub mod sync;
