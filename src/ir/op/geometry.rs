//! Geometry that operations have as attributes; printed as `stride=1 pad=0`.

use std::fmt;

/// Geometry of a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Conv {
    /// Step between windows, rows and columns.
    pub stride: [usize; 2],
    /// Zeros added on each side, rows and columns.
    pub pad: [usize; 2],
    /// Groups of channels that do not see each other.
    pub groups: usize,
}

/// Geometry of a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pool {
    /// Window, rows and columns.
    pub kernel: [usize; 2],
    /// Step between windows, rows and columns.
    pub stride: [usize; 2],
    /// Padding on each side, rows and columns.
    pub pad: [usize; 2],
}

/// Which elements share a mean and a variance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Norm {
    /// One channel over batch and picture; x is `[n, c]` or `[n, c, h, w]`.
    Batch,
    /// All elements of one sample.
    Layer,
    /// One of this many groups of channels of one sample.
    Group(usize),
}

impl Norm {
    /// The word users know a norm over these groups by.
    pub fn word(self) -> &'static str {
        match self {
            Self::Batch => "`batch_norm`",
            Self::Layer => "`layer_norm`",
            Self::Group(_) => "`group_norm`",
        }
    }
}

impl fmt::Display for Conv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "stride={} pad={}", pair(self.stride), pair(self.pad))?;
        if self.groups == 1 { Ok(()) } else { write!(f, " groups={}", self.groups) }
    }
}

impl fmt::Display for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "kernel={} stride={}", pair(self.kernel), pair(self.stride))?;
        if self.pad == [0, 0] { Ok(()) } else { write!(f, " pad={}", pair(self.pad)) }
    }
}

impl fmt::Display for Norm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Batch => f.write_str("over=batch"),
            Self::Layer => f.write_str("over=sample"),
            Self::Group(groups) => write!(f, "over=groups({groups})"),
        }
    }
}

/// One number where both are equal, else `3x5`.
pub(super) fn pair([rows, columns]: [usize; 2]) -> String {
    if rows == columns { rows.to_string() } else { format!("{rows}x{columns}") }
}
