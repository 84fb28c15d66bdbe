//! As much of the ELF format as an image needs: the header and the segments that are loaded.
//!
//! All numbers are little endian. What a file says of itself is not trusted: what lies outside of it is an error.

use std::fmt;

#[cfg(test)]
mod tests;

const MAGIC: &[u8] = b"\x7fELF";
const CLASS_32_BITS: u8 = 1;
const LITTLE_ENDIAN: u8 = 1;
const MACHINE_ARM: u16 = 40;
const SEGMENT_LOADED: u32 = 1;

/// A part of the image that has a place in the chip's memory.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Segment<'file> {
    /// Where its bytes are stored.
    pub(crate) stored_at: u32,
    /// Where it is when the image runs: another place, if start-up code copies it.
    pub(crate) runs_at: u32,
    /// What is stored; nothing, if start-up code clears it.
    pub(crate) bytes: &'file [u8],
    /// Bytes of memory that it takes when the image runs.
    pub(crate) size: u32,
}

/// Why a file has no segments.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ElfError {
    /// It is something else.
    NotAnImage,
    /// It ends before what it says it holds.
    CutOff,
}

impl fmt::Display for ElfError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAnImage => "this is no ELF file for a 32-bit ARM chip; give it what the linker made",
            Self::CutOff => "the file is cut off or damaged; build it again",
        })
    }
}

/// The segments of an ELF file that are loaded, in the file's order.
pub(crate) fn segments(file: &[u8]) -> Result<Vec<Segment<'_>>, ElfError> {
    let header = File(file);
    let is_ours = file.starts_with(MAGIC)
        && file.get(4) == Some(&CLASS_32_BITS)
        && file.get(5) == Some(&LITTLE_ENDIAN)
        && header.half(18) == Ok(MACHINE_ARM);
    if !is_ours {
        return Err(ElfError::NotAnImage);
    }
    let (table, entry_size, entries) = (header.word(28)?, header.half(42)?, header.half(44)?);
    let mut segments = Vec::new();
    for entry in 0..usize::from(entries) {
        let entry = header.from(table as usize + entry * usize::from(entry_size))?;
        if entry.word(0)? != SEGMENT_LOADED {
            continue;
        }
        let (offset, length) = (entry.word(4)? as usize, entry.word(16)? as usize);
        segments.push(Segment {
            runs_at: entry.word(8)?,
            stored_at: entry.word(12)?,
            bytes: header.from(offset)?.0.get(..length).ok_or(ElfError::CutOff)?,
            size: entry.word(20)?,
        });
    }
    Ok(segments)
}

/// A file, or what is left of it.
struct File<'file>(&'file [u8]);

impl<'file> File<'file> {
    fn from(&self, offset: usize) -> Result<File<'file>, ElfError> {
        self.0.get(offset..).map(File).ok_or(ElfError::CutOff)
    }

    fn half(&self, offset: usize) -> Result<u16, ElfError> {
        self.number(offset).map(u16::from_le_bytes)
    }

    fn word(&self, offset: usize) -> Result<u32, ElfError> {
        self.number(offset).map(u32::from_le_bytes)
    }

    fn number<const SIZE: usize>(&self, offset: usize) -> Result<[u8; SIZE], ElfError> {
        self.from(offset)?.0.first_chunk().copied().ok_or(ElfError::CutOff)
    }
}
