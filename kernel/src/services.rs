//! The services that ship with the kernel, each a contract and, where it needs no device, its driver.

pub mod console;
pub mod echo;
pub mod entropy;
pub mod gpio;
pub mod inspect;
pub mod log;
pub mod serial;
pub mod standard;
pub mod storage;
pub mod supervise;
#[cfg(test)]
mod tests;

use core::fmt;

use postcard_schema::Schema;
use serde::{Deserialize, Serialize};

/// An error that cannot happen. What `core::convert::Infallible` is, but it travels as bytes, so a contract that uses
/// it can be opened to programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Schema)]
pub enum Never {}

impl fmt::Display for Never {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {}
    }
}

impl core::error::Error for Never {}
