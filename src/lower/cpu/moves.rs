//! Operations that only move or sum elements, as tables of vectors.
//!
//! In lane layout element (channel, pixel) of a tensor with C channels is vector `pixel · C + channel`; other axes follow
//! in row-major order. Every table is made here, once, from shapes.

use super::kernels::VectorRun;
use crate::ir::Shape;

/// The vector of an element.
fn vector([channels, pixels]: [usize; 2], element: usize) -> usize {
    element % pixels * channels + element / pixels
}

/// The same elements in another layout.
pub(super) fn reshape(from: [usize; 2], to: [usize; 2]) -> Vec<VectorRun> {
    let n = to[0] * to[1];
    vectors(n, |element| vector(to, element), |element| Some((0, vector(from, element))))
}

/// Sources by element of the result, gathered to runs.
fn vectors(
    n: usize,
    target: impl Fn(usize) -> usize,
    source: impl Fn(usize) -> Option<(usize, usize)>,
) -> Vec<VectorRun> {
    let mut by_target = vec![None; n];
    for element in 0..n {
        by_target[target(element)] = source(element);
    }
    let mut runs: Vec<VectorRun> = vec![];
    for (to, source) in by_target.into_iter().enumerate() {
        let Some((input, from)) = source else { continue };
        match runs.last_mut() {
            Some(run)
                if run.input == input && run.to + run.len == to && run.from + run.len == from =>
            {
                run.len += 1;
            }
            Some(_) | None => runs.push(VectorRun { to, input, from, len: 1 }),
        }
    }
    runs
}

/// Index along each axis of an element.
fn position(dims: &[usize], mut element: usize) -> Vec<usize> {
    let mut at = vec![0; dims.len()];
    for (at, dim) in at.iter_mut().zip(dims).rev() {
        *at = element % dim;
        element /= dim;
    }
    at
}

fn element(dims: &[usize], at: &[usize]) -> usize {
    dims.iter().zip(at).fold(0, |sum, (dim, at)| sum * dim + at)
}

/// Broadcast of a per-sample tensor; `axes` count the batch.
pub(super) fn expand(
    from: &Shape,
    from_layout: [usize; 2],
    to: &Shape,
    to_layout: [usize; 2],
    axes: &[usize],
) -> Vec<VectorRun> {
    let inner: Vec<usize> = axes.iter().filter(|axis| **axis > 0).map(|axis| axis - 1).collect();
    vectors(
        to.elements(),
        |e| vector(to_layout, e),
        |e| {
            let at = position(&to.dims, e);
            let source: Vec<usize> = inner.iter().map(|axis| at[*axis]).collect();
            Some((0, vector(from_layout, element(&from.dims, &source))))
        },
    )
}

/// Broadcast of a fixed tensor: for each element of the result its source.
pub(super) fn expand_elements(from: &[usize], to: &[usize], axes: &[usize]) -> Vec<u32> {
    (0..to.iter().product())
        .map(|e| {
            let at = position(to, e);
            let source: Vec<usize> = axes.iter().map(|axis| at[*axis]).collect();
            element(from, &source) as u32
        })
        .collect()
}

/// For each vector (element, for a fixed tensor) of the operand, the one of the result it is added to.
pub(super) fn sum_targets(
    dims: &[usize],
    axes: &[usize],
    from_layout: [usize; 2],
    to_layout: [usize; 2],
) -> Vec<u32> {
    let kept: Vec<usize> = (0..dims.len()).filter(|axis| !axes.contains(axis)).collect();
    let to_dims: Vec<usize> = kept.iter().map(|axis| dims[*axis]).collect();
    let n = dims.iter().product();
    let mut targets = vec![0; n];
    for e in 0..n {
        let at = position(dims, e);
        let to: Vec<usize> = kept.iter().map(|axis| at[*axis]).collect();
        targets[vector(from_layout, e)] = vector(to_layout, element(&to_dims, &to)) as u32;
    }
    targets
}

/// Parts joined along `axis`, the batch counted.
pub(super) fn concat(
    parts: &[(Shape, [usize; 2])],
    to: &Shape,
    to_layout: [usize; 2],
    axis: usize,
) -> Vec<VectorRun> {
    let dim = axis - usize::from(to.batched);
    let source = |e: usize| {
        let mut at = position(&to.dims, e);
        for (input, (shape, layout)) in parts.iter().enumerate() {
            if at[dim] < shape.dims[dim] {
                return Some((input, vector(*layout, element(&shape.dims, &at))));
            }
            at[dim] -= shape.dims[dim];
        }
        None
    };
    vectors(to.elements(), |e| vector(to_layout, e), source)
}

/// The part from `start` on of an axis.
pub(super) fn slice(
    from: &Shape,
    from_layout: [usize; 2],
    to: &Shape,
    to_layout: [usize; 2],
    axis: usize,
    start: usize,
) -> Vec<VectorRun> {
    let dim = axis - usize::from(to.batched);
    let source = |e: usize| {
        let mut at = position(&to.dims, e);
        at[dim] += start;
        Some((0, vector(from_layout, element(&from.dims, &at))))
    };
    vectors(to.elements(), |e| vector(to_layout, e), source)
}

/// The operand at `start` of an axis, zero elsewhere.
pub(super) fn unslice(
    from: &Shape,
    from_layout: [usize; 2],
    to: &Shape,
    to_layout: [usize; 2],
    axis: usize,
    start: usize,
) -> Vec<VectorRun> {
    let dim = axis - usize::from(to.batched);
    let source = |e: usize| {
        let mut at = position(&to.dims, e);
        let inside = at[dim] >= start && at[dim] < start + from.dims[dim];
        at[dim] = at[dim].saturating_sub(start);
        inside.then(|| (0, vector(from_layout, element(&from.dims, &at))))
    };
    vectors(to.elements(), |e| vector(to_layout, e), source)
}
