//! ELF files, made into UF2 files.

use crate::show;

/// Bytes of a block of a UF2 file.
const BLOCK: usize = 512;

/// A damaged file is refused with a sentence; one that is not makes whole blocks.
pub fn run(bytes: &[u8]) {
    match uf2::convert(bytes) {
        Ok((blocks, usage)) => {
            assert_eq!(blocks.len() % BLOCK, 0);
            show(usage);
        }
        Err(error) => assert!(!error.is_empty()),
    }
    let _ = uf2::modules(bytes);
}
