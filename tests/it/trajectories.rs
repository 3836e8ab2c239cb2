//! Every golden training run, step by step, through the reference executor in both precisions.

use std::path::Path;

use safetensors::SafeTensors;
use serde_json::Value;
use specc::exec::{Options, ReferenceProgram, evaluate, initial_state};
use specc::grad::{Joint, differentiate, joint};
use specc::ir::{NodeId, Op};
use specc::lower::{
    self, Batch, DType, HostTensor, HyperValues, Program, State, StateEntry, StepOutput,
};

use crate::cases::{Part, compile_text, entries, golden_locations, spec_text};
use crate::close::{double, single};
use crate::golden::{bytes, f64s, golden_dir, json};
use crate::nets::{checked, weights};

/// Samples by which counts of `wrn` in single precision may differ: rounding flips single activations at the kink of relu,
/// and batch norm spreads that further than the smallest distance of a margin to a threshold.
const SINGLE_WRN_COUNTS: u64 = 1;

#[test]
fn lenet() {
    run_all("lenet/");
}

#[test]
fn lenet_nobias() {
    run_all("lenet_nobias/");
}

#[test]
fn mlp() {
    run_all("mlp/");
}

#[test]
fn mlp_narrow() {
    run_all("mlp_narrow/");
}

#[test]
fn vgg() {
    run_all("vgg/");
}

#[test]
fn wrn() {
    run_all("wrn/");
}

fn run_all(prefix: &str) {
    let Some(golden) = golden_dir() else { return };
    let folder = golden.join("trajectories");
    let index = json(&folder.join("index.json"));
    let cases = index["cases"].as_array().unwrap();
    let named = |case: &&Value| case["case"].as_str().unwrap().starts_with(prefix);
    let mut count = 0;
    for case in cases.iter().filter(named) {
        let case = json(&folder.join(case["json"].as_str().unwrap()));
        for dtype in [DType::F64, DType::F32] {
            Run::new(&folder, case.clone(), dtype).check();
        }
        count += 1;
    }
    assert!(count > 0, "no case {prefix}");
}

struct Run {
    case: Value,
    result: Vec<u8>,
    dtype: DType,
    joint: Joint,
    start: State,
    program: ReferenceProgram,
    train: Part,
    test: Part,
}

impl Run {
    fn new(folder: &Path, case: Value, dtype: DType) -> Self {
        let data = folder.join("data");
        let (spec, graph) = compile_text(&spec_text(&case), &golden_locations(data.clone()));
        let joint =
            joint(&checked(&graph, Some(weights(&graph))), &spec.loss, &spec.train).unwrap();
        let names: Vec<_> = graph.params.iter().map(|p| p.name.clone()).collect();
        let mut file = entries(&bytes(&folder.join(case["init"].as_str().unwrap())));
        file.retain(|entry| names.contains(&entry.name));
        let start = initial_state(&joint, &spec.loss, 0, dtype, Some(&file)).unwrap();
        assert!(start.extra.is_empty());
        let options = Options {
            dtype,
            seed: 0,
            threads: 2,
            batch: 1,
            isa: specc::kernels::isa::Isa::detect(),
        };
        let plan = lower::reference::plan(&joint);
        let program = ReferenceProgram::new(plan, &start.state, options).unwrap();
        Self {
            result: bytes(&folder.join(case["result"].as_str().unwrap())),
            case,
            dtype,
            joint,
            start: start.state,
            program,
            train: Part::load(&spec, data.clone(), false),
            test: Part::load(&spec, data, true),
        }
    }

    fn check(mut self) {
        let start = self.start.clone();
        self.check_first_gradient(&start);
        let steps = self.case["steps"].as_array().unwrap().clone();
        let batch = self.case["batch"].as_u64().unwrap() as usize;
        for (t, record) in steps.iter().enumerate() {
            let n = self.train.len();
            let indices: Vec<u32> = (0..batch).map(|i| ((t * batch + i) % n) as u32).collect();
            let state = self.program.state().unwrap();
            let batch = Batch { samples: &self.train, indices: &indices, epoch: 0 };
            let hyper = HyperValues { lr: record["lr"].as_f64().unwrap(), step: t as u64 + 1 };
            self.check_gradient_norm(record, &state, &batch);
            let outputs = self.program.step(&batch, &hyper).unwrap();
            self.check_step(t, record, &outputs, &state);
        }
        self.check_end(&start);
    }

    fn check_step(&self, t: usize, record: &Value, outputs: &[StepOutput], state: &State) {
        let at = format!("step {t}");
        let first = &outputs[0];
        let n = self.case["batch"].as_f64().unwrap();
        self.close(&format!("{at} loss"), first.loss, &record["loss"], self.allowed("loss"));
        let correct = record["accuracy"].as_f64().unwrap() * n;
        self.same_count(&format!("{at} correct"), Some(first.correct), Some(whole(correct)));
        self.same_count(&format!("{at} well"), first.well, record["n_well"].as_u64());
        let size = first.size.unwrap_or(f64::NAN);
        self.close(&format!("{at} R"), size, &record["R"], self.allowed("R"));
        for scale in ["r1", "r2", "lambda"] {
            if !record[scale].is_null() {
                let value = find(state, &format!("loss.{scale}"))[0];
                self.close(&format!("{at} {scale}"), value, &record[scale], self.allowed("R"));
            }
        }
        assert_eq!(outputs.len(), if record["perturbed_loss"].is_null() { 1 } else { 2 });
        if let Some(second) = outputs.get(1) {
            let loss = &record["perturbed_loss"];
            self.close(&format!("{at} perturbed loss"), second.loss, loss, self.allowed("loss"));
            self.same_count(&at, second.well, record["perturbed_n_well"].as_u64());
            // The perturbation follows the gradient, which deviates as the loss does, not as the weights.
            let size = second.size.unwrap_or(f64::NAN);
            self.close(
                &format!("{at} perturbed R"),
                size,
                &record["perturbed_R"],
                self.allowed("loss"),
            );
        }
    }

    /// ‖g‖, or ‖T g‖ for ASAM, now and then.
    fn check_gradient_norm(&self, record: &Value, state: &State, batch: &Batch<'_>) {
        let is_due = record["step"].as_u64().unwrap().is_multiple_of(8);
        if record["gradient_norm"].is_null() || !is_due || self.dtype == DType::F32 {
            return;
        }
        let hyper = HyperValues { lr: 0.0, step: 1 };
        let options = Options {
            dtype: self.dtype,
            seed: 0,
            threads: 2,
            batch: 1,
            isa: specc::kernels::isa::Isa::detect(),
        };
        let found = evaluate(&self.joint.train[0].graph, state, batch, &hyper, options).unwrap();
        let norm = found["gradient_norm"].values[0];
        self.close("gradient norm", norm, &record["gradient_norm"], double::ORACLE);
    }

    fn check_end(&mut self, start: &State) {
        let file = self.result.clone();
        let file = SafeTensors::deserialize(&file).unwrap();
        let state = self.program.state().unwrap();
        let stride = self.case["probe_stride"].as_u64().unwrap() as usize;
        let allowed = self.allowed("parameters");
        for (name, info) in self.case["parameters"].as_object().unwrap() {
            let values = find(&state, name);
            let is_full = info["stored"] == "full";
            let kind = if is_full { "final" } else { "probe" };
            let step = if is_full { 1 } else { stride };
            let found: Vec<f64> = values.iter().step_by(step).copied().collect();
            self.all_close(name, &found, &f64s(&file, &format!("{kind}.{name}")), allowed);
            if self.dtype == DType::F64 {
                self.sums_close(name, &values, &f64s(&file, &format!("sums.{name}")));
            }
        }
        self.check_running(&file, &state);
        for (scale, change) in self.case["end"]["change"].as_object().unwrap() {
            let name = format!("loss.{scale}");
            let (before, after) = (find(start, &name)[0], find(&state, &name)[0]);
            let unit = match self.dtype {
                DType::F32 => f64::from(f32::EPSILON),
                DType::F64 => f64::EPSILON,
            };
            let expected = change.as_f64().unwrap();
            let relative =
                if self.dtype == DType::F64 { double::SCALE_CHANGE } else { 10.0 * single::RUN };
            let slack = relative * expected.abs() + 24.0 * unit * before.abs();
            let found = after - before;
            assert!(
                (found - expected).abs() <= slack,
                "{} {scale}: {found} {expected}",
                self.name()
            );
        }
        self.check_test(&file);
    }

    fn check_running(&self, file: &SafeTensors<'_>, state: &State) {
        for entry in &state.buffers {
            let name = format!("final.{}", entry.name);
            if file.names().contains(&name.as_str()) {
                let expected = f64s(file, &name);
                self.all_close(
                    &entry.name,
                    &doubles(entry),
                    &expected,
                    self.allowed("test_logits"),
                );
            }
        }
    }

    fn check_test(&mut self, file: &SafeTensors<'_>) {
        let name = self.name();
        let indices: Vec<u32> = (0..self.test.len() as u32).collect();
        let batch = Batch { samples: &self.test, indices: &indices, epoch: 0 };
        let (logits, output) = self.program.eval(&batch).unwrap();
        let expected = f64s(file, "test_logits");
        let logits = match logits {
            HostTensor::F32(values) => values.into_iter().map(f64::from).collect(),
            HostTensor::F64(values) => values,
        };
        let allowed = match self.dtype {
            DType::F64 => double::ORACLE,
            DType::F32 if name.starts_with("wrn") => single::NORMED_RUN,
            DType::F32 => self.allowed("test_logits"),
        };
        self.all_close("test logits", &logits[..expected.len()], &expected, allowed);
        let correct = self.case["end"]["test_accuracy"].as_f64().unwrap() * indices.len() as f64;
        self.same_count("test accuracy", Some(output.correct), Some(whole(correct)));
    }

    fn check_first_gradient(&self, start: &State) {
        let mut graph = self.joint.train[0].graph.clone();
        graph.updates.clear();
        let loss = graph.output("loss").unwrap();
        let params: Vec<NodeId> =
            graph.ids().filter(|id| matches!(graph[*id].op, Op::Param(_))).collect();
        let gradients = differentiate(&mut graph, loss, &params);
        graph.outputs.clear();
        for (node, gradient) in params.iter().zip(gradients) {
            if let (Op::Param(id), Some(gradient)) = (&graph[*node].op, gradient) {
                let name = graph.param(*id).name.clone();
                graph.outputs.insert(name, gradient);
            }
        }
        let batch = self.case["batch"].as_u64().unwrap() as u32;
        let indices: Vec<u32> = (0..batch).collect();
        let batch = Batch { samples: &self.train, indices: &indices, epoch: 0 };
        let hyper = HyperValues { lr: 0.0, step: 1 };
        let options = Options {
            dtype: self.dtype,
            seed: 0,
            threads: 1,
            batch: 1,
            isa: specc::kernels::isa::Isa::detect(),
        };
        let found = evaluate(&graph, start, &batch, &hyper, options).unwrap();
        let file = SafeTensors::deserialize(&self.result).unwrap();
        for (name, gradient) in &found {
            let sums = format!("grad0_sums.{name}");
            if self.dtype == DType::F64 && file.names().contains(&sums.as_str()) {
                self.sums_close(name, &gradient.values, &f64s(&file, &sums));
            }
            if let Some(scale) = name.strip_prefix("loss.") {
                let expected = &self.case["grad0_scales"][scale];
                if !expected.is_null() {
                    let allowed =
                        if self.dtype == DType::F64 { double::DIFFERENCE } else { single::RUN };
                    self.close(
                        &format!("gradient of {scale}"),
                        gradient.values[0],
                        expected,
                        allowed,
                    );
                }
            }
        }
    }

    /// Σ w, Σ w² and Σ w ((i mod 7) − 3), to what rounding of the sums allows.
    fn sums_close(&self, name: &str, values: &[f64], expected: &[f64]) {
        let weights = |i: usize| (i % 7) as f64 - 3.0;
        let sums = [
            values.iter().sum::<f64>(),
            values.iter().map(|v| v * v).sum(),
            values.iter().enumerate().map(|(i, v)| v * weights(i)).sum(),
        ];
        let size = values.iter().map(|v| v.abs()).sum::<f64>();
        for (i, (found, expected)) in sums.iter().zip(expected).enumerate() {
            let slack = double::ORACLE * (expected.abs() + if i == 1 { 0.0 } else { 3.0 * size });
            assert!(
                (found - expected).abs() <= slack,
                "{} sum {i} of {name}: {found} {expected}",
                self.name()
            );
        }
    }

    fn name(&self) -> String {
        format!("{} {}", self.case["name"].as_str().unwrap(), self.dtype)
    }

    /// What a value may differ by, relative.
    fn allowed(&self, quantity: &str) -> f64 {
        match self.dtype {
            DType::F64 => double::ORACLE,
            DType::F32 => {
                let deviation = self.case["float32_deviation"][quantity].as_f64().unwrap();
                (10.0 * deviation).max(single::RUN)
            }
        }
    }

    fn same_count(&self, what: &str, found: Option<u64>, expected: Option<u64>) {
        let is_wrn = self.name().starts_with("wrn") && self.dtype == DType::F32;
        let allowed = if is_wrn { SINGLE_WRN_COUNTS } else { 0 };
        let (found, expected) = (found.unwrap(), expected.unwrap());
        assert!(
            found.abs_diff(expected) <= allowed,
            "{} {what}: {found}, not {expected}",
            self.name()
        );
    }

    fn close(&self, what: &str, found: f64, expected: &Value, allowed: f64) {
        let expected = expected.as_f64().unwrap();
        let ok = (found - expected).abs() <= allowed * expected.abs();
        assert!(ok, "{} {what}: found {found}, expected {expected}", self.name());
    }

    /// The largest difference over the largest value.
    fn all_close(&self, what: &str, found: &[f64], expected: &[f64], allowed: f64) {
        assert_eq!(found.len(), expected.len(), "{} {what}", self.name());
        let largest = expected.iter().fold(0.0_f64, |a, b| a.max(b.abs()));
        let worst = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(worst <= allowed * largest, "{} {what}: off by {worst} of {largest}", self.name());
    }
}

/// A count that was stored as a share.
#[expect(clippy::cast_sign_loss, reason = "shares are not negative")]
fn whole(count: f64) -> u64 {
    count.round() as u64
}

fn find(state: &State, name: &str) -> Vec<f64> {
    let entry = state.params.iter().find(|entry| entry.name == name);
    doubles(entry.unwrap_or_else(|| panic!("no {name}")))
}

fn doubles(entry: &StateEntry) -> Vec<f64> {
    match &entry.values {
        HostTensor::F32(values) => values.iter().map(|v| f64::from(*v)).collect(),
        HostTensor::F64(values) => values.clone(),
    }
}
