//! Operations that are not done to their end.

use kernel::services::storage::device::Operation;

use super::Image;
use crate::Rng;

/// How far a byte is, in steps: one is begun at 0 and done at [`DONE`]. Between, its bits are either old or new.
const DONE: u64 = 32;

/// The latest step with which a byte is begun. All bytes of a page are programmed, and all of a sector erased, side by side,
/// but some are faster.
const LATEST: u64 = 256;

/// Does part of an operation. How far it gets comes from `rng`: from nothing to all of it.
pub(super) fn tear(image: &mut Image, operation: &Operation, rng: &mut Rng) {
    let reached = rng.below(LATEST + DONE);
    let mut torn = |old: u8, new: u8| {
        let (begun, mixed) = (rng.below(LATEST), rng.next_u64() as u8);
        match reached.checked_sub(begun) {
            None => old,
            Some(steps) if steps >= DONE => new,
            Some(_) => old & mixed | new & !mixed,
        }
    };
    match operation {
        Operation::Read { .. } => {}
        Operation::Program { offset, data } => {
            image.change(*offset, data.len(), |at, old| torn(old, old & data.get(at).unwrap_or(&0xff)));
        }
        Operation::Erase { offset } => {
            let sector = image.geometry().erase_size as usize;
            image.change(*offset, sector, |_, old| torn(old, 0xff));
        }
    }
}

#[cfg(test)]
mod tests {
    use kernel::services::storage::{CHUNK, Chunk};

    use super::{Image, Operation, Rng, tear};

    const OLD: u8 = 0b1110_0111;
    const NEW: u8 = 0b0111_1110;

    /// A page after a torn program of it, and a sector of it after a torn erase.
    fn torn(seed: u64) -> (Vec<u8>, Vec<u8>) {
        let mut image = Image::new();
        image.change(0, CHUNK, |_, _| OLD);
        let mut erased = image.clone();
        let program = Operation::Program { offset: 0, data: Chunk::cut(&[NEW; CHUNK]) };
        tear(&mut image, &program, &mut Rng::new(seed));
        tear(&mut erased, &Operation::Erase { offset: 0 }, &mut Rng::new(seed));
        (image.read(0, CHUNK), erased.read(0, CHUNK))
    }

    #[test]
    fn a_torn_program_only_makes_bits_zero_and_a_torn_erase_only_one_and_all_comes_about() {
        let (mut none, mut all, mut between) = ([0; 2], [0; 2], [0; 2]);
        for seed in 0..2000 {
            let (programmed, erased) = torn(seed);
            assert_eq!(torn(seed), (programmed.clone(), erased.clone()));
            for byte in &programmed {
                assert_eq!((byte & !OLD, byte & NEW & OLD), (0, NEW & OLD), "{byte:08b}");
            }
            assert!(erased.iter().all(|byte| byte & OLD == OLD));
            for (kind, bytes, done) in [(0, programmed, OLD & NEW), (1, erased, 0xff)] {
                none[kind] += u32::from(bytes.iter().all(|byte| *byte == OLD));
                all[kind] += u32::from(bytes.iter().all(|byte| *byte == done));
                between[kind] += u32::from(bytes.iter().any(|byte| ![OLD, done].contains(byte)));
            }
        }
        for kind in [0, 1] {
            assert!(none[kind] > 5 && all[kind] > 5 && between[kind] > 1000, "{none:?} {all:?} {between:?}");
        }
    }

    #[test]
    fn a_torn_read_changes_nothing() {
        let mut image = Image::new();
        tear(&mut image, &Operation::Read { offset: 0, len: 64 }, &mut Rng::new(1));
        assert_eq!(image, Image::new());
    }
}
