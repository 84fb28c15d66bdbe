//! `--storage`: the file that a machine's storage outlives the program in.

use std::{
    fs::{self, TryLockError},
    io::{self, Read as _, Write as _},
    os::unix::fs::MetadataExt as _,
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

/// A file that a machine's storage is kept in. No other machine has it while this one does.
#[derive(Debug)]
pub(crate) struct Kept {
    path: PathBuf,
    /// The file as it was at the beginning, locked until this is dropped, however the program ends.
    _locked: fs::File,
}

/// Gives the machine what the file holds, and the file if there is one. One that is missing or empty stands for an erased
/// storage.
///
/// # Errors
///
/// When the file cannot be read, is write-protected, is another machine's, or is no image of the machine's storage.
pub(crate) fn begin(options: &Options, builder: Builder) -> Result<(Builder, Option<Kept>), HostError> {
    let path = match &options.storage {
        None => return Ok((builder, None)),
        Some(Storage::Nothing) => return Ok((builder.without_storage(), None)),
        Some(Storage::File(path)) => path,
    };
    let mut file = lock(path).map_err(|error| HostError::Storage { path: path.clone(), error })?;
    let image = read(path, &mut file)?;
    Ok((builder.storage(image), Some(Kept { path: path.clone(), _locked: file })))
}

/// Opens the file, which is made if it is missing, and keeps it from other machines.
fn lock(path: &Path) -> io::Result<fs::File> {
    // Before it is opened, for that may wait for ever.
    match fs::metadata(path) {
        Ok(metadata) => usable(&metadata)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let file = fs::File::options().read(true).write(true).create(true).truncate(false).open(path)?;
    let in_use = || io::Error::other("it is in use by another machine: end that one, or give another file");
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(in_use()),
        Err(TryLockError::Error(error)) => return Err(error),
    }
    // A machine that ended since the file was opened has put another one in its place, which somebody may have by now.
    let (ours, there) = (file.metadata()?, fs::metadata(path)?);
    if (ours.dev(), ours.ino()) != (there.dev(), there.ino()) {
        return Err(in_use());
    }
    Ok(file)
}

/// What the file holds, after a look at whether it can be written at the end: rather now than when there is something to lose.
fn read(path: &Path, file: &mut fs::File) -> Result<Image, HostError> {
    let failed = |error| HostError::Storage { path: path.to_owned(), error };
    let no_image = |error| HostError::NoImage { path: path.to_owned(), error };
    // Before it is read, for it may be larger than memory.
    let (bytes, capacity) = (file.metadata().map_err(failed)?.len(), Image::GEOMETRY.capacity);
    if bytes > capacity.into() {
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        return Err(no_image(NotAnImage::Size { bytes, capacity }));
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(failed)?;
    let image = match bytes.as_slice() {
        [] => Image::new(),
        bytes => Image::from_bytes(Image::GEOMETRY, bytes).map_err(no_image)?,
    };
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
pub(crate) fn end(kept: Option<&Kept>, sim: &Sim) -> Result<(), HostError> {
    let Some(Kept { path, .. }) = kept else { return Ok(()) };
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
