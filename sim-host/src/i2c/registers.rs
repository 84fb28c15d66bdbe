//! A file of registers.

use std::sync::{Arc, Mutex};

use super::Target;
use crate::mailbox::lock;

/// A file of registers, like a small EEPROM or many a sensor: the first byte that is written to it chooses a register, further
/// ones go there and to those behind, and reading begins at the register after the last one. Behind the last is the first.
/// It keeps what was written without power. Clones are the same file, so a test can look into it.
///
/// ```
/// use sim_host::{Sim, i2c::Registers};
///
/// let memory = Registers::new(16);
/// memory.set(3, 0x5a);
/// let target = memory.clone();
/// let sim = Sim::builder().target(0x50, move || target.clone()).build()?;
/// # Ok::<(), sim_host::SimError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Registers(Arc<Mutex<File>>);

#[derive(Debug)]
struct File {
    bytes: Vec<u8>,
    /// The register that is next.
    at: usize,
    /// The next byte that is written chooses a register.
    chooses: bool,
}

impl Registers {
    /// So many registers, from 1 to 256, all of them 0.
    pub fn new(count: usize) -> Self {
        Self(Arc::new(Mutex::new(File { bytes: vec![0; count.clamp(1, 256)], at: 0, chooses: false })))
    }

    /// What is in a register; `None` behind the last one.
    pub fn get(&self, register: u8) -> Option<u8> {
        lock(&self.0).bytes.get(usize::from(register)).copied()
    }

    /// Puts a byte in a register, as the world does that a sensor measures; behind the last one, nothing happens.
    pub fn set(&self, register: u8, byte: u8) {
        if let Some(place) = lock(&self.0).bytes.get_mut(usize::from(register)) {
            *place = byte;
        }
    }
}

impl File {
    /// The register that is next, and goes on to the one behind it.
    fn next(&mut self) -> Option<&mut u8> {
        let at = self.at;
        self.at = (at + 1) % self.bytes.len();
        self.bytes.get_mut(at)
    }
}

impl Target for Registers {
    fn begin(&mut self, reads: bool) -> bool {
        lock(&self.0).chooses = !reads;
        true
    }

    fn write(&mut self, byte: u8) -> bool {
        let mut file = lock(&self.0);
        if file.chooses {
            file.chooses = false;
            file.at = usize::from(byte) % file.bytes.len();
        } else if let Some(place) = file.next() {
            *place = byte;
        }
        true
    }

    fn read(&mut self) -> u8 {
        lock(&self.0).next().copied().unwrap_or_default()
    }

    fn power_up(&mut self) {
        lock(&self.0).at = 0;
    }
}
