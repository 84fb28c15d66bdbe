//! The mnemOS simulator: virtual machines in an ordinary process.
//!
//! A [`Sim`] is one machine: a [`Kernel`](kernel::Kernel) over memory of its own, a clock, an interrupt controller and
//! device models. It is driven by hand, as tests do, or by an async runtime, as the program does. Machines share
//! nothing; any number of them may live in one process.
//!
//! In virtual time a machine is deterministic: the same seed and the same input at the same times give the same events,
//! byte for byte, which [`Sim::digest`] sums up. Nothing in it reads the host's clock or its randomness. What happens to it
//! from outside are values, [`External`], in one queue; a [`tape`] of them repeats a life, even one in real time.
//!
//! ```
//! use kernel::time::Duration;
//! use sim_host::Sim;
//!
//! let mut sim = Sim::builder().bare().build()?;
//! let kernel = sim.kernel();
//! let slept = sim.block_on(async move {
//!     let before = kernel.now();
//!     kernel.sleep(Duration::from_secs(86_400)).await;
//!     kernel.now().since(before)
//! });
//! assert_eq!(slept, Duration::from_secs(86_400));
//! # Ok::<(), sim_host::SimError>(())
//! ```

pub mod branch;
mod bridge;
mod builder;
mod clock;
mod digest;
mod drive;
mod entropy;
pub mod explore;
pub mod external;
pub mod fault;
pub mod fleet;
pub mod gpio;
pub mod i2c;
pub mod interrupts;
mod journal;
pub mod lockstep;
mod mailbox;
mod mistake;
mod observed;
mod onlooker;
mod panics;
mod region;
mod rng;
pub mod scenario;
mod sim;
mod span;
mod standard;
pub mod storage;
mod tap;
pub mod tape;
pub mod uart;

pub use self::{
    builder::{Builder, SimError},
    clock::{SimClock, Time},
    digest::{Digest, NotADigest},
    drive::{Outcome, Rest},
    external::{Drive, External, NoSuchDevice},
    fault::{Fault, FaultCount},
    gpio::{Gpio, Pin},
    i2c::I2c,
    interrupts::IrqLine,
    journal::Entry,
    mistake::{Mistake, Mistakes},
    observed::{NotObserved, Observed},
    region::RegionWatch,
    rng::Rng,
    sim::{IdleFault, MissedKill, Sim, Step, Wait},
    span::{NotASpan, Span},
    uart::{Pace, Uart},
};
pub use timeline::TimelineError;
