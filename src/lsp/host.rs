//! What the server needs from outside: files and data. The command line gives the real ones, tests what they like.

use std::path::{Path, PathBuf};

use crate::data::{DataSpec, Description};
use crate::diag::Diagnostic;

/// The world around the server.
pub trait Host {
    /// The text of an imported file; `path` is relative to the folder of the spec and does not leave it by its text.
    ///
    /// # Errors
    /// The reason in words.
    fn import(&self, folder: &Path, path: &str) -> Result<String, String>;

    /// Shape and classes of the data that a spec in `folder` asks for.
    ///
    /// # Errors
    /// The data cannot be had, as the user is told.
    fn describe(&self, folder: &Path, spec: &DataSpec) -> Result<Description, Box<Diagnostic>>;

    /// The specs in a folder and below, as far as they are few enough to be looked through.
    fn specs_below(&self, folder: &Path) -> Vec<PathBuf>;
}
