//! Losses against golden values and gradients, user-written losses, and the readings of R.

use std::collections::BTreeMap;
use std::path::Path;

use num_rational::Ratio;
use proptest::prelude::*;
use safetensors::SafeTensors;
use serde_json::Value as Json;
use specc::check::{Factor, FactorNorm, Normalizer};
use specc::diag::{Code, FileId, ToDiagnostic};
use specc::grad::differentiate;
use specc::ir::{
    BufferRole, Emit, Graph, Init, Kind, NodeId, Op, Param, ParamId, ParamRole, Shape, Unary,
};
use specc::loss::{LossError, Objective, Subject, attach, attach_size, declare};
use specc::model::{Base, CustomLoss, Divisor, Form, Loss, On, Scale, ScaleExpr, Value};
use specc::passes::clean;
use specc::syntax::ast::ItemKind;
use specc::syntax::parse;

use crate::close::double;
use crate::golden::{bytes, f64s, golden_dir, i64s, json};
use crate::grad::nowhere;
use crate::interp::{Feed, State, hashed, run, step};
use crate::pipeline::{built, compile};
use crate::random::Random;

/// Error of a value obtained by cancelling logits of size s, per s.
const CANCELLED: f64 = 1e-15;

fn scale(trainable: bool) -> Scale {
    Scale { trainable, init: ScaleExpr::Size, span: nowhere() }
}

fn loss_of(form: Form, base: Base) -> Loss {
    Loss { form, base, size: None, divisor: Divisor::Current, scale_lr: 1.0, span: nowhere() }
}

fn form(name: &str, delta: f64) -> Form {
    let on = On::Raw;
    match name {
        "plain" => Form::Plain,
        "single_scale" => Form::SingleScale { r1: scale(true) },
        "two_scale" => Form::TwoScale { delta, on, r1: scale(true), r2: scale(true) },
        "fixed" => Form::TwoScale { delta, on, r1: scale(false), r2: scale(false) },
        "separation" => Form::Separation { delta, on, lambda: scale(true) },
        other => panic!("no form {other}"),
    }
}

fn base(name: &str, k: f64, gamma: f64) -> Base {
    match name {
        "cross_entropy" => Base::CrossEntropy,
        "truncated" => Base::Truncated { k },
        "mse" => Base::Mse,
        "sparsemax" => Base::Sparsemax,
        "hinge" => Base::Hinge,
        "focal" => Base::Focal { gamma },
        other => panic!("no base {other}"),
    }
}

/// A leaf whose value is set through the state, and which can be differentiated.
fn leaf(graph: &mut Graph, name: &str, shape: Shape) -> NodeId {
    graph
        .add_param(Param {
            name: name.to_owned(),
            shape,
            role: ParamRole::Weight,
            init: Init::Constant(0.0),
            layer: None,
            origin: nowhere(),
        })
        .1
}

/// A loss over given logits with its gradients, as outputs of a graph.
struct Bench {
    graph: Graph,
    class_weights: Vec<f64>,
}

impl Bench {
    /// Parameters are z, R and then the scales.
    fn new(loss: &Loss, classes: usize) -> Self {
        let mut graph = Graph::new();
        let logits = leaf(&mut graph, "z", Shape::per_sample([classes]));
        let size = leaf(&mut graph, "R", Shape::scalar());
        let labels = Emit::new(&mut graph, nowhere()).labels();
        let scales = declare(&mut graph, loss);
        let subject = Subject { logits, labels, size: Some(size) };
        let objective = attach(&mut graph, loss, &scales, &subject, Some(0.0)).unwrap();
        let Objective { loss: mean, per_sample, margin, correct, well } = objective;
        let mut wrt = vec![("dz".to_owned(), logits), ("dR".to_owned(), size)];
        for id in scales.trained() {
            let node = graph.ids().find(|node| graph[*node].op == Op::Param(id)).unwrap();
            let name = graph.param(id).name.strip_prefix("loss.").unwrap();
            wrt.push((format!("d{name}"), node));
        }
        let nodes: Vec<_> = wrt.iter().map(|(_, id)| *id).collect();
        let gradients = differentiate(&mut graph, mean, &nodes);
        for ((name, _), gradient) in wrt.into_iter().zip(gradients) {
            if let Some(gradient) = gradient {
                graph.outputs.insert(name, gradient);
            }
        }
        let measured =
            [("mean", mean), ("per_sample", per_sample), ("margin", margin), ("correct", correct)];
        graph.outputs.extend(measured.map(|(name, id)| (name.to_owned(), id)));
        graph.outputs.insert("well".to_owned(), well.unwrap());
        let class_weights = loss.base.class_weights().unwrap_or_default().to_vec();
        Self { graph: clean(&graph), class_weights }
    }

    fn run(
        &self,
        z: &[f64],
        labels: &[u32],
        size: f64,
        scales: &BTreeMap<&str, f64>,
    ) -> BTreeMap<String, Vec<f64>> {
        let mut state = State::new(&self.graph);
        for (buffer, values) in self.graph.buffers.iter().zip(&mut state.buffers) {
            if buffer.role == BufferRole::ClassWeights {
                values.clone_from(&self.class_weights);
            }
        }
        for (param, values) in self.graph.params.iter().zip(&mut state.params) {
            *values = match param.name.as_str() {
                "z" => z.to_vec(),
                "R" => vec![size],
                name => vec![scales[name.strip_prefix("loss.").unwrap()]],
            };
        }
        let feed = Feed { input: &[], labels, lr: 0.0, step: 1, keeps: hashed };
        step(&self.graph, &mut state, &feed).into_iter().map(|(name, t)| (name, t.data)).collect()
    }
}

#[test]
fn golden_losses_hold() {
    let Some(golden) = golden_dir() else { return };
    let index = json(&golden.join("losses.json"));
    let file = bytes(&golden.join("losses.safetensors"));
    let file = SafeTensors::deserialize(&file).unwrap();
    let mut compared = 0;
    for case in index["cases"].as_array().unwrap() {
        compared += golden_case(case, &file);
    }
    assert!(compared > 500, "{compared} tensors compared");
}

fn golden_case(case: &Json, file: &SafeTensors<'_>) -> usize {
    let number = |key: &str| case["params"][key].as_f64().unwrap();
    let name = case["name"].as_str().unwrap();
    let classes = case["classes"].as_u64().unwrap() as usize;
    let z = f64s(file, case["z"].as_str().unwrap());
    let labels: Vec<_> = i64s(file, case["y"].as_str().unwrap())
        .iter()
        .map(|y| u32::try_from(*y).unwrap())
        .collect();
    let scales: BTreeMap<_, _> = ["r1", "r2", "lambda"].map(|key| (key, number(key))).into();
    let largest = z.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
    let mut compared = 0;
    for (entry, spec) in case["losses"].as_object().unwrap() {
        let (form_name, base_name) =
            (spec["form"].as_str().unwrap(), spec["base"].as_str().unwrap());
        let loss = loss_of(
            form(form_name, number("delta")),
            base(base_name, number("k"), number("gamma")),
        );
        let found = Bench::new(&loss, classes).run(&z, &labels, number("R"), &scales);
        let factor = match form_name {
            "plain" => 1.0,
            "separation" => number("lambda"),
            "single_scale" => number("r1") / number("R"),
            _ => number("r2").max(number("r1")) / number("R"),
        };
        let size = largest * factor;
        let cancelled = CANCELLED * if base_name == "sparsemax" { size * size } else { size };
        for (what, tensor) in spec["tensors"].as_object().unwrap() {
            let expected = f64s(file, tensor.as_str().unwrap());
            let found = &found[what];
            assert_eq!(found.len(), expected.len(), "{name} {entry} {what}");
            let extra = if what.starts_with('d') { 0.0 } else { cancelled };
            for (found, expected) in found.iter().zip(&expected) {
                assert!(
                    (found - expected).abs()
                        <= double::ORACLE * expected.abs() + double::PASS + extra,
                    "{name} {entry} {what}: {found}, expected {expected}"
                );
            }
            compared += 1;
        }
        assert_eq!(found["margin"], f64s(file, &format!("{name}.margin")), "{name} {entry}");
        if matches!(form_name, "two_scale" | "separation") {
            assert_eq!(found["well"], [case["n_well"].as_f64().unwrap()], "{name} {entry}");
        }
    }
    compared
}

#[test]
fn losses_of_the_literature_have_the_numbers_of_pytorch() {
    let file: Json = serde_json::from_str(include_str!("losses.json")).unwrap();
    let about = |key: &str| file["about"][key].as_f64().unwrap();
    let scales = BTreeMap::from([("r1", about("r1")), ("r2", about("r2"))]);
    let (size, delta) = (about("R"), about("delta"));
    let mut compared = 0;
    for case in file["cases"].as_array().unwrap() {
        let numbers = |key: &str| -> Vec<f64> {
            case[key].as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
        };
        let classes = case["classes"].as_u64().unwrap() as usize;
        let call = case["loss"].as_str().unwrap();
        let call = match case["form"].as_str().unwrap() {
            "plain" => call.to_owned(),
            _ => format!("two_scale(base={call}, delta={delta})"),
        };
        let found = Bench::new(&selected(&call, classes), classes).run(
            &numbers("z"),
            &numbers("y").iter().map(|y| *y as u32).collect::<Vec<_>>(),
            size,
            &scales,
        );
        let largest = numbers("z").iter().fold(0.0, |m: f64, x| m.max(x.abs())) * 4.0;
        for (what, expected) in
            [("per_sample", numbers("per_sample")), ("mean", vec![case["mean"].as_f64().unwrap()])]
        {
            for (found, expected) in found[what].iter().zip(&expected) {
                let error = (found - expected).abs();
                let allowed = double::ORACLE * expected.abs() + double::PASS + CANCELLED * largest;
                assert!(error <= allowed, "{call} {what} {}: {found}, {expected}", case["name"]);
            }
        }
        for (found, expected) in found["dz"].iter().zip(&numbers("dz")) {
            let error = (found - expected).abs();
            let allowed = double::ORACLE * expected.abs() + double::PASS;
            assert!(error <= allowed, "{call} dz {}: {found}, {expected}", case["name"]);
            compared += 1;
        }
    }
    assert!(compared > 2000, "{compared}");
}

/// The loss that a spec with this call selects.
fn selected(call: &str, classes: usize) -> Loss {
    let text = format!(
        "data synthetic(blobs, classes={classes})\nnet x {{ linear(classes, bias=false) }}\nloss {call}\ntrain sgd\n"
    );
    built(&compile(Path::new("case.net"), &text, &[])).0.loss.clone()
}

/// The first loss defined in `text`, with its parameters at the values given.
fn custom(text: &str, values: &[(&str, Value)]) -> Base {
    let (spec, diagnostics) = parse(FileId(0), text);
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    let ItemKind::Loss(loss) = &spec.items[0].kind else { panic!("a loss") };
    Base::Custom(CustomLoss {
        name: loss.head.callee.value.clone(),
        values: values.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
        body: loss.body.clone().unwrap(),
    })
}

#[test]
fn written_losses_have_the_numbers_of_the_built_in_ones() {
    let pairs = [
        (Base::CrossEntropy, custom("loss mine() { out -log(softmax(logits)[label]) }", &[])),
        (
            Base::CrossEntropy,
            custom("loss mine() {\n  let p = log(softmax(logits))\n  out -p[label]\n}", &[]),
        ),
        (
            Base::Focal { gamma: 0.5 },
            custom(
                "loss mine(gamma=2) {\n  let p = softmax(logits)\n  out -(1 - p[label])^gamma * log(p[label])\n}",
                &[("gamma", Value::Float(0.5))],
            ),
        ),
        (
            Base::Truncated { k: 0.2 },
            custom(
                "loss mine(k=0.2) { out -log(max(softmax(logits)[label], k)) }",
                &[("k", Value::Float(0.2))],
            ),
        ),
        (Base::Mse, custom("loss mine() { out sum((softmax(logits) - one_hot(label))^2) }", &[])),
        (Base::Hinge, custom("loss mine() { out relu(1 - margin) }", &[])),
        (Base::Hinge, custom("loss mine() { out max(1 - margin(logits), 0) }", &[])),
    ];
    let z = [1.5, -0.25, 0.75, 9000.0, -9000.0, 0.5, -0.5, 2.0, 1.0, -40.0, 60.0, 3.0];
    let labels = [0, 0, 2, 0];
    let scales = BTreeMap::from([("r1", 2.0), ("r2", 1e6)]);
    for (built_in, written) in pairs {
        let run = |base: &Base| {
            let loss = loss_of(form("two_scale", 0.01), base.clone());
            Bench::new(&loss, 3).run(&z, &labels, 2.0, &scales)
        };
        let expected = run(&built_in);
        assert!(expected.values().flatten().all(|x| x.is_finite()), "{built_in:?}: {expected:?}");
        assert_eq!(run(&written), expected, "{built_in:?}");
    }
}

#[test]
fn a_written_loss_may_weigh_classes_and_choose() {
    let text = "loss mine(w=1, hard=true) {
  let each = -w[label] * log_softmax(logits)[label]
  if hard { out where(margin >= 0.5, each / 2, each) } else { out each }
}";
    let weights = Value::List([1.0, 2.0, 4.0].map(Value::Float).to_vec());
    let base = custom(text, &[("w", weights), ("hard", Value::Bool(true))]);
    let loss = loss_of(Form::Plain, base);
    let bench = Bench::new(&loss, 3);
    let found = bench.run(&[0.0, 0.0, 0.0, 0.0, 3.0, 0.0], &[2, 1], 1.0, &BTreeMap::new());
    let well = 2.0 * (1.0 + 2.0 * (-3.0f64).exp()).ln() / 2.0;
    assert!((found["per_sample"][0] - 4.0 * 3.0f64.ln()).abs() < double::PASS);
    assert!((found["per_sample"][1] - well).abs() < double::PASS);
}

#[test]
fn what_is_wrong_with_a_written_loss_is_said_with_its_code() {
    let cases = [
        ("out log_softmax(logits)", Code::E0350),
        ("out -log(sotfmax(logits)[label])", Code::E0351),
        ("out logit[label]", Code::E0351),
        ("out sum(margin)", Code::E0352),
        ("out label + 1", Code::E0352),
        ("out softmax(logits, logits)", Code::E0352),
        ("out logits[3]", Code::E0352),
        ("let a = 1\n  let a = 2\n  out margin", Code::E0353),
        ("relu\n  out margin", Code::E0353),
        ("let a = margin", Code::E0353),
    ];
    for (body, code) in cases {
        let base = custom(&format!("loss mine() {{\n  {body}\n}}"), &[]);
        let error = build(&loss_of(Form::Plain, base), 3).unwrap_err();
        assert_eq!(error.to_diagnostic().code, code, "{body}");
        assert!(error.to_diagnostic().title.chars().count() <= 72);
    }
    let error = build(&loss_of(Form::Plain, Base::CrossEntropy), 1).unwrap_err();
    assert_eq!(error.to_diagnostic().code, Code::E0356);
    let error = build(&loss_of(form("single_scale", 0.0), Base::CrossEntropy), 2).unwrap_err();
    assert_eq!(error.to_diagnostic().code, Code::E0355);
}

fn build(loss: &Loss, classes: usize) -> Result<Objective, LossError> {
    let mut graph = Graph::new();
    let logits = graph.add_leaf(Op::Input, Shape::per_sample([classes]), Kind::Real, nowhere());
    let labels = Emit::new(&mut graph, nowhere()).labels();
    let scales = declare(&mut graph, loss);
    attach(&mut graph, loss, &scales, &Subject { logits, labels, size: None }, None)
}

/// Two layers with biases; parameters w1, b1, w2, b2, then r1 and r2.
struct Net {
    graph: Graph,
    loss: NodeId,
    gradients: Vec<NodeId>,
}

fn normalizer(norm: FactorNorm, together: bool) -> Normalizer {
    let factor = |tensors: &[u32], exponent: Ratio<i64>| Factor {
        tensors: tensors.iter().map(|id| ParamId(*id)).collect(),
        norm,
        exponent,
    };
    let one = Ratio::from_integer(1);
    let factors = if together {
        vec![factor(&[0, 1], one), factor(&[2, 3], Ratio::new(3, 2))]
    } else {
        vec![factor(&[0], one), factor(&[2], one)]
    };
    Normalizer { factors }
}

fn net(normalizer: &Normalizer, divisor: Divisor, on: On) -> Net {
    let form = Form::TwoScale { delta: 0.05, on, r1: scale(true), r2: scale(true) };
    let loss = Loss { divisor, ..loss_of(form, Base::Focal { gamma: 1.5 }) };
    let mut graph = Graph::new();
    let shapes = [vec![3, 2], vec![3], vec![4, 3], vec![4]];
    let nodes: Vec<_> = shapes
        .into_iter()
        .enumerate()
        .map(|(i, dims)| leaf(&mut graph, &format!("p{i}"), Shape::fixed(dims)))
        .collect();
    let x = graph.add_leaf(Op::Input, Shape::per_sample([2]), Kind::Real, nowhere());
    let scales = declare(&mut graph, &loss);
    let mut emit = Emit::new(&mut graph, nowhere());
    let labels = emit.labels();
    let mut y = x;
    for layer in 0..2 {
        y = emit.op(Op::Linear, &[y, nodes[2 * layer]]);
        let shape = emit.shape(y);
        let bias = emit.op(Op::Expand { shape, axes: vec![1] }, &[nodes[2 * layer + 1]]);
        y = emit.add(y, bias);
        if layer == 0 {
            y = emit.unary(Unary::Tanh, y);
        }
    }
    let size = attach_size(&mut emit, normalizer);
    let subject = Subject { logits: y, labels, size: Some(size.value) };
    let objective = attach(&mut graph, &loss, &scales, &subject, None).unwrap();
    let mut wrt = nodes;
    for id in scales.trained() {
        wrt.push(Emit::new(&mut graph, nowhere()).param(id));
    }
    let gradients = differentiate(&mut graph, objective.loss, &wrt);
    let gradients: Vec<_> = gradients.into_iter().map(|g| g.expect("a gradient")).collect();
    graph.outputs.insert("loss".to_owned(), objective.loss);
    graph.outputs.insert("R".to_owned(), size.value);
    for (i, gradient) in gradients.iter().enumerate() {
        graph.outputs.insert(format!("g{i}"), *gradient);
    }
    Net { graph, loss: objective.loss, gradients }
}

const SAMPLES: [f64; 6] = [0.5, -1.25, 1.5, 0.25, -0.75, 0.875];
const LABELS: [u32; 3] = [1, 3, 0];

fn state_of(net: &Net, seed: u64, initial_size: f64) -> State {
    let mut random = Random::new(seed + 1);
    let mut state = State::new(&net.graph);
    for values in &mut state.params {
        for value in values.iter_mut() {
            *value = random.signed();
        }
    }
    state.params[4] = vec![1.75];
    state.params[5] = vec![6.5];
    for buffer in &mut state.buffers {
        *buffer = vec![initial_size];
    }
    state
}

fn value(net: &Net, state: &State, node: NodeId) -> Vec<f64> {
    let feed = Feed { input: &SAMPLES, labels: &LABELS, lr: 0.0, step: 1, keeps: hashed };
    run(&net.graph, state, &feed)[node.0 as usize].clone().unwrap().data
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(8) })]

    #[test]
    fn every_size_and_comparison_has_the_gradient_of_its_value(
        seed in 0u64..10_000, spectral in any::<bool>(), normalized in any::<bool>(), initial in any::<bool>(),
    ) {
        let normalizer = if spectral {
            normalizer(FactorNorm::Spectral, false)
        } else {
            normalizer(FactorNorm::Frobenius, true)
        };
        let on = if normalized { On::Normalized } else { On::Raw };
        let divisor = if initial { Divisor::Initial } else { Divisor::Current };
        let net = net(&normalizer, divisor, on);
        let state = state_of(&net, seed, 1.25);
        let step = 1e-6;
        for (param, gradient) in net.gradients.iter().enumerate() {
            let gradient = value(&net, &state, *gradient);
            for (i, found) in gradient.iter().enumerate() {
                let at = |offset: f64| {
                    let mut moved = state.clone();
                    moved.params[param][i] += offset;
                    value(&net, &moved, net.loss)[0]
                };
                let expected = (at(step) - at(-step)) / (2.0 * step);
                prop_assert!(
                    (found - expected).abs() <= double::SLOPE * expected.abs().max(1.0),
                    "parameter {param} element {i}: {found}, expected {expected}"
                );
            }
        }
    }

    #[test]
    fn a_detached_divisor_is_an_initial_one_of_the_same_size(seed in 0u64..10_000) {
        let normalizer = normalizer(FactorNorm::Frobenius, false);
        let detached = net(&normalizer, Divisor::Detached, On::Raw);
        let initial = net(&normalizer, Divisor::Initial, On::Raw);
        let state = state_of(&detached, seed, 0.0);
        let size = value(&detached, &state, detached.graph.output("R").unwrap())[0];
        let same = state_of(&initial, seed, size);
        for (a, b) in detached.gradients.iter().zip(&initial.gradients) {
            prop_assert_eq!(value(&detached, &state, *a), value(&initial, &same, *b));
        }
    }
}
