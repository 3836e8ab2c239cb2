//! Numbers that show what the analysis says, at drawn parameters.

use super::blame::{Question, known};
use super::numeric::{Claim, FACTORS, Interpreter, Point, Witness, refute, sample_at};
use super::{Cost, Scaling, Unknown};
use crate::ir::{Graph, NodeId, ParamId};

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

/// Logits that a scaling leaves as they are, in one line.
pub(super) fn tell_unmoved(witness: &Witness) -> String {
    let Witness { c, before, after } = witness;
    let (before, after) = (numbers(before), numbers(after));
    format!("witness: all parameters times {c} leave the logits {before} of a sample at {after}")
}

fn numbers(z: &[f64]) -> String {
    let shown: Vec<_> = z.iter().take(4).map(|x| format!("{x:.4}")).collect();
    let dots = if z.len() > 4 { ", …" } else { "" };
    format!("[{}{dots}]", shown.join(", "))
}
