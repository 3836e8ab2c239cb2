//! A golden training run through a program in single precision: losses, counts, R, final parameters, logits.

use std::path::Path;

use serde_json::Value;
use specc::exec::initial_state;
use specc::grad::{Joint, joint};
use specc::lower::{Batch, DType, HyperValues, Program, State};

use crate::cases::{Part, compile_text, entries, golden_locations, spec_text};
use crate::close::single;
use crate::golden::{bytes, f64s};
use crate::joints::{distance, doubles};
use crate::nets::{checked, weights};

/// Runs a golden case by the program that `make` gives for a graph, a state and a batch.
///
/// Counts are those of the oracle, but where `is_near`: there one sample of a batch may fall on the other side.
pub(crate) fn golden_run<P: Program>(
    folder: &Path,
    case: &Value,
    name: &str,
    is_near: bool,
    make: impl FnOnce(&Joint, &State, usize) -> P,
) {
    let data = folder.join("data");
    let (spec, graph) = compile_text(&spec_text(case), &golden_locations(data.clone()));
    let joint = joint(&checked(&graph, Some(weights(&graph))), &spec.loss, &spec.train).unwrap();
    let names: Vec<_> = graph.params.iter().map(|p| p.name.clone()).collect();
    let mut file = entries(&bytes(&folder.join(case["init"].as_str().unwrap())));
    file.retain(|entry| names.contains(&entry.name));
    let start = initial_state(&joint, &spec.loss, 0, DType::F32, Some(&file)).unwrap();
    let batch_size = case["batch"].as_u64().unwrap() as usize;
    let mut program = make(&joint, &start.state, batch_size);
    let train = Part::load(&spec, data.clone(), false);
    let deviation = |quantity: &str| {
        (10.0 * case["float32_deviation"][quantity].as_f64().unwrap_or(0.0)).max(single::RUN)
    };
    let slack = u64::from(is_near);
    for (t, record) in case["steps"].as_array().unwrap().iter().enumerate() {
        let n = train.len();
        let indices: Vec<u32> =
            (0..batch_size).map(|i| ((t * batch_size + i) % n) as u32).collect();
        let batch = Batch { samples: &train, indices: &indices, epoch: 0 };
        let hyper = HyperValues { lr: record["lr"].as_f64().unwrap(), step: t as u64 + 1 };
        let outputs = program.step(&batch, &hyper).unwrap();
        let (loss, expected) = (outputs[0].loss, record["loss"].as_f64().unwrap());
        assert!(
            (loss - expected).abs() <= deviation("loss") * expected.abs(),
            "{name} step {t}: loss {loss}, expected {expected}"
        );
        let correct = (record["accuracy"].as_f64().unwrap() * batch_size as f64).round();
        let well = record["n_well"].as_u64().unwrap();
        assert!(outputs[0].correct.abs_diff(correct as u64) <= slack, "{name} step {t}");
        assert!(outputs[0].well.unwrap().abs_diff(well) <= slack, "{name} step {t}");
        let size = outputs[0].size.unwrap();
        let expected = record["R"].as_f64().unwrap();
        assert!((size - expected).abs() <= deviation("R") * expected, "{name} step {t}: {size}");
    }
    let file = bytes(&folder.join(case["result"].as_str().unwrap()));
    let file = safetensors::SafeTensors::deserialize(&file).unwrap();
    let state = program.state().unwrap();
    let stride = case["probe_stride"].as_u64().unwrap() as usize;
    for entry in &state.params {
        let info = &case["parameters"][&entry.name];
        let (kind, step) = match info["stored"].as_str() {
            Some("full") => ("final", 1),
            Some(_) => ("probe", stride),
            None => continue,
        };
        let found: Vec<f64> = doubles(&entry.values).into_iter().step_by(step).collect();
        let expected = f64s(&file, &format!("{kind}.{}", entry.name));
        let off = distance(&found, &expected);
        assert!(
            off <= deviation("parameters").max(single::WEIGHTS),
            "{name} {}: {off}",
            entry.name
        );
    }
    let test = Part::load(&spec, data, true);
    let indices: Vec<u32> = (0..test.len() as u32).collect();
    let batch = Batch { samples: &test, indices: &indices, epoch: 0 };
    let (logits, output) = program.eval(&batch).unwrap();
    let expected = f64s(&file, "test_logits");
    let off = distance(&doubles(&logits)[..expected.len()], &expected);
    // Logits can be no closer than the parameters they come from.
    let close = deviation("test_logits").max(deviation("parameters"));
    let allowed = if name.starts_with("wrn") { single::NORMED_RUN } else { close };
    assert!(off <= allowed, "{name} test logits: {off}");
    let expected = case["end"]["test_accuracy"].as_f64().unwrap() * indices.len() as f64;
    assert_eq!(output.correct, expected.round() as u64, "{name}");
}
