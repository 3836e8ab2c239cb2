//! Whole trainings, step by step, against the golden trajectories, through the interpreter.

use std::io::Read;
use std::path::Path;

use safetensors::SafeTensors;
use serde_json::Value;
use specc::grad::{Joint, joint};
use specc::ir::Graph;
use specc::loss::initial_scales;
use specc::model::{
    Base, Divisor, Form, LastBatch, Length, Loss, On, Optimizer, Places, Scale, ScaleExpr,
    Schedule, Sharpness, SharpnessKind, Train,
};
use specc::syntax::ast::BinaryOp;

use crate::close::double;
use crate::golden::{bytes, f64s, golden_dir, json};
use crate::grad::nowhere;
use crate::interp::{Feed, State, hashed, step};
use crate::nets;

#[test]
fn mlp_follows_every_optimiser() {
    for case in [
        "two_scale_momentum",
        "two_scale_nesterov_decay",
        "two_scale_adam",
        "two_scale_adam_l2",
        "two_scale_adamw",
    ] {
        follow(&format!("mlp/{case}"), 24);
    }
}

#[test]
fn mlp_follows_every_base() {
    for case in ["truncated", "two_scale_mse", "two_scale_focal"] {
        follow(&format!("mlp/{case}"), 24);
    }
}

#[test]
fn mlp_narrow_follows_every_form() {
    for case in ["single_scale", "two_scale", "two_scale_momentum", "separation"] {
        follow(&format!("mlp_narrow/{case}"), 24);
    }
}

#[test]
fn lenet_starts_right() {
    follow("lenet/two_scale", 2);
    follow("lenet/fixed", 1);
}

#[test]
fn sharpness_takes_two_phases() {
    follow("wrn/cross_entropy_sam", 1);
    follow("wrn/two_scale_asam", 2);
}

fn follow(name: &str, n_steps: usize) {
    let Some(golden) = golden_dir() else { return };
    let root = golden.join("trajectories");
    let case = json(&root.join(format!("{name}.json")));
    let data = Data::read(&root.join("data"), &case);
    let net = nets::graph(case["layers"].as_array().unwrap(), &data.shape);
    let (loss, train) = (loss(&case), train(&case));
    let joint = joint(&nets::checked(&net, Some(nets::weights(&net))), &loss, &train).unwrap();
    let mut state = start(&joint, &loss, &root.join(case["init"].as_str().unwrap()));
    let first = state.clone();
    let batch = case["batch"].as_u64().unwrap() as usize;
    for record in &case["steps"].as_array().unwrap()[..n_steps] {
        let t = record["step"].as_u64().unwrap();
        let (input, labels) = data.batch(t as usize * batch, batch);
        let lr = record["lr"].as_f64().unwrap();
        let feed = Feed { input: &input, labels: &labels, lr, step: t + 1, keeps: hashed };
        compare_scales(name, record, &joint.train[0].graph, &state);
        let mut outputs = vec![];
        for phase in &joint.train {
            outputs.push(step(&phase.graph, &mut state, &feed));
        }
        let of = |phase: usize, what: &str| outputs[phase][what].data[0];
        close(name, record, "loss", of(0, "loss"));
        close(name, record, "R", of(0, "R"));
        close(name, record, "accuracy", of(0, "correct") / batch as f64);
        close(name, record, "n_well", of(0, "well"));
        if joint.train.len() == 2 {
            close(name, record, "gradient_norm", of(0, "gradient_norm"));
            close(name, record, "perturbed_loss", of(1, "loss"));
            close(name, record, "perturbed_n_well", of(1, "well"));
            close(name, record, "perturbed_R", of(1, "R"));
        }
    }
    if n_steps == case["n_steps"].as_u64().unwrap() as usize {
        compare_scales(name, &case["end"], &joint.train[0].graph, &state);
        compare_finals(name, &case, &root, &joint, &state);
        compare_changes(name, &case["end"]["change"], &joint.eval, &first, &state);
    }
}

fn compare_scales(name: &str, record: &Value, graph: &Graph, state: &State) {
    for (param, values) in graph.params.iter().zip(&state.params) {
        if let Some(scale) = param.name.strip_prefix("loss.") {
            close(name, record, scale, values[0]);
        }
    }
}

fn compare_finals(name: &str, case: &Value, root: &Path, joint: &Joint, state: &State) {
    let file = bytes(&root.join(case["result"].as_str().unwrap()));
    let file = SafeTensors::deserialize(&file).unwrap();
    let stride = case["probe_stride"].as_u64().unwrap() as usize;
    for (param, values) in joint.eval.params.iter().zip(&state.params) {
        let Some(stored) = case["parameters"].get(&param.name) else { continue };
        let (kind, stride) =
            if stored["stored"] == "probe" { ("probe", stride) } else { ("final", 1) };
        let expected = f64s(&file, &format!("{kind}.{}", param.name));
        let largest = expected.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
        for (found, expected) in values.iter().step_by(stride).zip(&expected) {
            let difference = (found - expected).abs();
            assert!(difference <= double::ORACLE * largest, "{name} {}: {difference}", param.name);
        }
    }
}

/// How far trained scales moved, which says more than their values.
fn compare_changes(name: &str, changes: &Value, graph: &Graph, first: &State, last: &State) {
    for (i, param) in graph.params.iter().enumerate() {
        let change = param.name.strip_prefix("loss.").and_then(|scale| changes.get(scale));
        let Some(expected) = change.and_then(Value::as_f64) else { continue };
        let found = last.params[i][0] - first.params[i][0];
        let allowed =
            double::SCALE_CHANGE * expected.abs() + 24.0 * f64::EPSILON * last.params[i][0].abs();
        assert!((found - expected).abs() <= allowed, "{name} {}: {found}, {expected}", param.name);
    }
}

fn close(name: &str, record: &Value, key: &str, found: f64) {
    let expected = record[key].as_f64().unwrap_or_else(|| panic!("{name}: no {key} in {record}"));
    assert!(
        (found - expected).abs() <= double::ORACLE * expected.abs(),
        "{name} {key}: {found}, expected {expected} in {record}"
    );
}

/// Initial weights from the file, running statistics as they start, scales from R(θ₀).
fn start(joint: &Joint, loss: &Loss, init: &Path) -> State {
    let graph = joint.size.as_ref().unwrap();
    let file = bytes(init);
    let file = SafeTensors::deserialize(&file).unwrap();
    let mut state = State::new(graph);
    for (param, values) in graph.params.iter().zip(&mut state.params) {
        if let Ok(tensor) = file.tensor(&param.name) {
            assert_eq!(tensor.shape(), param.shape.dims);
            let floats = tensor.data().as_chunks().0.iter();
            *values = floats.map(|bytes| f64::from(f32::from_le_bytes(*bytes))).collect();
        } else {
            assert!(param.name.starts_with("loss."), "{}", param.name);
        }
    }
    let feed = Feed { input: &[], labels: &[], lr: 0.0, step: 1, keeps: hashed };
    let size = step(graph, &mut state, &feed)["R"].data[0];
    let scales = initial_scales(loss, Some(size), f64::MAX).unwrap();
    for (param, values) in graph.params.iter().zip(&mut state.params) {
        if let Some(scale) = scales.get(&param.name) {
            *values = vec![*scale];
        }
    }
    state
}

fn loss(case: &Value) -> Loss {
    let spec = &case["loss"];
    let number = |key: &str| spec[key].as_f64().unwrap_or(f64::NAN);
    let trained = case["scales"]["trained"].as_array().unwrap();
    let scale = |name: &str, init| Scale {
        trainable: trained.iter().any(|trained| trained == name),
        init,
        span: nowhere(),
    };
    let r1 = scale("r1", ScaleExpr::Size);
    let ten_r1 = ScaleExpr::Binary(
        BinaryOp::Mul,
        Box::new(ScaleExpr::Number(10.0)),
        Box::new(ScaleExpr::Scale("r1".to_owned())),
    );
    let (delta, on) = (number("delta"), On::Raw);
    let form = match spec["form"].as_str().unwrap() {
        "plain" => Form::Plain,
        "single_scale" => Form::SingleScale { r1 },
        "two_scale" | "fixed" => Form::TwoScale { delta, on, r1, r2: scale("r2", ten_r1) },
        "separation" => {
            Form::Separation { delta, on, lambda: scale("lambda", ScaleExpr::Number(10.0)) }
        }
        other => panic!("no form {other}"),
    };
    let base = match spec["base"].as_str().unwrap() {
        "cross_entropy" => Base::CrossEntropy,
        "truncated" => Base::Truncated { k: number("k") },
        "mse" => Base::Mse,
        "focal" => Base::Focal { gamma: number("gamma") },
        other => panic!("no base {other}"),
    };
    Loss { form, base, size: None, divisor: Divisor::Current, scale_lr: 1.0, span: nowhere() }
}

fn train(case: &Value) -> Train {
    let spec = &case["optimiser"];
    let number = |value: &Value| value.as_f64().unwrap_or(0.0);
    let weight_decay = number(&spec["weight_decay"]);
    let (beta1, beta2) = (number(&spec["betas"][0]), number(&spec["betas"][1]));
    let eps = number(&spec["eps"]);
    let optimizer = match spec["name"].as_str().unwrap() {
        "sgd" => Optimizer::Sgd {
            momentum: number(&spec["momentum"]),
            nesterov: spec["nesterov"] == true,
            weight_decay,
        },
        "adam" => Optimizer::Adam { beta1, beta2, eps, weight_decay },
        "adamw" => Optimizer::AdamW { beta1, beta2, eps, weight_decay },
        other => panic!("no optimiser {other}"),
    };
    let sharpness = spec.get("sharpness").filter(|sharpness| sharpness.is_object()).map(|s| {
        let kind = if s["kind"] == "asam" {
            SharpnessKind::Asam { eta: number(&s["eta"]) }
        } else {
            SharpnessKind::Sam
        };
        Sharpness { kind, rho: number(&s["rho"]) }
    });
    Train {
        optimizer,
        sharpness,
        lr: number(&spec["lr"]),
        schedule: Schedule::Constant,
        warmup: 0,
        batch: 64,
        length: Length::Steps(24),
        last_batch: LastBatch::Keep,
        clip: None,
        ema: None,
        best: None,
        patience: None,
        places: Places::at(nowhere()),
        seeds: vec![0],
        well_delta: case["loss"]["delta"].as_f64(),
    }
}

/// The training set of a case, in file order.
struct Data {
    shape: Vec<usize>,
    samples: Vec<f64>,
    labels: Vec<u32>,
}

impl Data {
    fn read(dir: &Path, case: &Value) -> Self {
        let half = case["normalize"] == "half";
        let pixel = |byte: &u8| {
            let unit = f64::from(*byte) / 255.0;
            if half { (unit - 0.5) / 0.5 } else { unit }
        };
        let mut data = Self { shape: vec![3, 32, 32], samples: vec![], labels: vec![] };
        let mut records = |file: Vec<u8>, skipped: usize| {
            for record in file.chunks(skipped + 1 + 3072) {
                data.labels.push(u32::from(record[skipped]));
                data.samples.extend(record[skipped + 1..].iter().map(pixel));
            }
        };
        match case["data"].as_str().unwrap() {
            "cifar10" => {
                for i in 1..=5 {
                    let file = dir.join(format!("cifar-10-batches-bin/data_batch_{i}.bin"));
                    records(bytes(&file), 0);
                }
            }
            "cifar100" => records(bytes(&dir.join("cifar-100-binary/train.bin")), 1),
            _ => {
                let images = unpacked(&dir.join("mnist/train-images-idx3-ubyte.gz"));
                let labels = unpacked(&dir.join("mnist/train-labels-idx1-ubyte.gz"));
                data.shape = vec![1, 28, 28];
                data.samples = images[16..].iter().map(pixel).collect();
                data.labels = labels[8..].iter().map(|label| u32::from(*label)).collect();
            }
        }
        data
    }

    fn batch(&self, start: usize, len: usize) -> (Vec<f64>, Vec<u32>) {
        let size: usize = self.shape.iter().product();
        let indices: Vec<_> = (start..start + len).map(|i| i % self.labels.len()).collect();
        let sample = |i: &usize| self.samples[i * size..(i + 1) * size].iter().copied();
        (
            indices.iter().flat_map(sample).collect(),
            indices.iter().map(|i| self.labels[*i]).collect(),
        )
    }
}

fn unpacked(path: &Path) -> Vec<u8> {
    let mut out = vec![];
    flate2::read::GzDecoder::new(bytes(path).as_slice()).read_to_end(&mut out).unwrap();
    out
}
