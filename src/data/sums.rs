//! SHA-256 sums of files, and the file that records them beside a set.

use std::io::Read;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::error::{Action, DataError};
use super::files;

/// The file of recorded sums, in the format of `sha256sum`.
pub(super) const SUMS_FILE: &str = "SHA256SUMS";

/// The SHA-256 of a file in lower-case hexadecimal.
pub(super) fn sha256_of(path: &Path) -> Result<String, DataError> {
    let (mut reader, _) = files::open(path)?;
    let mut hasher = Sha256::new();
    let mut block = vec![0; 1 << 16];
    loop {
        match reader.read(&mut block) {
            Ok(0) => return Ok(hex(&hasher.finalize())),
            Ok(n) => hasher.update(&block[..n]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(source) => return Err(DataError::io(path, Action::Read, source)),
        }
    }
}

/// Bytes as lower-case hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
