//! Compiled kernels in the user cache, one file each, named by what they were made of.

use std::path::{Path, PathBuf};

use super::atomic::{read_bytes, write_shared};

/// Largest file that is read: machine code of a few launches.
const MAX_BYTES: u64 = 64 << 20;

/// A folder of compiled kernels.
#[derive(Clone, Debug)]
pub struct KernelFolder {
    path: PathBuf,
}

impl KernelFolder {
    /// The folder; it is made when something is kept.
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// What is kept under a key of letters and digits.
    pub fn get(&self, key: &str) -> Option<Vec<u8>> {
        read_bytes(&self.path.join(format!("{key}.cubin")), MAX_BYTES).ok()
    }

    /// Keeps an image, as far as the folder can be written.
    pub fn put(&self, key: &str, image: &[u8]) {
        // What cannot be kept is compiled again another time.
        let _ = std::fs::create_dir_all(&self.path);
        let _ = write_shared(&self.path.join(format!("{key}.cubin")), image);
    }
}
