//! mnemOS on the RP2040.

fn main() {}
