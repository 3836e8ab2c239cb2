//! The driver of the stage: a graph becomes [`Checked`].

use super::blame::{Conflict, Question, conflict};
use super::cost::{Cost, costs};
use super::edit::{Edit, apply, is_smooth, suggest};
use super::layerwise::{Failure, ancestors, failures};
use super::numeric::{Claim, Interpreter, Point, Witness, refute};
use super::rules::Judgement;
use super::size::{IN_TRAINING, normalizer, not_invariant};
use super::{Mode, Normalizer, Number, Scaling, assertion};
use crate::diag::{Code, Diagnostic, Diagnostics, Severity};
use crate::ir::{Graph, LayerId, NodeId, Op, Shape};
use crate::model::{Form, Permission, Spec};

/// How a graph is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Which statistics a batch norm uses in the verdict.
    pub mode: Mode,
    /// Size of one number in bytes, for the memory of the costs.
    pub bytes: u64,
    /// Operations that numeric witnesses may cost; nets above go without.
    pub budget: u64,
}

impl From<Mode> for Options {
    fn from(mode: Mode) -> Self {
        Self { mode, ..Self::default() }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self { mode: Mode::Train, bytes: 4, budget: 100_000_000 }
    }
}

/// What is known about one layer.
#[derive(Clone, Debug)]
pub struct LayerFacts {
    /// The layer.
    pub id: LayerId,
    /// The node that holds its result.
    pub output: NodeId,
    /// The shape of its result.
    pub shape: Shape,
    /// What it costs.
    pub cost: Cost,
    /// The degree of the logits in the layer's own parameters; outer `None` without parameters.
    pub own: Option<Option<Number>>,
    /// The degree of its result when all parameters are scaled together.
    pub joint: Option<Number>,
}

/// How far a norm with eps > 0 is from its limit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EpsBound {
    /// The largest eps of the net.
    pub eps: f64,
}

impl EpsBound {
    /// The largest degree that a norm leaves of an input of degree `degree` with variance `variance`, in place of 0:
    /// d ln(s u / √(s² v + eps)) / d ln s = eps / (v + eps) at s = 1.
    pub fn degree(self, degree: f64, variance: f64) -> f64 {
        degree.abs() * self.eps / (variance + self.eps)
    }
}

/// A graph with everything known about it; made by [`run`] only.
#[derive(Clone, Debug)]
pub struct Checked {
    graph: Graph,
    logits: NodeId,
    options: Options,
    layers: Vec<LayerFacts>,
    total: Cost,
    failures: Vec<Failure>,
    exact: Scaling,
    limit: Scaling,
    training: Option<Scaling>,
    normalizer: Option<Normalizer>,
    eps: Option<EpsBound>,
    joint_witness: Option<Witness>,
    input_witness: Option<Witness>,
}

impl Checked {
    /// The graph.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The graph, taken out for the stages that grow it.
    pub fn into_graph(self) -> Graph {
        self.graph
    }

    /// The node of the logits.
    pub fn logits(&self) -> NodeId {
        self.logits
    }

    /// How it was checked.
    pub fn options(&self) -> Options {
        self.options
    }

    /// The layers in the order of the net.
    pub fn layers(&self) -> &[LayerFacts] {
        &self.layers
    }

    /// Costs of the whole net.
    pub fn total(&self) -> Cost {
        self.total
    }

    /// Layers that break degree one.
    pub fn failures(&self) -> &[Failure] {
        &self.failures
    }

    /// The scaling facts of the net as it is.
    pub fn exact(&self) -> &Scaling {
        &self.exact
    }

    /// The scaling facts in the limit eps → 0 of all norms.
    pub fn limit(&self) -> &Scaling {
        &self.limit
    }

    /// The scaling facts that R is derived from: batch statistics, eps → 0.
    pub fn training(&self) -> &Scaling {
        self.training.as_ref().unwrap_or(&self.limit)
    }

    /// The norms that make up the R of the loss; `None` where the loss uses none.
    pub fn normalizer(&self) -> Option<&Normalizer> {
        self.normalizer.as_ref()
    }

    /// How far exact and limit may be apart; `None` where no norm has an eps.
    pub fn eps_bound(&self) -> Option<EpsBound> {
        self.eps
    }

    /// A counter-example to any joint degree; `None` where there is a degree or the net is too large to evaluate.
    pub fn joint_witness(&self) -> Option<&Witness> {
        self.joint_witness.as_ref()
    }

    /// A counter-example to any degree in the input, under the same terms.
    pub fn input_witness(&self) -> Option<&Witness> {
        self.input_witness.as_ref()
    }

    /// Why the answer to a question is no: the conflict and verified suggestions. `None` where it is yes.
    pub fn blame(&self, question: Question) -> Option<(Conflict, Vec<(Edit, String)>)> {
        let found = conflict(&self.graph, &self.exact, question)?;
        let judgement = self.exact.judgement;
        let holds = |graph: &Graph| {
            graph.output("logits").is_some_and(|logits| {
                let scaling = Scaling::of(graph, logits, judgement);
                conflict(graph, &scaling, question).is_none()
            })
        };
        let edits = match question {
            // Edits renumber layers and tensors only where they drop some; these questions name none.
            Question::Joint | Question::WeightsOne | Question::Input | Question::Scale => {
                suggest(&self.graph, &self.exact, &found, &holds)
            }
            Question::Layer(_) | Question::Tensor(_) => vec![],
        };
        Some((found, edits))
    }
}

/// Checks a graph against its spec. The graph ends in the output `logits`.
///
/// Returns the checked graph unless an error was found, and all diagnostics.
pub fn run(
    graph: Graph,
    spec: &Spec,
    options: impl Into<Options>,
) -> (Option<Checked>, Diagnostics) {
    let Some(logits) = graph.output("logits") else { return (None, vec![]) };
    let mut diagnostics = vec![];
    let mut checked = facts(graph, logits, options.into());
    let scaled = spec.loss.form != Form::Plain;
    let allowed = spec.net.allow.contains(&Permission::Nonhomogeneous);
    diagnostics.extend(degree_one(&checked, scaled, allowed));
    match normalizer(&checked.graph, &spec.loss) {
        Ok(found) => {
            if let (Some(size), Some(found)) = (spec.loss.size, &found) {
                let training = checked.training();
                let graph = &checked.graph;
                let warning = not_invariant(graph, training, &spec.loss, size, found);
                diagnostics.extend(warning);
            }
            checked.normalizer = found;
        }
        Err(errors) => diagnostics.extend(errors),
    }
    if scaled && !allowed && diagnostics.is_empty() {
        diagnostics.extend(no_degree(&checked, spec));
    }
    diagnostics.extend(assertion::check(&checked, &spec.asserts));
    let failed = diagnostics.iter().any(|d| d.severity() == Severity::Error);
    ((!failed).then_some(checked), diagnostics)
}

/// The facts of a graph that ends in `logits`, without judging them.
pub fn facts(graph: Graph, logits: NodeId, options: Options) -> Checked {
    let exact = Scaling::of(&graph, logits, Judgement { mode: options.mode, limit: false });
    let limit = Scaling::of(&graph, logits, Judgement { mode: options.mode, limit: true });
    let training =
        (limit.judgement != IN_TRAINING).then(|| Scaling::of(&graph, logits, IN_TRAINING));
    let live = ancestors(&graph, logits);
    let (per_layer, total) = costs(&graph, &live, options.bytes);
    let joint = exact.joint_of_nodes(&graph);
    let mut layers: Vec<LayerFacts> = vec![];
    for id in &live {
        let Some(layer) = graph[*id].layer else { continue };
        if graph.inputs(*id).is_empty() || !graph[*id].shape.batched {
            continue;
        }
        let facts = LayerFacts {
            id: layer,
            output: *id,
            shape: graph[*id].shape.clone(),
            cost: per_layer[layer.0 as usize],
            own: exact.layer(layer).cloned(),
            joint: joint[id.0 as usize].clone(),
        };
        match layers.iter_mut().find(|known| known.id == layer) {
            Some(known) => *known = facts,
            None => layers.push(facts),
        }
    }
    let eps = live
        .iter()
        .filter_map(|id| {
            if let Op::BatchNorm { eps, .. }
            | Op::Normalize { eps, .. }
            | Op::NormalizeRunning { eps } = &graph[*id].op
            {
                Some(*eps)
            } else {
                None
            }
        })
        .fold(0.0_f64, f64::max);
    let failures = failures(&graph, logits, exact.judgement);
    let witness = |input: bool| {
        let claim = Claim {
            name: String::new(),
            exponents: vec![f64::from(u8::from(!input)); graph.params.len()],
            input: f64::from(u8::from(input)),
            degree: None,
        };
        witness(&graph, logits, &exact, &total, &claim, options)
    };
    let joint_witness = if exact.joint.is_none() { witness(false) } else { None };
    let input_witness = if exact.input.is_none() { witness(true) } else { None };
    Checked {
        eps: (eps > 0.0).then_some(EpsBound { eps }),
        graph,
        logits,
        options,
        layers,
        total,
        failures,
        exact,
        limit,
        training,
        normalizer: None,
        joint_witness,
        input_witness,
    }
}

/// Samples per batch of a witness: a few where a batch norm needs company.
pub const WITNESS_SAMPLES: usize = 4;

/// Seed of the drawn parameters and inputs.
pub const WITNESS_SEED: u64 = 1;

fn witness(
    graph: &Graph,
    logits: NodeId,
    scaling: &Scaling,
    total: &Cost,
    claim: &Claim,
    options: Options,
) -> Option<Witness> {
    let evaluations = super::numeric::FACTORS.len() + 1;
    if !Point::affordable(total, WITNESS_SAMPLES, evaluations, options.budget) {
        return None;
    }
    let point = Point::draw(graph, logits, WITNESS_SAMPLES, WITNESS_SEED);
    refute(&Interpreter::new(graph, logits, scaling.judgement), &point, claim)
}

fn degree_one(checked: &Checked, scaled: bool, allowed: bool) -> Diagnostics {
    if allowed || checked.failures.is_empty() {
        return vec![];
    }
    let mut found: Diagnostics = vec![];
    if !scaled {
        let count = checked.failures.len();
        let title = match count {
            1 => format!("`{}` breaks degree one", checked.failures[0].name),
            _ => format!("{count} layers break degree one"),
        };
        let mut warning = Diagnostic::new(Code::W0401, title);
        for failure in checked.failures.iter().take(8) {
            warning = warning.label(failure.origin, failure.reason.clone());
        }
        return vec![
            warning.note("the logits are not positively homogeneous in the parameters (8)"),
        ];
    }
    for failure in &checked.failures {
        let title = format!("`{}` breaks degree one", failure.name);
        let mut error = Diagnostic::new(Code::E0401, title)
            .label(failure.origin, failure.reason.clone())
            .expected("each layer of degree one in its parameters or its input (8)");
        if found.is_empty()
            && let Some(witness) = &checked.joint_witness
        {
            error = error.note(tell_witness(witness, "all parameters"));
        }
        for text in remedies(checked, failure) {
            error = error.help(text);
        }
        found.push(error.help("or accept it: `allow=[nonhomogeneous]` in the head of the net"));
    }
    found
}

/// Edits after which a layer no longer breaks degree one.
fn remedies(checked: &Checked, failure: &Failure) -> Vec<String> {
    let graph = &checked.graph;
    let mut edits = vec![];
    for id in &failure.nodes {
        let op = &graph[*id].op;
        if is_smooth(op) {
            let alone = Edit::ToRelu([*id].into());
            edits.push((alone, format!("replace {} by `relu`", super::layerwise::word(op))));
        } else if *op == Op::Softmax {
            edits.push((Edit::Remove(*id), "leave out this `softmax`".to_owned()));
        }
    }
    let judgement = checked.exact.judgement;
    edits.retain(|(edit, _)| {
        apply(graph, edit).is_some_and(|edited| {
            edited.output("logits").is_some_and(|logits| {
                let rest = failures(&edited, logits, judgement);
                rest.iter().all(|other| other.name != failure.name)
            })
        })
    });
    edits.into_iter().map(|(_, text)| text).collect()
}

/// A warning where neither the net as it is nor its limit has quasi-homogeneous exponents.
fn no_degree(checked: &Checked, spec: &Spec) -> Option<Diagnostic> {
    let exponents =
        [&checked.exact, &checked.limit, checked.training()].map(|s| s.weights_one.is_some());
    if exponents.contains(&true) || checked.exact.joint.is_some() {
        return None;
    }
    let (conflict, edits) = checked.blame(Question::WeightsOne)?;
    let title = "the logits have no degree in the weights";
    let mut warning =
        conflict.tell(&checked.graph, &checked.exact, Diagnostic::new(Code::W0403, title));
    warning = warning.label(spec.loss.span, "this loss divides by a size of the weights");
    if let Some(witness) = &checked.joint_witness {
        warning = warning.note(tell_witness(witness, "all parameters"));
    }
    for (_, text) in edits {
        warning = warning.help(text);
    }
    Some(warning)
}

/// A witness in one line.
pub fn tell_witness(witness: &Witness, what: &str) -> String {
    let numbers = |z: &[f64]| {
        let shown: Vec<_> = z.iter().take(4).map(|x| format!("{x:.4}")).collect();
        let dots = if z.len() > 4 { ", …" } else { "" };
        format!("[{}{dots}]", shown.join(", "))
    };
    format!(
        "witness: {what} times {} turn the logits {} of a sample into {}",
        witness.c,
        numbers(&witness.before),
        numbers(&witness.after)
    )
}
