//! `sim-host`: a virtual mnemOS in the terminal.

fn main() {}
