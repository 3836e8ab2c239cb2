//! R(θ), the size of the parameters, from the norms the normaliser names.

use num_traits::ToPrimitive;

use crate::check::{Factor, FactorNorm, Normalizer};
use crate::ir::{Emit, NodeId, Op, Unary};

/// R and its logarithm, both `[]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParameterSize {
    /// R(θ) = Π ‖·‖^e.
    pub value: NodeId,
    /// Σ e log ‖·‖, which stays finite where R does not.
    pub log: NodeId,
}

/// **What** the size of the parameters, (9) generalised by the normaliser.
///
/// **Formula** R = exp(Σ e log ‖·‖): sums of logarithms, so that deep nets neither over- nor underflow on the way.
/// **Gradient** R e w / ‖w‖² per tensor, or R e u vᵀ / σ for the spectral norm.
/// **Source** paper (9).
pub fn attach_size(emit: &mut Emit<'_>, normalizer: &Normalizer) -> ParameterSize {
    let mut log = None;
    for factor in &normalizer.factors {
        let norm = log_norm(emit, factor);
        let exponent = factor.exponent.to_f64().unwrap_or(f64::NAN);
        let term = emit.times(norm, exponent);
        log = Some(log.map_or(term, |sum| emit.add(sum, term)));
    }
    let log = log.unwrap_or_else(|| emit.number(0.0));
    ParameterSize { value: emit.unary(Unary::Exp, log), log }
}

fn log_norm(emit: &mut Emit<'_>, factor: &Factor) -> NodeId {
    let mut squares = None;
    for tensor in &factor.tensors {
        let tensor = emit.param(*tensor);
        match factor.norm {
            FactorNorm::Spectral => {
                let norm = emit.op(Op::SpectralNorm, &[tensor]);
                return emit.unary(Unary::Log, norm);
            }
            FactorNorm::Frobenius => {
                let square = emit.op(Op::SumSquares, &[tensor]);
                squares = Some(squares.map_or(square, |sum| emit.add(sum, square)));
            }
        }
    }
    let squares = squares.unwrap_or_else(|| emit.number(1.0));
    let log = emit.unary(Unary::Log, squares);
    emit.times(log, 0.5)
}
