//! Takes a target's corpus apart into a folder of files, as libFuzzer wants them, and puts it together again.

use std::{env, fs, io, path::Path, process::ExitCode};

use mnemos_fuzz::{TARGETS, corpus};

const USAGE: &str = "\
Usage: mnemos-fuzz unpack TARGET FOLDER
       mnemos-fuzz pack TARGET FOLDER

Writes each input of the target's corpus to a file in the folder; or makes the files of the folder the corpus.
";

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let outcome = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["unpack", target, folder] if is_target(target) => unpack(target, Path::new(folder)),
        ["pack", target, folder] if is_target(target) => pack(target, Path::new(folder)),
        _ => {
            eprint!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn is_target(name: &str) -> bool {
    TARGETS.iter().any(|(target, _)| *target == name)
}

fn unpack(target: &str, folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    for (number, input) in corpus::read(target)?.iter().enumerate() {
        fs::write(folder.join(format!("kept-{number}")), input)?;
    }
    Ok(())
}

fn pack(target: &str, folder: &Path) -> io::Result<()> {
    let files = fs::read_dir(folder)?;
    let inputs = files.map(|file| fs::read(file?.path())).collect::<io::Result<_>>()?;
    corpus::write(target, inputs)
}
