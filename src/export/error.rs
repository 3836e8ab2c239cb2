//! What keeps a net from being exported.

use crate::diag::{Code, Diagnostic, ToDiagnostic};

/// A net that the format cannot hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExportError {
    /// The model has more bytes than a message may have.
    #[error("a model of {bytes} bytes, more than {most}")]
    TooLarge {
        /// Bytes of the model.
        bytes: usize,
        /// The most that readers take.
        most: usize,
    },
}

impl ToDiagnostic for ExportError {
    fn to_diagnostic(&self) -> Diagnostic {
        match self {
            Self::TooLarge { bytes, most } => {
                Diagnostic::new(Code::E0718, "the net is too large for an ONNX file")
                    .note(format!("found: a model of {bytes} bytes"))
                    .expected(format!("at most {most} bytes, which is what readers take"))
                    .help("export it with `--format pytorch` or `--format safetensors`")
            }
        }
    }
}
