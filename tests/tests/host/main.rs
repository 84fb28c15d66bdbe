//! The laws on this machine: on bare kernels here, on the simulator, and end to end through the program.

mod bare;
mod laws;
mod scenarios;
mod simulated;
