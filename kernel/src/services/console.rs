//! The console: a person or a script on one end of a byte stream, the kernel's services on the other.
//!
//! It runs inside the kernel, over any serial port, so a board at the end of a cable and the simulator in a terminal
//! give the same session.
//!
//! ```text
//!  bytes ──▶ editor ──line──▶ words ──▶ command ──▶ service
//!              │ echo                                  │ rows
//!              ▼                                       ▼
//!           terminal ◀──────────────────────── table | json
//! ```
//!
//! * [`editor`]: one line at a time out of a byte stream, with editing, history and completion;
//! * [`words`]: a line cut into a command's words;
//! * [`table`]: rows of answers in aligned columns;
//! * [`json`]: the same answers for programs to read;
//! * `commands`: what can be typed, and `driver`: the task that runs it.
//!
//! The first four are pure: bytes in, text out, no clock, no allocation, no waiting. Every line of a table ends in a
//! bare `\n`, and the editor writes `\r\n` itself; a console on a terminal translates the first kind on its way out.

mod commands;
mod driver;
pub mod editor;
mod input;
pub mod json;
mod list;
mod output;
mod service;
pub mod table;
#[cfg(test)]
mod tests;
pub mod words;

pub use self::{
    driver::{Config, ConsoleError, serve},
    editor::Mode,
    output::PortGone,
    service::{Console, PRINT, Request},
};
