//! `--storage`: the file that a machine's storage outlives the program in.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use sim_host::{
    Builder, Sim,
    storage::{Image, NotAnImage},
};

use super::{
    HostError,
    options::{Options, Storage},
};

/// Gives the machine what the file holds; a file that is missing stands for an erased storage.
///
/// # Errors
///
/// When the file cannot be read, is write-protected, or is no image of the machine's storage.
pub(crate) fn begin(options: &Options, builder: Builder) -> Result<Builder, HostError> {
    let path = match &options.storage {
        None => return Ok(builder),
        Some(Storage::Nothing) => return Ok(builder.without_storage()),
        Some(Storage::File(path)) => path,
    };
    Ok(builder.storage(read(path)?))
}

/// What the file holds, after a look at whether it can be written at the end: rather now than when there is something to lose.
fn read(path: &Path) -> Result<Image, HostError> {
    let failed = |error| HostError::Storage { path: path.to_owned(), error };
    let no_image = |error| HostError::NoImage { path: path.to_owned(), error };
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let image = Image::new();
            write(path, &image).map_err(failed)?;
            return Ok(image);
        }
        Err(error) => return Err(failed(error)),
    };
    usable(&metadata).map_err(failed)?;
    // Before it is read, for it may be larger than memory.
    let (bytes, capacity) = (metadata.len(), Image::GEOMETRY.capacity);
    if bytes > capacity.into() {
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        return Err(no_image(NotAnImage::Size { bytes, capacity }));
    }
    let bytes = fs::read(path).map_err(failed)?;
    let image = Image::from_bytes(Image::GEOMETRY, &bytes).map_err(no_image)?;
    let copy =
        beside(&itself(path)).and_then(|copy| fs::File::create(&copy).map(|_| copy)).map_err(failed)?;
    fs::remove_file(copy).map_err(failed)?;
    Ok(image)
}

/// The file can be read to its end, and another one may take its place.
fn usable(metadata: &fs::Metadata) -> io::Result<()> {
    if !metadata.is_file() {
        return Err(io::Error::other("it is not a plain file: give the path of one"));
    }
    if metadata.permissions().readonly() {
        return Err(io::Error::other("it is write-protected: give a copy of it"));
    }
    Ok(())
}

/// Puts what the machine's storage holds into the file, if there is one.
///
/// # Errors
///
/// When it cannot be written. The file is as it was then.
pub(crate) fn end(options: &Options, sim: &Sim) -> Result<(), HostError> {
    let Some(Storage::File(path)) = &options.storage else { return Ok(()) };
    write(path, &sim.storage().image()).map_err(|error| HostError::Storage { path: path.clone(), error })
}

/// Where a copy of the file is made before it takes its place.
fn beside(path: &Path) -> io::Result<PathBuf> {
    let mut name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_owned();
    name.push(format!(".{}.new", std::process::id()));
    Ok(path.with_file_name(name))
}

/// Writes a file anew, all or nothing: a copy beside it, with its permissions, takes its place.
fn write(path: &Path, image: &Image) -> io::Result<()> {
    let path = itself(path);
    let copy = beside(&path)?;
    let written = fs::File::create(&copy)
        .and_then(|mut file| {
            file.write_all(&image.to_bytes())?;
            if let Ok(metadata) = fs::metadata(&path) {
                file.set_permissions(metadata.permissions())?;
            }
            file.sync_all()
        })
        .and_then(|()| fs::rename(&copy, &path));
    if written.is_err() {
        // It may not be there.
        let _ = fs::remove_file(&copy);
    }
    written
}

/// The file itself, if this is a link to it.
fn itself(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_missing| path.to_owned())
}
