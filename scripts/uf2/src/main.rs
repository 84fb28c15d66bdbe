//! Makes the UF2 file that an RP2040's boot drive takes from the ELF file that the linker makes, and says how much of
//! the chip the image takes.
//!
//! [`elf`] reads the one, [`blocks`] writes the other, [`chip`] knows what may be where.

use std::{env, ffi::OsString, fs, path::Path, process::ExitCode};

mod blocks;
mod chip;
mod elf;

const USAGE: &str = "\
Usage: uf2 IMAGE.elf IMAGE.uf2

Writes the image as a UF2 file for the RP2040, and prints the bytes of flash and of RAM that it takes, a line each.
";

fn main() -> ExitCode {
    let arguments: Vec<OsString> = env::args_os().skip(1).collect();
    match arguments.as_slice() {
        [help] if help == "--help" || help == "-h" => {
            print!("{USAGE}");
            ExitCode::SUCCESS
        }
        [image, output] => match convert(Path::new(image), Path::new(output)) {
            Ok(taken) => {
                println!("flash {}\nram {}", taken.flash, taken.ram);
                ExitCode::SUCCESS
            }
            Err(message) => {
                eprintln!("{message}");
                ExitCode::FAILURE
            }
        },
        _ => {
            eprint!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

/// Bytes of each memory that an image takes.
#[derive(Debug, PartialEq, Eq)]
struct Taken {
    flash: u64,
    ram: u64,
}

fn convert(image: &Path, output: &Path) -> Result<Taken, String> {
    let file = fs::read(image).map_err(|error| format!("{} cannot be read: {error}", image.display()))?;
    let segments = elf::segments(&file).map_err(|error| format!("{}: {error}", image.display()))?;
    let blocks = blocks::of(&segments).map_err(|error| format!("{}: {error}", image.display()))?;
    fs::write(output, blocks).map_err(|error| format!("{} cannot be written: {error}", output.display()))?;
    Ok(taken(&segments))
}

fn taken(segments: &[elf::Segment<'_>]) -> Taken {
    let in_ram = |segment: &&elf::Segment<'_>| chip::RAM.contains(&segment.runs_at);
    Taken {
        flash: segments.iter().map(|segment| segment.bytes.len() as u64).sum(),
        ram: segments.iter().filter(in_ram).map(|segment| u64::from(segment.size)).sum(),
    }
}
