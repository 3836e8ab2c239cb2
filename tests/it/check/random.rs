//! Random legal nets: every degree holds in f64, every refusal is backed by numbers, every conflict is minimal, every fix works.

use proptest::prelude::*;
use specc::check::numeric::{Claim, FACTORS, Interpreter, Point, claims, confirm};
use specc::check::{
    Checked, IN_TRAINING, Judgement, Mode, Number, Options, Question, Scaling, apply, conflict,
    facts,
};
use specc::ir::{
    Binary, ClassOp, Conv, Graph, LayerId, ModalOp, NodeId, Norm, Op, ParamRole, Pool, Unary,
};

use super::blame::holds_inside;
use super::nets::Net;

use crate::random::Random;

/// Deepest nets drawn, in layers.
const DEPTH: usize = 30;

/// Relative error that rounding through thirty layers may leave.
const ROUNDING: f64 = 1e-6;
/// A gap that rounding does not leave.
const GAP: f64 = 1e-7;

struct Draw<'a> {
    net: Net,
    choices: std::slice::Iter<'a, u8>,
    shared: Vec<NodeId>,
    dropouts: u32,
}

impl Draw<'_> {
    fn next(&mut self) -> usize {
        usize::from(self.choices.next().copied().unwrap_or(0))
    }

    fn layer(&mut self, x: NodeId, keep_shape: bool, depth: usize) -> NodeId {
        let dims = self.net.dims(x);
        let picture = dims.len() == 3;
        let bias = self.next() % 3 == 0;
        let eps = [0.0, 1e-2][self.next() % 2];
        match self.next() % 25 {
            0..=3 if picture => {
                let channels = if keep_shape { dims[0] } else { 2 + self.next() % 2 };
                self.net.conv(x, channels, (3, 1, 1), bias, None)
            }
            4 if picture && !keep_shape && dims[1] >= 4 => {
                self.net.conv(x, dims[0], (3, 1, 0), bias, None)
            }
            0..=3 => {
                let out = if keep_shape { dims[0] } else { 3 + self.next() % 2 };
                self.net.linear(x, out, bias, None)
            }
            4 if !picture => {
                let known = self.shared.iter().copied().find(|w| self.net.dims(*w) == [dims[0]; 2]);
                match known {
                    Some(weight) => self.net.op(Op::Linear, &[x, weight], None),
                    None => {
                        let y = self.net.linear(x, dims[0], false, None);
                        self.shared.push(self.net.graph.inputs(y)[1]);
                        y
                    }
                }
            }
            5..=7 => self.net.unary("relu", Unary::Relu, x),
            8 => self.net.unary("abs", Unary::Abs, x),
            9 => self.net.unary("leaky_relu", Unary::LeakyRelu(0.1), x),
            10 => self.net.prelu(x),
            11 if bias => self.net.unary("tanh", Unary::Tanh, x),
            12 | 13 => self.net.batch_norm(x, eps, !bias, None),
            14 => self.net.norm(x, Norm::Layer, eps, false),
            15 if picture && !keep_shape && dims[1] >= 4 => {
                let pool = Pool { kernel: [2; 2], stride: [2; 2], pad: [0; 2] };
                let op = if bias { Op::MaxPool(pool) } else { Op::AvgPool(pool) };
                self.net.plain("pool", op, x)
            }
            16 | 17 if depth > 0 => {
                let main = self.branch(x, depth - 1);
                let skip = if bias { x } else { self.branch(x, depth - 1) };
                self.net.binary("add", Binary::Add, main, skip)
            }
            18 if depth > 0 => {
                let gate = self.branch(x, depth - 1);
                self.net.binary("mul", Binary::Mul, x, gate)
            }
            19 if !keep_shape && dims[0] < 6 => {
                let other = self.branch(x, 0);
                let concat = Op::Concat { axis: 1 };
                self.net.op(concat, &[x, other], None)
            }
            20 => {
                // Two elements without eps would always become −1 and 1.
                let groups = if picture && dims[0] % 2 == 0 { 2 } else { 1 };
                self.net.norm(x, Norm::Group(groups), eps, bias)
            }
            21 => {
                let smooth = [Unary::Gelu, Unary::Sigmoid, Unary::Silu, Unary::Tanh];
                let function = smooth[self.next() % 4];
                self.net.unary("smooth", function, x)
            }
            22 if !picture => self.net.plain("softmax", Op::Class(ClassOp::Softmax), x),
            23 => {
                self.dropouts += 1;
                self.net.plain(
                    "dropout",
                    Op::Modal(ModalOp::Dropout { p: 0.3, stream: self.dropouts }),
                    x,
                )
            }
            24 if picture => self.shared_conv(x, dims[0]),
            _ => x,
        }
    }

    /// A convolution with a weight that an earlier one of the same size has.
    fn shared_conv(&mut self, x: NodeId, channels: usize) -> NodeId {
        let shape = [channels, channels, 3, 3];
        let known = self.shared.iter().copied().find(|w| self.net.dims(*w) == shape);
        match known {
            Some(weight) => {
                let conv = Conv { stride: [1; 2], pad: [1; 2], groups: 1 };
                self.net.op(Op::Conv(conv), &[x, weight], None)
            }
            None => {
                let y = self.net.conv(x, channels, (3, 1, 1), false, None);
                self.shared.push(self.net.graph.inputs(y)[1]);
                y
            }
        }
    }

    fn branch(&mut self, x: NodeId, depth: usize) -> NodeId {
        let length = self.next() % 4;
        (0..length).fold(x, |x, _| self.layer(x, true, depth))
    }
}

fn draw(choices: &[u8]) -> Graph {
    let mut draw = Draw { net: Net::new(), choices: choices.iter(), shared: vec![], dropouts: 0 };
    let dims: &[usize] = if draw.next() % 2 == 0 { &[4] } else { &[2, 5, 5] };
    let mut x = draw.net.input(dims);
    let layers = draw.next() % DEPTH;
    for _ in 0..layers {
        x = draw.layer(x, false, 2);
    }
    if draw.net.dims(x).len() == 3 {
        x = draw.net.flatten(x);
    }
    let bias = draw.next() % 3 == 0;
    let logits = draw.net.linear(x, 3, bias, None);
    draw.net.finish(logits)
}

fn judgements() -> [Judgement; 3] {
    [
        Judgement { mode: Mode::Train, limit: false },
        Judgement { mode: Mode::Eval, limit: false },
        IN_TRAINING,
    ]
}

/// Whether a refusal must show in numbers at some point: not where the net is dead or a branch happens to vanish.
fn refuted(graph: &Graph, scaling: &Scaling, name: &str) -> bool {
    let logits = graph.output("logits").unwrap();
    let interpreter = Interpreter::new(graph, logits, scaling.judgement);
    let claim = claims(graph, scaling).into_iter().find(|claim| claim.name == name).unwrap();
    (1..=8).any(|seed| {
        let point = Point::draw(graph, logits, 5, seed);
        confirm(&interpreter, &point, &claim).unwrap().witness.is_some()
    })
}

/// The error of a claim at factors close to 1. At far ones a bias in front of a norm may outgrow by orders of magnitude what the
/// norm keeps, so that nothing but rounding is left of it; a wrong degree shows at these just as well.
fn error_nearby(interpreter: &Interpreter<'_>, point: &Point, claim: &Claim) -> f64 {
    let before = interpreter.evaluate(point).unwrap();
    let errors = [0.9, 1.1].into_iter().map(|c: f64| {
        let power = c.powf(claim.degree.unwrap());
        let after = scaled(interpreter, point, claim, c);
        let size = before.iter().fold(0.0_f64, |size, z| size.max((power * z).abs()));
        let gaps = before.iter().zip(&after).map(|(x, y)| (y - power * x).abs());
        gaps.fold(0.0, f64::max) / size
    });
    errors.fold(0.0, f64::max)
}

/// The logits at T_c θ.
pub(super) fn scaled(
    interpreter: &Interpreter<'_>,
    point: &Point,
    claim: &Claim,
    c: f64,
) -> Vec<f64> {
    let mut scaled = point.clone();
    for (values, exponent) in scaled.params.iter_mut().zip(&claim.exponents) {
        values.iter_mut().for_each(|value| *value *= c.powf(*exponent));
    }
    scaled.input.iter_mut().for_each(|value| *value *= c.powf(claim.input));
    interpreter.evaluate(&scaled).unwrap()
}

/// Whether every d leaves some c with z(T_c θ) ≠ c^d z(θ): the best d for each c by the lengths, tried on all others.
pub(super) fn no_power_fits(interpreter: &Interpreter<'_>, point: &Point, claim: &Claim) -> bool {
    let before = interpreter.evaluate(point).unwrap();
    let length = |z: &[f64]| z.iter().map(|x| x * x).sum::<f64>().sqrt();
    let runs: Vec<(f64, Vec<f64>)> =
        FACTORS.iter().map(|c| (*c, scaled(interpreter, point, claim, *c))).collect();
    runs.iter().all(|(c, after)| {
        let degree = (length(after) / length(&before)).ln() / c.ln();
        runs.iter().any(|(c, after)| {
            let gap: Vec<f64> =
                before.iter().zip(after).map(|(x, y)| y - c.powf(degree) * x).collect();
            !degree.is_finite() || length(&gap) > GAP * length(after)
        })
    })
}

/// Whether equations taken from `all` contradict each other under a question.
fn contradict(graph: &Graph, scaling: &Scaling, question: Question, positions: &[usize]) -> bool {
    let mut only = scaling.clone();
    only.degrees.equations =
        positions.iter().map(|i| scaling.degrees.equations[*i].clone()).collect();
    conflict(graph, &only, question).is_some()
}

/// Whether some set of `size` equations contradicts itself.
fn some_contradict(
    (graph, scaling, question): (&Graph, &Scaling, Question),
    size: usize,
    chosen: &mut Vec<usize>,
) -> bool {
    if chosen.len() == size {
        return contradict(graph, scaling, question, chosen);
    }
    let from = chosen.last().map_or(0, |last| last + 1);
    (from..scaling.degrees.equations.len()).any(|i| {
        chosen.push(i);
        let found = some_contradict((graph, scaling, question), size, chosen);
        chosen.pop();
        found
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn claims_hold_in_numbers(choices in prop::collection::vec(any::<u8>(), 8..160)) {
        let graph = draw(&choices);
        let logits = graph.output("logits").unwrap();
        for judgement in judgements() {
            let scaling = Scaling::of(&graph, logits, judgement);
            let interpreter = Interpreter::new(&graph, logits, judgement);
            let point = Point::draw(&graph, logits, 5, 7);
            for claim in claims(&graph, &scaling) {
                let tried = confirm(&interpreter, &point, &claim).unwrap();
                if let Some(worst) = tried.worst {
                    let error = match worst {
                        small if small < ROUNDING => small,
                        _ => error_nearby(&interpreter, &point, &claim),
                    };
                    prop_assert!(error < ROUNDING, "{judgement:?} {claim:?}: {worst:e} {error:e}");
                }
            }
        }
    }

    #[test]
    fn witnesses_really_differ(choices in prop::collection::vec(any::<u8>(), 8..160)) {
        let graph = draw(&choices);
        let logits = graph.output("logits").unwrap();
        let scaling = Scaling::of(&graph, logits, judgements()[0]);
        let interpreter = Interpreter::new(&graph, logits, scaling.judgement);
        let point = Point::draw(&graph, logits, 5, 7);
        for claim in claims(&graph, &scaling) {
            let tried = confirm(&interpreter, &point, &claim).unwrap();
            if let Some(witness) = tried.witness {
                prop_assert!(claim.degree.is_none());
                prop_assert!(witness.before != witness.after);
                prop_assert!(no_power_fits(&interpreter, &point, &claim), "{claim:?}");
            }
        }
        let checked = facts(graph, logits, Options::from(Mode::Train));
        let mut budget = Options::default().budget;
        let inside =
            checked.witness_inside(checked.exact(), Question::Joint, None, &mut budget);
        if let Some((node, witness)) = inside {
            prop_assert!(checked.exact().joint.is_none());
            holds_inside(&checked, node, &witness);
        }
    }

    #[test]
    fn conflicts_are_minimal(choices in prop::collection::vec(any::<u8>(), 8..160)) {
        let graph = draw(&choices);
        let logits = graph.output("logits").unwrap();
        for judgement in judgements() {
            let scaling = Scaling::of(&graph, logits, judgement);
            for question in [Question::Joint, Question::WeightsOne, Question::Input, Question::Scale] {
                let found = conflict(&graph, &scaling, question);
                let holds = match question {
                    Question::Joint => scaling.joint.is_some(),
                    Question::WeightsOne => scaling.weights_one.is_some(),
                    Question::Input => scaling.input.is_some(),
                    _ => scaling.normalizer != Err(specc::check::NoNormalizer::NoScale),
                };
                prop_assert_eq!(found.is_none(), holds, "{:?}", question);
                let Some(found) = found else { continue };
                let mut only = scaling.clone();
                let keep = |positions: &[usize]| {
                    positions.iter().map(|i| scaling.degrees.equations[*i].clone()).collect::<Vec<_>>()
                };
                only.degrees.equations = keep(&found.equations);
                prop_assert!(conflict(&graph, &only, question).is_some());
                for leave_out in &found.equations {
                    let rest: Vec<usize> =
                        found.equations.iter().copied().filter(|i| i != leave_out).collect();
                    only.degrees.equations = keep(&rest);
                    prop_assert!(conflict(&graph, &only, question).is_none());
                }
            }
        }
    }

    #[test]
    fn no_conflict_is_smaller(choices in prop::collection::vec(any::<u8>(), 8..160)) {
        let graph = draw(&choices);
        let logits = graph.output("logits").unwrap();
        let scaling = Scaling::of(&graph, logits, judgements()[0]);
        if scaling.degrees.equations.len() > 14 {
            return Ok(());
        }
        for question in [Question::Joint, Question::WeightsOne, Question::Input] {
            let Some(found) = conflict(&graph, &scaling, question) else { continue };
            for size in 1..found.equations.len().min(5) {
                let smaller = some_contradict((&graph, &scaling, question), size, &mut vec![]);
                prop_assert!(!smaller, "{question:?}: {size} of {:?}", found.equations);
            }
        }
    }

    #[test]
    fn suggested_fixes_work(choices in prop::collection::vec(any::<u8>(), 8..100)) {
        let graph = draw(&choices);
        let logits = graph.output("logits").unwrap();
        let options = Options { budget: 0, ..Options::default() };
        let checked: Checked = facts(graph, logits, options);
        let layers = (0..checked.graph().layers.len() as u32).map(|i| Question::Layer(LayerId(i)));
        for question in layers.chain([Question::Joint, Question::WeightsOne, Question::Input]) {
            let Some((_, edits)) = checked.blame(question) else { continue };
            for (edit, text) in edits {
                let edited = apply(checked.graph(), &edit).unwrap();
                let logits = edited.output("logits").unwrap();
                let scaling = Scaling::of(&edited, logits, checked.exact().judgement);
                prop_assert!(conflict(&edited, &scaling, question).is_none(), "{text}");
                if question == Question::Joint {
                    let degree = scaling.joint.clone().unwrap();
                    let interpreter = Interpreter::new(&edited, logits, scaling.judgement);
                    let point = Point::draw(&edited, logits, 5, 3);
                    let claim = claims(&edited, &scaling).swap_remove(0);
                    let worst = confirm(&interpreter, &point, &claim).unwrap().worst;
                    prop_assert!(worst.unwrap_or(0.0) < ROUNDING, "{text}: degree {degree}");
                }
            }
        }
    }

    #[test]
    fn normalized_logits_are_invariant(choices in prop::collection::vec(any::<u8>(), 8..160)) {
        let graph = draw(&choices);
        let logits = graph.output("logits").unwrap();
        let scaling = Scaling::of(&graph, logits, IN_TRAINING);
        let Ok(normalizer) = &scaling.normalizer else { return Ok(()) };
        for factor in &normalizer.factors {
            let role = graph.param(factor.tensors[0]).role;
            prop_assert!(matches!(role, ParamRole::Weight | ParamRole::Gain));
        }
        for symmetry in &scaling.symmetries {
            let mut degree = Number::ZERO;
            for factor in &normalizer.factors {
                let unknown = specc::check::Unknown::Param(factor.tensors[0]);
                let exponent = Number::new(*factor.exponent.numer(), *factor.exponent.denom());
                degree = degree.add(&exponent.mul(&symmetry.exponents.coefficient(unknown)));
            }
            prop_assert_eq!(&degree, &symmetry.degree);
        }
    }
}

#[test]
fn refusals_of_random_nets_are_seen() {
    let mut refusals = 0;
    let mut seen = 0;
    for seed in 0..60_u64 {
        let mut random = Random::new(seed + 1);
        let choices: Vec<u8> = (0..80).map(|_| (random.next() >> 56) as u8).collect();
        let graph = draw(&choices);
        let logits = graph.output("logits").unwrap();
        let scaling = Scaling::of(&graph, logits, judgements()[0]);
        for claim in claims(&graph, &scaling) {
            // A slope before another bend may not matter; the analysis does not look at signs.
            if claim.degree.is_none() && !claim.name.contains("prelu") {
                refusals += 1;
                let found = refuted(&graph, &scaling, &claim.name);
                seen += usize::from(found);
            }
        }
    }
    // What stays unseen are nets in which a bend, a slope or what a norm or a softmax takes away happens not to matter.
    assert!(refusals > 100 && seen * 100 >= refusals * 98, "{seen} of {refusals}");
}
