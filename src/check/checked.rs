//! A graph with its facts in side tables: [`Checked`].

use std::collections::BTreeMap;
use std::sync::OnceLock;

use super::blame::{Conflict, Question, conflict};
use super::cost::{Cost, costs};
use super::edit::{Edit, suggest};
use super::layerwise::{Failure, ancestors, failures};
use super::numeric::Witness;
use super::rules::Judgement;
use super::size::IN_TRAINING;
use super::witness::{inside, sample, tell_inside, tell_unmoved, tell_witness, witness};
use super::{Mode, Normalizer, Number, Scaling};
use crate::ir::{Graph, LayerId, ModalOp, NodeId, Op, Shape};

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

impl Options {
    /// Facts alone: nothing is computed to show a reader where a claim fails.
    pub fn without_witnesses() -> Self {
        Self { budget: 0, ..Self::default() }
    }
}

impl From<Mode> for Options {
    fn from(mode: Mode) -> Self {
        Self { mode, ..Self::default() }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self { mode: Mode::Train, bytes: 4, budget: 500_000_000 }
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

/// A graph with everything known about it; made by [`facts`] only.
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
    pub(super) normalizer: Option<Normalizer>,
    eps: Option<EpsBound>,
    /// Computed when asked for: training a sound spec needs none.
    joint_witness: OnceLock<Option<Witness>>,
    input_witness: OnceLock<Option<Witness>>,
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

    /// The same facts with a size R of the caller's.
    #[must_use]
    pub fn with_normalizer(self, normalizer: Option<Normalizer>) -> Self {
        Self { normalizer, ..self }
    }

    /// How far exact and limit may be apart; `None` where no norm has an eps.
    pub fn eps_bound(&self) -> Option<EpsBound> {
        self.eps
    }

    /// A counter-example to any joint degree; `None` where there is a degree or the net is too large to evaluate.
    pub fn joint_witness(&self) -> Option<&Witness> {
        let find = || match self.exact.joint {
            Some(_) => None,
            None => self.witness(&self.exact, Question::Joint),
        };
        self.joint_witness.get_or_init(find).as_ref()
    }

    /// A counter-example to any degree in the input, under the same terms.
    pub fn input_witness(&self) -> Option<&Witness> {
        let find = || match self.exact.input {
            Some(_) => None,
            None => self.witness(&self.exact, Question::Input),
        };
        self.input_witness.get_or_init(find).as_ref()
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

    /// A counter-example at one of the operations that break a degree, among `nodes` if given: where the logits are too dear
    /// to evaluate, or hide what happens many layers before them. Takes from `budget` the operations that it costs.
    pub fn witness_inside(
        &self,
        scaling: &Scaling,
        question: Question,
        nodes: Option<&[NodeId]>,
        budget: &mut u64,
    ) -> Option<(NodeId, Witness)> {
        inside(&self.graph, scaling, question, nodes, budget)
    }

    /// A counter-example in one line, at the logits or else inside the net; `what` is scaled.
    pub fn shown(&self, scaling: &Scaling, question: Question, what: &str) -> Option<String> {
        let is_joint = question == Question::Joint && std::ptr::eq(scaling, &raw const self.exact);
        let at_logits =
            if is_joint { self.joint_witness().cloned() } else { self.witness(scaling, question) };
        if let Some(witness) = at_logits {
            return Some(tell_witness(&witness, what));
        }
        let mut budget = self.options.budget;
        let (node, witness) = self.witness_inside(scaling, question, None, &mut budget)?;
        Some(tell_inside(&self.graph, node, &witness, what))
    }

    /// What scaling all parameters does to logits that it leaves as they are, in one line.
    pub(super) fn shown_unmoved(&self) -> Option<String> {
        let cost = (&self.total, self.options.budget);
        let found = sample(&self.graph, self.logits, self.training(), cost);
        found.map(|witness| tell_unmoved(&witness))
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
    let mut place: BTreeMap<LayerId, usize> = BTreeMap::new();
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
        let at = *place.entry(layer).or_insert(layers.len());
        if at == layers.len() {
            layers.push(facts);
        } else {
            layers[at] = facts;
        }
    }
    let eps = live
        .iter()
        .filter_map(|id| {
            if let Op::Modal(ModalOp::BatchNorm { eps, .. })
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
        joint_witness: OnceLock::new(),
        input_witness: OnceLock::new(),
    }
}
