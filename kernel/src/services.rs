//! The services that ship with the kernel, each a contract and, where it needs no device, its driver.

pub mod echo;
pub mod gpio;
pub mod inspect;
pub mod log;
pub mod serial;
