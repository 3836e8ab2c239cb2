//! Specs and their imports as files.

#![expect(clippy::disallowed_methods, reason = "specs and their imports are read here")]

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::diag::{Code, Diagnostic, ToDiagnostic};

/// One byte more than the parser accepts: enough for it to say that a text is too long.
const READ_LIMIT: u64 = (1 << 20) + 1;

/// A spec whose text cannot be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` cannot be read: {reason}", path.display())]
pub struct UnreadableSpec {
    /// The file.
    pub path: PathBuf,
    /// Why, in words.
    pub reason: String,
}

impl ToDiagnostic for UnreadableSpec {
    fn to_diagnostic(&self) -> Diagnostic {
        Diagnostic::new(Code::E0715, "the spec cannot be read")
            .note(format!("file: {}", self.path.display()))
            .note(format!("found: {}", self.reason))
            .expected("a readable text file in UTF-8")
            .help("`specc new quickstart` writes a spec to start from")
    }
}

/// Reads a spec, or as much of it as the parser needs to refuse it.
///
/// # Errors
/// [`UnreadableSpec`] (E0715).
pub fn read_spec(path: &Path) -> Result<String, UnreadableSpec> {
    read(path).map_err(|reason| UnreadableSpec { path: path.to_owned(), reason })
}

/// Reads an import: a file in the folder of the spec or below, also through links.
///
/// # Errors
/// The reason in words.
pub fn read_import(folder: &Path, path: &str) -> Result<String, String> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let inside = folder.canonicalize().map_err(|error| error.to_string())?;
    let file = folder.join(path).canonicalize().map_err(|error| error.to_string())?;
    if !file.starts_with(&inside) {
        return Err("the file lies outside the folder of the spec".to_owned());
    }
    read(&file)
}

fn read(path: &Path) -> Result<String, String> {
    let mut bytes = vec![];
    File::open(path)
        .and_then(|file| file.take(READ_LIMIT).read_to_end(&mut bytes))
        .map_err(|error| error.to_string())?;
    let full = bytes.len() as u64 == READ_LIMIT;
    match String::from_utf8(bytes) {
        Ok(text) => Ok(text),
        // The cut may have gone through a character; the parser refuses the length anyway.
        Err(error) if full => Ok(String::from_utf8_lossy(error.as_bytes()).into_owned()),
        Err(error) => Err(format!("byte {} is not UTF-8", error.utf8_error().valid_up_to())),
    }
}
