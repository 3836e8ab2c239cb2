//! The scaling facts of a net under one way of judging its norms.

use std::collections::{BTreeMap, BTreeSet};

use super::exponents::{Exponents, general, params, weights_one};
use super::rules::Judgement;
use super::symmetry::{NoNormalizer, Symmetry, basis, derive, fixed_input, logits_degree};
use super::system::System;
use super::{Degrees, Linear, Normalizer, Number, Unknown};
use crate::ir::{Graph, LayerId, NodeId, ParamId};

/// How the logits scale: every degree and exponent is exact, `None` where there is none.
#[derive(Clone, Debug)]
pub struct Scaling {
    /// How norms were judged.
    pub judgement: Judgement,
    /// z(cθ) = c^joint z(θ), all parameters together (8).
    pub joint: Option<Number>,
    /// Each layer with parameters alone.
    pub layers: Vec<(LayerId, Option<Number>)>,
    /// Each tensor alone, by [`ParamId`].
    pub tensors: Vec<Option<Number>>,
    /// The degree in the input.
    pub input: Option<Number>,
    /// Exponents with every weight and gain at 1.
    pub weights_one: Option<Exponents>,
    /// Some exponents ≥ 0, not all 0.
    pub general: Option<Exponents>,
    /// A basis of all scaling symmetries.
    pub symmetries: Vec<Symmetry>,
    /// The normaliser that every symmetry leaves in step with the logits.
    pub normalizer: Result<Normalizer, NoNormalizer>,
    /// Degrees and equations behind all of this.
    pub degrees: Degrees,
    /// The equations solved, the input held fixed.
    pub(super) system: System,
    /// The degree of the logits as a form, the input held fixed.
    pub logits: Linear,
}

impl Scaling {
    /// Analyses the net that ends in `logits`.
    pub fn of(graph: &Graph, logits: NodeId, judgement: Judgement) -> Self {
        let degrees = Degrees::of(graph, &[logits], &BTreeMap::new(), judgement);
        let system = fixed_input(graph, &degrees);
        let logits_form = logits_degree(&degrees, logits);
        let weights_one = weights_one(graph, &degrees, logits);
        // Without a negative exponent the usual ones are also the answer in general.
        let usual = weights_one
            .clone()
            .filter(|exponents| !exponents.of.iter().any(Number::is_negative))
            .filter(|exponents| !exponents.of.iter().all(Number::is_zero));
        let general = usual.or_else(|| general(graph, &degrees, logits));
        let preferred = weights_one.as_ref().filter(|e| !e.degree.is_zero()).or(general.as_ref());
        let symmetries = basis(graph, &system, &logits_form, preferred);
        let normalizer = derive(graph, &system, &logits_form);
        let all_ones = |unknown: Unknown| match unknown {
            Unknown::Param(_) => Number::ONE,
            Unknown::Given(_) => Number::ZERO,
        };
        let whole = degrees.form(logits);
        let joint = degrees
            .equations
            .iter()
            .all(|equation| equation.form.value(all_ones).is_zero())
            .then(|| whole.value(all_ones));
        let input_clear = degrees
            .equations
            .iter()
            .all(|equation| equation.form.coefficient(Unknown::INPUT).is_zero());
        Self {
            judgement,
            joint,
            layers: layers(graph, &degrees, &logits_form),
            tensors: tensors(graph, &degrees, &logits_form),
            input: input_clear.then(|| whole.coefficient(Unknown::INPUT)),
            weights_one,
            general,
            symmetries,
            normalizer,
            degrees,
            system,
            logits: logits_form,
        }
    }

    /// Tensors that alone may be scaled by any c > 0 without changing the logits.
    pub fn scale_free(&self) -> Vec<ParamId> {
        let tensors = (0_u32..).map(ParamId).zip(&self.tensors);
        tensors.filter(|(_, d)| d.as_ref().is_some_and(Number::is_zero)).map(|(id, _)| id).collect()
    }

    /// The degree of a layer alone.
    pub fn layer(&self, layer: LayerId) -> Option<&Option<Number>> {
        self.layers.iter().find(|(id, _)| *id == layer).map(|(_, degree)| degree)
    }

    /// The degree of every node's value when all parameters are scaled together; `None` where it has none.
    pub fn joint_of_nodes(&self, graph: &Graph) -> Vec<Option<Number>> {
        self.of_nodes(graph, |_| Number::ONE)
    }

    /// The degree of every node's value when each parameter is scaled by its exponent; `None` where it has none.
    pub fn of_nodes(
        &self,
        graph: &Graph,
        exponent: impl Fn(ParamId) -> Number,
    ) -> Vec<Option<Number>> {
        let scaled = |unknown: Unknown| match unknown {
            Unknown::Param(id) => exponent(id),
            Unknown::Given(_) => Number::ZERO,
        };
        let broken: BTreeSet<NodeId> = self
            .degrees
            .equations
            .iter()
            .filter(|equation| !equation.form.value(scaled).is_zero())
            .map(|equation| equation.node)
            .collect();
        let mut degrees: Vec<Option<Number>> = vec![None; graph.len()];
        for id in graph.ids() {
            let sound = !broken.contains(&id)
                && graph.inputs(id).iter().all(|input| {
                    degrees[input.0 as usize].is_some() || self.degrees.degree(*input).is_none()
                });
            if let Some(degree) = self.degrees.degree(id).filter(|_| sound) {
                let mut values = degree.forms().into_iter().map(|form| form.value(scaled));
                let first = values.next().unwrap_or(Number::ZERO);
                degrees[id.0 as usize] = values.all(|value| value == first).then_some(first);
            }
        }
        degrees
    }
}

fn tensors(graph: &Graph, degrees: &Degrees, logits: &Linear) -> Vec<Option<Number>> {
    let tied: BTreeSet<Unknown> = degrees
        .equations
        .iter()
        .flat_map(|equation| equation.form.terms())
        .map(|(unknown, _)| *unknown)
        .collect();
    params(graph)
        .map(Unknown::Param)
        .map(|unknown| (!tied.contains(&unknown)).then(|| logits.coefficient(unknown)))
        .collect()
}

fn layers(graph: &Graph, degrees: &Degrees, logits: &Linear) -> Vec<(LayerId, Option<Number>)> {
    let by_layer = |form: &Linear| {
        let mut sums: BTreeMap<LayerId, Number> = BTreeMap::new();
        for (unknown, value) in form.terms() {
            if let Unknown::Param(id) = unknown
                && let Some(layer) = graph.param(*id).layer
            {
                let sum = sums.entry(layer).or_insert(Number::ZERO);
                *sum = sum.add(value);
            }
        }
        sums
    };
    let mut broken: BTreeSet<LayerId> = BTreeSet::new();
    for equation in &degrees.equations {
        let sums = by_layer(&equation.form).into_iter();
        broken.extend(sums.filter(|(_, sum)| !sum.is_zero()).map(|(layer, _)| layer));
    }
    let mut degrees = by_layer(logits);
    let with_params: BTreeSet<LayerId> = graph.params.iter().filter_map(|p| p.layer).collect();
    with_params
        .into_iter()
        .map(|layer| {
            let degree = degrees.remove(&layer).unwrap_or(Number::ZERO);
            (layer, (!broken.contains(&layer)).then_some(degree))
        })
        .collect()
}
