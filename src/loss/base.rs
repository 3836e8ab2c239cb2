//! The built-in base losses, per sample, written in the same formulas that a `.net` file uses.

use super::formula::{Formula, Term};
use crate::ir::NodeId;
use crate::model::{Base, WeightedCrossEntropy};

/// **What** the base loss at the logits a of `formula`, `[n]`; p = softmax(a).
///
/// **Formula**
/// `cross_entropy` −log p_y (4) · `truncated` −log max(p_y, k) (12) · `mse` Σ (p_i − [i = y])² ·
/// `hinge` max(0, 1 − margin) · `focal` −(1 − p_y)^γ log p_y ·
/// `sparsemax` −a_y + ½ Σ max(a − τ, 0)(a + τ) + ½ with a shifted by its row maximum ·
/// weighted cross-entropy −Σ w_c q_c log p_c, q = (1 − ε)[c = y] + ε / k ·
/// `generalized_cross_entropy` (1 − p_y^q) / q · `tamed_cross_entropy` ((1 − log p_y)^(1 − α) − 1) / (1 − α) ·
/// `mellowmax` log(Σ exp(ω a) / k) / ω − a_y · `taylor_softmax` and `spherical_softmax` log(Σ t / t_y) with
/// t = ½ ((a + 1)² + 1) and t = a² + ε.
/// **Gradient** finite wherever the logits are; at kinks: `truncated` counts p_y = k as above k,
/// `hinge` is flat at margin 1 and takes the first maximum among ties.
/// **Source** paper §2, Martins and Astudillo 2016 (sparsemax), Szegedy et al. 2016 (smoothing), Zhang and Sabuncu 2018
/// (generalised), Martinez and Stiefelhagen 2018 (tamed), Asadi and Littman 2017 (mellowmax), de Brébisson and Vincent
/// 2016 (Taylor, spherical).
///
/// `weights` holds w for every sample, `[n, k]`, where the classes have weights.
pub(super) fn attach(mut f: Formula<'_, '_>, base: &Base, weights: Option<NodeId>) -> NodeId {
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
        Base::WeightedCrossEntropy(WeightedCrossEntropy { smoothing, .. }) => {
            weighted_cross_entropy(&mut f, *smoothing, weights)
        }
        Base::GeneralizedCrossEntropy { q } => {
            let p = label_probability(&mut f);
            let power = f.pow(p, Term::Number(*q));
            let rest = f.sub(Term::Number(1.0), power);
            f.div(rest, Term::Number(*q))
        }
        Base::TamedCrossEntropy { alpha } => {
            let log = log_label(&mut f);
            let above = f.sub(Term::Number(1.0), log);
            let rest = 1.0 - alpha;
            if rest == 0.0 {
                f.log(above)
            } else {
                let power = f.pow(above, Term::Number(rest));
                let difference = f.sub(power, Term::Number(1.0));
                f.div(difference, Term::Number(rest))
            }
        }
        Base::Mellowmax { omega } => {
            let sharpened = f.mul(Term::Number(*omega), f.logits());
            let log = f.log_softmax(sharpened);
            let log = f.at_label(log);
            let log = f.add(log, Term::Number(libm::log(f.classes() as f64)));
            f.div(log, Term::Number(-omega))
        }
        Base::TaylorSoftmax => {
            let ahead = f.add(f.logits(), Term::Number(1.0));
            let square = f.pow(ahead, Term::Number(2.0));
            let double = f.add(square, Term::Number(1.0));
            let t = f.mul(Term::Number(0.5), double);
            negative_log_share(&mut f, t)
        }
        Base::SphericalSoftmax { eps } => {
            let square = f.pow(f.logits(), Term::Number(2.0));
            let t = f.add(square, Term::Number(*eps));
            negative_log_share(&mut f, t)
        }
        Base::Custom(_) => Term::Number(0.0), // Translated by `custom`.
    };
    f.per_sample(loss)
}

/// −(1 − ε) w_y log p_y − ε / k Σ w_c log p_c.
fn weighted_cross_entropy(
    f: &mut Formula<'_, '_>,
    smoothing: f64,
    weights: Option<NodeId>,
) -> Term {
    let log = f.log_softmax(f.logits());
    let weighted = weights.map_or(log, |weights| f.mul(Term::Class(weights), log));
    let own = f.at_label(weighted);
    let own = f.mul(Term::Number(smoothing - 1.0), own);
    if smoothing == 0.0 {
        return own;
    }
    let all = f.sum_classes(weighted);
    let share = smoothing / f.classes() as f64;
    let all = f.mul(Term::Number(share), all);
    f.sub(own, all)
}

/// log(Σ t / t_y) of positive t.
fn negative_log_share(f: &mut Formula<'_, '_>, t: Term) -> Term {
    let total = f.sum_classes(t);
    let own = f.at_label(t);
    let (total, own) = (f.log(total), f.log(own));
    f.sub(total, own)
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
