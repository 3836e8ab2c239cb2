//! Initial values of parameters and buffers from a seed.
//!
//! Parameter `i` of the tables reads [`Stream::Init`]`(i)` from draw 0 on, its elements in row-major order:
//! uniform takes two words per element; normal takes four words for two elements; truncated normal the same, skipping
//! values beyond two deviations; orthogonal draws a normal matrix first. Values are drawn in double precision and
//! rounded once, so that runs in both precisions start from the same numbers.

use crate::ir::{Buffer, Init, Param};
use crate::kernels::philox::{Draws, Philox, Stream};
use crate::lower::{DType, HostTensor, State, StateEntry};

/// Parameters and buffers at the start of a run; scales of the loss and R(θ₀) hold 1 until they are known.
pub fn init(params: &[Param], buffers: &[Buffer], seed: u64, dtype: DType) -> State {
    let params = params.iter().enumerate().map(|(idx, param)| {
        let draws = Philox::new(seed, Stream::Init(idx as u32)).draws(0, 0);
        let values = values(param, draws);
        entry(&param.name, &param.shape.dims, values, dtype)
    });
    let buffers = buffers.iter().map(|buffer| {
        let values = vec![buffer.initial; buffer.shape.elements()];
        entry(&buffer.name, &buffer.shape.dims, values, dtype)
    });
    State { params: params.collect(), buffers: buffers.collect() }
}

/// A tensor of the state with values rounded to `dtype`.
pub(super) fn entry(name: &str, shape: &[usize], values: Vec<f64>, dtype: DType) -> StateEntry {
    let values = match dtype {
        DType::F32 => HostTensor::F32(values.into_iter().map(|v| v as f32).collect()),
        DType::F64 => HostTensor::F64(values),
    };
    StateEntry { name: name.to_owned(), shape: shape.to_vec(), values }
}

fn values(param: &Param, mut draws: Draws) -> Vec<f64> {
    let len = param.shape.elements();
    match param.init {
        Init::Constant(value) => vec![value; len],
        Init::Scale => vec![1.0; len],
        Init::Uniform { bound } => {
            (0..len).map(|_| (2.0 * draws.uniform_f64() - 1.0) * bound).collect()
        }
        Init::Normal { deviation } => {
            Normals::new(draws).take(len).map(|v| v * deviation).collect()
        }
        Init::TruncatedNormal { deviation } => {
            let inside = Normals::new(draws).filter(|v| v.abs() <= 2.0);
            inside.take(len).map(|v| v * deviation).collect()
        }
        Init::Orthogonal { gain } => {
            let rows = param.shape.dims.first().copied().unwrap_or(1);
            let columns = len / rows.max(1);
            let normals: Vec<f64> = Normals::new(draws).take(len).collect();
            orthogonal(rows, columns, &normals).into_iter().map(|v| v * gain).collect()
        }
    }
}

/// Standard normal numbers one by one.
struct Normals {
    draws: Draws,
    spare: Option<f64>,
}

impl Normals {
    fn new(draws: Draws) -> Self {
        Self { draws, spare: None }
    }
}

impl Iterator for Normals {
    type Item = f64;

    fn next(&mut self) -> Option<f64> {
        if let Some(spare) = self.spare.take() {
            return Some(spare);
        }
        let [first, second] = self.draws.normal_pair();
        self.spare = Some(second);
        Some(first)
    }
}

/// Q of the QR decomposition of a `rows` × `columns` matrix with R's diagonal positive, by Householder reflections; of
/// its transpose where it is wider than tall.
fn orthogonal(rows: usize, columns: usize, matrix: &[f64]) -> Vec<f64> {
    let (tall, narrow) = (rows.max(columns), rows.min(columns));
    // Columns of the tall matrix, one after the other.
    let mut factors: Vec<Vec<f64>> = (0..narrow)
        .map(|j| {
            (0..tall)
                .map(|i| {
                    if rows >= columns { matrix[i * columns + j] } else { matrix[j * columns + i] }
                })
                .collect()
        })
        .collect();
    let mut signs = Vec::with_capacity(narrow);
    for k in 0..narrow {
        let (done, rest) = factors.split_at_mut(k + 1);
        let reflector = &mut done[k][k..];
        let norm = libm::sqrt(reflector.iter().map(|v| v * v).sum());
        let sign = if reflector[0] < 0.0 { -1.0 } else { 1.0 };
        signs.push(-sign);
        reflector[0] += sign * norm;
        let length = libm::sqrt(reflector.iter().map(|v| v * v).sum());
        if length > 0.0 {
            for v in reflector.iter_mut() {
                *v /= length;
            }
        }
        for column in rest {
            reflect(reflector, &mut column[k..]);
        }
    }
    // Q e_j, with signs that make R's diagonal positive.
    let mut out = vec![0.0; rows * columns];
    for j in 0..narrow {
        let mut column = vec![0.0; tall];
        column[j] = signs[j];
        for k in (0..narrow).rev() {
            reflect(&factors[k][k..], &mut column[k..]);
        }
        for (i, value) in column.into_iter().enumerate() {
            out[if rows >= columns { i * columns + j } else { j * columns + i }] = value;
        }
    }
    out
}

/// x − 2 v (vᵀ x) for a unit vector v.
fn reflect(v: &[f64], x: &mut [f64]) {
    let twice = 2.0 * v.iter().zip(x.iter()).map(|(v, x)| v * x).sum::<f64>();
    x.iter_mut().zip(v).for_each(|(x, v)| *x -= twice * v);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::{FileId, Span};
    use crate::ir::{ParamRole, Shape};
    use crate::kernels::Tolerance;

    fn param(shape: &[usize], init: Init) -> Param {
        Param {
            name: "w".to_owned(),
            shape: Shape::fixed(shape),
            role: ParamRole::Weight,
            init,
            layer: None,
            origin: Span::new(FileId(0), 0, 0),
        }
    }

    fn draw(shape: &[usize], how: Init) -> Vec<f64> {
        let state = init(&[param(shape, how)], &[], 3, DType::F64);
        let HostTensor::F64(values) = state.params[0].values.clone() else { panic!("f64 asked") };
        values
    }

    #[test]
    fn uniform_values_fill_the_bounds() {
        let values = draw(&[100, 50], Init::Uniform { bound: 0.5 });
        let largest = values.iter().fold(0.0_f64, |a, b| a.max(b.abs()));
        assert!(largest <= 0.5 && largest > 0.499);
        assert!((values.iter().sum::<f64>() / 5000.0).abs() < 0.02);
    }

    #[test]
    fn truncated_values_stay_within_two_deviations() {
        let values = draw(&[100, 50], Init::TruncatedNormal { deviation: 0.1 });
        assert!(values.iter().all(|v| v.abs() <= 0.2));
        let deviation = (values.iter().map(|v| v * v).sum::<f64>() / 5000.0).sqrt();
        assert!((deviation - 0.0880).abs() < 0.003, "{deviation}");
    }

    #[test]
    fn orthogonal_rows_or_columns_have_unit_products() {
        for (rows, columns) in [(5, 12), (12, 5), (6, 6)] {
            let values = draw(&[rows, columns], Init::Orthogonal { gain: 2.0 });
            let (count, long) = (rows.min(columns), rows.max(columns));
            let at = |vector: usize, i: usize| {
                if rows <= columns {
                    values[vector * columns + i]
                } else {
                    values[i * columns + vector]
                }
            };
            for a in 0..count {
                for b in 0..count {
                    let product: f64 = (0..long).map(|i| at(a, i) * at(b, i)).sum();
                    let expected = if a == b { 4.0 } else { 0.0 };
                    assert!(
                        Tolerance::DoubleSum.holds(product, expected, 1.0),
                        "{rows}x{columns} {a} {b} {product}"
                    );
                }
            }
        }
    }

    #[test]
    fn both_precisions_start_from_the_same_numbers() {
        let params = [param(&[7, 3], Init::Normal { deviation: 1.0 })];
        let wide = init(&params, &[], 9, DType::F64);
        let narrow = init(&params, &[], 9, DType::F32);
        let (HostTensor::F64(wide), HostTensor::F32(narrow)) =
            (&wide.params[0].values, &narrow.params[0].values)
        else {
            panic!("dtypes as asked");
        };
        assert!(wide.iter().zip(narrow).all(|(a, b)| (*a as f32).to_bits() == b.to_bits()));
    }
}
