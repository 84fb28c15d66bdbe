//! Makes the UF2 file that an RP2040's boot drive takes from the ELF file that the linker makes, and says how much of
//! the chip the image takes. The work is the library's; here are the files.

use std::{env, ffi::OsString, fs, path::Path, process::ExitCode};

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
    let (blocks, usage) = uf2::convert(&read(image)?).map_err(|error| of_image(image, &error))?;
    fs::write(output, blocks).map_err(|error| format!("{} cannot be written: {error}", output.display()))?;
    Ok(usage)
}

fn print_modules(image: &Path) -> Result<String, String> {
    uf2::modules(&read(image)?).map_err(|error| of_image(image, &error))
}

fn of_image(image: &Path, error: &str) -> String {
    format!("{}: {error}", image.display())
}

fn read(image: &Path) -> Result<Vec<u8>, String> {
    fs::read(image).map_err(|error| format!("{} cannot be read: {error}", image.display()))
}
