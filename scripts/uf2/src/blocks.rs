//! The blocks of a UF2 file: the image in pages of flash, each with an address, so that they may arrive in any order.
//!
//! ```text
//!     0 ┌──────────────────────────────────┐
//!       │ two magic numbers                │
//!     8 │ flags: the family is given       │
//!    12 │ address of the page              │
//!    16 │ its size: 256                    │
//!    20 │ number of the block, of blocks   │
//!    28 │ family: RP2040                   │
//!    32 ├──────────────────────────────────┤
//!       │ the page                         │
//!   288 ├──────────────────────────────────┤
//!       │ zeros                            │
//!   508 │ a third magic number             │
//!   512 └──────────────────────────────────┘
//! ```

use std::{collections::BTreeMap, fmt};

use crate::{chip::FLASH, elf::Segment};

#[cfg(test)]
mod tests;

const MAGIC_START: [u32; 2] = [0x0a32_4655, 0x9e5d_5157];
const MAGIC_END: u32 = 0x0ab1_6f30;
const FAMILY_GIVEN: u32 = 0x2000;
const FAMILY_RP2040: u32 = 0xe48b_ff56;

/// Flash is written in pages of this size, and the RP2040 takes blocks of one page only.
const PAGE: u32 = 256;
const BLOCK: usize = 512;

/// Why an image has no blocks.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum BlocksError {
    /// Some of it is stored where there is no flash.
    OutsideOfFlash {
        /// Where that part begins.
        address: u32,
        /// Its length in bytes.
        length: usize,
    },
    /// Nothing of it is stored anywhere.
    Empty,
}

impl fmt::Display for BlocksError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutsideOfFlash { address, length } => write!(
                f,
                "{length} bytes at {address:#010x} are outside of the RP2040's flash, {:#010x} to {:#010x}; is this \
                 an image for it, linked with its memory.x?",
                FLASH.start,
                FLASH.end - 1
            ),
            Self::Empty => {
                f.write_str("nothing is to be stored in flash; is this an image, linked with link.x?")
            }
        }
    }
}

/// The UF2 file with all that the segments store. What they leave free of a page is zero.
pub(crate) fn of(segments: &[Segment<'_>]) -> Result<Vec<u8>, BlocksError> {
    let mut pages = BTreeMap::new();
    for segment in segments.iter().filter(|segment| !segment.bytes.is_empty()) {
        check_is_in_flash(segment)?;
        for (address, byte) in (segment.stored_at..).zip(segment.bytes) {
            let page = pages.entry(address / PAGE * PAGE).or_insert([0; PAGE as usize]);
            page[(address % PAGE) as usize] = *byte;
        }
    }
    if pages.is_empty() {
        return Err(BlocksError::Empty);
    }
    // Flash has fewer pages than a word has numbers.
    let count = pages.len() as u32;
    Ok(pages
        .iter()
        .zip(0..)
        .flat_map(|((address, page), number)| block(*address, page, number, count))
        .collect())
}

fn check_is_in_flash(segment: &Segment<'_>) -> Result<(), BlocksError> {
    let (address, length) = (segment.stored_at, segment.bytes.len());
    let end = u64::from(address) + length as u64;
    if address >= FLASH.start && end <= u64::from(FLASH.end) {
        Ok(())
    } else {
        Err(BlocksError::OutsideOfFlash { address, length })
    }
}

fn block(address: u32, page: &[u8], number: u32, count: u32) -> Vec<u8> {
    let [magic, more_magic] = MAGIC_START;
    let header = [magic, more_magic, FAMILY_GIVEN, address, PAGE, number, count, FAMILY_RP2040];
    let mut block: Vec<u8> = header.into_iter().flat_map(u32::to_le_bytes).collect();
    block.extend(page);
    block.resize(BLOCK - size_of_val(&MAGIC_END), 0);
    block.extend(MAGIC_END.to_le_bytes());
    block
}
