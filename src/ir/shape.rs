//! Shapes with a symbolic batch, and the kind of numbers a node holds.

use std::fmt;

/// The shape of a tensor: `[n, d1, d2, …]` when `batched`, else `[d1, d2, …]`.
///
/// The batch `n` is symbolic: it is known only when a step runs, and the last batch may be short.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shape {
    /// Whether the first axis is the batch.
    pub batched: bool,
    /// The other axes.
    pub dims: Vec<usize>,
}

impl Shape {
    /// A shape with the batch as its first axis.
    pub fn per_sample(dims: impl Into<Vec<usize>>) -> Self {
        Self { batched: true, dims: dims.into() }
    }

    /// A shape without a batch, such as that of a parameter.
    pub fn fixed(dims: impl Into<Vec<usize>>) -> Self {
        Self { batched: false, dims: dims.into() }
    }

    /// The shape of a single number, `[]`.
    pub fn scalar() -> Self {
        Self::fixed([])
    }

    /// Number of axes, the batch included.
    pub fn rank(&self) -> usize {
        self.dims.len() + usize::from(self.batched)
    }

    /// Number of elements without the batch; saturates.
    pub fn elements(&self) -> usize {
        self.dims.iter().fold(1, |product: usize, dim| product.saturating_mul(*dim))
    }

    /// The sizes of all axes for a batch of `n`.
    pub fn sizes(&self, n: usize) -> Vec<usize> {
        let mut sizes = Vec::with_capacity(self.rank());
        if self.batched {
            sizes.push(n);
        }
        sizes.extend(&self.dims);
        sizes
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        if self.batched {
            f.write_str("n")?;
        }
        for (i, dim) in self.dims.iter().enumerate() {
            if i > 0 || self.batched {
                f.write_str(", ")?;
            }
            write!(f, "{dim}")?;
        }
        f.write_str("]")
    }
}

/// What the elements of a tensor are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Real numbers in the dtype of the run (f32 or f64). Masks are reals 0 and 1.
    Real,
    /// Class indices.
    Index,
}
