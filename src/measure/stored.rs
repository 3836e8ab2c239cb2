//! Logits as safetensors, in the layout that `formats.md` states.
//!
//! In: the bytes of a file, written by this program or by any other. Out: [`Logits`] with the
//! scalars the file holds. Rows stay where they are and are read as they are needed.

use std::fmt::Debug;
use std::io;
use std::sync::Arc;

use safetensors::tensor::{Metadata, TensorInfo};
use safetensors::{Dtype, SafeTensorError};

use super::{Logits, LogitsError, RowSource, Scalars};
use crate::diag::{Code, Diagnostic, ToDiagnostic};

/// The length of the header, at the start of a file.
const LENGTH_BYTES: u64 = 8;

/// The longest header that is read, 100 MB: that of the format.
const MAX_HEADER_BYTES: u64 = 100_000_000;

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

/// Bytes by their place, in memory or in a file.
pub trait Bytes: Debug + Send + Sync {
    /// How many there are.
    fn length(&self) -> u64;

    /// Fills `into` with the bytes from `at` on.
    ///
    /// # Errors
    /// What the reader says, also where there are fewer.
    fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<()>;
}

/// Opens `logits`, `labels` and, where they are there, `coarse`, `R`, `r1`, `r2` and `lambda`; logits are read as they are needed.
///
/// Logits and scalars are f32 or f64; labels and super-classes any integer type.
///
/// # Errors
/// Damaged bytes, missing tensors, other dtypes or shapes, and whatever [`Logits`] refuses.
pub fn open_stored(bytes: Arc<dyn Bytes>) -> Result<Logits, StoredError> {
    let file = Header::read(bytes)?;
    let logits = file.required("logits")?;
    let labels = file.required("labels")?;
    let [n, n_classes] = logits.shape[..] else {
        return Err(shape_error("logits", logits, "rank 2, [n, K]".to_owned()));
    };
    if labels.shape != [n] {
        return Err(shape_error(
            "labels",
            labels,
            format!("[{n}], one label for each row of logits"),
        ));
    }
    let labels = integers("labels", labels, &file.data(labels)?)?;
    let is_f32 = is_f32("logits", logits)?;
    let rows = StoredRows {
        start: file.start + logits.data_offsets.0 as u64,
        bytes: file.bytes.clone(),
        n_classes,
        is_f32,
    };
    let parsed = Logits::from_source(Arc::new(rows), n_classes, &labels)?;
    let parsed = match file.metadata.info("coarse") {
        None => parsed,
        Some(coarse) if coarse.shape == [n_classes] => {
            parsed.with_coarse(&integers("coarse", coarse, &file.data(coarse)?)?)?
        }
        Some(coarse) => {
            let expected = format!("[{n_classes}], the super-class of each class");
            return Err(shape_error("coarse", coarse, expected));
        }
    };
    let scalars = Scalars {
        size: file.scalar("R")?,
        r1: file.scalar("r1")?,
        r2: file.scalar("r2")?,
        lambda: file.scalar("lambda")?,
    };
    Ok(parsed.with_scalars(scalars)?)
}

/// The rows of `logits` in a file.
#[derive(Debug)]
struct StoredRows {
    bytes: Arc<dyn Bytes>,
    /// Where they begin.
    start: u64,
    n_classes: usize,
    is_f32: bool,
}

impl RowSource for StoredRows {
    fn read(&self, first: usize, into: &mut [f64]) -> io::Result<()> {
        let width = if self.is_f32 { 4 } else { 8 };
        let mut bytes = vec![0; into.len() * width];
        self.bytes.read_at(self.start + (first * self.n_classes * width) as u64, &mut bytes)?;
        if self.is_f32 {
            for (value, bytes) in into.iter_mut().zip(bytes.as_chunks::<4>().0) {
                *value = f64::from(f32::from_le_bytes(*bytes));
            }
        } else {
            for (value, bytes) in into.iter_mut().zip(bytes.as_chunks::<8>().0) {
                *value = f64::from_le_bytes(*bytes);
            }
        }
        Ok(())
    }
}

/// The head of a file, which says where its tensors are.
struct Header {
    bytes: Arc<dyn Bytes>,
    metadata: Metadata,
    /// Where the data of tensors begins.
    start: u64,
}

impl Header {
    fn read(bytes: Arc<dyn Bytes>) -> Result<Self, StoredError> {
        let length = bytes.length();
        let damaged = |reason: String| StoredError::Damaged { reason, length: length as usize };
        let wrong = |error: SafeTensorError| damaged(error.to_string());
        let unreadable = |error: io::Error| damaged(error.to_string());
        if length < LENGTH_BYTES {
            return Err(wrong(SafeTensorError::HeaderTooSmall));
        }
        let mut size = [0; LENGTH_BYTES as usize];
        bytes.read_at(0, &mut size).map_err(unreadable)?;
        let size = u64::from_le_bytes(size);
        if size > MAX_HEADER_BYTES {
            return Err(wrong(SafeTensorError::HeaderTooLarge));
        }
        if size > length - LENGTH_BYTES {
            return Err(wrong(SafeTensorError::InvalidHeaderLength));
        }
        let mut header = vec![0; size as usize];
        bytes.read_at(LENGTH_BYTES, &mut header).map_err(unreadable)?;
        let text = str::from_utf8(&header)
            .map_err(|error| wrong(SafeTensorError::InvalidHeader(error)))?;
        let metadata: Metadata = serde_json::from_str(text)
            .map_err(|error| wrong(SafeTensorError::InvalidHeaderDeserialization(error)))?;
        let start = LENGTH_BYTES + size;
        if start.checked_add(metadata.data_len() as u64) != Some(length) {
            return Err(wrong(SafeTensorError::MetadataIncompleteBuffer));
        }
        Ok(Self { bytes, metadata, start })
    }

    fn required(&self, name: &'static str) -> Result<&TensorInfo, StoredError> {
        self.metadata.info(name).ok_or_else(|| {
            let mut found = self.metadata.offset_keys();
            found.sort();
            StoredError::Missing { tensor: name, found }
        })
    }

    fn data(&self, tensor: &TensorInfo) -> Result<Vec<u8>, StoredError> {
        let (from, to) = tensor.data_offsets;
        let mut data = vec![0; to - from];
        self.bytes.read_at(self.start + from as u64, &mut data).map_err(|error| {
            StoredError::Damaged { reason: error.to_string(), length: self.bytes.length() as usize }
        })?;
        Ok(data)
    }

    fn scalar(&self, name: &'static str) -> Result<Option<f64>, StoredError> {
        let Some(tensor) = self.metadata.info(name) else { return Ok(None) };
        let is_f32 = is_f32(name, tensor)?;
        if tensor.shape.iter().product::<usize>() != 1 {
            return Err(shape_error(name, tensor, "[1], a single number".to_owned()));
        }
        let data = self.data(tensor)?;
        let found = if is_f32 {
            elements(&data, |bytes| f64::from(f32::from_le_bytes(bytes)))
        } else {
            elements(&data, f64::from_le_bytes)
        };
        Ok(found.first().copied())
    }
}

fn is_f32(name: &'static str, tensor: &TensorInfo) -> Result<bool, StoredError> {
    match tensor.dtype == Dtype::F32 {
        false if tensor.dtype != Dtype::F64 => Err(dtype_error(name, tensor, "F32 or F64")),
        is_f32 => Ok(is_f32),
    }
}

fn integers(name: &'static str, tensor: &TensorInfo, data: &[u8]) -> Result<Vec<i64>, StoredError> {
    let dtype = tensor.dtype;
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

fn shape_error(tensor: &'static str, info: &TensorInfo, expected: String) -> StoredError {
    StoredError::Shape { tensor, found: info.shape.clone(), expected }
}

fn dtype_error(tensor: &'static str, info: &TensorInfo, expected: &'static str) -> StoredError {
    StoredError::Dtype { tensor, found: info.dtype.to_string(), expected }
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
