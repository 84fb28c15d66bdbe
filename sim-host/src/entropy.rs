//! The machine's source of noise, which is none: bytes that look random and follow from the seed.

use std::{cell::RefCell, rc::Rc};

use kernel::services::entropy::Source;
use rand_core::{Rng as _, SeedableRng as _};
use rand_pcg::Pcg64Mcg;

/// One machine's noise. Clones are the same source: like noise, it does not begin anew with a reboot.
#[derive(Debug, Clone)]
pub(crate) struct Noise(Rc<RefCell<Pcg64Mcg>>);

impl Noise {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Rc::new(RefCell::new(Pcg64Mcg::seed_from_u64(seed))))
    }
}

impl Source for Noise {
    fn fill(&mut self, bytes: &mut [u8]) {
        self.0.borrow_mut().fill_bytes(bytes);
    }
}
