//! R(θ): which norms multiply, with which exponents.

use num_rational::Ratio;

use crate::ir::ParamId;

/// R = Π ‖tensors‖^exponent over the factors, generalising (9).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Normalizer {
    /// The factors in the order of the parameters.
    pub factors: Vec<Factor>,
}

/// One factor of R.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Factor {
    /// The tensors whose norm is taken together: one, or all of a layer.
    pub tensors: Vec<ParamId>,
    /// Which norm.
    pub norm: FactorNorm,
    /// Its power, not 0.
    pub exponent: Ratio<i64>,
}

/// Norms of a factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FactorNorm {
    /// Root of the sum of squares of all elements.
    Frobenius,
    /// Largest singular value of the tensor as out × rest; one tensor only.
    Spectral,
}
