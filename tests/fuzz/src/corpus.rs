//! Corpora: for each target a file of inputs, one a line, in hexadecimal digits, the shortest first.

use std::{fs, io, path::PathBuf};

/// The inputs kept for a target; none if it has no corpus yet.
///
/// # Errors
///
/// When its file cannot be read, or a line is no input.
pub fn read(target: &str) -> io::Result<Vec<Vec<u8>>> {
    let path = path(target);
    if !path.exists() {
        return Ok(Vec::new());
    }
    let text = fs::read_to_string(&path)?;
    text.lines()
        .map(|line| {
            from_hex(line)
                .ok_or_else(|| io::Error::other(format!("{}: not hexadecimal: {line}", path.display())))
        })
        .collect()
}

/// Keeps these inputs for a target, instead of those before.
///
/// # Errors
///
/// When its file cannot be written.
pub fn write(target: &str, mut inputs: Vec<Vec<u8>>) -> io::Result<()> {
    inputs.sort_by(|one, other| one.len().cmp(&other.len()).then_with(|| one.cmp(other)));
    inputs.dedup();
    let lines: String = inputs.iter().map(|input| to_hex(input) + "\n").collect();
    fs::write(path(target), lines)
}

fn path(target: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "corpora", &format!("{target}.txt")].iter().collect()
}

fn to_hex(input: &[u8]) -> String {
    input.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(line: &str) -> Option<Vec<u8>> {
    let digits = |at| line.get(at..at + 2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
    (0..line.len()).step_by(2).map(digits).collect()
}
