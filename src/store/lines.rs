//! Files that grow by whole lines, such as `metrics.jsonl`.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Seek, SeekFrom, Write};
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

    /// Opens the file and cuts it before the first line that `keep` refuses, or that is not whole.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn open_while(path: &Path, keep: impl Fn(&str) -> bool) -> Result<Self, StoreError> {
        let mut len = 0;
        if path.exists() {
            let io = |source| StoreError::io("read", path, source);
            let file = OpenOptions::new().read(true).open(path).map_err(io)?;
            let mut lines = BufReader::new(file);
            let mut line = vec![];
            while lines.read_until(b'\n', &mut line).map_err(io)? > 0 {
                let text = std::str::from_utf8(&line).ok().and_then(|text| text.strip_suffix('\n'));
                if !text.is_some_and(&keep) {
                    break;
                }
                len += line.len() as u64;
                line.clear();
            }
        }
        Self::open_at(path, len)
    }

    /// Appends lines that end in a newline each.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn push_all(&mut self, lines: &str) -> Result<(), StoreError> {
        let written = self.file.write_all(lines.as_bytes());
        written.map_err(|source| StoreError::io("write", &self.path, source))?;
        self.len += lines.len() as u64;
        Ok(())
    }

    /// Appends one line.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn push(&mut self, line: &str) -> Result<(), StoreError> {
        self.push_all(&format!("{line}\n"))
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
