//! Files that grow by whole lines, such as `metrics.jsonl`.

use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::StoreError;

/// A file of lines with a known length.
#[derive(Debug)]
pub struct LineFile {
    path: PathBuf,
    file: File,
    len: u64,
}

impl LineFile {
    /// Opens the file and cuts it to its first `len` bytes, which a checkpoint remembers.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when the file is shorter, [`StoreError::Io`] otherwise.
    pub fn open_at(path: &Path, len: u64) -> Result<Self, StoreError> {
        let io = |source| StoreError::io("write", path, source);
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(path)
            .map_err(io)?;
        let found = file.metadata().map_err(io)?.len();
        if found < len {
            return Err(StoreError::damaged(
                path,
                format!("{found} bytes, expected at least {len}"),
            ));
        }
        file.set_len(len).map_err(io)?;
        file.seek(SeekFrom::Start(len)).map_err(io)?;
        Ok(Self { path: path.to_owned(), file, len })
    }

    /// Appends one line.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn push(&mut self, line: &str) -> Result<(), StoreError> {
        let mut bytes = Vec::with_capacity(line.len() + 1);
        bytes.extend_from_slice(line.as_bytes());
        bytes.push(b'\n');
        self.file
            .write_all(&bytes)
            .map_err(|source| StoreError::io("write", &self.path, source))?;
        self.len += bytes.len() as u64;
        Ok(())
    }

    /// Bytes so far.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether nothing was written.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Makes sure that the lines so far survive a loss of power.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn sync(&self) -> Result<(), StoreError> {
        self.file.sync_data().map_err(|source| StoreError::io("write", &self.path, source))
    }
}
