//! Logits as safetensors, in the layout that `formats.md` states.
//!
//! In: the bytes of a file, written by this program or by any other. Out: [`Logits`] with the
//! scalars the file holds. Nothing is allocated beyond a small multiple of the input's length.

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use super::{Logits, LogitsError, Scalars};
use crate::diag::{Code, Diagnostic, ToDiagnostic};

/// Why bytes hold no logits.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum StoredError {
    /// The bytes are no whole safetensors file.
    #[error("not a safetensors file: {reason}")]
    Damaged {
        /// What the reader of the format says.
        reason: String,
        /// Length of the input in bytes.
        length: usize,
    },
    /// A tensor is missing.
    #[error("tensor {tensor} is missing")]
    Missing {
        /// The tensor.
        tensor: &'static str,
        /// The names that are there, in order.
        found: Vec<String>,
    },
    /// A tensor has an element type that does not fit.
    #[error("tensor {tensor} has dtype {found}")]
    Dtype {
        /// The tensor.
        tensor: &'static str,
        /// Its element type.
        found: String,
        /// The types that fit.
        expected: &'static str,
    },
    /// A tensor has a shape that does not fit.
    #[error("tensor {tensor} has shape {found:?}")]
    Shape {
        /// The tensor.
        tensor: &'static str,
        /// Its shape.
        found: Vec<usize>,
        /// The shape that fits.
        expected: String,
    },
    /// The tensors do not fit each other, or a value is out of range.
    #[error(transparent)]
    Logits(#[from] LogitsError),
}

/// Reads `logits`, `labels` and, where they are there, `coarse`, `R`, `r1`, `r2` and `lambda`.
///
/// Logits and scalars are f32 or f64; labels and super-classes any integer type.
///
/// # Errors
/// Damaged bytes, missing tensors, other dtypes or shapes, and whatever [`Logits`] refuses.
pub fn parse_stored(bytes: &[u8]) -> Result<Logits, StoredError> {
    let file = SafeTensors::deserialize(bytes)
        .map_err(|error| StoredError::Damaged { reason: error.to_string(), length: bytes.len() })?;
    let logits = required(&file, "logits")?;
    let labels = required(&file, "labels")?;
    let [n, n_classes] = *logits.shape() else {
        return Err(shape_error("logits", &logits, "rank 2, [n, K]".to_owned()));
    };
    if labels.shape() != [n] {
        return Err(shape_error(
            "labels",
            &labels,
            format!("[{n}], one label for each row of logits"),
        ));
    }
    let parsed = Logits::new(floats("logits", &logits)?, n_classes, &integers("labels", &labels)?)?;
    let parsed = match optional(&file, "coarse") {
        None => parsed,
        Some(coarse) if coarse.shape() == [n_classes] => {
            parsed.with_coarse(&integers("coarse", &coarse)?)?
        }
        Some(coarse) => {
            let expected = format!("[{n_classes}], the super-class of each class");
            return Err(shape_error("coarse", &coarse, expected));
        }
    };
    let scalars = Scalars {
        size: scalar(&file, "R")?,
        r1: scalar(&file, "r1")?,
        r2: scalar(&file, "r2")?,
        lambda: scalar(&file, "lambda")?,
    };
    Ok(parsed.with_scalars(scalars)?)
}

fn optional<'a>(file: &SafeTensors<'a>, name: &str) -> Option<TensorView<'a>> {
    file.tensor(name).ok()
}

fn required<'a>(file: &SafeTensors<'a>, name: &'static str) -> Result<TensorView<'a>, StoredError> {
    optional(file, name).ok_or_else(|| {
        let mut found: Vec<String> = file.names().into_iter().map(str::to_owned).collect();
        found.sort();
        StoredError::Missing { tensor: name, found }
    })
}

fn scalar(file: &SafeTensors<'_>, name: &'static str) -> Result<Option<f64>, StoredError> {
    let Some(tensor) = optional(file, name) else { return Ok(None) };
    match floats(name, &tensor)?.as_slice() {
        [value] => Ok(Some(*value)),
        _ => Err(shape_error(name, &tensor, "[1], a single number".to_owned())),
    }
}

fn floats(name: &'static str, tensor: &TensorView<'_>) -> Result<Vec<f64>, StoredError> {
    let data = tensor.data();
    if tensor.dtype() == Dtype::F32 {
        Ok(elements(data, |bytes| f64::from(f32::from_le_bytes(bytes))))
    } else if tensor.dtype() == Dtype::F64 {
        Ok(elements(data, f64::from_le_bytes))
    } else {
        Err(dtype_error(name, tensor, "F32 or F64"))
    }
}

fn integers(name: &'static str, tensor: &TensorView<'_>) -> Result<Vec<i64>, StoredError> {
    let data = tensor.data();
    let dtype = tensor.dtype();
    if dtype == Dtype::I64 {
        Ok(elements(data, i64::from_le_bytes))
    } else if dtype == Dtype::U64 {
        // Beyond i64 no label is in range; saturating keeps the complaint about the label.
        Ok(elements(data, |bytes| i64::try_from(u64::from_le_bytes(bytes)).unwrap_or(i64::MAX)))
    } else if dtype == Dtype::U32 {
        Ok(elements(data, |bytes| i64::from(u32::from_le_bytes(bytes))))
    } else if dtype == Dtype::I32 {
        Ok(elements(data, |bytes| i64::from(i32::from_le_bytes(bytes))))
    } else if dtype == Dtype::U16 {
        Ok(elements(data, |bytes| i64::from(u16::from_le_bytes(bytes))))
    } else if dtype == Dtype::I16 {
        Ok(elements(data, |bytes| i64::from(i16::from_le_bytes(bytes))))
    } else if dtype == Dtype::U8 {
        Ok(elements(data, |bytes| i64::from(u8::from_le_bytes(bytes))))
    } else if dtype == Dtype::I8 {
        Ok(elements(data, |bytes| i64::from(i8::from_le_bytes(bytes))))
    } else {
        Err(dtype_error(name, tensor, "I64, U32 or another integer type"))
    }
}

/// The little-endian elements of a tensor's bytes, which need not be aligned.
fn elements<const N: usize, T>(data: &[u8], read: impl Fn([u8; N]) -> T) -> Vec<T> {
    data.as_chunks::<N>().0.iter().map(|bytes| read(*bytes)).collect()
}

fn shape_error(tensor: &'static str, view: &TensorView<'_>, expected: String) -> StoredError {
    StoredError::Shape { tensor, found: view.shape().to_vec(), expected }
}

fn dtype_error(tensor: &'static str, view: &TensorView<'_>, expected: &'static str) -> StoredError {
    StoredError::Dtype { tensor, found: view.dtype().to_string(), expected }
}

impl ToDiagnostic for StoredError {
    fn to_diagnostic(&self) -> Diagnostic {
        match self {
            Self::Damaged { reason, length } => {
                Diagnostic::new(Code::E0650, "this is not a whole safetensors file")
                    .note(format!("found: {length} bytes; {reason}"))
                    .expected("a safetensors file with `logits` and `labels`")
                    .help("write the file again; it may have been cut off, or be of another format")
            }
            Self::Missing { tensor, found } => {
                let shown: Vec<String> =
                    found.iter().take(8).map(|name| format!("`{}`", name.escape_debug())).collect();
                let more = if found.len() > shown.len() { ", …" } else { "" };
                let found =
                    if found.is_empty() { "no tensors".to_owned() } else { shown.join(", ") };
                Diagnostic::new(Code::E0651, format!("tensor `{tensor}` is missing"))
                    .note(format!("found: {found}{more}"))
                    .expected("`logits` [n, K] and `labels` [n]")
                    .help(format!("store the tensor under the name `{tensor}`"))
            }
            Self::Dtype { tensor, found, expected } => {
                Diagnostic::new(Code::E0652, format!("`{tensor}` has dtype {found}"))
                    .expected(*expected)
                    .help(format!("convert `{tensor}` before it is stored"))
            }
            Self::Shape { tensor, found, expected } => {
                let dims: Vec<String> = found.iter().map(usize::to_string).collect();
                let shape = dims.join(", ");
                let title = format!("`{tensor}` has shape [{shape}]");
                let short = title.chars().count() <= 72;
                let title =
                    if short { title } else { format!("`{tensor}` has rank {}", found.len()) };
                Diagnostic::new(Code::E0653, title)
                    .expected(expected)
                    .help("store `logits` [n, K], `labels` [n], `coarse` [K] and scalars [1]")
            }
            Self::Logits(error) => error.to_diagnostic(),
        }
    }
}
