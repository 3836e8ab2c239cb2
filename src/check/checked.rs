//! The driver of the stage: a graph becomes [`Checked`].

use std::collections::{BTreeMap, BTreeSet};

use super::blame::{Conflict, Question, conflict};
use super::cost::{Cost, costs};
use super::edit::{Edit, apply, is_smooth, suggest};
use super::layerwise::{Failure, ancestors, failures};
use super::numeric::Witness;
use super::rules::Judgement;
use super::size::{IN_TRAINING, normalizer, not_invariant};
use super::witness::{sample, tell_unmoved, tell_witness, witness};
use super::{Mode, Normalizer, Number, Scaling, Unknown, assertion};
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

    /// Why the answer to a question about the net as it is, is no: the conflict and verified suggestions. `None` where it is yes.
    pub fn blame(&self, question: Question) -> Option<(Conflict, Vec<(Edit, String)>)> {
        self.blame_in(&self.exact, question)
    }

    /// The same under another way of judging norms.
    pub fn blame_in(
        &self,
        scaling: &Scaling,
        question: Question,
    ) -> Option<(Conflict, Vec<(Edit, String)>)> {
        let found = conflict(&self.graph, scaling, question)?;
        let holds = |graph: &Graph| {
            graph.output("logits").is_some_and(|logits| {
                let Some(question) = question.moved(&self.graph, graph) else { return false };
                let scaling = Scaling::of(graph, logits, scaling.judgement);
                conflict(graph, &scaling, question).is_none()
            })
        };
        let edits = suggest(&self.graph, scaling, &found, &holds);
        Some((found, edits))
    }

    /// A counter-example to every degree that a question may ask for; `None` where the net is too large to evaluate, the
    /// question leaves exponents free, or the obstacle happens not to matter.
    pub fn witness(&self, scaling: &Scaling, question: Question) -> Option<Witness> {
        witness(&self.graph, self.logits, scaling, question, (&self.total, self.options.budget))
    }
}

/// A checked graph with what there is to say about it.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// The facts, also where an error was found.
    pub checked: Checked,
    /// Whether there is no error.
    pub sound: bool,
    /// Errors and warnings.
    pub diagnostics: Diagnostics,
}

/// Checks a graph against its spec. The graph ends in the output `logits`.
///
/// Returns the checked graph unless an error was found, and all diagnostics.
pub fn run(
    graph: Graph,
    spec: &Spec,
    options: impl Into<Options>,
) -> (Option<Checked>, Diagnostics) {
    match judge(graph, spec, options) {
        Some(Verdict { checked, sound, diagnostics }) => (sound.then_some(checked), diagnostics),
        None => (None, vec![]),
    }
}

/// The facts of a graph and what its spec makes of them; `None` where the graph has no output `logits`.
pub fn judge(graph: Graph, spec: &Spec, options: impl Into<Options>) -> Option<Verdict> {
    let logits = graph.output("logits")?;
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
        Err(errors) => diagnostics.extend(errors.into_iter().map(|e| without_size(&checked, e))),
    }
    if scaled && !allowed && diagnostics.is_empty() {
        diagnostics.extend(no_degree(&checked, spec));
    }
    diagnostics.extend(assertion::check(&checked, &spec.asserts));
    let sound = diagnostics.iter().all(|d| d.severity() != Severity::Error);
    Some(Verdict { checked, sound, diagnostics })
}

/// Adds to the refusal of R what scaling all parameters does to the logits.
fn without_size(checked: &Checked, error: Diagnostic) -> Diagnostic {
    let training = checked.training();
    let cost = (&checked.total, checked.options.budget);
    let shown = match training.joint {
        Some(_) => sample(&checked.graph, checked.logits, training, cost)
            .map(|witness| tell_unmoved(&witness)),
        None => checked
            .witness(training, Question::Joint)
            .map(|witness| tell_witness(&witness, "all parameters")),
    };
    match shown {
        Some(text) => error.note(text),
        None => error,
    }
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
    let cost = (&total, options.budget);
    let witness = |question| witness(&graph, logits, &exact, question, cost);
    let joint_witness = if exact.joint.is_none() { witness(Question::Joint) } else { None };
    let input_witness = if exact.input.is_none() { witness(Question::Input) } else { None };
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
    let fixed = fixed_by_relu(checked);
    let clashes = clashes(checked);
    for failure in &checked.failures {
        let title = format!("`{}` breaks degree one", failure.name);
        let mut error = Diagnostic::new(Code::E0401, title)
            .label(failure.origin, failure.reason.clone())
            .expected("each layer of degree one in its parameters or its input (8)");
        if let Some(conflict) = failure.nodes.iter().find_map(|node| clashes.get(node)) {
            let (graph, exact) = (&checked.graph, &checked.exact);
            let (clash, others) = conflict.lines(graph, exact);
            error =
                error.note(clash.into_iter().map(|(_, text)| text).collect::<Vec<_>>().join("; "));
            for (span, text) in others.into_iter().filter(|(span, _)| *span != failure.origin) {
                error = error.label(span, text);
            }
        }
        if found.is_empty()
            && let Some(witness) = &checked.joint_witness
        {
            error = error.note(tell_witness(witness, "all parameters"));
        }
        for text in remedies(checked, failure, &fixed) {
            error = error.help(text);
        }
        found.push(error.help("or accept it: `allow=[nonhomogeneous]` in the head of the net"));
    }
    found
}

/// The equations that break the joint degree, each a conflict of its own, by the operation that asks for it.
fn clashes(checked: &Checked) -> BTreeMap<NodeId, Conflict> {
    let all_ones = |unknown| match unknown {
        Unknown::Param(_) => Number::ONE,
        Unknown::Given(_) => Number::ZERO,
    };
    let equations = checked.exact.degrees.equations.iter().enumerate();
    equations
        .filter(|(_, equation)| !equation.form.value(all_ones).is_zero())
        .map(|(i, equation)| {
            (equation.node, Conflict { question: Question::Joint, equations: vec![i] })
        })
        .collect()
}

/// Layers that no longer break degree one once all smooth activations are `relu`. The check looks at each layer alone, so each
/// of these edits helps its own layer whether the others are made or not.
fn fixed_by_relu(checked: &Checked) -> BTreeSet<String> {
    let graph = &checked.graph;
    let nodes = checked.failures.iter().flat_map(|failure| &failure.nodes);
    let smooth = nodes.copied().filter(|id| is_smooth(&graph[*id].op)).collect();
    let broken = failing(graph, &Edit::ToRelu(smooth), checked.exact.judgement);
    let names = checked.failures.iter().map(|failure| &failure.name);
    match broken {
        Some(broken) => names.filter(|name| !broken.contains(*name)).cloned().collect(),
        None => BTreeSet::new(),
    }
}

/// The layers that break degree one after an edit.
fn failing(graph: &Graph, edit: &Edit, judgement: Judgement) -> Option<BTreeSet<String>> {
    let edited = apply(graph, edit)?;
    let logits = edited.output("logits")?;
    Some(failures(&edited, logits, judgement).into_iter().map(|failure| failure.name).collect())
}

/// Edits after which a layer no longer breaks degree one.
fn remedies(checked: &Checked, failure: &Failure, fixed: &BTreeSet<String>) -> Vec<String> {
    let graph = &checked.graph;
    let mut texts = vec![];
    for id in &failure.nodes {
        let op = &graph[*id].op;
        if is_smooth(op) && fixed.contains(&failure.name) {
            texts.push(format!("replace {} by `relu`", super::layerwise::word(op)));
        } else if *op == Op::Softmax {
            let broken = failing(graph, &Edit::Remove(*id), checked.exact.judgement);
            if broken.is_some_and(|broken| !broken.contains(&failure.name)) {
                texts.push("leave out this `softmax`".to_owned());
            }
        }
    }
    texts
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
