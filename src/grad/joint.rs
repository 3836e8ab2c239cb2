//! The whole computation of a run: forward, backward and updates in one graph per phase.

use std::fmt;

use super::differentiate;
use crate::check::{Checked, Normalizer};
use crate::diag::{Diagnostics, ToDiagnostic};
use crate::ir::{self, Emit, Graph, Mode, NodeId, Op, ParamId, ParamRole, specialize};
use crate::loss::{LossError, Scales, Subject};
use crate::model::{Loss, Train};
use crate::optim::{Averages, Rates, Slot};
use crate::passes::clean;
use crate::{loss, optim};

/// Graphs that share parameters and buffers (equal tables in every graph).
///
/// Outputs of a training phase: `loss` (mean over the batch), `correct` and, where a delta is known,
/// `well` (counts), `R` and `log_R` where defined; all of values before the updates of the phase.
/// The phase `perturb` of SAM also gives `gradient_norm`.
/// Outputs of `eval`: `logits` `[n, k]`, `loss` (mean over the batch), `correct`, `well` where a delta is
/// known, `R` and `log_R` where the loss uses them.
/// Outputs of `size`: `R` and `log_R`, from the parameters alone; `None` where no R is defined.
/// With `ema`, `eval` and `size` read the averages of parameters and running statistics.
#[derive(Clone, Debug)]
pub struct Joint {
    /// Phases of a training step, run in order on the same batch: one, or two for SAM.
    pub train: Vec<Phase>,
    /// Logits and loss in evaluation mode; no updates.
    pub eval: Graph,
    /// R(θ) alone, to start the scales and for records.
    pub size: Option<Graph>,
}

/// One phase of a training step.
#[derive(Clone, Debug)]
pub struct Phase {
    /// `step`, or `perturb` and `descend`.
    pub name: &'static str,
    /// Outputs and updates as [`Joint`] says.
    pub graph: Graph,
}

impl Joint {
    /// The graphs of all phases: training, evaluation, size.
    pub fn graphs(&self) -> impl Iterator<Item = &Graph> {
        self.train.iter().map(|phase| &phase.graph).chain([&self.eval]).chain(&self.size)
    }
}

/// Stable text, for `--emit joint`: phase after phase.
impl fmt::Display for Joint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let phases = self.train.iter().map(|phase| (phase.name, &phase.graph));
        let size = self.size.as_ref().map(|graph| ("size", graph));
        for (name, graph) in phases.chain([("eval", &self.eval)]).chain(size) {
            writeln!(f, "phase {name}\n{}", ir::text(graph))?;
        }
        Ok(())
    }
}

/// The graphs of a run, from a checked graph whose output `logits` is `[n, classes]`, with the size R found for it.
///
/// Every graph is cleaned: no dead and no equal nodes. The parameters of the net come first in the tables,
/// then the scales of the loss; the buffers of the net first, then R(θ₀) and class weights, then the
/// state of the optimiser, then averages.
///
/// # Errors
/// Diagnostics when the loss does not fit the net or a loss defined in a `.net` file has an error.
pub fn joint(checked: &Checked, loss: &Loss, train: &Train) -> Result<Joint, Diagnostics> {
    let (graph, normalizer) = (checked.graph(), checked.normalizer());
    let fail = |error: LossError| vec![error.to_diagnostic()];
    let mut base = graph.clone();
    let scales = loss::declare(&mut base, loss);
    let trained = trained(graph, &scales);
    let slots = optim::declare(&mut base, train, &trained);
    let averages = match train.ema {
        Some(_) => optim::declare_averages(&mut base, &trained),
        None => Averages::new(),
    };
    let run = Run { base: &base, loss, normalizer, train, scales, slots: &slots, averages };

    let eval = run.forward(Mode::Eval).map_err(fail)?;
    let forward = run.forward(Mode::Train).map_err(fail)?;
    let train = match &train.sharpness {
        None => vec![Phase { name: "step", graph: run.descend(&forward, &run.unsaved()) }],
        Some(_) => vec![
            Phase { name: "perturb", graph: run.perturb(&forward) },
            Phase { name: "descend", graph: run.descend(&forward, &slots) },
        ],
    };
    Ok(Joint { train, eval: run.without_unused_size(eval), size: run.size() })
}

/// Whether the loss fits the net: what [`joint`] would report, without the work of differentiation.
///
/// # Errors
/// The diagnostics of [`joint`].
pub fn fits(checked: &Checked, loss: &Loss, train: &Train) -> Result<(), Diagnostics> {
    let mut base = checked.graph().clone();
    let scales = loss::declare(&mut base, loss);
    let normalizer = checked.normalizer();
    let averages = Averages::new();
    let run = Run { base: &base, loss, normalizer, train, scales, slots: &[], averages };
    run.attached(Mode::Eval).map(drop).map_err(|error| vec![error.to_diagnostic()])
}

fn trained(graph: &Graph, scales: &Scales) -> Vec<ParamId> {
    let ids = (0..graph.params.len() as u32).map(ParamId);
    let net = ids.filter(|id| graph.param(*id).role != ParamRole::Scale);
    net.chain(scales.trained()).collect()
}

struct Run<'a> {
    /// The graph of the net with the tables of the run.
    base: &'a Graph,
    loss: &'a Loss,
    normalizer: Option<&'a Normalizer>,
    train: &'a Train,
    scales: Scales,
    slots: &'a [Slot],
    /// Empty where there are none.
    averages: Averages,
}

impl Run<'_> {
    /// Logits, loss and measures in one mode, cleaned.
    fn forward(&self, mode: Mode) -> Result<Graph, LossError> {
        self.attached(mode).map(|graph| clean(&graph))
    }

    /// The same with every operation as it was attached.
    fn attached(&self, mode: Mode) -> Result<Graph, LossError> {
        let mut graph = specialize(self.base, mode);
        let span = self.loss.span;
        let Some(logits) = graph.output("logits") else {
            return Err(LossError::Logits { span, found: "nothing".to_owned() });
        };
        let mut emit = Emit::new(&mut graph, span);
        let labels = emit.labels();
        let size = self.normalizer.map(|normalizer| loss::attach_size(&mut emit, normalizer));
        let subject = Subject { logits, labels, size: size.map(|size| size.value) };
        let well_delta = self.train.well_delta;
        let objective = loss::attach(&mut graph, self.loss, &self.scales, &subject, well_delta)?;
        let mut name = |name: &str, id: NodeId| graph.outputs.insert(name.to_owned(), id);
        name("loss", objective.loss);
        name("correct", objective.correct);
        if let Some(well) = objective.well {
            name("well", well);
        }
        if let Some(size) = size {
            name("R", size.value);
            name("log_R", size.log);
        }
        Ok(graph)
    }

    fn gradients(&self, graph: &mut Graph) -> Vec<Option<NodeId>> {
        let nodes: Vec<_> = self
            .slots
            .iter()
            .map(|slot| graph.ids().find(|id| graph[*id].op == Op::Param(slot.param)))
            .collect();
        let known: Vec<_> = nodes.iter().flatten().copied().collect();
        let Some(loss) = graph.output("loss") else { return vec![None; nodes.len()] };
        let mut gradients = differentiate(graph, loss, &known).into_iter();
        nodes.iter().map(|node| node.and_then(|_| gradients.next().flatten())).collect()
    }

    fn perturb(&self, forward: &Graph) -> Graph {
        let mut graph = forward.clone();
        graph.outputs.remove("logits");
        let gradients = self.gradients(&mut graph);
        if let Some(sharpness) = &self.train.sharpness {
            let span = self.loss.span;
            let norm = optim::perturb(&mut graph, sharpness, span, self.slots, &gradients);
            graph.outputs.insert("gradient_norm".to_owned(), norm);
        }
        clean(&graph)
    }

    fn descend(&self, forward: &Graph, slots: &[Slot]) -> Graph {
        let mut graph = forward.clone();
        graph.outputs.remove("logits");
        let mut gradients = self.gradients(&mut graph);
        if let Some(max_norm) = self.train.clip {
            gradients = optim::clip(&mut graph, max_norm, self.loss.span, &gradients);
        }
        let rates = Rates { scale_lr: self.loss.scale_lr };
        optim::attach(&mut graph, &self.train.optimizer, rates, slots, &gradients);
        if let Some(decay) = self.train.ema {
            optim::average(&mut graph, &self.averages, decay);
        }
        clean(&graph)
    }

    fn unsaved(&self) -> Vec<Slot> {
        self.slots.iter().map(|slot| Slot { saved: None, ..*slot }).collect()
    }

    /// Evaluation meets many batches with the same parameters: R is not taken again where nothing needs it.
    fn without_unused_size(&self, mut eval: Graph) -> Graph {
        if !loss::uses_size(&self.loss.form) {
            eval.outputs.remove("R");
            eval.outputs.remove("log_R");
            eval = clean(&eval);
        }
        self.measured(eval)
    }

    /// A graph as evaluation computes it: of averages, where there are any.
    fn measured(&self, graph: Graph) -> Graph {
        if self.averages.is_empty() {
            return graph;
        }
        clean(&optim::of_averages(&graph, &self.averages))
    }

    fn size(&self) -> Option<Graph> {
        let normalizer = self.normalizer?;
        let mut graph = self.base.emptied();
        let mut emit = Emit::new(&mut graph, self.loss.span);
        let size = loss::attach_size(&mut emit, normalizer);
        graph.outputs.insert("R".to_owned(), size.value);
        graph.outputs.insert("log_R".to_owned(), size.log);
        Some(self.measured(clean(&graph)))
    }
}
