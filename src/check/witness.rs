//! Numbers that show what the analysis says, at drawn parameters.

use super::blame::{Question, known, violated};
use super::cost::cost_of;
use super::layerwise::ancestors;
use super::numeric::{Claim, FACTORS, Interpreter, Point, Witness, refute, sample_at};
use super::{Cost, Scaling, Unknown};
use crate::ir::{Graph, NodeId, ParamId, Shape};

/// Samples per batch of a witness: a few where a batch norm needs company.
pub const WITNESS_SAMPLES: usize = 4;

/// Seed of the drawn parameters and inputs.
pub const WITNESS_SEED: u64 = 1;

/// Points tried until one shows a refusal: at some a net is dead, or a bend does not matter.
const POINTS: u64 = 4;

/// A counter-example to every degree that a question may ask for; `None` where the net is too large for `budget` operations,
/// where the question leaves exponents free, or where no point shows it.
pub(super) fn witness(
    graph: &Graph,
    logits: NodeId,
    scaling: &Scaling,
    question: Question,
    (total, budget): (&Cost, u64),
) -> Option<Witness> {
    let claim = claim(graph, question)?;
    let evaluations = FACTORS.len() + 1;
    let interpreter = Interpreter::new(graph, logits, scaling.judgement);
    (1..=POINTS)
        .take_while(|count| {
            let all = evaluations * *count as usize;
            Point::affordable(total, WITNESS_SAMPLES, all, budget)
        })
        .find_map(|count| {
            let seed = WITNESS_SEED + count - 1;
            refute(&interpreter, &Point::draw(graph, logits, WITNESS_SAMPLES, seed), &claim)
        })
}

/// Operations inside the net that are looked at for a counter-example.
const PLACES: usize = 4;

/// Values that are told of an operation inside the net: those that stray most from a common factor.
const VALUES: usize = 4;

/// A counter-example at one of the first operations whose own equation does not hold under the question. The net before it
/// may be small where the whole is too large to evaluate, and shows what the logits behind many layers hide in rounding.
pub(super) fn inside(
    graph: &Graph,
    scaling: &Scaling,
    question: Question,
    nodes: Option<&[NodeId]>,
    budget: &mut u64,
) -> Option<(NodeId, Witness)> {
    let claim = claim(graph, question)?;
    let asked = |node: &NodeId| {
        graph[*node].shape.batched && nodes.is_none_or(|nodes| nodes.contains(node))
    };
    let places = violated(graph, scaling, question).map(|(_, node)| node);
    places.filter(asked).take(PLACES).find_map(|node| {
        let n = samples_inside(&graph[node].shape);
        let cost = cost_of(graph, &ancestors(graph, node));
        *budget = budget.checked_sub(Point::operations(&cost, n, FACTORS.len() + 1))?;
        let point = Point::draw(graph, node, n, WITNESS_SEED);
        let interpreter = Interpreter::new(graph, node, scaling.judgement);
        refute(&interpreter, &point, &claim).map(|witness| (node, telling(witness)))
    })
}

/// Samples per batch of a witness inside the net: two pictures have many pixels for a norm to take statistics of.
pub fn samples_inside(shape: &Shape) -> usize {
    if shape.dims.len() > 1 { 2 } else { WITNESS_SAMPLES }
}

/// The few values of a witness that show it best, in their order.
fn telling(witness: Witness) -> Witness {
    let Witness { c, before, after } = witness;
    let size = |z: &[f64]| z.iter().fold(0.0_f64, |size, x| size.max(x.abs()));
    let common = if size(&before) > 0.0 { size(&after) / size(&before) } else { 0.0 };
    let strays = |i: usize| (after[i] - common * before[i]).abs();
    let mut chosen: Vec<usize> = (0..before.len()).collect();
    chosen.sort_by(|a, b| {
        let by_value = || before[*b].abs().total_cmp(&before[*a].abs());
        strays(*b).total_cmp(&strays(*a)).then_with(by_value)
    });
    chosen.truncate(VALUES);
    chosen.sort_unstable();
    let of = |z: &[f64]| chosen.iter().map(|i| z[*i]).collect();
    Witness { c, before: of(&before), after: of(&after) }
}

/// The logits of a sample before and after all parameters are scaled, whatever that does to them.
pub(super) fn sample(
    graph: &Graph,
    logits: NodeId,
    scaling: &Scaling,
    (total, budget): (&Cost, u64),
) -> Option<Witness> {
    const FACTOR: f64 = 2.0;
    if !Point::affordable(total, WITNESS_SAMPLES, 2, budget) {
        return None;
    }
    let point = Point::draw(graph, logits, WITNESS_SAMPLES, WITNESS_SEED);
    let interpreter = Interpreter::new(graph, logits, scaling.judgement);
    sample_at(&interpreter, &point, &claim(graph, Question::Joint)?, FACTOR)
}

/// The scaling that a question asks about.
fn claim(graph: &Graph, question: Question) -> Option<Claim> {
    let exponent = |unknown| known(graph, question, unknown).map(|value| value.to_f64());
    let all = (0..graph.params.len() as u32).map(|id| exponent(Unknown::Param(ParamId(id))));
    Some(Claim {
        name: String::new(),
        exponents: all.collect::<Option<_>>()?,
        input: exponent(Unknown::INPUT)?,
        degree: None,
    })
}

/// A witness in one line.
pub fn tell_witness(witness: &Witness, what: &str) -> String {
    let Witness { c, before, after } = witness;
    let (before, after) = (numbers(before), numbers(after));
    format!("witness: {what} times {c} turn the logits {before} of a sample into {after}")
}

/// A witness inside the net in one line.
pub fn tell_inside(graph: &Graph, node: NodeId, witness: &Witness, what: &str) -> String {
    let Witness { c, before, after } = witness;
    let (before, after) = (numbers(before), numbers(after));
    let place = match graph[node].layer {
        Some(layer) => format!("`{}`", graph.layer(layer).name),
        None => "this operation".to_owned(),
    };
    format!(
        "witness: {what} times {c} turn the values {before} of a sample behind {place} into {after}"
    )
}

/// Logits that a scaling leaves as they are, in one line.
pub(super) fn tell_unmoved(witness: &Witness) -> String {
    let Witness { c, before, after } = witness;
    let (before, after) = (numbers(before), numbers(after));
    format!("witness: all parameters times {c} leave the logits {before} of a sample at {after}")
}

fn numbers(z: &[f64]) -> String {
    let largest = z.iter().fold(0.0_f64, |largest, x| largest.max(x.abs()));
    let plain = largest == 0.0 || (1e-3..1e6).contains(&largest);
    let number = |x: &f64| if plain { format!("{x:.4}") } else { format!("{x:.3e}") };
    let shown: Vec<_> = z.iter().take(4).map(number).collect();
    let dots = if z.len() > 4 { ", …" } else { "" };
    format!("[{}{dots}]", shown.join(", "))
}
