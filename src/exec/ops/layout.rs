//! Operations that move, repeat, join, cut or add up elements.

use candle_core::{DType, Result, Tensor};

use crate::exec::parallel::{self, rows, rows_of_cost};
use crate::exec::tensor::{Real, View, tensor};

/// [`crate::ir::Op::Expand`] to `sizes`.
pub(super) fn expand<T: Real>(x: &Tensor, sizes: &[usize], axes: &[usize]) -> Result<Tensor> {
    let view = View::<T>::new(x)?;
    let source: &[T] = &view;
    let mut strides = vec![0; sizes.len()];
    let mut stride = 1;
    for (axis, size) in axes.iter().zip(x.dims()).rev() {
        strides[*axis] = stride;
        stride *= size;
    }
    // Neighbouring axes that are all repeated, or all walked in order, are one axis.
    let mut groups: Vec<(usize, usize)> = vec![];
    for (size, stride) in sizes.iter().copied().zip(strides) {
        match groups.last_mut() {
            _ if size == 1 => {}
            Some(last) if last.1 == size * stride => *last = (last.0 * size, stride),
            Some(_) | None => groups.push((size, stride)),
        }
    }
    let (run, step) = groups.pop().unwrap_or((1, 1));
    let mut out = vec![T::default(); sizes.iter().product()];
    rows(&mut out, run, |row, out| {
        let start = offset(&groups, row);
        if step == 0 {
            out.fill(source[start]);
        } else {
            out.copy_from_slice(&source[start..start + run]);
        }
    });
    tensor(out, sizes)
}

/// [`crate::ir::Op::Sum`]; sums are taken in double precision in a fixed order.
pub(super) fn sum<T: Real, O: Real>(x: &Tensor, axes: &[usize]) -> Result<Tensor> {
    let view = View::<T>::new(x)?;
    let source: &[T] = &view;
    let kept_sizes: Vec<usize> =
        x.dims().iter().enumerate().filter(|(i, _)| !axes.contains(i)).map(|(_, d)| *d).collect();
    let mut groups: Vec<(usize, bool)> = vec![];
    for (axis, size) in x.dims().iter().enumerate() {
        let summed = axes.contains(&axis);
        match groups.last_mut() {
            _ if *size == 1 => {}
            Some(last) if last.1 == summed => last.0 *= size,
            Some(_) | None => groups.push((*size, summed)),
        }
    }
    let (mut kept, mut summed, mut stride) = (vec![], vec![], 1);
    for (size, is_summed) in groups.iter().rev() {
        let list = if *is_summed { &mut summed } else { &mut kept };
        list.push((*size, stride));
        stride *= size;
    }
    kept.reverse();
    summed.reverse();
    let mut out = vec![O::default(); kept_sizes.iter().product()];
    if groups.last().is_some_and(|last| last.1) {
        let (inner, _) = summed.pop().unwrap_or((1, 1));
        let offsets = offsets(&summed);
        rows_of_cost(&mut out, 1, inner * offsets.len(), |row, out| {
            let start = offset(&kept, row);
            let total: f64 =
                offsets.iter().map(|at| parallel::sum(&source[start + at..][..inner])).sum();
            out[0] = O::real(total);
        });
    } else {
        /// Kept elements whose sums one task holds at a time.
        const BLOCK: usize = 256;
        let (inner, _) = kept.pop().unwrap_or((1, 1));
        let offsets = offsets(&summed);
        let block = if inner % BLOCK == 0 { BLOCK } else { inner };
        let blocks = inner / block.max(1);
        rows_of_cost(&mut out, block, block * offsets.len(), |row, out| {
            let start = offset(&kept, row / blocks) + row % blocks * block;
            let mut totals = vec![0.0; block];
            for at in &offsets {
                for (total, x) in totals.iter_mut().zip(&source[start + at..]) {
                    *total += x.double();
                }
            }
            for (out, total) in out.iter_mut().zip(totals) {
                *out = O::real(total);
            }
        });
    }
    tensor(out, &kept_sizes)
}

/// [`crate::ir::Op::SumSquares`], in double precision also where the elements are not; a number that is one already counts too.
pub(super) fn sum_squares(x: &Tensor) -> Result<f64> {
    fn of<T: Real>(x: &Tensor) -> Result<f64> {
        let view = View::<T>::new(x)?;
        Ok(parallel::sum_by(&view, &view, |x, y| x * y))
    }
    if x.dtype() == DType::F32 { of::<f32>(x) } else { of::<f64>(x) }
}

/// [`crate::ir::Op::Concat`].
pub(super) fn concat<T: Real>(parts: &[&Tensor], axis: usize, sizes: &[usize]) -> Result<Tensor> {
    let views = parts.iter().map(|part| View::<T>::new(part)).collect::<Result<Vec<_>>>()?;
    let outer: usize = sizes[..axis].iter().product();
    let lens: Vec<usize> = parts.iter().map(|part| part.dims()[axis..].iter().product()).collect();
    let mut out = Vec::with_capacity(sizes.iter().product());
    for row in 0..outer {
        for (view, len) in views.iter().zip(&lens) {
            out.extend_from_slice(&view[row * len..][..*len]);
        }
    }
    tensor(out, sizes)
}

/// [`crate::ir::Op::Slice`].
pub(super) fn slice<T: Real>(x: &Tensor, axis: usize, start: usize, len: usize) -> Result<Tensor> {
    let view = View::<T>::new(x)?;
    let source: &[T] = &view;
    let mut sizes = x.dims().to_vec();
    let inner: usize = sizes[axis + 1..].iter().product();
    let full = sizes[axis] * inner;
    sizes[axis] = len;
    let mut out = vec![T::default(); sizes.iter().product()];
    rows(&mut out, len * inner, |row, out| {
        out.copy_from_slice(&source[row * full + start * inner..][..len * inner]);
    });
    tensor(out, &sizes)
}

/// [`crate::ir::GradOp::Slice`].
pub(super) fn unslice<T: Real>(
    x: &Tensor,
    axis: usize,
    start: usize,
    full: usize,
) -> Result<Tensor> {
    let view = View::<T>::new(x)?;
    let source: &[T] = &view;
    let mut sizes = x.dims().to_vec();
    let inner: usize = sizes[axis + 1..].iter().product();
    let len = sizes[axis] * inner;
    sizes[axis] = full;
    let mut out = vec![T::default(); sizes.iter().product()];
    rows(&mut out, full * inner, |row, out| {
        out[start * inner..][..len].copy_from_slice(&source[row * len..][..len]);
    });
    tensor(out, &sizes)
}

/// Where row `row` of the outer axes starts; each axis is a size and a stride.
fn offset(groups: &[(usize, usize)], mut row: usize) -> usize {
    let mut offset = 0;
    for (size, stride) in groups.iter().rev() {
        offset += row % size * stride;
        row /= size;
    }
    offset
}

/// The starts of all rows in order.
fn offsets(groups: &[(usize, usize)]) -> Vec<usize> {
    let count: usize = groups.iter().map(|(size, _)| size).product();
    (0..count).map(|row| offset(groups, row)).collect()
}
