//! Makes the UF2 file that an RP2040's boot drive takes from the ELF file that the linker makes, and says how much of
//! the chip the image takes.
//!
//! [`elf`] reads the one, [`blocks`] writes the other, [`usage`] counts, [`chip`] knows what may be where.

use std::{env, ffi::OsString, fs, path::Path, process::ExitCode};

mod blocks;
mod chip;
mod elf;
mod usage;

use self::usage::{Modules, Usage};

const USAGE: &str = "\
Usage: uf2 IMAGE.elf IMAGE.uf2
       uf2 --modules IMAGE.elf

Writes the image as a UF2 file for the RP2040, and prints the bytes that it takes of each memory, a line each; or
prints the bytes that each of its modules takes.
";

fn main() -> ExitCode {
    let arguments: Vec<OsString> = env::args_os().skip(1).collect();
    let outcome = match arguments.as_slice() {
        [help] if help == "--help" || help == "-h" => Ok(USAGE.to_owned()),
        [modules, image] if modules == "--modules" => print_modules(Path::new(image)),
        [image, output] => convert(Path::new(image), Path::new(output)),
        _ => {
            eprint!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(text) => {
            print!("{text}");
            ExitCode::SUCCESS
        }
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn convert(image: &Path, output: &Path) -> Result<String, String> {
    let in_image = |error: &dyn std::fmt::Display| format!("{}: {error}", image.display());
    let file = read(image)?;
    let segments = elf::segments(&file).map_err(|error| in_image(&error))?;
    let symbols = elf::symbols(&file).map_err(|error| in_image(&error))?;
    let blocks = blocks::of(&segments).map_err(|error| in_image(&error))?;
    fs::write(output, blocks).map_err(|error| format!("{} cannot be written: {error}", output.display()))?;
    Ok(Usage::of(&segments, &symbols).to_string())
}

fn print_modules(image: &Path) -> Result<String, String> {
    let file = read(image)?;
    let symbols = elf::symbols(&file).map_err(|error| format!("{}: {error}", image.display()))?;
    Ok(Modules::of(&symbols).to_string())
}

fn read(image: &Path) -> Result<Vec<u8>, String> {
    fs::read(image).map_err(|error| format!("{} cannot be read: {error}", image.display()))
}
