//! Bounds on a spec, checked before any work that they bound.

/// Largest text of one file in bytes: 1 MiB, far above any spec written by hand.
pub const MAX_BYTES: usize = 1 << 20;

/// Deepest nesting of brackets and `else if`, so that every later stage may recurse.
pub const MAX_DEPTH: usize = 64;

/// Deepest expression tree, counted in operators, calls and lists from a leaf to the root.
///
/// A sum of n terms is a tree n − 1 deep. Stages that walk expressions recurse this deep at most.
pub const MAX_EXPRESSION_DEPTH: usize = 256;

/// Syntax errors reported for one text; more would hide the first ones.
pub const MAX_ERRORS: usize = 100;
