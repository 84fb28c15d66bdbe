//! What this program does on a PC: it builds the image that it is on the chip, and runs that in the emulator.

use std::{
    env,
    ffi::OsString,
    fmt, io,
    path::{Path, PathBuf},
    process::{Command, ExitCode, Stdio},
};

/// Why there is nothing to run.
enum Failure {
    /// A script could not be started.
    Script(PathBuf, io::Error),
    /// The image was not built. What is wrong has been said already.
    Build,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Script(path, error) => write!(
                f,
                "{} does not start: {error}. It is a script for bash, and belongs to the sources of mnemOS.",
                path.display()
            ),
            Self::Build => f.write_str("the image was not built"),
        }
    }
}

pub(crate) fn main() -> ExitCode {
    match run(env::args_os().skip(1).collect()) {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("board-rp2040: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// Builds the image, and runs it with the emulator's options.
fn run(options: Vec<OsString>) -> Result<ExitCode, Failure> {
    let sources = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let build = sources.join("scripts/build-image");
    let built = Command::new(&build)
        .args(["board-rp2040", "board-rp2040", "--locked"])
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| Failure::Script(build, error))?;
    if !built.status.success() {
        return Err(Failure::Build);
    }
    let image = String::from_utf8_lossy(&built.stdout);

    let emulate = sources.join("scripts/emulate");
    let status = Command::new(&emulate)
        .arg(sources.join(image.trim_end()))
        .args(options)
        .status()
        .map_err(|error| Failure::Script(emulate, error))?;
    // Without a code it was ended by a signal, which has ended this process, too, if it came from a terminal.
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}
