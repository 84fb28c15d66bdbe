//! As much of the ELF format as an image needs: the header, the segments that are loaded, and the symbols.
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
const SECTION_SYMBOLS: u32 = 2;
const SYMBOL_SIZE: usize = 16;

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

/// A name for a place in memory.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Symbol<'file> {
    pub(crate) name: &'file str,
    pub(crate) address: u32,
    pub(crate) size: u32,
}

/// Why a file cannot be read as an image.
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
    let header = header(file)?;
    let mut segments = Vec::new();
    for entry in header.table(28, 42, 44)? {
        if entry.word(0)? != SEGMENT_LOADED {
            continue;
        }
        let bytes = header.part(entry.word(4)?, entry.word(16)?)?;
        segments.push(Segment {
            runs_at: entry.word(8)?,
            stored_at: entry.word(12)?,
            bytes: bytes.0,
            size: entry.word(20)?,
        });
    }
    Ok(segments)
}

/// The symbols of an ELF file, in the file's order; none if it was stripped of them.
pub(crate) fn symbols(file: &[u8]) -> Result<Vec<Symbol<'_>>, ElfError> {
    let header = header(file)?;
    let sections = header.table(32, 46, 48)?;
    let mut symbols = Vec::new();
    for section in &sections {
        if section.word(4)? != SECTION_SYMBOLS {
            continue;
        }
        let names = sections.get(section.word(24)? as usize).ok_or(ElfError::CutOff)?;
        let names = header.part(names.word(16)?, names.word(20)?)?;
        for entry in header.part(section.word(16)?, section.word(20)?)?.0.chunks_exact(SYMBOL_SIZE).map(File)
        {
            let name = names.from(entry.word(0)? as usize)?.0.split(|byte| *byte == 0).next();
            symbols.push(Symbol {
                // Rust's names are ASCII; others are not of interest.
                name: name.and_then(|name| str::from_utf8(name).ok()).unwrap_or_default(),
                address: entry.word(4)?,
                size: entry.word(8)?,
            });
        }
    }
    Ok(symbols)
}

/// The file, if it is for a chip like ours.
fn header(file: &[u8]) -> Result<File<'_>, ElfError> {
    let header = File(file);
    let is_ours = file.starts_with(MAGIC)
        && file.get(4) == Some(&CLASS_32_BITS)
        && file.get(5) == Some(&LITTLE_ENDIAN)
        && header.half(18) == Ok(MACHINE_ARM);
    if is_ours { Ok(header) } else { Err(ElfError::NotAnImage) }
}

/// A file, or what is left of it.
struct File<'file>(&'file [u8]);

impl<'file> File<'file> {
    /// The entries of a table, whose offset, entry size and number of entries are found at these offsets.
    fn table(&self, offset: usize, entry_size: usize, entries: usize) -> Result<Vec<File<'file>>, ElfError> {
        let (table, entry_size) = (self.word(offset)? as usize, usize::from(self.half(entry_size)?));
        (0..usize::from(self.half(entries)?)).map(|entry| self.from(table + entry * entry_size)).collect()
    }

    fn part(&self, offset: u32, length: u32) -> Result<File<'file>, ElfError> {
        self.from(offset as usize)?.0.get(..length as usize).map(File).ok_or(ElfError::CutOff)
    }

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
