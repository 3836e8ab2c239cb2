//! The size R that a loss divides by, as the loss asks for it, and what is wrong with it.

use std::collections::BTreeSet;

use super::blame::{Question, conflict};
use super::layerwise::is_norm;
use super::rules::Judgement;
use super::symmetry::invariant;
use super::{Factor, FactorNorm, Mode, NoNormalizer, Normalizer, Scaling};
use crate::diag::{Code, Diagnostic, Diagnostics, ToDiagnostic};
use crate::ir::{Graph, LayerId, NodeId, Op, ParamId, ParamRole};
use crate::model::{Loss, Size};

/// A size that a net does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SizeError {
    /// No tensor that the size is made of.
    #[error("the net has no weights to measure")]
    NoWeights,
    /// The scaling analysis finds none.
    #[error("no size R follows the logits")]
    NotDerived(NoNormalizer),
}

/// How norms are judged where R is derived: as in training, in the limit eps → 0. What is invariant there is so for eps > 0 too,
/// since eps only takes symmetries away.
pub const IN_TRAINING: Judgement = Judgement { mode: Mode::Train, limit: true };

/// The normaliser that a loss asks for; `None` where it uses no R.
///
/// # Errors
/// When the net has no such size, with the reason.
pub fn normalizer(graph: &Graph, loss: &Loss) -> Result<Option<Normalizer>, Diagnostics> {
    let Some(size) = loss.size else { return Ok(None) };
    let logits = graph.output("logits").or_else(|| graph.ids().next_back());
    let Some(logits) = logits else { return Ok(None) };
    let scaling = Scaling::of(graph, logits, IN_TRAINING);
    match of_size(graph, logits, &scaling, size) {
        Ok(normalizer) => Ok(Some(normalizer)),
        Err(error) => Err(vec![refusal(graph, &scaling, loss, &error)]),
    }
}

/// The factors of one kind of size.
pub(super) fn of_size(
    graph: &Graph,
    logits: NodeId,
    scaling: &Scaling,
    size: Size,
) -> Result<Normalizer, SizeError> {
    let single =
        |id: ParamId, norm: FactorNorm| Factor { tensors: vec![id], norm, exponent: 1.into() };
    let live = super::ancestors(graph, logits);
    let used: BTreeSet<ParamId> = live
        .iter()
        .filter_map(|id| if let Op::Param(param) = &graph[*id].op { Some(*param) } else { None })
        .collect();
    let weights = |norm: FactorNorm| {
        let weights = used.iter().filter(|id| graph.param(**id).role == ParamRole::Weight);
        weights.map(|id| single(*id, norm)).collect::<Vec<_>>()
    };
    let factors = match size {
        Size::Weights => weights(FactorNorm::Frobenius),
        Size::Spectral => weights(FactorNorm::Spectral),
        Size::Layer => layers(graph, &used),
        Size::Derived => return scaling.normalizer.clone().map_err(SizeError::NotDerived),
    };
    if factors.is_empty() { Err(SizeError::NoWeights) } else { Ok(Normalizer { factors }) }
}

/// One factor per layer that has a weight or a gain: all its tensors together.
fn layers(graph: &Graph, used: &BTreeSet<ParamId>) -> Vec<Factor> {
    let mut factors: Vec<(Option<LayerId>, Factor)> = vec![];
    for id in used {
        let param = graph.param(*id);
        let multiplies = matches!(param.role, ParamRole::Weight | ParamRole::Gain);
        let known = factors.iter_mut().find(|(layer, _)| layer.is_some() && *layer == param.layer);
        match known {
            Some((_, factor)) => factor.tensors.push(*id),
            None if multiplies => {
                let factor =
                    Factor { tensors: vec![*id], norm: FactorNorm::Frobenius, exponent: 1.into() };
                factors.push((param.layer, factor));
            }
            None => {}
        }
    }
    factors.into_iter().map(|(_, factor)| factor).collect()
}

/// The diagnostic of a loss whose R does not exist.
fn refusal(graph: &Graph, scaling: &Scaling, loss: &Loss, error: &SizeError) -> Diagnostic {
    let diagnostic = error.to_diagnostic().label(loss.span, "this loss divides the logits by R");
    match error {
        SizeError::NoWeights => diagnostic,
        SizeError::NotDerived(_) => {
            let diagnostic = match end_of_scale(graph, scaling) {
                Some(id) => {
                    let text = format!("{} forgets the scale of its input", graph[id].op.word());
                    diagnostic.label(graph[id].origin, text)
                }
                None => diagnostic,
            };
            match conflict(graph, scaling, Question::Scale) {
                Some(conflict) => conflict.tell(graph, scaling, diagnostic),
                None => diagnostic,
            }
        }
    }
}

/// The last operation before the logits, along first operands, that turns a value with a degree of its own into degree 0.
fn end_of_scale(graph: &Graph, scaling: &Scaling) -> Option<NodeId> {
    let mut id = graph.output("logits")?;
    while scaling.degrees.form(id).is_zero() {
        let before = *graph.inputs(id).first()?;
        let forgets = is_norm(&graph[id].op) || !scaling.degrees.form(before).is_zero();
        if forgets {
            return Some(id);
        }
        id = before;
    }
    None
}

impl ToDiagnostic for SizeError {
    fn to_diagnostic(&self) -> Diagnostic {
        let diagnostic = Diagnostic::new(Code::E0402, "this net has no size R");
        match self {
            Self::NoWeights => {
                diagnostic.expected("at least one weight of a `linear` or `conv` layer").help(
                    "add a layer with weights, or choose a loss without R such as `cross_entropy`",
                )
            }
            Self::NotDerived(NoNormalizer::NoScale) => diagnostic
                .expected("logits that change when the weights are scaled")
                .note("every scaling of the parameters leaves the logits unchanged or breaks them")
                .help("end the net with a `linear` layer, or choose a loss without R"),
            Self::NotDerived(NoNormalizer::ScaleOfShift) => diagnostic
                .expected("logits whose scale follows weights and gains")
                .note("the scale of the logits follows a bias or a slope alone")
                .help("end the net with a `linear` layer, or choose a loss without R"),
        }
    }
}

/// A warning where dividing by R leaves a scaling symmetry visible.
pub(super) fn not_invariant(
    graph: &Graph,
    scaling: &Scaling,
    loss: &Loss,
    size: Size,
    normalizer: &Normalizer,
) -> Option<Diagnostic> {
    let reason = invariant(graph, &scaling.system, &scaling.logits, normalizer).err()?;
    let word = match size {
        Size::Weights => "weights",
        Size::Layer => "layer",
        Size::Spectral => "spectral",
        Size::Derived => "derived",
    };
    let mut diagnostic =
        Diagnostic::new(Code::W0402, format!("logits over R with `size = {word}` keep a scale"))
            .label(loss.span, reason)
            .expected("z / R the same after every scaling that only stretches parameters");
    let free: Vec<_> = scaling.scale_free();
    let offender =
        normalizer.factors.iter().flat_map(|factor| &factor.tensors).find(|id| free.contains(id));
    if let Some(id) = offender {
        let name = &graph.param(*id).name;
        diagnostic = diagnostic
            .label(graph.param(*id).origin, format!("`{name}` is scale-free: a norm follows it"));
    }
    if scaling.normalizer.is_ok() {
        diagnostic = diagnostic.help("write `size=derived`, which follows every symmetry");
    }
    Some(diagnostic)
}

impl Normalizer {
    /// R in words: `‖fc1.weight‖ · ‖fc2.weight‖^2`.
    pub fn formula(&self, graph: &Graph) -> String {
        let factor = |factor: &Factor| {
            let names: Vec<_> =
                factor.tensors.iter().map(|id| graph.param(*id).name.as_str()).collect();
            let norm = match factor.norm {
                FactorNorm::Frobenius => format!("‖{}‖", names.join(", ")),
                FactorNorm::Spectral => format!("σ({})", names.join(", ")),
            };
            match (*factor.exponent.numer(), *factor.exponent.denom()) {
                (1, 1) => norm,
                (n, 1) => format!("{norm}^{n}"),
                (n, d) => format!("{norm}^({n}/{d})"),
            }
        };
        self.factors.iter().map(factor).collect::<Vec<_>>().join(" · ")
    }
}
