//! Refusals in words, fixes, assertions and sizes, on small nets.

use specc::check::numeric::{Claim, Interpreter, Point, Witness};
use specc::check::{
    Checked, Mode, Number, Options, Question, Scaling, Unknown, WITNESS_SEED, facts as facts_of,
    samples_inside,
};
use specc::ir::{Binary, Graph, NodeId, Op, Unary};

use super::nets::Net;
use super::random::{no_power_fits, scaled};

fn checked(build: impl FnOnce(&mut Net, NodeId) -> NodeId) -> Checked {
    let mut net = Net::new();
    let x = net.input(&[5]);
    let logits = build(&mut net, x);
    facts_of(net.finish(logits), logits, Options::from(Mode::Train))
}

fn suggestions(checked: &Checked, question: Question) -> Vec<String> {
    checked.blame(question).map_or(vec![], |(_, edits)| edits.into_iter().map(|(_, t)| t).collect())
}

#[test]
fn a_deep_bias_is_named_and_dropped() {
    let checked = checked(|net, x| {
        let x = net.linear(x, 6, false, Some("fc1"));
        let x = net.unary("relu", Unary::Relu, x);
        net.linear(x, 3, true, Some("fc2"))
    });
    let (conflict, _) = checked.blame(Question::Joint).unwrap();
    let equation = &checked.exact().degrees.equations[conflict.equations[0]];
    assert_eq!(
        conflict.clash(checked.graph(), equation),
        "`fc2.bias` has degree 1, but what it is added to has degree 2"
    );
    assert_eq!(suggestions(&checked, Question::Joint), ["drop the bias of `fc2`: `bias=false`"]);
    assert!(checked.joint_witness().is_some());
}

#[test]
fn tanh_is_named_and_replaced() {
    let checked = checked(|net, x| {
        let x = net.linear(x, 6, false, None);
        let x = net.unary("tanh", Unary::Tanh, x);
        net.linear(x, 3, false, None)
    });
    assert_eq!(checked.failures().len(), 1);
    assert_eq!(
        checked.failures()[0].reason,
        "`tanh` has no degree in its input: only inputs of degree 0 keep one"
    );
    assert_eq!(suggestions(&checked, Question::Joint), ["replace this `tanh` by `relu`"]);
}

#[test]
fn an_identity_skip_gets_a_map() {
    let checked = checked(|net, x| {
        let x = net.linear(x, 6, false, None);
        let x = net.unary("relu", Unary::Relu, x);
        let main = net.linear(x, 6, false, None);
        let sum = net.binary("add", Binary::Add, main, x);
        net.linear(sum, 3, false, None)
    });
    assert_eq!(
        suggestions(&checked, Question::Joint),
        ["put `linear(6, bias=false)` on the branch that ends in `relu1`"]
    );
    assert_eq!(checked.exact().normalizer.as_ref().unwrap().factors.len(), 2);
}

#[test]
fn size_equals_weights_on_feed_forward_nets() {
    for bias in [false, true] {
        let checked = checked(|net, x| {
            let x = net.linear(x, 6, bias, None);
            let x = net.unary("relu", Unary::Relu, x);
            let x = net.linear(x, 6, bias, None);
            let x = net.unary("relu", Unary::Relu, x);
            net.linear(x, 3, bias, None)
        });
        let formula = checked.training().normalizer.as_ref().unwrap().formula(checked.graph());
        assert_eq!(formula, "‖linear1.weight‖ · ‖linear2.weight‖ · ‖linear3.weight‖");
    }
}

#[test]
fn a_size_is_shared_by_parallel_branches() {
    let checked = checked(|net, x| {
        let a = net.linear(x, 3, false, None);
        let b = net.linear(x, 3, false, None);
        net.binary("add", Binary::Add, a, b)
    });
    let formula = checked.training().normalizer.as_ref().unwrap().formula(checked.graph());
    assert_eq!(formula, "‖linear1.weight‖^(1/2) · ‖linear2.weight‖^(1/2)");
}

#[test]
fn the_bound_on_eps_is_met_and_not_exceeded() {
    const EPS: f64 = 0.3;
    const STEP: f64 = 1e-6;
    /// The second derivative over a step.
    const CURVATURE: f64 = 1e-4;
    let mut net = Net::new();
    let x = net.input(&[5]);
    let inside = net.linear(x, 3, false, None);
    let logits = net.batch_norm(inside, EPS, false, None);
    let checked = facts_of(net.finish(logits), logits, Options::from(Mode::Train));
    let bound = checked.eps_bound().unwrap();
    let (graph, judgement) = (checked.graph(), checked.exact().judgement);
    let point = Point::draw(graph, logits, 6, 3);
    let mut longer = point.clone();
    longer.params[0].iter_mut().for_each(|weight| *weight *= 1.0 + STEP);
    let value = |node, point: &Point| Interpreter::new(graph, node, judgement).evaluate(point);
    let (before, after) = (value(logits, &point).unwrap(), value(logits, &longer).unwrap());
    let spread = value(inside, &point).unwrap();
    for channel in 0..3 {
        let values: Vec<f64> = spread.iter().skip(channel).step_by(3).copied().collect();
        let mean = values.iter().sum::<f64>() / 6.0;
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 6.0;
        let degree = (after[channel] / before[channel]).ln() / STEP.ln_1p();
        let most = bound.degree(1.0, variance);
        assert!((degree / most - 1.0).abs() <= CURVATURE, "{degree} {most}");
    }
}

#[test]
fn the_limit_is_blamed_for_what_breaks_it() {
    // eps breaks the net as it is; in the limit only the deep bias does.
    let checked = checked(|net, x| {
        let x = net.linear(x, 6, false, None);
        let x = net.batch_norm(x, 1e-5, true, None);
        net.linear(x, 3, true, Some("fc"))
    });
    let (exact, _) = checked.blame(Question::Joint).unwrap();
    let clash = |scaling: &Scaling, conflict: &specc::check::Conflict| {
        let equation = &scaling.degrees.equations[conflict.equations[0]];
        conflict.clash(checked.graph(), equation)
    };
    assert!(clash(checked.exact(), &exact).contains("eps"));
    let (limit, edits) = checked.blame_in(checked.limit(), Question::Joint).unwrap();
    assert_eq!(
        clash(checked.limit(), &limit),
        "`fc.bias` has degree 1, but what it is added to has degree 2"
    );
    assert_eq!(edits[0].1, "drop the bias of `fc`: `bias=false`");
    let witness = checked.witness(checked.limit(), Question::Joint).unwrap();
    assert_ne!(witness.before, witness.after);
}

#[test]
fn logits_that_are_always_zero_witness_nothing() {
    let checked = checked(|net, x| {
        let x = net.linear(x, 6, false, None);
        let x = net.unary("abs", Unary::Abs, x);
        let x = net.unary("neg", Unary::Neg, x);
        let x = net.unary("relu", Unary::Relu, x);
        let x = net.linear(x, 3, false, None);
        net.unary("tanh", Unary::Tanh, x)
    });
    assert_eq!(checked.exact().joint, None);
    assert_eq!(checked.joint_witness(), None);
}

/// Evaluates the operation of a witness anew, and asks that its values are those told, and that no power of c fits them all.
pub(super) fn holds_inside(checked: &Checked, node: NodeId, witness: &Witness) {
    let graph = checked.graph();
    let interpreter = Interpreter::new(graph, node, checked.exact().judgement);
    let n = samples_inside(&graph[node].shape);
    let point = Point::draw(graph, node, n, WITNESS_SEED);
    let joint = Claim {
        name: "joint".to_owned(),
        exponents: vec![1.0; graph.params.len()],
        input: 0.0,
        degree: None,
    };
    let before = interpreter.evaluate(&point).unwrap();
    let after = scaled(&interpreter, &point, &joint, witness.c);
    for (old, new) in witness.before.iter().zip(&witness.after) {
        let found = before.iter().zip(&after).any(|(b, a)| b == old && a == new);
        assert!(found, "{old} to {new} is not what the net does");
    }
    assert!(no_power_fits(&interpreter, &point, &joint), "{witness:?}");
}

#[test]
fn a_deep_net_shows_its_conflict_where_it_arises() {
    // Behind four hundred layers the logits differ by less than rounding.
    let mut budget = Options::default().budget;
    let checked = checked(|net, x| {
        let mut x = net.linear(x, 4, true, Some("first"));
        for _ in 0..400 {
            let y = net.linear(x, 4, true, None);
            x = net.unary("relu", Unary::Relu, y);
        }
        net.linear(x, 3, false, None)
    });
    let found = checked.witness_inside(checked.exact(), Question::Joint, None, &mut budget);
    let (node, witness) = found.unwrap();
    holds_inside(&checked, node, &witness);
    let text = checked.shown(checked.exact(), Question::Joint, "all parameters").unwrap();
    assert!(text.starts_with("witness: all parameters times 0.01 turn"), "{text}");
}

#[test]
fn a_net_too_large_to_evaluate_shows_its_conflict_where_it_arises() {
    let checked = checked(|net, x| {
        let x = net.linear(x, 8, false, Some("small"));
        let x = net.unary("tanh", Unary::Tanh, x);
        let x = net.linear(x, 4000, false, None);
        let x = net.linear(x, 4000, false, None);
        net.linear(x, 3, false, None)
    });
    assert_eq!(checked.joint_witness(), None);
    let mut budget = Options::default().budget;
    let found = checked.witness_inside(checked.exact(), Question::Joint, None, &mut budget);
    let (node, witness) = found.unwrap();
    assert!(matches!(checked.graph()[node].op, Op::Unary(Unary::Tanh)));
    assert!(budget < Options::default().budget);
    holds_inside(&checked, node, &witness);
}

#[test]
fn five_hundred_layers_cost_no_time() {
    let mut net = Net::new();
    let mut x = net.input(&[4]);
    for i in 0..500 {
        let y = net.linear(x, 4, i % 2 == 0, None);
        let y = net.unary("relu", Unary::Relu, y);
        let y = if i % 5 == 0 { net.batch_norm(y, 1e-5, true, None) } else { y };
        x = if i % 3 == 0 { net.binary("add", Binary::Add, x, y) } else { y };
    }
    let logits = net.linear(x, 3, true, None);
    let graph: Graph = net.finish(logits);
    for limit in [false, true] {
        let judgement = specc::check::Judgement { mode: Mode::Train, limit };
        let scaling = Scaling::of(&graph, logits, judgement);
        for symmetry in &scaling.symmetries {
            for equation in &scaling.degrees.equations {
                let sum = equation.form.value(|unknown| match unknown {
                    Unknown::Given(_) => Number::ZERO,
                    Unknown::Param(_) => symmetry.exponents.coefficient(unknown),
                });
                assert!(sum.is_zero());
            }
        }
    }
}
