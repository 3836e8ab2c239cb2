//! A file of which parts are read.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::{Mutex, PoisonError};

use crate::measure::Bytes;

/// An open file, whose length was looked up once.
#[derive(Debug)]
pub struct StoredFile {
    file: Mutex<File>,
    length: u64,
}

impl StoredFile {
    /// Of an open file with so many bytes.
    pub fn new(file: File, length: u64) -> Self {
        Self { file: Mutex::new(file), length }
    }
}

impl Bytes for StoredFile {
    fn length(&self) -> u64 {
        self.length
    }

    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<()> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(at))?;
        file.read_exact(into)
    }
}
