//! The formats, and writing them as files.

use std::path::{Path, PathBuf};

use super::{ExportError, Source, metadata, onnx, pytorch, weights};
use crate::diag::{Diagnostic, ToDiagnostic};
use crate::store::{StoreError, write_atomic, write_tensors};

/// What is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A model for inference in f32, `.onnx`.
    Onnx,
    /// A module with loss and optimiser, `.py`, and its tensors beside it.
    Pytorch,
    /// Parameters and running statistics.
    Safetensors,
}

/// Why a file is not written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The net does not fit into the format.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// The file cannot be written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ToDiagnostic for WriteError {
    fn to_diagnostic(&self) -> Diagnostic {
        match self {
            Self::Export(error) => error.to_diagnostic(),
            Self::Store(error) => error.to_diagnostic(),
        }
    }
}

impl Format {
    /// How the names of its files end.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Onnx => "onnx",
            Self::Pytorch => "py",
            Self::Safetensors => "safetensors",
        }
    }

    /// What the name of a file says.
    pub fn of(path: &Path) -> Option<Self> {
        let ending = path.extension()?;
        [Self::Onnx, Self::Pytorch, Self::Safetensors]
            .into_iter()
            .find(|format| ending == format.ending())
    }

    /// Writes a net; the files, `path` first. The tensors of a PyTorch module lie beside it, with `.safetensors` in place of its
    /// ending.
    ///
    /// # Errors
    /// [`WriteError`]; files that were written before it stay.
    pub fn write(self, source: &Source<'_>, path: &Path) -> Result<Vec<PathBuf>, WriteError> {
        match self {
            Self::Onnx => {
                write_atomic(path, &onnx(source)?)?;
                Ok(vec![path.to_owned()])
            }
            Self::Pytorch => {
                let beside = path.with_extension("safetensors");
                let name = beside.file_name().map(|name| name.to_string_lossy().into_owned());
                let text = pytorch(source, &name.unwrap_or_default());
                write_tensors(&beside, weights(source, true), &metadata(source))?;
                write_atomic(path, text.as_bytes())?;
                Ok(vec![path.to_owned(), beside])
            }
            Self::Safetensors => {
                write_tensors(path, weights(source, false), &metadata(source))?;
                Ok(vec![path.to_owned()])
            }
        }
    }
}
