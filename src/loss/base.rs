//! The built-in base losses, per sample, written in the same formulas that a `.net` file uses.

use super::formula::{Formula, Term};
use crate::ir::NodeId;
use crate::model::Base;

/// **What** the base loss at the logits a of `formula`, `[n]`; p = softmax(a).
///
/// **Formula**
/// `cross_entropy` −log p_y (4) · `truncated` −log max(p_y, k) (12) · `mse` Σ (p_i − [i = y])² ·
/// `hinge` max(0, 1 − margin) · `focal` −(1 − p_y)^γ log p_y ·
/// `sparsemax` −a_y + ½ Σ max(a − τ, 0)(a + τ) + ½ with a shifted by its row maximum.
/// **Gradient** finite wherever the logits are; at kinks: `truncated` counts p_y = k as above k,
/// `hinge` is flat at margin 1 and takes the first maximum among ties.
/// **Source** paper §2, Martins and Astudillo 2016 (sparsemax).
pub(super) fn attach(mut f: Formula<'_, '_>, base: &Base) -> NodeId {
    let loss = match base {
        Base::CrossEntropy => {
            let log = log_label(&mut f);
            f.neg(log)
        }
        Base::Truncated { k } => {
            let p = label_probability(&mut f);
            let floor = f.max(p, Term::Number(*k));
            let log = f.log(floor);
            f.neg(log)
        }
        Base::Mse => {
            let p = f.softmax(f.logits());
            let target = f.one_hot();
            let difference = f.sub(p, target);
            let square = f.pow(difference, Term::Number(2.0));
            f.sum_classes(square)
        }
        Base::Hinge => {
            let margin = f.margin_of(f.logits());
            let slack = f.sub(Term::Number(1.0), margin);
            f.relu(slack)
        }
        Base::Sparsemax => sparsemax(&mut f),
        Base::Focal { gamma } => {
            let p = label_probability(&mut f);
            let rest = f.sub(Term::Number(1.0), p);
            let weight = f.pow(rest, Term::Number(*gamma));
            let log = f.log(p);
            let product = f.mul(weight, log);
            f.neg(product)
        }
        Base::Custom(_) => Term::Number(0.0), // Translated by `custom`.
    };
    f.per_sample(loss)
}

fn label_probability(f: &mut Formula<'_, '_>) -> Term {
    let p = f.softmax(f.logits());
    f.at_label(p)
}

fn log_label(f: &mut Formula<'_, '_>) -> Term {
    let log = f.log_softmax(f.logits());
    f.at_label(log)
}

/// The loss does not change when all logits move together; around their maximum nothing large cancels.
fn sparsemax(f: &mut Formula<'_, '_>) -> Term {
    let logits = f.logits();
    let top = f.max_classes(logits);
    let top = f.stop_gradient(top);
    let a = f.sub(logits, top);
    let threshold = f.sparsemax_threshold(a);
    let above = f.sub(a, threshold);
    let above = f.relu(above);
    let sum = f.add(a, threshold);
    let product = f.mul(above, sum);
    let total = f.sum_classes(product);
    let half = f.mul(Term::Number(0.5), total);
    let label = f.at_label(a);
    let difference = f.sub(half, label);
    f.add(difference, Term::Number(0.5))
}
