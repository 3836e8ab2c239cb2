//! The rows of logits, in memory or read from elsewhere as they are needed.
//!
//! Invariant: what is computed row by row comes out in the order of the rows, whatever the number of threads, so that sums over
//! it have the same bits.

use std::fmt::Debug;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use rayon::prelude::*;

/// Logits that are worked on together: 512 KiB in f64.
const BLOCK_VALUES: usize = 1 << 16;

/// Where rows are read from.
pub trait RowSource: Debug + Send + Sync {
    /// Writes the logits of the samples from `first` on, as many as fill `into`.
    ///
    /// # Errors
    /// What the reader says.
    fn read(&self, first: usize, into: &mut [f64]) -> io::Result<()>;
}

/// Rows of equal length.
#[derive(Clone, Debug)]
pub(super) enum Rows {
    /// All values.
    Memory(Vec<f64>),
    /// A source, and what it said when it failed.
    Source(Arc<dyn RowSource>, Arc<Mutex<Option<String>>>),
}

impl Rows {
    pub(super) fn of(source: Arc<dyn RowSource>) -> Self {
        Self::Source(source, Arc::default())
    }

    /// What went wrong since the rows were opened; rows that could not be read count as NaN.
    pub(super) fn fault(&self) -> Option<String> {
        match self {
            Self::Memory(_) => None,
            Self::Source(_, fault) => fault.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }

    /// `of` of every row of `n`, each `length` long, with its index; `scratch` is made once a block of rows.
    pub(super) fn map<S, T: Send>(
        &self,
        n: usize,
        length: usize,
        scratch: impl Fn() -> S + Sync,
        of: impl Fn(&mut S, usize, &[f64]) -> T + Sync,
    ) -> Vec<T> {
        let rows = (BLOCK_VALUES / length).max(1);
        let block = |at: usize| {
            let (first, end) = (at * rows, ((at + 1) * rows).min(n));
            let mut read = vec![];
            let values = match self {
                Self::Memory(values) => &values[first * length..end * length],
                Self::Source(source, fault) => {
                    read.resize((end - first) * length, f64::NAN);
                    if let Err(error) = source.read(first, &mut read) {
                        read.fill(f64::NAN);
                        let mut fault = fault.lock().unwrap_or_else(PoisonError::into_inner);
                        fault.get_or_insert_with(|| error.to_string());
                    }
                    &read
                }
            };
            let mut scratch = scratch();
            let rows = values.chunks_exact(length).zip(first..);
            rows.map(|(row, sample)| of(&mut scratch, sample, row)).collect::<Vec<T>>()
        };
        match n.div_ceil(rows) {
            0 => vec![],
            1 => block(0),
            blocks => {
                let found: Vec<Vec<T>> = (0..blocks).into_par_iter().map(block).collect();
                found.into_iter().flatten().collect()
            }
        }
    }
}

/// Equal values in memory, or the same source.
impl PartialEq for Rows {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Memory(a), Self::Memory(b)) => a == b,
            (Self::Source(a, _), Self::Source(b, _)) => Arc::ptr_eq(a, b),
            (Self::Memory(_), Self::Source(..)) | (Self::Source(..), Self::Memory(_)) => false,
        }
    }
}
