//! Files of a user that are rewritten in place.

#![expect(clippy::disallowed_methods, reason = "specs are read and rewritten here")]

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;

/// Reads a file, but no more than `limit` bytes of it.
///
/// # Errors
/// Those of the system; a folder is no file.
pub fn read_at_most(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    if file.metadata()?.is_dir() {
        return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder"));
    }
    let mut bytes = vec![];
    file.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Writes a file beside nothing that exists.
///
/// # Errors
/// Those of the system; [`io::ErrorKind::AlreadyExists`] where there is something of this name.
pub fn create(path: &Path, text: &str) -> io::Result<()> {
    File::create_new(path)?.write_all(text.as_bytes())
}

/// Puts `text` in place of a file, whole or not at all; it keeps its permissions, and a link keeps pointing to it.
///
/// # Errors
/// Those of the system.
pub fn replace(path: &Path, text: &str) -> io::Result<()> {
    let path = fs::canonicalize(path)?;
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().set_permissions(fs::metadata(&path)?.permissions())?;
    file.as_file().sync_all()?;
    file.persist(&path)?;
    Ok(())
}
