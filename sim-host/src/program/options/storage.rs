//! The value of `--storage`.

use std::{convert::Infallible, path::PathBuf, str::FromStr};

/// What the machine's storage is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Storage {
    /// There is none.
    Nothing,
    /// What it holds is kept in a file.
    File(PathBuf),
}

impl FromStr for Storage {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(if text == "none" { Self::Nothing } else { Self::File(text.into()) })
    }
}
