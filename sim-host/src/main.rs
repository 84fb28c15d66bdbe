//! `sim-host`: a virtual mnemOS machine in the terminal.

mod program;

use std::process::ExitCode;

fn main() -> ExitCode {
    program::main()
}
