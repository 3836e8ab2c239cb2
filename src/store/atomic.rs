//! Whole files or none.

#![expect(clippy::disallowed_methods, reason = "run directories are written here")]

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use serde::de::DeserializeOwned;

use super::{Owner, StoreError};

/// Writes a file so that a reader, or a machine that loses power, sees the old content or the new one.
///
/// # Errors
/// [`StoreError::Io`]; the old file is untouched then and nothing is left beside it.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    write_by_way_of(&format!(".{name}.tmp"), path, bytes)
}

/// Writes files by their names into a folder, which is made where it is missing; each as [`write_atomic`] does.
///
/// # Errors
/// [`StoreError::Io`] of the first that cannot be written; those before it stay.
pub fn write_files(folder: &Path, files: &[(String, String)]) -> Result<(), StoreError> {
    fs::create_dir_all(folder).map_err(|error| StoreError::io("create", folder, error))?;
    files.iter().try_for_each(|(name, text)| write_atomic(&folder.join(name), text.as_bytes()))
}

/// The same as [`write_atomic`] for a file that several processes may write at once; the last one stays.
///
/// # Errors
/// As [`write_atomic`].
pub fn write_shared(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    static WRITTEN: AtomicU32 = AtomicU32::new(0);
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    let number = WRITTEN.fetch_add(1, Ordering::Relaxed);
    let Owner { host, process, .. } = Owner::this();
    write_by_way_of(&format!(".{name}.{host}-{process}-{number}.tmp"), path, bytes)
}

fn write_by_way_of(aside: &str, path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let aside = folder.join(aside);
    let written = File::create(&aside).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&aside, path)?;
        sync_folder(folder)
    });
    written.map_err(|source| {
        // Nothing can be done about a leftover that cannot be removed either.
        let _ = fs::remove_file(&aside);
        StoreError::io("write", path, source)
    })
}

/// Reads a JSON document of at most `limit` bytes; `None` where there is no such file.
///
/// # Errors
/// [`StoreError`] when it cannot be read, is longer, or does not hold a `T`.
pub fn read_json<T: DeserializeOwned>(path: &Path, limit: u64) -> Result<Option<T>, StoreError> {
    if !path.is_file() {
        return Ok(None);
    }
    serde_json::from_str(&read_text(path, limit)?)
        .map(Some)
        .map_err(|error| StoreError::damaged(path, error.to_string()))
}

/// Reads a text file of at most `limit` bytes.
///
/// # Errors
/// [`StoreError`] when it cannot be read, is longer, or is not UTF-8.
pub fn read_text(path: &Path, limit: u64) -> Result<String, StoreError> {
    let bytes = read_bytes(path, limit)?;
    String::from_utf8(bytes).map_err(|_| StoreError::damaged(path, "bytes that are not UTF-8"))
}

/// Reads a file of at most `limit` bytes.
pub(super) fn read_bytes(path: &Path, limit: u64) -> Result<Vec<u8>, StoreError> {
    let length = fs::metadata(path).map_err(|e| StoreError::io("read", path, e))?.len();
    if length > limit {
        return Err(StoreError::damaged(path, format!("{length} bytes, more than {limit}")));
    }
    fs::read(path).map_err(|e| StoreError::io("read", path, e))
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> std::io::Result<()> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> std::io::Result<()> {
    Ok(())
}
