//! Single numbers, in double precision and by library functions that give the same bits everywhere.

use crate::ir::Hyper;
use crate::kernels::spectral::Matrix;
use crate::kernels::threads::ThreadPool;
use crate::lower::HyperValues;
use crate::lower::cpu::ScalarOp;

/// Floats whose squares one task sums; fixes the order of the sum.
const CHUNK: usize = 1 << 14;

/// Most chunks that are summed in parallel; longer tensors have longer chunks.
const MAX_CHUNKS: usize = 256;

/// The value of a scalar step.
pub(super) fn evaluate(
    op: ScalarOp,
    [a, b, c]: [f64; 3],
    fixed: &[f32],
    hyper: &HyperValues,
    n_samples: usize,
    pool: &ThreadPool,
) -> f64 {
    match op {
        ScalarOp::Const(value) => value,
        ScalarOp::Hyper(Hyper::Lr) => hyper.lr,
        ScalarOp::Hyper(Hyper::BiasCorrection { beta }) => {
            // 1 − βᵗ = −expm1(t ln β), without cancellation.
            if beta > 0.0 { -libm::expm1(hyper.step as f64 * libm::log(beta)) } else { 1.0 }
        }
        ScalarOp::Hyper(Hyper::Setting(_)) => {
            panic!("broken invariant: settings are for programs of several runs")
        }
        ScalarOp::BatchCount => n_samples as f64,
        ScalarOp::Unary(function) => function.eval(a),
        ScalarOp::Binary(function) => function.eval(a, b),
        ScalarOp::Select => {
            if a == 0.0 {
                c
            } else {
                b
            }
        }
        ScalarOp::Load => fixed.first().map_or(f64::NAN, |value| f64::from(*value)),
        ScalarOp::Sum(n) => fixed[..n].iter().map(|value| f64::from(*value)).sum(),
        ScalarOp::SumSquares(n) => sum_squares(&fixed[..n], pool),
        ScalarOp::SpectralNorm(rows, columns) => matrix(&fixed[..rows * columns], rows).largest().0,
    }
}

/// u vᵀ of the largest singular value.
pub(super) fn spectral_grad(values: &[f32], rows: usize, columns: usize, out: &mut [f32]) {
    let (_, left, right) = matrix(values, rows).largest();
    for (row, u) in out.chunks_mut(columns.max(1)).zip(&left) {
        for (out, v) in row.iter_mut().zip(&right) {
            *out = (u * v) as f32;
        }
    }
}

fn matrix(values: &[f32], rows: usize) -> Matrix {
    Matrix::new(rows, values.iter().map(|v| f64::from(*v)).collect())
}

fn sum_squares(values: &[f32], pool: &ThreadPool) -> f64 {
    let square_sum = |values: &[f32]| -> f64 {
        // Eight sums side by side, so that they run in vectors.
        let mut sums = [0.0f64; 8];
        for part in values.chunks(8) {
            for (sum, value) in sums.iter_mut().zip(part) {
                *sum += f64::from(*value) * f64::from(*value);
            }
        }
        sums.iter().sum()
    };
    let chunk = CHUNK.max(values.len().div_ceil(MAX_CHUNKS));
    if values.len() <= chunk {
        return square_sum(values);
    }
    let mut sums = [0.0f64; MAX_CHUNKS];
    let n_chunks = values.len().div_ceil(chunk);
    pool.run_chunks(&mut sums[..n_chunks], 1, |number, sum| {
        let end = ((number + 1) * chunk).min(values.len());
        sum[0] = square_sum(&values[number * chunk..end]);
    });
    sums[..n_chunks].iter().sum()
}
