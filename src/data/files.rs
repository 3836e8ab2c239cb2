//! Opening and reading data files; with `fetch::store`, the one place of the stage that touches the disk.
//!
//! In: a path. Out: bytes, never more than the caller's bound. Only regular files are opened, so a named pipe or a device
//! cannot hang or flood the reader.
#![expect(clippy::disallowed_methods, reason = "this file is where the data stage reads the disk")]

use std::fs::{self, File};
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::error::{Action, DataError};

/// Most bytes that one data file may hold or declare once it is unpacked: 8 GiB.
pub(super) const MAX_FILE_BYTES: u64 = 8 << 30;

/// Most bytes of a file of label names.
const MAX_NAMES_BYTES: u64 = 1 << 20;

/// Whether something of that name is there, be it a dangling link.
pub(super) fn exists(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

/// The path without links.
pub(super) fn real_path(path: &Path) -> Result<PathBuf, DataError> {
    fs::canonicalize(path).map_err(|source| DataError::io(path, Action::Open, source))
}

/// The length of a regular file in bytes.
pub(super) fn length(path: &Path) -> Result<u64, DataError> {
    let metadata = fs::metadata(path).map_err(|source| {
        if source.kind() == std::io::ErrorKind::NotFound {
            let places = path.parent().map(Path::to_path_buf).into_iter().collect();
            let name = path.file_name().map_or_else(|| path.to_path_buf(), PathBuf::from);
            DataError::MissingFile { file: name, places }
        } else {
            DataError::io(path, Action::Open, source)
        }
    })?;
    if !metadata.is_file() {
        return Err(DataError::NotAFile { file: path.to_path_buf() });
    }
    Ok(metadata.len())
}

/// Opens a regular file for reading; gives its length too.
pub(super) fn open(path: &Path) -> Result<(BufReader<File>, u64), DataError> {
    let bytes = length(path)?;
    let file = File::open(path).map_err(|source| DataError::io(path, Action::Open, source))?;
    Ok((BufReader::with_capacity(1 << 16, file), bytes))
}

/// Opens a regular file for reading from byte `offset` on.
pub(super) fn open_at(path: &Path, offset: u64) -> Result<BufReader<File>, DataError> {
    let (mut reader, _) = open(path)?;
    let moved = reader.seek(SeekFrom::Start(offset));
    moved.map_err(|source| DataError::io(path, Action::Read, source))?;
    Ok(reader)
}

/// Reads until `buffer` is full or the input ends; gives the number of bytes read.
pub(super) fn fill(
    path: &Path,
    reader: &mut impl Read,
    buffer: &mut [u8],
) -> Result<usize, DataError> {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(source) => return Err(DataError::io(path, Action::Read, source)),
        }
    }
    Ok(filled)
}

/// The non-empty lines of a small text file, or `None` where there is no such file.
pub(super) fn names(path: &Path) -> Result<Option<Vec<String>>, DataError> {
    if !exists(path) {
        return Ok(None);
    }
    let (reader, bytes) = open(path)?;
    if bytes > MAX_NAMES_BYTES {
        return Err(DataError::TooLarge {
            file: path.to_path_buf(),
            declared: u128::from(bytes),
            limit: MAX_NAMES_BYTES,
        });
    }
    let mut text = String::new();
    reader
        .take(MAX_NAMES_BYTES)
        .read_to_string(&mut text)
        .map_err(|source| DataError::io(path, Action::Read, source))?;
    Ok(Some(text.lines().map(str::trim).filter(|l| !l.is_empty()).map(str::to_owned).collect()))
}
