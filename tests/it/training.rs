//! Clipped gradients, averaged weights and weighted targets against PyTorch (`training.json`, written by
//! `tools/oracle/training.py`).

use serde_json::Value as Json;
use specc::exec::{Options, initial_state, instantiate};
use specc::grad::joint;
use specc::kernels::isa::Isa;
use specc::lower::{Batch, DType, HostTensor, HyperValues, State, StateEntry, Target};

use crate::cases::{Numbers, compile_text};
use crate::close::{double, single};
use crate::joints::{Labelled, distance, doubles};
use crate::nets::{checked, weights};

const NET: &str = "net small {
  conv(3, kernel=3, pad=1, bias=false) -> batch_norm -> relu
  flatten
  fc1: linear(6) -> relu
  fc2: linear(classes)
}
";

#[test]
fn runs_in_double_precision_are_those_of_pytorch() {
    check(Target::Reference, DType::F64, double::ORACLE, double::ORACLE);
}

#[test]
fn fused_runs_are_those_of_pytorch() {
    check(Target::Cpu, DType::F32, single::RUN, single::NORMED_RUN);
}

fn check(target: Target, dtype: DType, loss_error: f64, error: f64) {
    let file: Json = serde_json::from_str(include_str!("training.json")).unwrap();
    let samples = Labelled {
        numbers: Numbers { len: 32, values: numbers(&file["x"]) },
        labels: numbers(&file["y"]).iter().map(|y| *y as u32).collect(),
    };
    let about = |key: &str| file["about"][key].as_u64().unwrap();
    let cases = file["cases"].as_array().unwrap();
    assert!(cases.len() > 5);
    for case in cases {
        let name = case["name"].as_str().unwrap();
        let text = format!(
            "data synthetic(blobs, shape=[2, 4, 4], classes=4)\n{NET}\nloss {}\ntrain {}\n",
            case["loss"].as_str().unwrap(),
            case["train"].as_str().unwrap()
        );
        let (spec, graph) = compile_text(&text, &specc::data::Locations::default());
        let joint =
            joint(&checked(&graph, Some(weights(&graph))), &spec.loss, &spec.train).unwrap();
        let entry = |param: &specc::ir::Param| StateEntry {
            name: param.name.clone(),
            shape: param.shape.dims.clone(),
            values: HostTensor::F64(numbers(&case["start"][&param.name])),
        };
        let start: Vec<StateEntry> = graph.params.iter().map(entry).collect();
        let start = initial_state(&joint, &spec.loss, 0, dtype, Some(&start)).unwrap();
        let options = Options { dtype, seed: 0, threads: 2, batch: 8, isa: Isa::detect() };
        let mut program = instantiate(&joint, target, &start.state, options).unwrap();
        let losses = numbers(&case["losses"]);
        for (step, expected) in (0_u32..).zip(&losses) {
            let batch = about("batch") as u32;
            let indices: Vec<u32> =
                (0..batch).map(|i| (step * batch + i) % about("samples") as u32).collect();
            let batch = Batch { samples: &samples, indices: &indices, epoch: 1 };
            let hyper = HyperValues { lr: spec.train.lr, step: u64::from(step) + 1 };
            let found = program.step(&batch, &hyper).unwrap()[0].loss;
            let off = (found - expected).abs() / expected.abs();
            assert!(off <= loss_error, "{name}, loss of step {step}: {found}, {expected}");
        }
        let state = program.state().unwrap();
        same(name, &state, &case["final"], error);
        if !case["average"].is_null() {
            same(&format!("{name}, average"), &state.clone().measured(), &case["average"], error);
        }
        let indices: Vec<u32> = (0..about("samples") as u32).collect();
        let batch = Batch { samples: &samples, indices: &indices, epoch: 0 };
        let (logits, _) = program.eval(&batch).unwrap();
        let off = distance(&doubles(&logits), &numbers(&case["logits"]));
        assert!(off <= error, "{name}, logits: {off}");
    }
}

/// Every tensor of `expected` in a state.
fn same(name: &str, state: &State, expected: &Json, error: f64) {
    for (tensor, expected) in expected.as_object().unwrap() {
        let mut entries = state.params.iter().chain(&state.buffers);
        let entry = entries.find(|entry| entry.name == *tensor).unwrap();
        let off = distance(&doubles(&entry.values), &numbers(expected));
        assert!(off <= error, "{name}, {tensor}: {off}");
    }
}

fn numbers(list: &Json) -> Vec<f64> {
    list.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}
