//! Turns the bytes of an ELF file into those of a UF2 file, and counts them.
//!
//! `elf` reads the one, `blocks` writes the other, `usage` counts, `chip` knows what may be where.

mod blocks;
mod chip;
mod elf;
mod usage;

use self::usage::{Modules, Usage};

/// The UF2 file of an image, and what it takes of each memory, in lines.
///
/// # Errors
///
/// What is wrong with the image, as a sentence.
pub fn convert(image: &[u8]) -> Result<(Vec<u8>, String), String> {
    let segments = elf::segments(image).map_err(|error| error.to_string())?;
    let symbols = elf::symbols(image).map_err(|error| error.to_string())?;
    let blocks = blocks::of(&segments).map_err(|error| error.to_string())?;
    Ok((blocks, Usage::of(&segments, &symbols).to_string()))
}

/// What each module of an image takes, in lines.
///
/// # Errors
///
/// What is wrong with the image, as a sentence.
pub fn modules(image: &[u8]) -> Result<String, String> {
    let symbols = elf::symbols(image).map_err(|error| error.to_string())?;
    Ok(Modules::of(&symbols).to_string())
}
