//! What gradient flow conserves under the loss of a spec.
//!
//! In: the scaling facts and the loss. Out: quantities Σ e_p ‖θ_p‖² that do not change along dθ/dt = −∇L.
//! They come from the scalings that leave what the loss sees unchanged: the logits z, or z / R where R is differentiated.

use super::symmetry::{quantity, silent};
use super::{Checked, Factor, FactorNorm, Linear, Number, Unknown};
use crate::model::{self, Divisor, Loss};

/// A quantity Σ weight · ‖tensor‖² that gradient flow conserves.
#[derive(Clone, Debug, PartialEq)]
pub struct Conserved {
    /// In words: `‖fc1.weight‖² - ‖fc2.weight‖²`.
    pub formula: String,
    /// Names of tensors and the weights of their squared Frobenius norms.
    pub terms: Vec<(String, f64)>,
}

/// The conserved quantities under `loss`, one per scaling in a basis of those that it cannot see.
///
/// Norms are judged on batch statistics in the limit eps → 0; what a net conserves as it is, is among the sums of these.
pub fn conserved(checked: &Checked, loss: &Loss) -> Vec<Conserved> {
    let (graph, scaling) = (checked.graph(), checked.training());
    let divided = match loss.form {
        model::Form::SingleScale { .. } | model::Form::TwoScale { .. } => {
            loss.divisor == Divisor::Current
        }
        model::Form::Plain | model::Form::Separation { .. } => false,
    };
    let mut seen = vec![scaling.logits.clone()];
    if let Some(normalizer) = checked.normalizer().filter(|_| divided) {
        for factor in &normalizer.factors {
            hide(factor, &mut seen);
        }
    }
    silent(graph, &scaling.system, &seen)
        .into_iter()
        .map(|exponents| Conserved {
            formula: quantity(graph, &exponents),
            terms: exponents
                .terms()
                .iter()
                .filter_map(|(unknown, value)| match unknown {
                    Unknown::Param(id) => Some((graph.param(*id).name.clone(), value.to_f64())),
                    Unknown::Given(_) => None,
                })
                .collect(),
        })
        .collect()
}

/// Takes the degree of one factor of R off that of the logits, the first form; tensors whose norm is taken together must
/// scale alike to have a degree, which are more forms that must be 0.
fn hide(factor: &Factor, seen: &mut Vec<Linear>) {
    let own = |id| Linear::unknown(Unknown::Param(id));
    let Some((first, others)) = factor.tensors.split_first() else { return };
    let exponent = match factor.norm {
        FactorNorm::Frobenius | FactorNorm::Spectral => {
            Number::new(*factor.exponent.numer(), *factor.exponent.denom())
        }
    };
    seen[0] = seen[0].plus(&exponent.neg(), &own(*first));
    seen.extend(others.iter().map(|other| own(*first).minus(&own(*other))));
}
