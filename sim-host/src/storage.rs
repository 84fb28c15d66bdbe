//! Storage: a NOR flash that keeps what it holds when its machine is switched off.
//!
//! Times are those of a W25Q part: a page is programmed in 0.4 ms, a sector erased in 45 ms, and what is read comes at
//! 50 Mbit/s. What the flash holds is an [`Image`], which outlives reboots and power cuts of a [`Sim`](crate::Sim), and can be
//! put into another machine:
//!
//! ```
//! use sim_host::{Sim, storage::Image};
//!
//! let mut first = Sim::builder().build()?;
//! first.run_until_idle();
//! let image: Image = first.storage().image();
//! let second = Sim::builder().storage(image.clone()).build()?;
//! assert_eq!(second.storage().image(), image);
//! # Ok::<(), sim_host::SimError>(())
//! ```
//!
//! When the power fails while a page is programmed or a sector erased, that is torn: some bytes are done, some are not,
//! and a few are in between. Which ones comes from the machine's seed, and from how often that has happened before.

mod image;
mod tear;

use std::{
    fmt,
    sync::{Arc, Mutex},
};

use kernel::{
    services::storage::{
        Geometry,
        device::{self, Done, Failure, Operation},
    },
    time::{Duration, Instant},
};

pub use self::image::{Image, NotAnImage};
use self::tear::tear;
use crate::{Rng, clock::SimClock, interrupts::IrqLine, mailbox::lock};

/// How long a page is programmed.
pub const PROGRAM: Duration = Duration::from_micros(400);

/// How long a sector is erased.
pub const ERASE: Duration = Duration::from_millis(45);

/// How long a byte is on its way, at 50 Mbit/s.
const BYTE_NS: u64 = 160;

/// Bytes of a read's command: what to do, where, and a pause.
const COMMAND: u64 = 5;

/// Separates the chance of torn operations, of those that fail, of wrong bits in what is read, and of bits that go bad.
const TORN: u64 = 0x746f_726e;
const FAILED: u64 = 0x6661_696c;
const FLIPPED: u64 = 0x666c_6970;
const ROTTEN: u64 = 0x726f_7421;

/// A flash. Clones are the same flash; the host's side may be used on any thread.
#[derive(Clone)]
pub struct Flash {
    model: Arc<Mutex<Model>>,
    irq: IrqLine,
    clock: SimClock,
}

struct Model {
    image: Image,
    seed: u64,
    running: Option<Running>,
    result: Option<Result<Done, Failure>>,
    interrupt: bool,
    /// What was started and the machine has not looked at.
    started: Option<Access>,
    /// Operations so far.
    operations: u64,
    /// How often the power failed in the midst of one.
    tears: u64,
    /// Bits that went bad.
    rotten: u64,
}

/// An operation under way.
#[derive(Clone, Copy)]
struct Running {
    operation: Operation,
    until: Instant,
    /// Bits that will be wrong in what is read.
    flips: u32,
    fails: bool,
}

/// What an operation is, for faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Read,
    Change,
}

impl Flash {
    pub(crate) fn new(image: Image, seed: u64, irq: IrqLine, clock: SimClock) -> Self {
        let model = Model {
            image,
            seed,
            running: None,
            result: None,
            interrupt: false,
            started: None,
            operations: 0,
            tears: 0,
            rotten: 0,
        };
        Self { model: Arc::new(Mutex::new(model)), irq, clock }
    }

    /// What the flash would hold if the power failed now. If something is being changed right now, that is torn, as it would
    /// be then.
    pub fn image(&self) -> Image {
        let model = lock(&self.model);
        let mut image = model.image.clone();
        model.tear_into(&mut image);
        image
    }

    /// Operations that were started since the machine was built.
    pub fn operations(&self) -> u64 {
        lock(&self.model).operations
    }

    /// The flash's interrupt line.
    pub fn irq(&self) -> &IrqLine {
        &self.irq
    }

    /// When the operation under way ends.
    pub(crate) fn next_event(&self) -> Option<Instant> {
        lock(&self.model).running.map(|running| running.until)
    }

    /// Ends the operation under way, when it is time.
    pub(crate) fn advance(&self) {
        let now = self.clock.now();
        self.with(|model| {
            if let Some(running) = model.running.take_if(|running| running.until <= now) {
                model.result = Some(model.end(running));
            }
        });
    }

    /// The power fails.
    pub(crate) fn lose_power(&self) {
        self.with(|model| {
            let mut image = std::mem::take(&mut model.image);
            model.tear_into(&mut image);
            model.image = image;
            model.tears += u64::from(model.running.take().is_some());
            model.result = None;
            model.interrupt = false;
            model.started = None;
        });
    }

    /// What was started since this was asked last.
    pub(crate) fn take_started(&self) -> Option<Access> {
        lock(&self.model).started.take()
    }

    /// A bit of what is being read will be wrong; returns on how many operations this has an effect.
    pub(crate) fn flip(&self) -> u64 {
        self.change_running(|running| {
            let reads = matches!(running.operation, Operation::Read { .. });
            running.flips += u32::from(reads);
            reads
        })
    }

    /// What is under way will fail; returns on how many operations this has an effect.
    pub(crate) fn fail(&self) -> u64 {
        self.change_running(|running| !std::mem::replace(&mut running.fails, true))
    }

    /// A bit goes bad for good: of a byte that is written, if there is one. Returns how many have.
    pub(crate) fn rot(&self) -> u64 {
        let mut model = lock(&self.model);
        let mut rng = model.chance(ROTTEN, model.rotten);
        model.rotten += 1;
        model.image.rot(&mut rng);
        1
    }

    fn change_running(&self, change: impl FnOnce(&mut Running) -> bool) -> u64 {
        lock(&self.model).running.as_mut().is_some_and(change).into()
    }

    fn with<R>(&self, with: impl FnOnce(&mut Model) -> R) -> R {
        let mut model = lock(&self.model);
        let result = with(&mut model);
        self.irq.assert_level(model.interrupt && model.result.is_some());
        result
    }
}

impl Model {
    /// Chance of a kind, for the event of a number.
    fn chance(&self, kind: u64, number: u64) -> Rng {
        let of_kind = Rng::new(self.seed ^ kind).next_u64();
        Rng::new(Rng::new(of_kind.wrapping_add(number)).next_u64())
    }

    /// Does to an image what the operation under way has done to it when the power fails now.
    fn tear_into(&self, image: &mut Image) {
        if let Some(running) = &self.running {
            tear(image, &running.operation, &mut self.chance(TORN, self.tears));
        }
    }

    fn end(&mut self, running: Running) -> Result<Done, Failure> {
        let Running { operation, flips, fails, .. } = running;
        if fails {
            let mut rng = self.chance(FAILED, self.operations);
            tear(&mut self.image, &operation, &mut rng);
            return Err(Failure::Failed);
        }
        match operation {
            Operation::Read { offset, len } => {
                let mut data = self.image.read(offset, len.into());
                let bits = 8 * data.len() as u64;
                let first = self.chance(FLIPPED, self.operations).below(bits);
                for flip in 0..u64::from(flips).min(bits) {
                    let bit = (first + flip) % bits;
                    if let Some(byte) = data.get_mut((bit / 8) as usize) {
                        *byte ^= 1 << (bit % 8);
                    }
                }
                data.as_slice().try_into().map(Done::Read).map_err(|_too_long| Failure::Failed)
            }
            Operation::Program { offset, data } => {
                self.image.change(offset, data.len(), |at, old| old & data.get(at).unwrap_or(&0xff));
                Ok(Done::Changed)
            }
            Operation::Erase { offset } => {
                self.image.erase(offset);
                Ok(Done::Changed)
            }
        }
    }
}

impl device::Flash for Flash {
    fn geometry(&self) -> Geometry {
        lock(&self.model).image.geometry()
    }

    fn start(&self, operation: Operation) {
        let (takes, access) = match operation {
            Operation::Read { len, .. } => {
                (Duration::from_micros(((COMMAND + u64::from(len)) * BYTE_NS).div_ceil(1000)), Access::Read)
            }
            Operation::Program { .. } => (PROGRAM, Access::Change),
            Operation::Erase { .. } => (ERASE, Access::Change),
        };
        let until = self.clock.now().saturating_add(takes);
        self.with(|model| {
            // As on a chip, what comes while it is busy is not heard.
            if model.running.is_none() {
                model.operations += 1;
                model.started = Some(access);
                model.running = Some(Running { operation, until, flips: 0, fails: false });
            }
        });
    }

    fn is_busy(&self) -> bool {
        lock(&self.model).running.is_some()
    }

    fn take(&self) -> Option<Result<Done, Failure>> {
        self.with(|model| model.result.take())
    }

    fn set_interrupt(&self, on: bool) {
        self.with(|model| model.interrupt = on);
    }
}

impl fmt::Debug for Flash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flash").field("image", &lock(&self.model).image).finish_non_exhaustive()
    }
}
