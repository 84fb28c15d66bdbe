//! The program `sim-host`, run as its users run it: boot, sessions, sockets, terminals, exit codes.

mod console;
mod explore;
mod faults;
mod fleet;
mod guest;
mod lab;
mod scenarios;
mod sockets;
mod storage;
mod terminal;
mod timeline;

/// Reads the traces of timelines.
#[path = "../../../sim-host/timeline/tests/trace/reader.rs"]
mod trace;
