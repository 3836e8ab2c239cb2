//! Tensors in safetensors files.

#![expect(clippy::disallowed_methods, reason = "run directories are read here")]

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors};
use sha2::{Digest, Sha256};

use super::{StoreError, write_atomic};
use crate::lower::{HostTensor, StateEntry};

/// Largest file that is read into memory.
const MAX_FILE_BYTES: u64 = 16 << 30;

/// The floating-point tensors of a file with its text metadata.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TensorFile {
    /// Tensors in the order of their names.
    pub tensors: Vec<StateEntry>,
    /// `__metadata__`.
    pub metadata: BTreeMap<String, String>,
    /// SHA-256 of the whole file.
    pub sha256: [u8; 32],
}

/// Reads all f32 and f64 tensors; tensors of other types are left out.
///
/// # Errors
/// [`StoreError`] when the file cannot be read or is no safetensors file.
pub fn read_tensors(path: &Path) -> Result<TensorFile, StoreError> {
    let io = |source| StoreError::io("read", path, source);
    let length = std::fs::metadata(path).map_err(io)?.len();
    if length > MAX_FILE_BYTES {
        return Err(StoreError::damaged(
            path,
            format!("{length} bytes, more than {MAX_FILE_BYTES}"),
        ));
    }
    let bytes = std::fs::read(path).map_err(io)?;
    let damaged = |e: safetensors::SafeTensorError| StoreError::damaged(path, e.to_string());
    let (_, header) = SafeTensors::read_metadata(&bytes).map_err(damaged)?;
    let file = SafeTensors::deserialize(&bytes).map_err(damaged)?;
    let mut views: Vec<_> = file.tensors();
    views.sort_by(|a, b| a.0.cmp(&b.0));
    let tensors = views
        .into_iter()
        .filter_map(|(name, view)| {
            let bytes = view.data();
            let values = if view.dtype() == Dtype::F32 {
                HostTensor::F32(
                    bytes.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect(),
                )
            } else if view.dtype() == Dtype::F64 {
                HostTensor::F64(
                    bytes.as_chunks().0.iter().map(|b| f64::from_le_bytes(*b)).collect(),
                )
            } else {
                return None;
            };
            Some(StateEntry { name, shape: view.shape().to_vec(), values })
        })
        .collect();
    let metadata =
        header.metadata().iter().flatten().map(|(k, v)| (k.clone(), v.clone())).collect();
    Ok(TensorFile { tensors, metadata, sha256: Sha256::digest(&bytes).into() })
}

/// Writes tensors atomically; equal contents give equal bytes, for at most one entry of metadata.
///
/// # Errors
/// [`StoreError::Io`].
pub fn write_tensors<'a>(
    path: &Path,
    tensors: impl IntoIterator<Item = &'a StateEntry>,
    metadata: &BTreeMap<String, String>,
) -> Result<(), StoreError> {
    let views = tensors.into_iter().map(|entry| {
        let (dtype, bytes) = bytes_of(&entry.values);
        (entry.name.clone(), Owned { dtype, shape: entry.shape.clone(), bytes })
    });
    serialize(path, views, metadata)
}

/// Logits of one split with what measures need beside them.
#[derive(Clone, Debug)]
pub struct Logits {
    /// Row-major `[n, classes]`.
    pub logits: HostTensor,
    /// Number of classes.
    pub classes: usize,
    /// One label per row.
    pub labels: Vec<u32>,
    /// The labels before some were made wrong on purpose, where that was done.
    pub clean_labels: Option<Vec<u32>>,
    /// Class to super-class, where known.
    pub coarse: Option<Vec<u32>>,
    /// `R`, `r1`, `r2`, `lambda` where defined.
    pub scalars: BTreeMap<String, f64>,
}

/// Writes `logits/<split>.safetensors` as `formats.md` states it.
///
/// # Errors
/// [`StoreError::Io`].
pub fn write_logits(path: &Path, logits: &Logits) -> Result<(), StoreError> {
    let (dtype, bytes) = bytes_of(&logits.logits);
    let integers = |values: &[u32]| Owned {
        dtype: Dtype::I64,
        shape: vec![values.len()],
        bytes: values.iter().flat_map(|v| i64::from(*v).to_le_bytes()).collect(),
    };
    let shape = vec![logits.labels.len(), logits.classes];
    let mut tensors = vec![
        ("logits".to_owned(), Owned { dtype, shape, bytes }),
        ("labels".to_owned(), integers(&logits.labels)),
    ];
    if let Some(labels) = &logits.clean_labels {
        tensors.push(("clean_labels".to_owned(), integers(labels)));
    }
    if let Some(coarse) = &logits.coarse {
        tensors.push(("coarse".to_owned(), integers(coarse)));
    }
    for (name, value) in &logits.scalars {
        let bytes = match logits.logits {
            HostTensor::F32(_) => (*value as f32).to_le_bytes().to_vec(),
            HostTensor::F64(_) => value.to_le_bytes().to_vec(),
        };
        tensors.push((name.clone(), Owned { dtype, shape: vec![1], bytes }));
    }
    serialize(path, tensors, &BTreeMap::new())
}

pub(super) fn bytes_of(values: &HostTensor) -> (Dtype, Vec<u8>) {
    match values {
        HostTensor::F32(v) => (Dtype::F32, v.iter().flat_map(|x| x.to_le_bytes()).collect()),
        HostTensor::F64(v) => (Dtype::F64, v.iter().flat_map(|x| x.to_le_bytes()).collect()),
    }
}

struct Owned {
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl safetensors::View for Owned {
    fn dtype(&self) -> Dtype {
        self.dtype
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.bytes)
    }

    fn data_len(&self) -> usize {
        self.bytes.len()
    }
}

fn serialize(
    path: &Path,
    tensors: impl IntoIterator<Item = (String, Owned)>,
    metadata: &BTreeMap<String, String>,
) -> Result<(), StoreError> {
    // The crate takes a hash map, whose order would show in the bytes: at most one entry goes in.
    debug_assert!(metadata.len() <= 1, "more than one entry would have no fixed order");
    let header = (!metadata.is_empty())
        .then(|| metadata.iter().map(|(k, v)| (k.clone(), v.clone())).collect());
    let bytes = safetensors::serialize(tensors, header)
        .map_err(|e| StoreError::damaged(path, e.to_string()))?;
    write_atomic(path, &bytes)
}
