//! The disk side of fetching: part files, folders, renames.
//!
//! A file or folder takes its final name by a rename, after its bytes have been synchronised.
#![expect(clippy::disallowed_methods, reason = "this file is where fetched data is written")]

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::data::error::DataError;

/// Creates a folder and those above it.
pub(super) fn create_folder(path: &Path) -> Result<(), DataError> {
    fs::create_dir_all(path).map_err(|source| DataError::write(path, source))
}

/// Renames; the old name is gone, the new one complete.
pub(super) fn rename(from: &Path, to: &Path) -> Result<(), DataError> {
    fs::rename(from, to).map_err(|source| DataError::write(to, source))
}

/// Removes a file if it is there; that it stays is no error.
pub(super) fn remove(path: &Path) {
    // A part file that cannot be removed is looked at again by the next fetch.
    let _ = fs::remove_file(path);
}

/// Makes a rename in `folder` durable where the system can.
pub(super) fn sync_folder(folder: &Path) {
    // Not all systems open folders; the data is complete in any case.
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
}

/// The first of `NAME.old`, `NAME.old-2`, … that is free.
pub(super) fn free_name(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    (1_u32..=u32::MAX)
        .map(|n| if n == 1 { format!("{name}.old") } else { format!("{name}.old-{n}") })
        .map(|name| path.with_file_name(name))
        .find(|candidate| !crate::data::files::exists(candidate))
        .unwrap_or_else(|| path.with_extension("old"))
}

/// A file that grows until it is whole. Removed when the disk refuses a write.
#[derive(Debug)]
pub(super) struct PartFile {
    path: PathBuf,
    file: File,
    /// Bytes in it.
    pub(super) bytes: u64,
}

impl PartFile {
    /// Opens `NAME.part` in `folder`, with what is there; held against other processes while it lives.
    pub(super) fn open(folder: &Path, name: &str) -> Result<Self, DataError> {
        let path = folder.join(format!("{name}.part"));
        let fail = |source| DataError::write(&path, source);
        let file = OpenOptions::new().append(true).create(true).open(&path).map_err(fail)?;
        file.try_lock().map_err(|error| match error {
            fs::TryLockError::WouldBlock => {
                fail(io::Error::other("another process is fetching this file"))
            }
            fs::TryLockError::Error(source) => fail(source),
        })?;
        let bytes = file.metadata().map_err(fail)?.len();
        Ok(Self { path, file, bytes })
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Starts anew.
    pub(super) fn clear(&mut self) -> Result<(), DataError> {
        if self.bytes > 0 {
            self.file.set_len(0).map_err(|source| DataError::write(&self.path, source))?;
            self.bytes = 0;
        }
        Ok(())
    }

    /// Appends bytes.
    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<(), DataError> {
        match self.file.write_all(bytes) {
            Ok(()) => {
                self.bytes += bytes.len() as u64;
                Ok(())
            }
            Err(source) => {
                remove(&self.path);
                Err(DataError::write(&self.path, source))
            }
        }
    }

    /// Everything is on the disk.
    pub(super) fn sync(&self) -> Result<(), DataError> {
        self.file.sync_all().map_err(|source| {
            remove(&self.path);
            DataError::write(&self.path, source)
        })
    }
}

/// A new folder beside the final one, removed with all it holds unless it is published.
pub(super) fn temporary_folder(beside: &Path) -> Result<TempDir, DataError> {
    tempfile::Builder::new()
        .prefix(".unpacking-")
        .tempdir_in(beside)
        .map_err(|source| DataError::write(beside, source))
}

/// A new file in a temporary folder.
pub(super) fn create_file(path: &Path) -> Result<File, DataError> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path)
        .map_err(|source| DataError::write(path, source))
}

/// Gives a complete temporary folder its final name.
pub(super) fn publish(folder: TempDir, target: &Path) -> Result<(), DataError> {
    open_to_all(folder.path());
    rename(folder.path(), target)?;
    // It bears another name now, so there is nothing left to remove.
    let _ = folder.keep();
    Ok(())
}

/// Temporary folders are private; data folders are as the user's mask says for folders, at most 755.
#[cfg(unix)]
fn open_to_all(folder: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    // A folder that stays private is still good for its owner.
    let _ = fs::set_permissions(folder, fs::Permissions::from_mode(0o755));
}

#[cfg(not(unix))]
fn open_to_all(_: &Path) {}
