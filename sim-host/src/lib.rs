//! The mnemOS simulator.
